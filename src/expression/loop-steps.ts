import type { Comprehension, Tree } from "./tree.ts";
import { eachChild } from "./tree-walk.ts";

/** What loops are charged: by their evaluation, and by the estimate at load. */

/** Binding the variables of one round. */
const BIND_STEPS = 2;
/** Putting what a round gives into a map, which grows meanwhile. */
const INSERT_STEPS = 4;
/** Nodes for which nothing is charged by themselves (reading, `.`, `has`, `!`, `? :`) that are evaluated in one step. */
const NODES_PER_STEP = 4;
/** Keys of a map that are listed in one step. */
const KEYS_PER_STEP = 4;

/** @returns the steps of each round, besides those of the calls in it. */
export function roundSteps({ macro, where, body }: Comprehension): number {
  const nodes = nodesOf(body) + (where === undefined ? 0 : nodesOf(where));
  const insert = macro === "transformMap" || macro === "transformMapEntry" ? INSERT_STEPS : 0;
  return BIND_STEPS + insert + Math.ceil(nodes / NODES_PER_STEP);
}

/** Without the rounds of loops inside of it: those are charged for themselves. */
function nodesOf(tree: Tree): number {
  if (tree.op === "comprehension") return 1 + nodesOf(tree.range);
  let nodes = 1;
  eachChild(tree, (child) => {
    nodes += nodesOf(child);
  });
  return nodes;
}

/** @returns the steps of listing so many keys of a map, before any round. */
export function listingSteps(keys: number): number {
  return keys / KEYS_PER_STEP;
}
