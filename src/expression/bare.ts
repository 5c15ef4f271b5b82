import type { ExpressionPlan, Place, TemplatePlan, Tree } from "./tree.ts";
import { mapChildren } from "./tree-walk.ts";

/** One object for all of them: where data is written down, it is written once. */
const NOWHERE: Place = [0, 0];
const NO_READS: ExpressionPlan["reads"] = [];

/** @returns of a plan what linking reads: most of it are places and texts, which only those who compile point into. */
export function bareExpression({ type, tree, total }: ExpressionPlan): ExpressionPlan {
  return { text: "", type, tree: bareTree(tree), reads: NO_READS, total };
}

/** The same of a template; whether it reads anything can still be told. */
export function bareTemplate({ parts, reads }: TemplatePlan): TemplatePlan {
  return {
    text: "",
    parts: parts.map((part) => (typeof part === "string" ? part : bareExpression(part))),
    reads: reads.slice(0, 1),
  };
}

function bareTree(tree: Tree): Tree {
  const isLeaf = tree.op === "constant" || tree.op === "attribute" || tree.op === "local";
  return { ...(isLeaf ? tree : mapChildren(tree, bareTree)), at: NOWHERE };
}
