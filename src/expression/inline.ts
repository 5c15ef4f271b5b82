import type { Place, Tree } from "./tree.ts";
import { mapChildren } from "./tree-walk.ts";

/** A definition's tree, placed where it is used. */
export interface Inlined {
  readonly tree: Tree;
  readonly nodes: number;
  readonly depth: number;
}

/** Its variables are its own: a tree that compiled by itself needs none from outside. */
export function inlined(tree: Tree, at: Place): Inlined {
  let nodes = 0;
  let deepest = 0;
  const place = (inner: Tree, depth: number): Tree => {
    nodes++;
    deepest = Math.max(deepest, depth);
    if (inner.op === "constant" || inner.op === "attribute" || inner.op === "local") return { ...inner, at };
    return { ...mapChildren(inner, (part) => place(part, depth + 1)), at };
  };
  return { tree: place(tree, 1), nodes, depth: deepest };
}
