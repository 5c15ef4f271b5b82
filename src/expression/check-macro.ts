import * as messages from "../diagnostics/messages/expression.ts";
import { overloadsOf } from "./functions/registry.ts";
import type { Overload } from "./functions/signature.ts";
import type { Syntax } from "./syntax.ts";
import type { Comprehension, Place, Tree } from "./tree.ts";
import { argumentTypes } from "./type-problems.ts";
import { BOOL, DYN, INT, type Type, type Unifier } from "./unify.ts";

/** What macros need of the checker around them. */
export interface MacroChecker {
  readonly unifier: Unifier;
  /** Checks a part. */
  tree(syntax: Syntax): Tree;
  /** A part that must be a bool; `where` is what a message calls it. */
  condition(syntax: Syntax, where: string): Tree;
  /** Checks what stands where variables are bound. */
  within<T>(names: readonly string[], types: readonly Type[], inside: () => T): T;
  /** Notes the type of a node. */
  typed<Node extends Tree>(tree: Node, type: Type): Node;
  /** The type of a node, as far as it is known. */
  known(tree: Tree): Type;
  /** A type as messages have it. */
  words(of: Tree | Type): string;
  /** The type of a call's result; undefined when no overload takes the arguments. */
  resolve(overloads: readonly Overload[], args: readonly Tree[]): Type | undefined;
  /** Notes a problem. @returns a node to go on with, which fits everywhere. */
  fail(finding: messages.Finding, at: Place): Tree;
}

/** Gives a macro's variables their types, its parts theirs, and itself its own. */
export function checkMacro(
  syntax: Syntax & { is: "comprehension" | "bind" | "optional-map" | "sort-by" },
  checker: MacroChecker,
): Tree {
  switch (syntax.is) {
    case "comprehension":
      return comprehension(syntax, checker);
    case "bind":
      return bind(syntax, checker);
    case "optional-map":
      return optionalMap(syntax, checker);
    case "sort-by":
      return sortBy(syntax, checker);
  }
}

function comprehension(syntax: Syntax & { is: "comprehension" }, checker: MacroChecker): Tree {
  const { macro, variable, second, at } = syntax;
  const range = checker.tree(syntax.range);
  const [key, value] = rangeTypes(range, syntax.range.at, checker);
  const isList = checker.known(range).kind === "list";
  const bound = second === undefined ? [key] : isList ? [INT, value] : [key, value];
  const names = second === undefined ? [variable] : [variable, second];
  const isCondition = macro === "all" || macro === "exists" || macro === "exists_one" || macro === "filter";
  const [where, body] = checker.within(names, bound, () => [
    syntax.where && checker.condition(syntax.where, "this condition"),
    isCondition ? checker.condition(syntax.body, "this condition") : checker.tree(syntax.body),
  ]);
  const parts = { ...(second === undefined ? {} : { second }), ...(where ? { where } : {}) };
  const tree: Comprehension = { op: "comprehension", macro, range, variable, ...parts, body, at };
  return checker.typed(tree, resultType(tree, bound[0] ?? DYN, syntax.body.at, checker));
}

/** What a loop over a range gives its variables: with one, elements or keys; with two, keys and values. */
function rangeTypes(range: Tree, at: Place, checker: MacroChecker): readonly [Type, Type] {
  const type = checker.known(range);
  if (type.kind === "list") return [type.element, type.element];
  if (type.kind === "map") return [type.key, type.value];
  if (type.kind === "variable") checker.unifier.fit([DYN], [type]);
  else if (type.kind !== "dyn") checker.fail(messages.notARange(checker.words(type)), at);
  return [DYN, DYN];
}

function resultType({ macro, body }: Comprehension, key: Type, at: Place, checker: MacroChecker): Type {
  const type = checker.known(body);
  switch (macro) {
    case "all":
    case "exists":
    case "exists_one":
      return BOOL;
    case "filter":
      return { kind: "list", element: key };
    case "map":
    case "transformList":
      return { kind: "list", element: type };
    case "transformMap":
      return { kind: "map", key, value: type };
    case "transformMapEntry":
      return checker.unifier.asMap(type) ?? checker.known(checker.fail(messages.entryNeeded(checker.words(type)), at));
  }
}

function bind({ variable, value, body, at }: Syntax & { is: "bind" }, checker: MacroChecker): Tree {
  const bound = checker.tree(value);
  const inside = checker.within([variable], [checker.known(bound)], () => checker.tree(body));
  return checker.typed({ op: "bind", variable, value: bound, body: inside, at }, checker.known(inside));
}

function optionalMap(
  { flat, operand, variable, body, at }: Syntax & { is: "optional-map" },
  checker: MacroChecker,
): Tree {
  const tree = checker.tree(operand);
  const element = checker.resolve(overloadsOf("value"), [tree]);
  if (element === undefined) return checker.fail(messages.optionalNeeded(checker.words(tree)), operand.at);
  const inside = checker.within([variable], [element], () => checker.tree(body));
  const given = checker.known(inside);
  const result = flat ? checker.unifier.orNone(given) : ({ kind: "optional", value: given } as const);
  if (result === undefined) return checker.fail(messages.optionalNeeded(checker.words(given)), body.at);
  return checker.typed({ op: "optional-map", operand: tree, variable, body: inside, flat, at }, result);
}

/** A name that nobody can write. */
const SORTED = "@sorted";

/** `list.sortBy(x, key)` is the list, bound once, in the order of the list of its keys. */
function sortBy({ list, variable, key, at }: Syntax & { is: "sort-by" }, checker: MacroChecker): Tree {
  const value = checker.tree(list);
  const type = checker.known(value);
  const [element] = rangeTypes(value, list.at, checker);
  const body = checker.within([SORTED, variable], [type, element], () => checker.tree(key));
  const bound = (): Tree => checker.typed({ op: "local", name: SORTED, at: list.at }, type);
  const keys = checker.typed(
    { op: "comprehension", macro: "map", range: bound(), variable, body, at },
    { kind: "list", element: checker.known(body) },
  );
  const args = [bound(), keys];
  const name = "@sortByAssociatedKeys";
  const result = checker.resolve(overloadsOf(name), args);
  if (result === undefined) {
    const types = args.map((arg) => checker.words(arg));
    return checker.fail(argumentTypes("sortBy", overloadsOf(name), types, true).finding, at);
  }
  const call = checker.typed({ op: "call", function: name, args, at }, result);
  return checker.typed({ op: "bind", variable: SORTED, value, body: call, at }, result);
}
