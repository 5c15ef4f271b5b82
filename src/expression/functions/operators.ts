import { ABSENT, type CelValue, Duration, Invalid, type Outcome, Timestamp, Uint } from "../../attribute/value.ts";
import { duration, NANOS_PER_SECOND, secondsOf, timestamp } from "../time.ts";
import { compare, equal, invalid, isList, isMap, lookup, NO_OVERLOAD, OVERFLOW } from "../values.ts";
import type { FunctionRow } from "./function-row.ts";

const DIVISION_BY_ZERO = invalid("division by zero", "divide by zero");
const REST_BY_ZERO = invalid("division by zero", "modulus by zero");
const MIN_INT = -(2n ** 63n);
/** The order of overloads is that of cel-go: the first one that fits decides what a type becomes that is not known yet. */
const NUMBERS = ["double", "int", "uint"] as const;
const NUMERIC_PAIRS = [
  ...(["int", "double", "uint"] as const).map((type) => ["int", type] as const),
  ...(["uint", "double", "int"] as const).map((type) => ["uint", type] as const),
  ...(["double", "int", "uint"] as const).map((type) => ["double", type] as const),
];
const COMPARABLE = [
  ["bool", "bool"],
  ...NUMERIC_PAIRS,
  ...["string", "bytes", "timestamp", "duration"].map((type) => [type, type] as const),
] as const;

/** `==`, `<`, `+`, `in` … as rows like any other function. `&&`, `||`, `!`, `?:`, `.`, `[]` are not here: they are part of the tree. */
export const OPERATORS: readonly FunctionRow[] = [
  {
    name: "_==_",
    signatures: ["T == T: bool"],
    doc: "Whether two values are equal; numbers by value, whatever their type.",
    cost: comparing,
    deep: "lighter",
    apply: equal,
  },
  {
    name: "_!=_",
    signatures: ["T != T: bool"],
    doc: "Whether two values differ.",
    cost: comparing,
    deep: "lighter",
    apply: (a, b) => !equal(a, b),
  },
  comparison("_<_", "<", "below", (order) => order < 0),
  comparison("_<=_", "<=", "below or equal to", (order) => order <= 0),
  comparison("_>_", ">", "above", (order) => order > 0),
  comparison("_>=_", ">=", "above or equal to", (order) => order >= 0),
  {
    name: "_in_",
    signatures: ["V in list(V): bool", "K in map(K, V): bool"],
    doc: "Whether a list has the element, or a map the key.",
    // Whatever is in the list may be compared with the element, all of it, each time from the beginning.
    cost: (a, b) => (3 / 4) * Math.max(a, b),
    deep: true,
    apply: contains,
  },
  {
    name: "_+_",
    signatures: [
      "bytes + bytes: bytes",
      "double + double: double",
      "duration + duration: duration",
      "duration + timestamp: timestamp",
      "timestamp + duration: timestamp",
      "int + int: int",
      "list(V) + list(V): list(V)",
      "string + string: string",
      "uint + uint: uint",
    ],
    doc: "Adds numbers, times and durations; joins texts, bytes and lists.",
    cost: (a, b) => a + b,
    apply: add,
  },
  {
    name: "_-_",
    signatures: [
      "double - double: double",
      "duration - duration: duration",
      "int - int: int",
      "timestamp - duration: timestamp",
      "timestamp - timestamp: duration",
      "uint - uint: uint",
    ],
    doc: "Subtracts; two timestamps give the duration between them.",
    cost: 1,
    apply: subtract,
  },
  arithmetic(
    "_*_",
    "*",
    "Multiplies.",
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  arithmetic("_/_", "/", "Divides; whole numbers towards zero.", divide, (a, b) => a / b),
  {
    ...arithmetic("_%_", "%", "The rest of a division of whole numbers; it has the sign of the left one.", remainder),
    signatures: ["int % int: int", "uint % uint: uint"],
  },
  {
    name: "-_",
    signatures: ["-double: double", "-int: int"],
    doc: "The negative of a number.",
    cost: 1,
    apply: (a) => {
      if (typeof a === "bigint") return int(-a);
      return typeof a === "number" ? -a : NO_OVERLOAD;
    },
  },
];

function comparison(name: string, symbol: string, words: string, holds: (order: number) => boolean): FunctionRow {
  return {
    name,
    signatures: COMPARABLE.map(([left, right]) => `${left} ${symbol} ${right}: bool`),
    doc: `Whether the left value is ${words} the right one; numbers by value, texts by code points.`,
    cost: (a, b) => Math.min(a, b),
    apply: (a, b) => {
      const order = compare(a, b);
      if (order !== undefined) return holds(order);
      // As in cel-go NaN is neither below nor above anything, whatever that is; but what has no order at all is not compared.
      const hasOrder = compare(a, a) !== undefined;
      return hasOrder && (Number.isNaN(a) || Number.isNaN(b)) ? false : NO_OVERLOAD;
    },
  };
}

/** Two texts are compared much faster than one is read; so are two lists, element by element. */
function comparing(a: number, b: number): number {
  return Math.max(1, Math.min(a, b) / 2);
}

function arithmetic(
  name: string,
  symbol: string,
  doc: string,
  whole: (a: bigint, b: bigint) => bigint | Invalid,
  fraction?: (a: number, b: number) => number,
): FunctionRow {
  return {
    name,
    signatures: NUMBERS.map((type) => `${type} ${symbol} ${type}: ${type}`),
    doc,
    cost: 1,
    apply: (a, b) => {
      if (typeof a === "bigint" && typeof b === "bigint") return fitting(whole(a, b), int);
      if (typeof a === "number" && typeof b === "number" && fraction) return fraction(a, b);
      if (a instanceof Uint && b instanceof Uint) return fitting(whole(a.value, b.value), uint);
      return NO_OVERLOAD;
    },
  };
}

function fitting(value: bigint | Invalid, wrap: (value: bigint) => Outcome): Outcome {
  return value instanceof Invalid ? value : wrap(value);
}

function divide(a: bigint, b: bigint): bigint | Invalid {
  return b === 0n ? DIVISION_BY_ZERO : a / b;
}

/** The smallest int has no opposite: its division by -1 overflows, and so does the rest of it, as in cel-go. */
function remainder(a: bigint, b: bigint): bigint | Invalid {
  if (b === 0n) return REST_BY_ZERO;
  return b === -1n && a === MIN_INT ? -a : a % b;
}

/** An int, or overflow. */
function int(value: bigint): Outcome {
  return BigInt.asIntN(64, value) === value ? value : OVERFLOW;
}

function uint(value: bigint): Outcome {
  return BigInt.asUintN(64, value) === value ? new Uint(value) : OVERFLOW;
}

function add(a: CelValue, b: CelValue): Outcome {
  if (typeof a === "string" && typeof b === "string") return a + b;
  if (typeof a === "bigint" && typeof b === "bigint") return int(a + b);
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (a instanceof Uint && b instanceof Uint) return uint(a.value + b.value);
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos + b.nanos);
  if (a instanceof Timestamp && b instanceof Duration) return timestamp(a.nanos + b.nanos);
  if (a instanceof Duration && b instanceof Timestamp) return timestamp(a.nanos + b.nanos);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return new Uint8Array(Buffer.concat([a, b]));
  if (typeof a === "object" && a !== null && typeof b === "object" && b !== null && isList(a) && isList(b)) {
    return [...a, ...b];
  }
  return NO_OVERLOAD;
}

function subtract(a: CelValue, b: CelValue): Outcome {
  if (typeof a === "bigint" && typeof b === "bigint") return int(a - b);
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a instanceof Uint && b instanceof Uint) return uint(a.value - b.value);
  if (a instanceof Timestamp && b instanceof Timestamp) return between(a, b);
  if (a instanceof Timestamp && b instanceof Duration) {
    // As in cel-go, which adds the opposite, and the smallest duration has none.
    return b.nanos === MIN_INT ? OVERFLOW : timestamp(a.nanos - b.nanos);
  }
  if (a instanceof Duration && b instanceof Duration) return duration(a.nanos - b.nanos);
  return NO_OVERLOAD;
}

/** As in cel-go, whose whole seconds must fit by themselves. */
function between(a: Timestamp, b: Timestamp): Outcome {
  const seconds = duration((secondsOf(a) - secondsOf(b)) * NANOS_PER_SECOND);
  return seconds instanceof Duration ? duration(a.nanos - b.nanos) : seconds;
}

function contains(element: CelValue, container: CelValue): Outcome {
  // A text equals nothing but a text.
  if (isList(container) && typeof element === "string") return container.includes(element);
  if (isList(container)) return container.some((item) => equal(item, element));
  return isMap(container) ? lookup(container, element) !== ABSENT : NO_OVERLOAD;
}
