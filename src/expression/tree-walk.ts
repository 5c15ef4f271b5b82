import type { Tree } from "./tree.ts";

/** A node that has children. */
export type Inner = Exclude<Tree, { op: "constant" | "attribute" | "local" }>;

/** The same node with other children. */
export function mapChildren(tree: Inner, child: (tree: Tree) => Tree): Tree {
  switch (tree.op) {
    case "select":
    case "optional-select":
    case "optional":
    case "has":
    case "not":
      return { ...tree, operand: child(tree.operand) };
    case "index":
    case "optional-index":
      return { ...tree, operand: child(tree.operand), index: child(tree.index) };
    case "and":
    case "or":
      return { ...tree, operands: tree.operands.map(child) };
    case "conditional":
      return {
        ...tree,
        condition: child(tree.condition),
        whenTrue: child(tree.whenTrue),
        whenFalse: child(tree.whenFalse),
      };
    case "list":
      return { ...tree, elements: tree.elements.map(child) };
    case "map":
      return { ...tree, entries: tree.entries.map(([key, value]) => [child(key), child(value)] as const) };
    case "call":
      return { ...tree, args: tree.args.map(child) };
    case "bind":
      return { ...tree, value: child(tree.value), body: child(tree.body) };
    case "optional-map":
      return { ...tree, operand: child(tree.operand), body: child(tree.body) };
    case "comprehension": {
      const parts = { range: child(tree.range), body: child(tree.body) };
      return { ...tree, ...parts, ...(tree.where ? { where: child(tree.where) } : {}) };
    }
  }
}

/** Visits the nodes right inside of a node, in the order of the text. */
export function eachChild(tree: Tree, visit: (child: Tree) => void): void {
  if (tree.op === "constant" || tree.op === "attribute" || tree.op === "local") return;
  mapChildren(tree, (child) => {
    visit(child);
    return child;
  });
}

/** Visits a node and everything in it, in the order of the text. */
export function eachNode(tree: Tree, visit: (tree: Tree) => void): void {
  visit(tree);
  eachChild(tree, (child) => eachNode(child, visit));
}
