import type { Evaluate, LinkScope } from "./frame.ts";
import type { Tree } from "./tree.ts";

/** What linking a node needs to know of what stands around it. */
export interface Surroundings {
  readonly scope: LinkScope;
  /** Variables of the comprehensions around it, outermost first: the place of each is its depth. */
  readonly locals: readonly string[];
  /** Links a node inside of this one. */
  readonly link: (tree: Tree, around: Surroundings) => Evaluate;
}
