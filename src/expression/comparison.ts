import type { Literal, Tree } from "./tree.ts";

type CallTree = Tree & { readonly op: "call" };

/** A call of something with a constant, told as if the constant stood on the right: `1 < x` is `x > 1`. */
export interface Comparison {
  readonly name: string;
  readonly subject: Tree;
  readonly constant: Literal;
  /** As it is written, the constant stands on the left. */
  readonly mirrored: boolean;
}

/** The comparison that says the same with its sides exchanged. */
const MIRRORED: ReadonlyMap<string, string> = new Map([
  ["_==_", "_==_"],
  ["_!=_", "_!=_"],
  ["_<_", "_>_"],
  ["_<=_", "_>=_"],
  ["_>_", "_<_"],
  ["_>=_", "_<=_"],
]);

/** @returns a call of two arguments of which one is a constant; the left one only where the sides can be exchanged. */
export function comparisonOf({ function: name, args }: CallTree): Comparison | undefined {
  const [left, right] = args;
  if (left === undefined || right === undefined || args.length > 2) return undefined;
  if (right.op === "constant") return { name, subject: left, constant: right.value, mirrored: false };
  const exchanged = MIRRORED.get(name);
  return exchanged !== undefined && left.op === "constant"
    ? { name: exchanged, subject: right, constant: left.value, mirrored: true }
    : undefined;
}

/** @returns the same for attributes, variables and constant keys of them that are written in the same way; undefined for anything else. */
export function subjectKey(tree: Tree): string | undefined {
  switch (tree.op) {
    case "attribute":
    case "local":
      return `${tree.op} ${tree.name}`;
    case "select":
      return keyWithin(tree.operand, tree.field);
    case "index":
      return tree.index.op === "constant" && tree.index.value.type === "string"
        ? keyWithin(tree.operand, tree.index.value.value)
        : undefined;
    default:
      return undefined;
  }
}

function keyWithin(operand: Tree, field: string): string | undefined {
  const key = subjectKey(operand);
  return key && `${key} ${JSON.stringify(field)}`;
}
