import type { Bag } from "../attribute/bag.ts";
import { ABSENT, type Absent, type ErrorCategory, Invalid } from "../attribute/value.ts";
import { eachNode, isFailure } from "../expression/index.ts";
import type { Trace } from "../expression/trace.ts";
import type { ExpressionPlan, Place, Tree } from "../expression/tree.ts";
import { celText } from "./cel-text.ts";

/** Why an evaluation has no value. */
export interface Failure {
  /** What is not there, where that is why. */
  readonly absent?: "attribute" | "key";
  readonly category: ErrorCategory | "no such attribute";
  /** What an error says of itself, or the name of what is not there. */
  readonly detail: string;
  /** The innermost part of the expression that has no value either. */
  readonly at: Place;
}

/**
 * Why an expression has no value, in our terms: an error beats what is absent, wherever it comes from.
 * @param trace of the evaluation that gave this outcome. @param bag what it read.
 */
export function failureOf(outcome: Absent | Invalid, trace: Trace, plan: ExpressionPlan, bag: Bag): Failure {
  return explained(
    origin(trace, (step) => step.outcome === outcome),
    plan,
    bag,
  );
}

/** The same in terms of an evaluator that ends at the first thing that is missing or wrong, as cel-go does. */
export function firstFailure(trace: Trace, plan: ExpressionPlan, bag: Bag): Failure {
  return explained(
    origin(trace, ({ outcome }) => isFailure(outcome)),
    plan,
    bag,
  );
}

/** The innermost step that failed: what fails is passed on as it is. */
function origin(trace: Trace, isFailed: (step: Trace) => boolean): Trace {
  const inside = trace.steps.find(isFailed);
  return inside === undefined ? trace : origin(inside, isFailed);
}

function explained(step: Trace, plan: ExpressionPlan, bag: Bag): Failure {
  const { outcome, at } = step;
  if (outcome instanceof Invalid) return { category: outcome.category, detail: outcome.reason, at };
  return missing(step, nodesAt(at, plan.tree), bag);
}

/** The nodes that stand at one place, outermost first: what a macro is made of may stand where it does. */
function nodesAt([start, end]: Place, root: Tree): readonly Tree[] {
  const found: Tree[] = [];
  eachNode(root, (tree) => {
    if (tree.at[0] === start && tree.at[1] === end) found.push(tree);
  });
  return found;
}

/** An attribute that the request does not have, or a key that a map does not. */
function missing(step: Trace, nodes: readonly Tree[], bag: Bag): Failure {
  const tree = nodes.find(isReader);
  // One key of a map attribute is read without reading the attribute.
  const attribute = tree?.op === "attribute" ? tree : tree?.operand;
  if (attribute?.op === "attribute" && isAbsent(bag.get(attribute.name)))
    return { absent: "attribute", category: "no such attribute", detail: attribute.name, at: attribute.at };
  return { absent: "key", category: "no such key", detail: tree === undefined ? "" : keyOf(tree, step), at: step.at };
}

function isAbsent(held: ReturnType<Bag["get"]>): boolean {
  return held === undefined || held === ABSENT;
}

/** What may find nothing: other nodes are absent only because of what is inside of them. */
const READERS = ["attribute", "select", "optional-select", "index", "optional-index", "has"] as const;
type Reader = Extract<Tree, { op: (typeof READERS)[number] }>;

function isReader(tree: Tree): tree is Reader {
  return READERS.some((op) => op === tree.op);
}

function keyOf(tree: Reader, { steps }: Trace): string {
  if ("field" in tree) return tree.field ?? "";
  if (!("index" in tree)) return "";
  const { op, at } = tree.index;
  if (op === "constant") return "value" in tree.index.value ? String(tree.index.value.value) : "";
  const outcome = steps.findLast((step) => step.at[0] === at[0] && step.at[1] === at[1])?.outcome;
  if (outcome === undefined || isFailure(outcome)) return "";
  return typeof outcome === "string" ? outcome : celText(outcome);
}
