import type { CelValue } from "../attribute/value.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { comparisonOf, subjectKey } from "./comparison.ts";
import { functionNamed, overloadsOf } from "./functions/registry.ts";
import { fromLiteral } from "./literal.ts";
import { type Problem, problem, quoted } from "./problem.ts";
import type { Place, Tree } from "./tree.ts";
import { eachNode } from "./tree-walk.ts";
import { compare, equal, isList, wholeNumber } from "./values.ts";

/**
 * Conditions that no request can make true: comparisons out of the range of what they compare, and chains of `&&` whose parts contradict
 * each other. Told where it is certain from the expression alone.
 *
 * @returns a warning for each, in the order of the text
 */
export function deadConditions(tree: Tree, text: string): readonly Problem[] {
  const found: Problem[] = [];
  const say = (at: Place, why: string): void => {
    found.push(problem(messages.neverTrue(quoted(text.slice(...at)), why), at));
  };
  eachNode(tree, (node) => {
    const alone = node.op === "call" ? neverAlone(node) : undefined;
    if (alone) say(node.at, alone);
    const together = node.op === "and" ? contradiction(node.operands) : undefined;
    if (together) say(node.at, together);
  });
  return found;
}

/** Why a comparison is never true by itself. */
function neverAlone(call: Tree & { op: "call" }): string | undefined {
  const test = testOf(call);
  if (test === undefined) return undefined;
  const { name, subject, constant } = test;
  if (name === "_in_" && isList(constant) && constant.length === 0) return "the list is empty";
  const range = rangeOf(subject);
  if (range === undefined) return undefined;
  const [least, most] = range;
  return holdsWithin(test, least, most)
    ? undefined
    : `its left side is from ${least} to ${most}`.replace("to Infinity", "up");
}

/** A comparison of something with a constant, which stands on the right. */
interface Test {
  readonly name: string;
  readonly subject: Tree;
  readonly constant: CelValue;
}

function testOf(tree: Tree): Test | undefined {
  const comparison = tree.op === "call" ? comparisonOf(tree) : undefined;
  return comparison && { ...comparison, constant: fromLiteral(comparison.constant) };
}

/** What a call can give, where its row says it: `size(x)` is never negative. */
function rangeOf(tree: Tree): readonly [number, number] | undefined {
  if (tree.op !== "call") return undefined;
  const [first] = tree.args;
  const isOfTimestamp = tree.args.length === 2 || (first?.op === "attribute" && first.type.kind === "timestamp");
  const readsDurations = overloadsOf(tree.function).some(({ parameters }) => parameters[0]?.kind === "duration");
  return readsDurations && !isOfTimestamp ? undefined : functionNamed(tree.function)?.range;
}

function holdsWithin({ name, constant }: Test, least: number, most: number): boolean {
  const toLeast = compare(least, constant);
  const toMost = compare(most, constant);
  if (toLeast === undefined || toMost === undefined) return true;
  switch (name) {
    case "_==_":
      return toLeast <= 0 && toMost >= 0;
    case "_<_":
      return toLeast < 0;
    case "_<=_":
      return toLeast <= 0;
    case "_>_":
      return toMost > 0;
    case "_>=_":
      return toMost >= 0;
    default:
      return true;
  }
}

/** Tests of one subject that are held against each other: each against each other one, which nobody waits for when they are thousands. */
const MAX_HELD_TOGETHER = 100;

/** Why operands of one `&&` are never true together. */
function contradiction(operands: readonly Tree[]): string | undefined {
  const bySubject = new Map<string, Test[]>();
  for (const operand of operands) {
    const test = testOf(operand);
    const subject = test && subjectKey(test.subject);
    if (test === undefined || subject === undefined) continue;
    const tests = bySubject.get(subject) ?? [];
    if (tests.length < MAX_HELD_TOGETHER) tests.push(test);
    bySubject.set(subject, tests);
  }
  for (const tests of bySubject.values()) {
    if (tests.length > 1 && !canHold(tests)) return "its parts contradict each other";
  }
  return undefined;
}

/** Whether some value passes all tests: one of the constants that it must equal, or one between its bounds. */
function canHold(tests: readonly Test[]): boolean {
  const candidates = tests.map(valuesAllowed).find((values) => values !== undefined);
  if (candidates !== undefined) return candidates.some((value) => tests.every((test) => passes(value, test)));
  const lowers = tests.filter(({ name }) => name === "_>_" || name === "_>=_");
  const uppers = tests.filter(({ name }) => name === "_<_" || name === "_<=_");
  return lowers.every((lower) => uppers.every((upper) => overlap(lower, upper)));
}

function valuesAllowed({ name, constant }: Test): readonly CelValue[] | undefined {
  if (name === "_==_") return [constant];
  return name === "_in_" && isList(constant) ? constant : undefined;
}

function passes(value: CelValue, { name, constant }: Test): boolean {
  switch (name) {
    case "_==_":
      return equal(value, constant);
    case "_!=_":
      return !equal(value, constant);
    case "_in_":
      return !isList(constant) || constant.some((one) => equal(one, value));
    case "startsWith":
      return typeof value !== "string" || typeof constant !== "string" || value.startsWith(constant);
    case "endsWith":
      return typeof value !== "string" || typeof constant !== "string" || value.endsWith(constant);
    case "contains":
      return typeof value !== "string" || typeof constant !== "string" || value.includes(constant);
    default:
      return passesOrder(value, name, constant);
  }
}

function passesOrder(value: CelValue, name: string, constant: CelValue): boolean {
  const order = compare(value, constant);
  if (order === undefined) return true;
  switch (name) {
    case "_<_":
      return order < 0;
    case "_<=_":
      return order <= 0;
    case "_>_":
      return order > 0;
    case "_>=_":
      return order >= 0;
    default:
      return true;
  }
}

/** Whether something lies between two bounds; between whole numbers nothing does. */
function overlap(lower: Test, upper: Test): boolean {
  const order = compare(lower.constant, upper.constant);
  if (order === undefined) return true;
  const isOpen = lower.name === "_>_" || upper.name === "_<_";
  if (order > 0 || (order === 0 && isOpen)) return false;
  const [low, high] = [wholeNumber(lower.constant), wholeNumber(upper.constant)];
  return !(
    lower.name === "_>_" &&
    upper.name === "_<_" &&
    low !== undefined &&
    high !== undefined &&
    high - low === 1n
  );
}
