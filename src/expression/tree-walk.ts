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
  switch (tree.op) {
    case "constant":
    case "attribute":
    case "local":
      break;
    case "select":
    case "optional-select":
    case "optional":
    case "has":
    case "not":
      visit(tree.operand);
      break;
    case "index":
    case "optional-index":
      visit(tree.operand);
      visit(tree.index);
      break;
    case "and":
    case "or":
      for (const operand of tree.operands) visit(operand);
      break;
    case "conditional":
      visit(tree.condition);
      visit(tree.whenTrue);
      visit(tree.whenFalse);
      break;
    case "list":
      for (const element of tree.elements) visit(element);
      break;
    case "map":
      for (const [key, value] of tree.entries) {
        visit(key);
        visit(value);
      }
      break;
    case "call":
      for (const arg of tree.args) visit(arg);
      break;
    case "bind":
      visit(tree.value);
      visit(tree.body);
      break;
    case "optional-map":
      visit(tree.operand);
      visit(tree.body);
      break;
    case "comprehension":
      visit(tree.range);
      if (tree.where) visit(tree.where);
      visit(tree.body);
  }
}

/** Visits a node and everything in it, in the order of the text. */
export function eachNode(tree: Tree, visit: (tree: Tree) => void): void {
  const visitAll = (node: Tree): void => {
    visit(node);
    eachChild(node, visitAll);
  };
  visitAll(tree);
}
