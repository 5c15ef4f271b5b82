import { type CelList, type CelValue, Optional, type Outcome } from "../../attribute/value.ts";
import { charge, type Evaluate } from "../frame.ts";
import { ValueSet } from "../identity.ts";
import { ASSUMED_ENTRIES, MAX_RANGE } from "../limits.ts";
import { compare, equal, invalid, isFailure, isList, NO_OVERLOAD, NONE, OUT_OF_RANGE, typeName } from "../values.ts";
import type { Apply, FunctionRow, Operand } from "./function-row.ts";
import { equivalenceCost, FEW, hasAll, hasAny, hasExactly, onLists, sharingCost } from "./sets.ts";

const NEGATIVE_LEVELS = invalid("a list cannot be flattened by a negative number of levels", "invalid argument");
const NEGATIVE_LENGTH = invalid("a list cannot have a negative number of elements", "invalid argument");
const TOO_LONG = invalid(`lists.range makes at most ${MAX_RANGE} elements`, "invalid argument");
const NOT_SORTABLE = invalid("values of these types have no order", "invalid argument");
const MIXED = invalid("values of different types cannot be sorted", "invalid argument");

const SORTABLE = ["int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"] as const;

/** CEL's extension for lists. `sortBy` is written as a loop: the parser makes `@sortByAssociatedKeys` of it. */
export const LISTS: readonly FunctionRow[] = [
  {
    name: "slice",
    signatures: ["list(T).slice(int, int): list(T)"],
    doc: "The elements from the first position up to, but without, the second; positions begin at 0.",
    cost: (list) => list,
    resultSize: (list) => list,
    apply: slice,
  },
  {
    name: "flatten",
    signatures: ["list(list(T)).flatten(): list(T)", "list(dyn).flatten(int): list(dyn)"],
    doc: "The elements of the lists within a list, in place of those lists: one level deep, or so many.",
    cost: (list) => list,
    deep: true,
    resultSize: (list) => list,
    apply: (list, levels) => (isList(list) && typeof levels === "bigint" ? flatten(list, levels) : NO_OVERLOAD),
    prepare: ({ length }) => (length === 1 ? { apply: onList((list) => flatten(list, 1n)) } : undefined),
  },
  {
    name: "lists.range",
    signatures: ["lists.range(int): list(int)"],
    doc: `A list of so many numbers, from 0; at most ${MAX_RANGE}.`,
    // What is assumed at load; when it is evaluated every element is charged.
    cost: () => ASSUMED_ENTRIES,
    resultSize: () => 1 + ASSUMED_ENTRIES,
    apply: range,
    link: ([length]) => length && linkRange(length),
  },
  {
    name: "distinct",
    signatures: ["list(T).distinct(): list(T)"],
    doc: "The list without repetitions: of equal elements the first.",
    cost: (list) => sharingCost(list, list),
    deep: true,
    resultSize: (list) => list,
    apply: onList(distinct),
  },
  {
    name: "sort",
    signatures: SORTABLE.map((type) => `list(${type}).sort(): list(${type})`),
    doc: "The list in order; all elements must be of one type.",
    cost: sortingCost,
    deep: true,
    resultSize: (list) => list,
    apply: onList((list) => sort(list, list)),
  },
  {
    name: "@sortByAssociatedKeys",
    signatures: SORTABLE.map((type) => `list(T).@sortByAssociatedKeys(list(${type})): list(T)`),
    doc: "`list.sortBy(x, key)`: the list in the order of a key of each element; all keys must be of one type.",
    cost: (list, keys) => list + sortingCost(keys),
    deep: true,
    resultSize: (list) => list,
    apply: (list, keys) => (isList(list) && isList(keys) ? sort(list, keys) : NO_OVERLOAD),
  },
  {
    name: "first",
    signatures: ["list(T).first(): optional(T)"],
    doc: "The first element as an optional, which has no value when the list is empty.",
    cost: 1,
    apply: onList((list) => optional(list[0])),
  },
  {
    name: "last",
    signatures: ["list(T).last(): optional(T)"],
    doc: "The last element as an optional, which has no value when the list is empty.",
    cost: 1,
    apply: onList((list) => optional(list.at(-1))),
  },
  sharing("hasAll", "Whether the list has every element of the other.", hasAll),
  sharing("hasAny", "Whether the lists share an element.", hasAny),
  sharing("hasOnly", "Whether every element of the list is in the other.", (list, allowed) => hasAll(allowed, list)),
  {
    ...sharing("hasExactly", "Whether each of the lists has every element of the other.", hasExactly),
    cost: equivalenceCost,
  },
];

function sharing(name: string, doc: string, test: (list: CelList, other: CelList) => boolean): FunctionRow {
  return {
    name,
    signatures: [`list(T).${name}(list(T)): bool`],
    doc,
    cost: sharingCost,
    deep: true,
    apply: onLists(test),
  };
}

function onList(of: (list: CelList) => Outcome): Apply {
  return (list) => (isList(list) ? of(list) : NO_OVERLOAD);
}

function slice(list: CelValue, start: CelValue, end: CelValue): Outcome {
  if (!isList(list) || typeof start !== "bigint" || typeof end !== "bigint") return NO_OVERLOAD;
  if (start < 0n || start > end || end > list.length) return OUT_OF_RANGE;
  return list.slice(Number(start), Number(end));
}

function flatten(list: CelList, levels: bigint): Outcome {
  if (levels < 0n) return NEGATIVE_LEVELS;
  const flat: CelValue[] = [];
  flattenInto(flat, list, levels);
  return flat;
}

function flattenInto(flat: CelValue[], list: CelList, levels: bigint): void {
  for (const element of list) {
    if (levels > 0n && isList(element)) flattenInto(flat, element, levels - 1n);
    else flat.push(element);
  }
}

/** What this costs is in the value of its argument, which is not known before it is evaluated. */
function linkRange(length: Operand): Evaluate {
  return (frame) => {
    const value = length.evaluate(frame);
    if (isFailure(value)) return value;
    const steps = typeof value === "bigint" && value > 0n && value <= MAX_RANGE ? Number(value) : 0;
    return charge(frame, steps) ?? range(value);
  };
}

function range(length: CelValue): Outcome {
  if (typeof length !== "bigint") return NO_OVERLOAD;
  if (length < 0n) return NEGATIVE_LENGTH;
  if (length > MAX_RANGE) return TOO_LONG;
  const numbers: bigint[] = [];
  for (let number = 0n; number < length; number++) numbers.push(number);
  return numbers;
}

function distinct(list: CelList): Outcome {
  if (list.length <= FEW)
    return list.filter((element, index) => !list.slice(0, index).some((one) => equal(one, element)));
  const seen = new ValueSet();
  return list.filter((element) => seen.add(element));
}

function sortingCost(keys: number): number {
  return keys * (2 + Math.log2(1 + keys));
}

/** In the order of the keys; elements of equal keys stay as they are, and a NaN where the others leave it. */
function sort(list: CelList, keys: CelList): Outcome {
  const [first] = keys;
  if (first === undefined) return [];
  if (compare(first, first) === undefined) return NOT_SORTABLE;
  const type = typeName(first);
  if (keys.length !== list.length || keys.some((key) => typeName(key) !== type)) return MIXED;
  const order = Array.from(keys.keys());
  order.sort((a, b) => compare(keys[a] ?? null, keys[b] ?? null) || 0);
  return order.map((index) => list[index] ?? null);
}

function optional(value: CelValue | undefined): Optional {
  return value === undefined ? NONE : new Optional(value);
}
