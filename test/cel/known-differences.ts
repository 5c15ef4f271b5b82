import { readFileSync } from "node:fs";

/** Cases in which Weir is known not to do what a suite wants, with one reason for all of them. */
interface Difference {
  readonly why: string;
  readonly ids: readonly string[];
}

/** @returns the reason by the name of the case. Throws when a case is listed twice, or without a reason. */
export function knownDifferences(file: string): ReadonlyMap<string, string> {
  const differences: readonly Difference[] = JSON.parse(readFileSync(file, "utf8"));
  const byId = new Map<string, string>();
  for (const { why, ids } of differences) {
    if (why.length < 10) throw new Error(`${file}: a reason is missing: ${why}`);
    for (const id of ids) {
      if (byId.has(id)) throw new Error(`${file}: ${id} is listed twice`);
      byId.set(id, why);
    }
  }
  return byId;
}
