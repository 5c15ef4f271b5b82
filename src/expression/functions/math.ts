import { type CelValue, type Outcome, Uint } from "../../attribute/value.ts";
import * as messages from "../../diagnostics/messages/expression.ts";
import type { Tree } from "../tree.ts";
import { compare, invalid, isFailure, isList, NO_OVERLOAD, numeric, OVERFLOW } from "../values.ts";
import type { Apply, FunctionRow, WrittenCall, WrongArgument } from "./function-row.ts";

/** In cel-go's order: the first overload that fits decides what a type becomes that is not known yet. */
const NUMBERS = ["double", "int", "uint"];
const MIXED = ["int, uint", "int, double", "double, int", "double, uint", "uint, int", "uint, double"];
const MIN_INT = -(2n ** 63n);
const BITS = 64n;
const NO_NUMBERS = invalid("an empty list has no greatest and no least number", "invalid argument");
const NOT_ORDERED = invalid("NaN is neither greater nor less than a number", "NaN not ordered");
const NEGATIVE_SHIFT = invalid("bits cannot be shifted by a negative number of places", "invalid argument");

/** CEL's extension for numbers. */
export const MATH: readonly FunctionRow[] = [
  extreme("math.greatest", "greatest", (order) => order > 0),
  extreme("math.least", "least", (order) => order < 0),
  onDouble("math.ceil", "double", "The whole number at or above.", Math.ceil),
  onDouble("math.floor", "double", "The whole number at or below.", Math.floor),
  onDouble("math.round", "double", "The nearest whole number; a half goes away from zero.", round),
  onDouble("math.trunc", "double", "The number without its fraction.", Math.trunc),
  {
    name: "math.abs",
    signatures: ["math.abs(double): double", "math.abs(int): int", "math.abs(uint): uint"],
    doc: "The number without its sign; the lowest int has none and is an error.",
    cost: 1,
    apply: absolute,
  },
  {
    name: "math.sign",
    signatures: ["math.sign(double): double", "math.sign(int): int", "math.sign(uint): uint"],
    doc: "-1, 0 or 1, of the number's own type.",
    cost: 1,
    apply: sign,
  },
  onDouble("math.isInf", "bool", "Whether it is infinite.", (value) => Math.abs(value) === Number.POSITIVE_INFINITY),
  onDouble("math.isNaN", "bool", "Whether it is not a number: `0.0 / 0.0`.", Number.isNaN),
  onDouble("math.isFinite", "bool", "Whether it is neither infinite nor NaN.", Number.isFinite),
  {
    name: "math.sqrt",
    signatures: ["math.sqrt(double): double", "math.sqrt(int): double", "math.sqrt(uint): double"],
    doc: "The square root; NaN of what is below zero.",
    cost: 1,
    apply: (value) => {
      const number = numeric(value);
      return number === undefined ? NO_OVERLOAD : Math.sqrt(Number(number));
    },
  },
  bitwise("math.bitAnd", "The bits that both have.", (a, b) => a & b),
  bitwise("math.bitOr", "The bits that one of them has.", (a, b) => a | b),
  bitwise("math.bitXor", "The bits that exactly one of them has.", (a, b) => a ^ b),
  {
    name: "math.bitNot",
    signatures: ["math.bitNot(int): int", "math.bitNot(uint): uint"],
    doc: "All 64 bits the other way round.",
    cost: 1,
    apply: (value) => {
      if (typeof value === "bigint") return ~value;
      return value instanceof Uint ? uint(~value.value) : NO_OVERLOAD;
    },
  },
  shift("math.bitShiftLeft", "to the left", (bits, places) => bits << places),
  shift(
    "math.bitShiftRight",
    "to the right; from the left come zeros, whatever the sign",
    (bits, places) => bits >> places,
  ),
];

/** One argument is a number or a list, two are numbers, and more come as one list. */
function extreme(name: string, word: string, isBetter: (order: number) => boolean): FunctionRow {
  const ofTwo: Apply = (a, b) => (isNumber(a) && isNumber(b) ? better(a, b, isBetter) : NO_OVERLOAD);
  const ofOne: Apply = (a) => (isList(a) ? best(a, isBetter) : isNumber(a) ? a : NO_OVERLOAD);
  return {
    name,
    signatures: [
      ...NUMBERS.map((type) => `${name}(${type}): ${type}`),
      ...NUMBERS.map((type) => `${name}(${type}, ${type}): ${type}`),
      ...MIXED.map((types) => `${name}(${types}): dyn`),
      ...NUMBERS.map((type) => `${name}(list(${type})): ${type}`),
    ],
    doc: `The ${word} of any number of numbers, or of a list of them; of equal ones the first.`,
    cost: (numbers) => numbers,
    variadic: true,
    apply: ofTwo,
    prepare: ({ length }) => (length === 1 ? { apply: ofOne } : undefined),
    checkWritten: (call) => wrongNumber(name, call),
  };
}

function isNumber(value: CelValue): boolean {
  return numeric(value) !== undefined;
}

function best(numbers: readonly CelValue[], isBetter: (order: number) => boolean): Outcome {
  if (!numbers.every(isNumber)) return NO_OVERLOAD;
  const first: Outcome = NO_NUMBERS;
  return numbers.reduce((found: Outcome, next, index) => (index === 0 ? next : better(found, next, isBetter)), first);
}

function better(found: Outcome, next: CelValue, isBetter: (order: number) => boolean): Outcome {
  if (isFailure(found)) return found;
  const order = compare(next, found) ?? Number.NaN;
  if (Number.isNaN(order)) return NOT_ORDERED;
  return isBetter(order) ? next : found;
}

/** What is no number as it is written, like `"1"` or `[]`, could still be `dyn` to the types: as in a list with numbers. */
function wrongNumber(name: string, { args }: WrittenCall): WrongArgument | undefined {
  const [first] = args;
  const numbers = args.length === 1 && first?.op === "list" ? first.elements : args;
  if (first !== undefined && numbers.length === 0) return { at: first, finding: messages.noNumbers(name) };
  const at = numbers.find(isWrittenOtherwise);
  return at && { at, finding: messages.numberNeeded(name) };
}

/** The name of a type is a name, of which CEL does not see here what it stands for. */
function isWrittenOtherwise(tree: Tree): boolean {
  if (tree.op === "constant") return tree.value.type !== "type" && !NUMBERS.includes(tree.value.type);
  return tree.op === "list" || tree.op === "map";
}

function onDouble(
  name: string,
  returns: "double" | "bool",
  doc: string,
  of: (value: number) => number | boolean,
): FunctionRow {
  return {
    name,
    signatures: [`${name}(double): ${returns}`],
    doc,
    cost: 1,
    apply: (value) => (typeof value === "number" ? of(value) : NO_OVERLOAD),
  };
}

/** Math.round takes halves up, also below zero. */
function round(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

function absolute(value: CelValue): Outcome {
  if (typeof value === "number") return Math.abs(value);
  if (typeof value === "bigint") return value === MIN_INT ? OVERFLOW : value < 0n ? -value : value;
  return value instanceof Uint ? value : NO_OVERLOAD;
}

function sign(value: CelValue): Outcome {
  // There is no -0 among the answers.
  if (typeof value === "number") return Math.sign(value) + 0;
  if (typeof value === "bigint") return signOf(value);
  return value instanceof Uint ? new Uint(signOf(value.value)) : NO_OVERLOAD;
}

function signOf(value: bigint): bigint {
  return value === 0n ? 0n : value > 0n ? 1n : -1n;
}

function bitwise(name: string, doc: string, combine: (a: bigint, b: bigint) => bigint): FunctionRow {
  return {
    name,
    signatures: [`${name}(int, int): int`, `${name}(uint, uint): uint`],
    doc,
    cost: 1,
    apply: (a, b) => {
      if (typeof a === "bigint" && typeof b === "bigint") return combine(a, b);
      return a instanceof Uint && b instanceof Uint ? uint(combine(a.value, b.value)) : NO_OVERLOAD;
    },
  };
}

/** Of a number as 64 bits; none of them is left after 64 places. */
function shift(name: string, where: string, move: (bits: bigint, places: bigint) => bigint): FunctionRow {
  return {
    name,
    signatures: [`${name}(int, int): int`, `${name}(uint, int): uint`],
    doc: `The bits of a number, moved ${where}.`,
    cost: 1,
    apply: (value, places) => {
      if (typeof places !== "bigint" || !(typeof value === "bigint" || value instanceof Uint)) return NO_OVERLOAD;
      if (places < 0n) return NEGATIVE_SHIFT;
      const bits = BigInt.asUintN(64, value instanceof Uint ? value.value : value);
      const moved = places < BITS ? move(bits, places) : 0n;
      return value instanceof Uint ? uint(moved) : BigInt.asIntN(64, moved);
    },
  };
}

/** The lowest 64 bits. */
function uint(bits: bigint): Uint {
  return new Uint(BigInt.asUintN(64, bits));
}
