import { type CelType, formatType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { checkedType, type Failure, type Node } from "./cel-js.ts";
import { formsOf } from "./names.ts";
import { type Expected, type Problem, problem, quoted } from "./problem.ts";
import type { Place } from "./tree.ts";

/** What the type checker found, in words for people; and whether a result is what its place needs. */
export function typeProblem(failure: Failure, text: string): Problem {
  const place = placeOf(failure);
  return problem(findingOf(failure, text.slice(...place)), place);
}

function placeOf({ code, node, start, end }: Failure): Place {
  const blamed = node !== undefined && code === "invalid_logical_operand" ? notBool(node) : node;
  return blamed === undefined ? [start, Math.max(end, start + 1)] : [blamed.start, blamed.end];
}

/** The side of `&&` or `||` that is no bool. */
function notBool(node: Node): Node {
  return operandsOf(node).find((operand) => !["bool", "dyn"].includes(typeInWords(operand))) ?? node;
}

function findingOf(failure: Failure, text: string): messages.Finding {
  const { node, code } = failure;
  const types = node === undefined ? [] : operandsOf(node).map(typeInWords);
  const [first = "dyn", second = "dyn"] = types;
  switch (code) {
    case "no_such_overload":
      return messages.operatorTypes(
        node === undefined ? text : node.op.replace("_", ""),
        types,
        operatorHelp(node, types),
      );
    case "no_matching_overload":
      return functionTypes(node, types, text);
    case "invalid_logical_operand":
      return messages.conditionNeeded(
        "each side of `&&` and `||`",
        node === undefined ? "value" : typeInWords(notBool(node)),
      );
    case "invalid_condition_type":
      return messages.conditionNeeded("this condition", node === undefined ? "value" : typeInWords(node));
    case "incompatible_ternary_branches":
      return messages.branchesDiffer(second, types[2] ?? "dyn");
    case "cannot_index_type":
      return messages.noFields(first, callHelp(node));
    case "invalid_index_type":
      return messages.indexType(first, "an int", second);
    case "invalid_comprehension_range":
      return messages.notARange(node === undefined ? "value" : typeInWords(node));
    case "optional_expected":
      return messages.optionalNeeded(node === undefined ? "value" : typeInWords(node));
    default:
      return optionalTypes(node, failure.summary) ?? messages.typesDoNotFit(quoted(failure.summary));
  }
}

/** The library blames the argument of `or` and `orValue`, and names the function in its summary alone. */
function optionalTypes(argument: Node | undefined, summary: string): messages.Finding | undefined {
  const name = /^optional\.(or|orValue)\(/.exec(summary)?.[1];
  if (name === undefined || argument === undefined) return undefined;
  return messages.argumentTypes(name, "optional", [typeInWords(argument)], formsOf(name));
}

/** `text.size` for `text.size()`. */
function callHelp(node: Node | undefined): string | undefined {
  if (node?.op !== ".") return undefined;
  const [, name] = node.args;
  const isFunction = formsOf(name).some((form) => form.endsWith(`.${name}()`));
  return isFunction ? `call it: \`.${name}()\`` : undefined;
}

function operatorHelp(node: Node | undefined, types: readonly string[]): string | undefined {
  const isCompared = node?.op === "==" || node?.op === "!=";
  if (isCompared && types.includes("null")) return "nothing here is ever null: `has(…)` tells whether it is there";
  return conversionHelp(types);
}

function functionTypes(node: Node | undefined, types: readonly string[], text: string): messages.Finding {
  if (node?.op !== "call" && node?.op !== "rcall") return messages.typesDoNotFit(quoted(text));
  const [receiver, ...others] = types;
  const isMember = node.op === "rcall" && receiver !== undefined;
  return messages.argumentTypes(
    node.args[0],
    isMember ? receiver : undefined,
    isMember ? others : types,
    formsOf(node.args[0]),
  );
}

/** The library does not look at the keys that maps are asked for, nor at what `has` asks. */
export function keyProblem(root: Node): Problem | undefined {
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.op === "[]" || node.op === "[?]") {
      const found = wrongKey(node.args[0], node.args[1]);
      if (found) return found;
    }
    if (node.op === "call" && node.args[0] === "has") {
      const found = noFieldToHave(node.args[1][0]);
      if (found) return found;
    }
    open.push(...childrenOf(node));
  }
  return undefined;
}

function wrongKey(container: Node, key: Node): Problem | undefined {
  const type = checkedType(container);
  const found = checkedType(key);
  const inside = type?.kind === "optional" ? type.value : type;
  if (inside?.kind !== "map" || found === undefined) return undefined;
  if (inside.key.kind === "dyn" || found.kind === "dyn" || inside.key.kind === found.kind) return undefined;
  const finding = messages.indexType(formatType(inside), formatType(inside.key), formatType(found));
  return problem(finding, [key.start, key.end]);
}

/** `has(x.y)` of an `x` that has no fields. */
function noFieldToHave(argument: Node | undefined): Problem | undefined {
  if (argument?.op !== ".") return undefined;
  const type = checkedType(argument.args[0]);
  if (type === undefined || ["map", "dyn", "optional"].includes(type.kind)) return undefined;
  return problem(messages.noFields(formatType(type)), [argument.start, argument.end]);
}

function childrenOf(node: Node): readonly Node[] {
  if (node.op === "list") return node.args;
  return node.op === "map" ? node.args.flat() : operandsOf(node);
}

/** The parts of a node whose types matter to it, in order. */
function operandsOf(node: Node): readonly Node[] {
  switch (node.op) {
    case "value":
    case "id":
    case "list":
    case "map":
      return [];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "!_":
    case "-_":
      return [node.args];
    case ".":
    case ".?":
      return [node.args[0]];
    default:
      return node.args;
  }
}

function typeInWords(node: Node): string {
  return formatType(checkedType(node) ?? { kind: "dyn" });
}

/** The mistake behind most of these: a number compared with its text, or with a number of another type. */
function conversionHelp([left, right]: readonly string[]): string | undefined {
  if (left === undefined || right === undefined || left === right) return undefined;
  const convertible = ["int", "uint", "double", "string", "bool", "timestamp", "duration"];
  return convertible.includes(left) && convertible.includes(right)
    ? `convert one of them, for example with \`${left}(…)\` or \`${right}(…)\``
    : undefined;
}

/** What each place needs, and in which words. */
const NEEDED: Readonly<Record<Expected, { readonly kinds: readonly CelType["kind"][]; readonly words: string }>> = {
  bool: { kinds: ["bool"], words: "a bool" },
  number: { kinds: ["int", "uint", "double"], words: "a number" },
  int: { kinds: ["int"], words: "an int" },
  string: { kinds: ["string"], words: "a string" },
  any: { kinds: [], words: "a value" },
};

/** @returns what to say when a result is not what its place needs; `dyn` may be, and is looked at when it is known. */
export function resultProblem(type: CelType, expected: Expected, text: string): Problem | undefined {
  const { kinds, words } = NEEDED[expected];
  if (kinds.length === 0 || type.kind === "dyn" || kinds.includes(type.kind)) return undefined;
  const start = text.length - text.trimStart().length;
  return problem(messages.wrongResult(words, formatType(type), resultHelp(type, expected)), [
    start,
    text.trimEnd().length,
  ]);
}

function resultHelp(type: CelType, expected: Expected): string | undefined {
  if (expected === "bool")
    return type.kind === "optional" ? "end it with `.orValue(false)`" : "compare it with something: `… == …`";
  if (expected === "number" && type.kind === "duration") return "take a number of it: `….getMilliseconds()`";
  const convertible = ["int", "uint", "double", "string", "bool"].includes(type.kind);
  if (!convertible || expected === "any") return undefined;
  return `convert it: \`${expected === "number" ? "double" : expected}(…)\``;
}

/** Types that a text with `${…}` can show: those that `string()` takes. */
const SHOWABLE: ReadonlySet<CelType["kind"]> = new Set([
  "string",
  "bool",
  "int",
  "uint",
  "double",
  "bytes",
  "timestamp",
  "duration",
  "dyn",
]);

export function showableProblem(type: CelType, place: Place): Problem | undefined {
  return SHOWABLE.has(type.kind) ? undefined : problem(messages.notShowable(formatType(type)), place);
}
