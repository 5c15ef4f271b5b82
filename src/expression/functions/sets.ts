import type { CelList, CelValue } from "../../attribute/value.ts";
import { ValueSet } from "../identity.ts";
import { equal, isList, NO_OVERLOAD } from "../values.ts";
import type { Apply, FunctionRow } from "./function-row.ts";

/** Up to so many elements are sooner compared one by one than put into a set. */
export const FEW = 8;
/** Of a value that is put into a set or looked for in one; and of two that are compared. */
const STEPS_PER_VALUE = 4;
const STEPS_PER_PAIR = 0.5;

/** Of finding out what two lists share, by their size with everything inside (`deep`). */
export function sharingCost(a: number, b: number): number {
  return Math.min(STEPS_PER_VALUE * (a + b), STEPS_PER_PAIR * a * b);
}

/** Of looking from both sides. */
export function equivalenceCost(a: number, b: number): number {
  return 2 * sharingCost(a, b);
}

/** CEL's extension for lists whose order and repetitions do not matter. */
export const SETS: readonly FunctionRow[] = [
  {
    name: "sets.contains",
    signatures: ["sets.contains(list(T), list(T)): bool"],
    doc: "Whether every element of the second list is in the first.",
    cost: sharingCost,
    deep: true,
    apply: onLists(hasAll),
  },
  {
    name: "sets.equivalent",
    signatures: ["sets.equivalent(list(T), list(T)): bool"],
    doc: "Whether each of the lists has every element of the other.",
    cost: equivalenceCost,
    deep: true,
    apply: onLists(hasExactly),
  },
  {
    name: "sets.intersects",
    signatures: ["sets.intersects(list(T), list(T)): bool"],
    doc: "Whether the lists share an element.",
    cost: sharingCost,
    deep: true,
    apply: onLists(hasAny),
  },
];

export function onLists(test: (a: CelList, b: CelList) => boolean): Apply {
  return (a, b) => (isList(a) && isList(b) ? test(a, b) : NO_OVERLOAD);
}

/** @returns whether every wanted element is in the list. */
export function hasAll(list: CelList, wanted: CelList): boolean {
  const isIn = membership(list, wanted.length);
  return wanted.every(isIn);
}

export function hasExactly(list: CelList, wanted: CelList): boolean {
  return hasAll(list, wanted) && hasAll(wanted, list);
}

/** @returns whether at least one wanted element is in the list. */
export function hasAny(list: CelList, wanted: CelList): boolean {
  const isIn = membership(list, wanted.length);
  return wanted.some(isIn);
}

/** How to tell whether a value is in the list, for so many questions. */
function membership(list: CelList, questions: number): (value: CelValue) => boolean {
  if (Math.min(list.length, questions) <= FEW) return (value) => list.some((element) => equal(element, value));
  const known = new ValueSet(list);
  return (value) => known.has(value);
}
