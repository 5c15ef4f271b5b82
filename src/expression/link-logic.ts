import { ABSENT, type Absent, Invalid } from "../attribute/value.ts";
import { subjectKey } from "./comparison.ts";
import { type ConstantTest, constantTest } from "./constant-test.ts";
import type { Evaluate } from "./frame.ts";
import { linkConstantTest } from "./link-constant.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Literal, Tree } from "./tree.ts";
import { asBool } from "./values.ts";

/** `&&` and `||`: one value settles it from any side; otherwise error beats absent, the first error counts. */
export function linkLogic(tree: Tree & { op: "and" | "or" }, around: Surroundings): Evaluate {
  const operands = around.joining ? joinTests(tree) : tree.operands;
  return settledBy(
    tree.op === "or",
    operands.map((operand) => ("op" in operand ? around.link(operand, around) : linkConstantTest(operand, around))),
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
    const a = first(frame);
    if (a === settling) return settling;
    const b = second(frame);
    if (b === settling) return settling;
    if (a === !settling) return asBool(b);
    const failure = asBool(a);
    return b === !settling || failure instanceof Invalid ? failure : asBool(b);
  };
}

function worse(known: Absent | Invalid | undefined, next: Absent | Invalid): Absent | Invalid {
  return known instanceof Invalid || (known === ABSENT && next === ABSENT) ? known : next;
}

export function linkNot(tree: Tree & { op: "not" }, around: Surroundings): Evaluate {
  const test = around.joining ? constantTest(tree) : undefined;
  if (test) return linkConstantTest(test, around);
  const linked = around.link(tree.operand, around);
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

/**
 * Comparisons of one subject with constants become one: it is read once, and many constants are one look into a set. `||` joins `==` and
 * `in`, `&&` joins `!=`; everything else stays as it is, in order. What is joined is asked where the first of it stood.
 */
function joinTests({ op, operands }: Tree & { op: "and" | "or" }): readonly (Tree | ConstantTest)[] {
  /** By subject, the constants of a test that may still get more of them. */
  const groups = new Map<string, Literal[]>();
  const joined: (Tree | ConstantTest)[] = [];
  for (const operand of operands) {
    const test = constantTest(operand);
    const key = test?.negated === (op === "and") ? subjectKey(test.subject) : undefined;
    const known = key === undefined ? undefined : groups.get(key);
    if (test === undefined || key === undefined) {
      joined.push(operand);
    } else if (known === undefined) {
      const constants = [...test.constants];
      groups.set(key, constants);
      joined.push({ ...test, constants });
    } else {
      known.push(...test.constants);
    }
  }
  return joined;
}
