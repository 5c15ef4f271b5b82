import { ABSENT, type Absent, type CelValue, Invalid } from "../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { asBool, isFailure } from "./values.ts";

/** `&&` and `||`: one value settles it from any side; otherwise error beats absent, the first error counts. */
export function linkAnd(operands: readonly Tree[], around: Surroundings): Evaluate {
  return settledBy(
    false,
    operands.map((operand) => around.link(operand, around)),
  );
}

export function linkOr(operands: readonly Tree[], around: Surroundings): Evaluate {
  return settledBy(
    true,
    around.joining ? joinEqualities(operands, around) : operands.map((operand) => around.link(operand, around)),
  );
}

function settledBy(settling: boolean, terms: readonly Evaluate[]): Evaluate {
  const [only, second] = terms;
  if (only !== undefined && terms.length === 1) return (frame) => asBool(only(frame));
  if (only !== undefined && second !== undefined && terms.length === 2) return settledByTwo(settling, only, second);
  return (frame) => {
    let failure: Absent | Invalid | undefined;
    for (const term of terms) {
      const outcome = asBool(term(frame));
      if (outcome === settling) return settling;
      if (typeof outcome !== "boolean") failure = worse(failure, outcome);
    }
    return failure ?? !settling;
  };
}

/** The usual case, without a loop. */
function settledByTwo(settling: boolean, first: Evaluate, second: Evaluate): Evaluate {
  return (frame) => {
    const a = asBool(first(frame));
    if (a === settling) return settling;
    const b = asBool(second(frame));
    if (b === settling || a === !settling) return b;
    return b === !settling || a instanceof Invalid ? a : b;
  };
}

function worse(known: Absent | Invalid | undefined, next: Absent | Invalid): Absent | Invalid {
  return known instanceof Invalid || (known === ABSENT && next === ABSENT) ? known : next;
}

export function linkNot(operand: Tree, around: Surroundings): Evaluate {
  const linked = around.link(operand, around);
  return (frame) => {
    const outcome = asBool(linked(frame));
    return typeof outcome === "boolean" ? !outcome : outcome;
  };
}

export function linkConditional(tree: Tree & { op: "conditional" }, around: Surroundings): Evaluate {
  const condition = around.link(tree.condition, around);
  const whenTrue = around.link(tree.whenTrue, around);
  const whenFalse = around.link(tree.whenFalse, around);
  return (frame) => {
    const outcome = asBool(condition(frame));
    return outcome === true ? whenTrue(frame) : outcome === false ? whenFalse(frame) : outcome;
  };
}

/** From so many comparisons of one value with constant texts on, a set is quicker than trying them in turn. */
const SET_FROM = 3;

/** `m == "a" || m == "b" || m == "c"` becomes one look into a set; everything else stays as it is, in order. */
function joinEqualities(operands: readonly Tree[], around: Surroundings): Evaluate[] {
  const groups = new Map<string, { readonly subject: Tree; readonly texts: string[] }>();
  for (const operand of operands) {
    const equality = constantEquality(operand);
    if (equality === undefined) continue;
    const key = subjectKey(equality.subject);
    const group = groups.get(key) ?? { subject: equality.subject, texts: [] };
    group.texts.push(equality.text);
    groups.set(key, group);
  }
  const joined = new Set<string>();
  return operands.flatMap((operand) => {
    const equality = constantEquality(operand);
    const key = equality && subjectKey(equality.subject);
    const group = key === undefined ? undefined : groups.get(key);
    if (key === undefined || group === undefined || group.texts.length < SET_FROM)
      return [around.link(operand, around)];
    if (joined.has(key)) return [];
    joined.add(key);
    return [isOneOf(around.link(group.subject, around), new Set(group.texts))];
  });
}

function isOneOf(subject: Evaluate, texts: ReadonlySet<CelValue>): Evaluate {
  return (frame: Frame) => {
    const value = subject(frame);
    return isFailure(value) ? value : (charge(frame, 1) ?? texts.has(value));
  };
}

/** `subject == "text"`, either way round, where the subject is an attribute or a constant key of one. */
function constantEquality(tree: Tree): { readonly subject: Tree; readonly text: string } | undefined {
  if (tree.op !== "call" || tree.function !== "_==_") return undefined;
  const [left, right] = tree.args;
  if (left === undefined || right === undefined) return undefined;
  return withText(left, right) ?? withText(right, left);
}

function withText(subject: Tree, constant: Tree): { readonly subject: Tree; readonly text: string } | undefined {
  if (constant.op !== "constant" || constant.value.type !== "string" || subjectKey(subject) === "") return undefined;
  return { subject, text: constant.value.value };
}

/** The same for the same subject; "" for what is too much to compare. */
function subjectKey(tree: Tree): string {
  if (tree.op === "attribute") return JSON.stringify([tree.name]);
  if (tree.op === "select" && tree.operand.op === "attribute") return JSON.stringify([tree.operand.name, tree.field]);
  if (tree.op !== "index" || tree.operand.op !== "attribute" || tree.index.op !== "constant") return "";
  const { value } = tree.index;
  return value.type === "string" ? JSON.stringify([tree.operand.name, value.value]) : "";
}
