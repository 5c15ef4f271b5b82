import type { Bag } from "../attribute/bag.ts";
import type { Runnable } from "./eval-run.ts";

export interface Missing {
  readonly kind: "no such attribute" | "no such key";
}

export function whatIsAbsent(_expression: Runnable, _bag: Bag): Missing {
  return { kind: "no such key" };
}
