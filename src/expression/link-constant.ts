import { type CelValue, Duration, type Outcome, Timestamp } from "../attribute/value.ts";
import { comparisonOf } from "./comparison.ts";
import { type ConstantTest, constantTest, predicate } from "./constant-test.ts";
import { type Evaluate, spend } from "./frame.ts";
import { functionNamed } from "./functions/registry.ts";
import { compact, fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { isFailure, NO_OVERLOAD } from "./values.ts";

/** @returns a call of one thing with constants, undefined for any other: nothing is dispatched by kind where the constant's kind decides. */
export function linkWithConstant(tree: Tree & { op: "call" }, around: Surroundings): Evaluate | undefined {
  const test = constantTest(tree);
  if (test) return linkConstantTest(test, around);
  return linkTextSearch(tree, around) ?? linkComparison(tree, around);
}

export function linkConstantTest(test: ConstantTest, around: Surroundings): Evaluate {
  const [only] = test.constants;
  if (test.constants.length === 1 && only?.type === "string") return linkTextTest(test, compact(only.value), around);
  return deciding(test.subject, predicate(test), around);
}

/** `request.method == "GET"`: the commonest of all, in as few steps as can be. */
function linkTextTest({ subject, negated }: ConstantTest, text: string, around: Surroundings): Evaluate {
  const slot = slotOf(subject, around);
  // Two texts are compared several times as fast where both are known to be texts; and a text equals nothing else.
  if (slot !== undefined) {
    return (frame) => {
      const value = frame.read(slot);
      spend(frame, 1);
      if (typeof value === "string") return (value === text) !== negated;
      return isFailure(value) ? value : negated;
    };
  }
  const linked = around.link(subject, around);
  return (frame) => {
    const value = linked(frame);
    spend(frame, 1);
    if (typeof value === "string") return (value === text) !== negated;
    return isFailure(value) ? value : negated;
  };
}

/** What a value decides by itself, in one step. */
function deciding(subject: Tree, decide: (value: CelValue) => Outcome, around: Surroundings): Evaluate {
  const slot = slotOf(subject, around);
  if (slot !== undefined) {
    return (frame) => {
      const value = frame.read(slot);
      spend(frame, 1);
      return isFailure(value) ? value : decide(value);
    };
  }
  const linked = around.link(subject, around);
  return (frame) => {
    const value = linked(frame);
    spend(frame, 1);
    return isFailure(value) ? value : decide(value);
  };
}

/** An attribute is read right where it is needed. */
function slotOf(subject: Tree, { joining, scope }: Surroundings): number | undefined {
  return subject.op === "attribute" && joining ? scope.slotOf(subject.name) : undefined;
}

/** `request.path.startsWith("/api/")` */
function linkTextSearch({ function: name, args }: Tree & { op: "call" }, around: Surroundings): Evaluate | undefined {
  const [subject, constant] = args;
  if (subject === undefined || constant?.op !== "constant" || constant.value.type !== "string") return undefined;
  const part = compact(constant.value.value);
  switch (name) {
    case "startsWith": {
      const slot = slotOf(subject, around);
      if (slot !== undefined) {
        return (frame) => {
          const text = frame.read(slot);
          spend(frame, 1);
          if (typeof text === "string") return text.startsWith(part);
          return isFailure(text) ? text : NO_OVERLOAD;
        };
      }
      return deciding(subject, (text) => (typeof text === "string" ? text.startsWith(part) : NO_OVERLOAD), around);
    }
    case "endsWith":
      return deciding(subject, (text) => (typeof text === "string" ? text.endsWith(part) : NO_OVERLOAD), around);
    default:
      return undefined;
  }
}

/** How the numbers of a constant's kind are read from a value: undefined where it is of another kind. */
function readerFor(constant: CelValue): ((value: CelValue) => bigint | number | undefined) | undefined {
  if (typeof constant === "bigint") return (value) => (typeof value === "bigint" ? value : undefined);
  if (typeof constant === "number") return (value) => (typeof value === "number" ? value : undefined);
  if (constant instanceof Timestamp) return (value) => (value instanceof Timestamp ? value.nanos : undefined);
  if (constant instanceof Duration) return (value) => (value instanceof Duration ? value.nanos : undefined);
  return undefined;
}

/** `request.size > 1000`, either way round: without looking for what the values are but their being of the constant's kind. */
function linkComparison(call: Tree & { op: "call" }, around: Surroundings): Evaluate | undefined {
  const comparison = comparisonOf(call);
  const row = functionNamed(call.function);
  if (comparison === undefined || row === undefined) return undefined;
  const { name, subject, mirrored } = comparison;
  const bound = fromLiteral(comparison.constant);
  const read = readerFor(bound);
  const limit = read?.(bound);
  const holds = limit === undefined ? undefined : comparing(name, limit);
  if (read === undefined || holds === undefined) return undefined;
  const decide = (value: CelValue): Outcome => {
    const number = read(value);
    if (number !== undefined) return holds(number);
    return mirrored ? row.apply(bound, value, null, null) : row.apply(value, bound, null, null);
  };
  return deciding(subject, decide, around);
}

function comparing(name: string, limit: bigint | number): ((value: bigint | number) => boolean) | undefined {
  switch (name) {
    case "_<_":
      return (value) => value < limit;
    case "_<=_":
      return (value) => value <= limit;
    case "_>_":
      return (value) => value > limit;
    case "_>=_":
      return (value) => value >= limit;
    default:
      return undefined;
  }
}
