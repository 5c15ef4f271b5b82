import { type CelValue, Duration, Timestamp, Uint } from "../attribute/value.ts";
import { charge, type Evaluate } from "./frame.ts";
import { functionNamed } from "./functions/registry.ts";
import { fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Literal, Tree } from "./tree.ts";
import { equal, isFailure } from "./values.ts";

/**
 * What most rules do: comparing one thing with constants. Nothing is weighed or dispatched for it, many constants become one look into a
 * set, and of a loop it may be the whole body.
 */
export interface ConstantTest {
  readonly subject: Tree;
  /** Those that it may be equal to; for `negated` ones, must not be. */
  readonly constants: readonly Literal[];
  readonly negated: boolean;
}

/** @returns `x == 1`, `"a" != x`, `x in [1, 2]` and what `!`, `||` and `&&` make of such tests of one subject as a test. */
export function constantTest(tree: Tree): ConstantTest | undefined {
  switch (tree.op) {
    case "call":
      return tree.function === "_in_" ? membership(tree.args) : equality(tree.function, tree.args);
    case "not": {
      const test = constantTest(tree.operand);
      return test && { ...test, negated: !test.negated };
    }
    case "or":
    case "and":
      return joined(tree.operands, tree.op === "and");
    default:
      return undefined;
  }
}

function equality(name: string, [left, right]: readonly Tree[]): ConstantTest | undefined {
  if (left === undefined || right === undefined || (name !== "_==_" && name !== "_!=_")) return undefined;
  const [subject, constant] = left.op === "constant" ? [right, left] : [left, right];
  if (constant.op !== "constant" || !isPlain(constant.value)) return undefined;
  return { subject, constants: [constant.value], negated: name === "_!=_" };
}

function membership([subject, list]: readonly Tree[]): ConstantTest | undefined {
  if (subject === undefined || list?.op !== "constant" || list.value.type !== "list") return undefined;
  const { items } = list.value;
  return items.every(isPlain) ? { subject, constants: items, negated: false } : undefined;
}

/** Equal to something else in no time: no list, map or bytes, which take as long as they are large. */
function isPlain({ type }: Literal): boolean {
  return type !== "list" && type !== "map" && type !== "bytes";
}

/** `||` joins what it may be, `&&` what it must not be; of one subject, which is the same each time. */
function joined(operands: readonly Tree[], negated: boolean): ConstantTest | undefined {
  const constants: Literal[] = [];
  let first: ConstantTest | undefined;
  for (const operand of operands) {
    const test = constantTest(operand);
    if (test === undefined || test.negated !== negated) return undefined;
    first ??= test;
    const key = subjectKey(first.subject);
    if (key === "" || subjectKey(test.subject) !== key) return undefined;
    constants.push(...test.constants);
  }
  return first && { ...first, constants };
}

/** The same for the same attribute, constant key of an attribute, or variable; "" for what is too much to compare. */
export function subjectKey(tree: Tree): string {
  switch (tree.op) {
    case "attribute":
      return JSON.stringify([tree.name]);
    case "local":
      return JSON.stringify({ variable: tree.name });
    case "select":
      return tree.operand.op === "attribute" ? JSON.stringify([tree.operand.name, tree.field]) : "";
    case "index": {
      if (tree.operand.op !== "attribute" || tree.index.op !== "constant") return "";
      const { value } = tree.index;
      return value.type === "string" ? JSON.stringify([tree.operand.name, value.value]) : "";
    }
    default:
      return "";
  }
}

export function linkConstantTest(test: ConstantTest, around: Surroundings): Evaluate {
  const subject = around.link(test.subject, around);
  const holds = predicate(test);
  return (frame) => {
    const value = subject(frame);
    return isFailure(value) ? value : (charge(frame, 1) ?? holds(value));
  };
}

/** Tells of a value whether it is one of the constants. Never fails. */
export function predicate({ constants, negated }: ConstantTest): (value: CelValue) => boolean {
  const isOne = isOneOf(constants);
  return negated ? (value) => !isOne(value) : isOne;
}

function isOneOf(constants: readonly Literal[]): (value: CelValue) => boolean {
  const values = constants.map(fromLiteral);
  const [first, second] = values;
  if (values.every((value) => typeof value === "string")) {
    // A text equals nothing but a text.
    if (values.length === 1) return (value) => value === first;
    if (values.length === 2) return (value) => value === first || value === second;
    return isOneOfTexts(values);
  }
  if (values.length === 1 && first !== undefined) {
    if (typeof first === "bigint")
      return (value) => (typeof value === "bigint" ? value === first : equal(value, first));
    return (value) => equal(value, first);
  }
  return isOneOfValues(values);
}

function isOneOfTexts(texts: readonly string[]): (value: CelValue) => boolean {
  const set: ReadonlySet<CelValue> = new Set(texts);
  const longest = Math.max(...texts.map((text) => text.length));
  // Looking into a set takes as long as the text is; what is longer than all of them is none of them.
  return (value) => typeof value === "string" && value.length <= longest && set.has(value);
}

/** Of any kinds, as CEL has them equal: an int also equals a uint, and a double once it is rounded. */
function isOneOfValues(values: readonly CelValue[]): (value: CelValue) => boolean {
  const doubles = new Set(values.filter((value) => typeof value === "number" && !Number.isNaN(value)));
  const whole = new Set(values.map(wholeOf).filter((value) => value !== undefined));
  const numbers = new Set<CelValue>([...doubles, ...[...whole].map(Number)]);
  const others = values.filter((value) => typeof value === "object" && value !== null && !(value instanceof Uint));
  const rest = new Set(values.filter((value) => typeof value !== "number"));
  return (value) => {
    if (typeof value === "number") return numbers.has(value);
    const integer = wholeOf(value);
    if (integer !== undefined) return whole.has(integer) || (doubles.size > 0 && doubles.has(Number(integer)));
    return rest.has(value) || others.some((other) => equal(value, other));
  };
}

function wholeOf(value: CelValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** How the numbers of a constant's kind are read from a value: undefined where it is of another kind. */
function readerFor(constant: CelValue): ((value: CelValue) => bigint | number | undefined) | undefined {
  if (typeof constant === "bigint") return (value) => (typeof value === "bigint" ? value : undefined);
  if (typeof constant === "number") return (value) => (typeof value === "number" ? value : undefined);
  if (constant instanceof Timestamp) return (value) => (value instanceof Timestamp ? value.nanos : undefined);
  if (constant instanceof Duration) return (value) => (value instanceof Duration ? value.nanos : undefined);
  return undefined;
}

const MIRRORED: ReadonlyMap<string, string> = new Map([
  ["_<_", "_>_"],
  ["_<=_", "_>=_"],
  ["_>_", "_<_"],
  ["_>=_", "_<=_"],
]);

/** `request.size > 1000`, either way round: without looking for what the values are but their being of the constant's kind. */
export function linkConstantComparison(
  name: string,
  [left, right]: readonly Tree[],
  around: Surroundings,
): Evaluate | undefined {
  const mirrored = MIRRORED.get(name);
  if (mirrored === undefined || left === undefined || right === undefined) return undefined;
  const [subject, constant, operator] = left.op === "constant" ? [right, left, mirrored] : [left, right, name];
  if (constant.op !== "constant") return undefined;
  const bound = fromLiteral(constant.value);
  const read = readerFor(bound);
  const limit = read?.(bound);
  const row = functionNamed(operator);
  if (read === undefined || limit === undefined || row === undefined) return undefined;
  const holds = comparing(operator, limit);
  const linked = around.link(subject, around);
  return (frame) => {
    const value = linked(frame);
    if (isFailure(value)) return value;
    const over = charge(frame, 1);
    if (over) return over;
    const number = read(value);
    return number === undefined ? row.apply(value, bound, null, null) : holds(number);
  };
}

function comparing(operator: string, limit: bigint | number): (value: bigint | number) => boolean {
  switch (operator) {
    case "_<_":
      return (value) => value < limit;
    case "_<=_":
      return (value) => value <= limit;
    case "_>_":
      return (value) => value > limit;
    default:
      return (value) => value >= limit;
  }
}
