import type { Snapshot } from "../snapshot/snapshot.ts";

/** What a door works out once for each snapshot; forgotten with it. */
export function perSnapshot<T>(make: (snapshot: Snapshot) => T): (snapshot: Snapshot) => T {
  const made = new WeakMap<Snapshot, T>();
  return (snapshot) => {
    const known = made.get(snapshot);
    if (known !== undefined) return known;
    const fresh = make(snapshot);
    made.set(snapshot, fresh);
    return fresh;
  };
}
