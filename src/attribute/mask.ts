import { ABSENT, type CelMap, type CelValue, Invalid, type Outcome } from "./value.ts";

/** What stands in logs, recordings and metadata in place of a masked value. */
export const MASKED = "(masked)";

/**
 * Hides what must never be shown, by the names of `mask:` in weir.yaml: an attribute (`request.body`), or a key in one
 * (`request.headers.authorization`, `request.auth.claims.realm_access.roles`).
 */
export interface Mask {
  /** @returns the value with what is masked replaced by MASKED; the value itself when nothing is. Absent and errors stay what they are. */
  apply(attribute: string, value: Outcome): Outcome;
  /** @returns whether this attribute, or this key of it, is masked as a whole. */
  hides(attribute: string, key?: string): boolean;
}

export function maskOf(names: readonly string[]): Mask {
  const whole = new Set(names);
  return {
    apply(attribute, value) {
      // Neither says anything about the value.
      if (value === ABSENT || value instanceof Invalid) return value;
      if (whole.has(attribute)) return MASKED;
      const inside = names
        .filter((name) => name.startsWith(`${attribute}.`))
        .map((name) => name.slice(attribute.length + 1));
      return inside.reduce<CelValue>(maskInside, value);
    },
    hides: (attribute, key) => whole.has(attribute) || (key !== undefined && whole.has(`${attribute}.${key}`)),
  };
}

/** A key may hold dots itself, so that `a.b` is the key `a.b`, or `b` in what `a` is. */
function maskInside(value: CelValue, path: string): CelValue {
  if (!(value instanceof Map)) return value;
  // Every Map that a CelValue can be is a CelMap.
  let map = value as CelMap;
  for (const key of map.keys()) {
    if (typeof key !== "string") continue;
    if (key === path || key === path.toLowerCase()) map = replaced(map, key, MASKED);
    else if (path.startsWith(`${key}.`))
      map = replaced(map, key, maskInside(map.get(key) ?? null, path.slice(key.length + 1)));
  }
  return map;
}

function replaced(map: CelMap, key: string, value: CelValue): CelMap {
  return map.get(key) === value ? map : new Map(map).set(key, value);
}
