import type { CelType } from "../attribute/type.ts";
import { Invalid, type Outcome } from "../attribute/value.ts";
import { charge, type Evaluate, type Frame, type LinkScope } from "./frame.ts";
import { linkHas, linkIndex, linkOptionalIndex, linkOptionalKey, linkSelect, optionally } from "./link-access.ts";
import { linkCall } from "./link-call.ts";
import { linkComprehension } from "./link-comprehension.ts";
import { linkList, linkMap } from "./link-literal.ts";
import { linkConditional, linkLogic, linkNot } from "./link-logic.ts";
import { linkBind, linkLocal, linkOptionalMap } from "./link-variable.ts";
import { fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ExpressionPlan, Tree } from "./tree.ts";
import { weightOf } from "./values.ts";

/**
 * Makes a closure of a checked expression: once per thread, before the snapshot serves. Nothing is resolved by name, compiled or
 * allocated afterwards that can be before.
 */
export function link(plan: ExpressionPlan, scope: LinkScope): Evaluate {
  const evaluate = linkTree(plan.tree, scope);
  return HEAVY.has(plan.type.kind) ? payingForResult(evaluate) : evaluate;
}

/** A part of an expression that reads no variable. */
export function linkTree(tree: Tree, scope: LinkScope): Evaluate {
  const link = scope.shared ? linkShared : linkNode;
  return link(tree, { scope, variables: [], bound: { count: 0 }, link, joining: true });
}

/** Types of values that hold others. */
const HEAVY: ReadonlySet<CelType["kind"]> = new Set(["list", "map", "optional", "dyn"]);

/** A value may hold another many times over, and be far larger to whoever writes it down than it was to make. */
function payingForResult(evaluate: Evaluate): Evaluate {
  return (frame) => paidFor(frame, evaluate(frame));
}

/** @returns the outcome of a whole expression, or the error when the budget has not so much left as whoever takes it needs. */
export function paidFor(frame: Frame, outcome: Outcome): Outcome {
  if (typeof outcome !== "object" || outcome === null || outcome instanceof Invalid) return outcome;
  return charge(frame, weightOf(outcome, frame.budget)) ?? outcome;
}

/** As `linkNode`, with what other expressions have in common with it. */
function linkShared(tree: Tree, around: Surroundings): Evaluate {
  const alone = (part: Tree): Evaluate => linkNode(part, around);
  const { scope } = around;
  return scope.shared?.link(tree, scope, alone) ?? linkNode(tree, around);
}

/** Links one node, and what is inside of it as its surroundings say. */
export function linkNode(tree: Tree, around: Surroundings): Evaluate {
  switch (tree.op) {
    case "constant": {
      const value = fromLiteral(tree.value);
      return () => value;
    }
    case "attribute": {
      const slot = around.scope.slotOf(tree.name);
      return (frame) => frame.read(slot);
    }
    case "local":
      return linkLocal(tree.name, around);
    case "select":
      return linkSelect(tree.operand, tree.field, around);
    case "optional-select":
      return linkOptionalKey(tree.operand, tree.field, around);
    case "index":
      return linkIndex(tree.operand, tree.index, around);
    case "optional-index":
      return linkOptionalIndex(tree.operand, tree.index, around);
    case "optional":
      return optionally(around.link(tree.operand, around));
    case "has":
      return linkHas(tree.operand, tree.field, around);
    case "and":
    case "or":
      return linkLogic(tree, around);
    case "not":
      return linkNot(tree, around);
    case "conditional":
      return linkConditional(tree, around);
    case "list":
      return linkList(tree, around);
    case "map":
      return linkMap(tree, around);
    case "call":
      return linkCall(tree, around);
    case "bind":
      return linkBind(tree, around);
    case "optional-map":
      return linkOptionalMap(tree, around);
    case "comprehension":
      return linkComprehension(tree, around);
  }
}
