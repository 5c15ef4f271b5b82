import { type CelValue, Uint } from "../attribute/value.ts";
import { comparisonOf, subjectKey } from "./comparison.ts";
import { compact, fromLiteral } from "./literal.ts";
import type { Literal, Tree } from "./tree.ts";
import { equal, wholeNumber } from "./values.ts";

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
      return tree.function === "_in_" ? membership(tree.args) : equality(tree);
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

function equality(call: Tree & { op: "call" }): ConstantTest | undefined {
  const { name, subject, constant } = comparisonOf(call) ?? {};
  if (subject === undefined || constant === undefined || !isPlain(constant)) return undefined;
  return name === "_==_" || name === "_!=_" ? { subject, constants: [constant], negated: name === "_!=_" } : undefined;
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
    if (key === undefined || subjectKey(test.subject) !== key) return undefined;
    constants.push(...test.constants);
  }
  return first && { ...first, constants };
}

/** Tells of a value whether it is one of the constants. Never fails. */
export function predicate({ constants, negated }: ConstantTest): (value: CelValue) => boolean {
  const isOne = isOneOf(constants);
  return negated ? (value) => !isOne(value) : isOne;
}

function isOneOf(constants: readonly Literal[]): (value: CelValue) => boolean {
  const values = constants.map(fromLiteral);
  if (values.every((value) => typeof value === "string")) return isOneOfTexts(values);
  const [first] = values;
  if (values.length === 1 && first !== undefined) {
    if (typeof first === "bigint")
      return (value) => (typeof value === "bigint" ? value === first : equal(value, first));
    return (value) => equal(value, first);
  }
  return isOneOfValues(values);
}

/** A text equals nothing but a text; two are compared several times as fast where both are known to be texts. */
function isOneOfTexts(written: readonly string[]): (value: CelValue) => boolean {
  const texts = written.map(compact);
  const [first, second = first] = texts;
  if (first === undefined || second === undefined) return () => false;
  if (texts.length <= 2) return (value) => typeof value === "string" && (value === first || value === second);
  const set: ReadonlySet<CelValue> = new Set(texts);
  const longest = Math.max(...texts.map((text) => text.length));
  // Looking into a set takes as long as the text is; what is longer than all of them is none of them.
  return (value) => typeof value === "string" && value.length <= longest && set.has(value);
}

/** Of any kinds, as CEL has them equal: an int also equals a uint, and a double once it is rounded. */
function isOneOfValues(values: readonly CelValue[]): (value: CelValue) => boolean {
  const doubles = new Set(values.filter((value) => typeof value === "number" && !Number.isNaN(value)));
  const whole = new Set(values.map(wholeNumber).filter((value) => value !== undefined));
  const numbers = new Set<CelValue>([...doubles, ...[...whole].map(Number)]);
  const others = values.filter((value) => typeof value === "object" && value !== null && !(value instanceof Uint));
  const rest = new Set(values.filter((value) => typeof value !== "number"));
  return (value) => {
    if (typeof value === "number") return numbers.has(value);
    const integer = wholeNumber(value);
    if (integer !== undefined) return whole.has(integer) || (doubles.size > 0 && doubles.has(Number(integer)));
    return rest.has(value) || others.some((other) => equal(value, other));
  };
}
