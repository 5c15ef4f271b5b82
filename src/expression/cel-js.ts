import { type ASTNode, TypeError as CelTypeError, Environment, ParseError } from "@marcbachmann/cel-js";
import type { CelType } from "../attribute/type.ts";
import { FUNCTIONS, type Signature, signaturesOf } from "./functions/registry.ts";
import { MAX_LITERAL_ENTRIES } from "./limits.ts";

/**
 * The one place that knows the library which parses and type-checks. It is told our functions, and for each name what type we found it to
 * have; its evaluator is never used.
 */

export type Node = ASTNode;

export type Parsed =
  | { readonly ok: true; readonly root: Node; readonly check: () => Checked }
  | { readonly ok: false; readonly failure: Failure };

export type Checked = { readonly ok: true; readonly type: CelType } | { readonly ok: false; readonly failure: Failure };

/** What the library found wrong, with its own code; the words are ours to find. */
export interface Failure {
  readonly code: string;
  readonly summary: string;
  readonly start: number;
  readonly end: number;
  /** The node that does not fit, where the library names one. */
  readonly node: Node | undefined;
}

/** Neither throws nor recurses without bound: nesting was limited before. */
export function parse(text: string): Parsed {
  try {
    const parsed = ENVIRONMENT.parse(text);
    return { ok: true, root: parsed.ast, check: () => check(parsed.check) };
  } catch (error) {
    return { ok: false, failure: failureOf(error) };
  }
}

function check(run: () => { valid: boolean; type?: string; error?: unknown }): Checked {
  const result = run();
  if (result.valid && result.type !== undefined) return { ok: true, type: parseCheckedType(result.type) };
  return { ok: false, failure: failureOf(result.error) };
}

function failureOf(error: unknown): Failure {
  if (error instanceof ParseError || error instanceof CelTypeError) {
    const { code, summary, range } = error;
    return { code, summary, start: range?.start ?? 0, end: range?.end ?? 0, node: nodeOf(error.node) };
  }
  const summary = error instanceof Error ? error.message : String(error);
  const code = error instanceof RangeError ? "stack" : "unexpected";
  return { code, summary, start: 0, end: 0, node: undefined };
}

function nodeOf(node: object | undefined): Node | undefined {
  // Errors of the checker carry the node itself, those of the parser only a place.
  return node !== undefined && "op" in node && "args" in node && "input" in node ? (node as Node) : undefined;
}

/** What is at work inside of a node, and not in the library's declarations. */
interface Inside {
  readonly checkedType?: { readonly name: string };
  readonly meta: { readonly check: (checker: Checker, node: Node, context: unknown) => CheckedType };
  setMeta(key: "check" | "macro" | "alternate", value: unknown): unknown;
}

interface CheckedType {
  readonly name: string;
}

interface Checker {
  check(node: Node, context: unknown): CheckedType;
  getType(name: string): CheckedType;
}

function inside(node: Node): Inside {
  // The library is pinned to one version, and a test holds it to this.
  return node as unknown as Inside;
}

/** Makes a node have a type, whatever is in it. */
export function pin(node: Node, type: CelType): void {
  const name = formatCheckedType(type);
  inside(node).setMeta("alternate", undefined);
  inside(node).setMeta("macro", undefined);
  inside(node).setMeta("check", (checker: Checker) => checker.getType(name));
}

/** Makes a node have a type, once a part of it was checked. */
export function pinAfter(node: Node, part: Node, type: CelType): void {
  const name = formatCheckedType(type);
  inside(node).setMeta("macro", undefined);
  inside(node).setMeta("check", (checker: Checker, _: Node, context: unknown) => {
    checker.check(part, context);
    return checker.getType(name);
  });
}

/** Makes the result of a call `dyn` where the library says only that it is of some type. */
export function mendCall(node: Node): void {
  const { check: library } = inside(node).meta;
  inside(node).setMeta("check", (checker: Checker, self: Node, context: unknown) => {
    const result = library(checker, self, context);
    return /^[A-Z]$/.test(result.name) ? checker.getType("dyn") : result;
  });
}

/** Makes the sum of a duration and a timestamp a timestamp: the library takes every sum for what its left side is. */
export function mendSum(node: Node, left: Node, right: Node): void {
  const { check: library } = inside(node).meta;
  inside(node).setMeta("check", (checker: Checker, self: Node, context: unknown) => {
    const sum = library(checker, self, context);
    const other = checker.check(right, context);
    return checker.check(left, context).name === DURATION && other.name === TIMESTAMP ? other : sum;
  });
}

/** @returns the type that a check found a node to have; undefined before, and for what was not reached. */
export function checkedType(node: Node): CelType | undefined {
  const name = inside(node).checkedType?.name;
  return name === undefined ? undefined : parseCheckedType(name);
}

const TIMESTAMP = "google.protobuf.Timestamp";
const DURATION = "google.protobuf.Duration";

const TYPE_NAMES: ReadonlyMap<string, CelType> = new Map<string, CelType>([
  ...(["bool", "int", "uint", "double", "string", "bytes", "null", "dyn"] as const).map(
    (kind) => [kind, { kind }] as const,
  ),
  ["type", { kind: "type", of: { kind: "dyn" } }],
  [TIMESTAMP, { kind: "timestamp" }],
  [DURATION, { kind: "duration" }],
]);

/** From the library's way to write a type. A type it knows nothing of (an empty list's element) is dyn. */
function parseCheckedType(name: string): CelType {
  const simple = TYPE_NAMES.get(name);
  if (simple) return simple;
  const open = name.indexOf("<");
  const parts = open < 0 ? [] : splitTopLevel(name.slice(open + 1, -1)).map(parseCheckedType);
  const [first = DYN, second = DYN] = parts;
  switch (open < 0 ? name : name.slice(0, open)) {
    case "list":
      return { kind: "list", element: first };
    case "map":
      return { kind: "map", key: first, value: second };
    case "optional":
      return { kind: "optional", value: first };
    case "dyn":
      return first;
    default:
      return DYN;
  }
}

const DYN: CelType = { kind: "dyn" };

function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "<") depth++;
    else if (character === ">") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}

function formatCheckedType(type: CelType): string {
  switch (type.kind) {
    case "timestamp":
      return TIMESTAMP;
    case "duration":
      return DURATION;
    case "list":
      return `list<${formatCheckedType(type.element)}>`;
    case "map":
      return `map<${formatCheckedType(type.key)}, ${formatCheckedType(type.value)}>`;
    case "optional":
      return `optional<${formatCheckedType(type.value)}>`;
    default:
      return type.kind;
  }
}

/** Operators the library lacks; the others of our table it has. */
const MISSING_OPERATORS = [
  ...["<", "<=", ">", ">="].map((symbol) => `bytes ${symbol} bytes: bool`),
  // Brings `!=` along.
  "optional<V> == optional<V>: bool",
];

const ENVIRONMENT = createEnvironment();

function createEnvironment(): Environment {
  const environment = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: { maxListElements: MAX_LITERAL_ENTRIES, maxMapEntries: MAX_LITERAL_ENTRIES },
  });
  const known = environment.getDefinitions().functions;
  for (const signature of FUNCTIONS.flatMap(signaturesOf)) {
    const definition = definitionOf(signature);
    if (!known.some((one) => covers(one, definition))) environment.registerFunction(definition);
  }
  for (const operator of MISSING_OPERATORS) environment.registerOperator(operator, neverEvaluated);
  return environment;
}

interface Definition {
  readonly name: string;
  readonly receiverType: string | null;
  readonly params: readonly { readonly type: string }[];
}

/**
 * Whether the library knows an overload already, which it refuses to be told again: the same types, one of its macros (arguments of type
 * `ast`), several of its own in place of our one for `dyn`, or its namespace for our name with a dot.
 */
function covers(known: Definition, ours: Definition): boolean {
  if (ours.name.includes(".")) return true;
  const sameForm = (known.receiverType === null) === (ours.receiverType === null);
  if (known.name !== ours.name || !sameForm || known.params.length !== ours.params.length) return false;
  if (known.params.some(({ type }) => type === "ast") || ours.params.some(({ type }) => type === "dyn")) return true;
  return (
    known.receiverType === ours.receiverType &&
    known.params.every(({ type }, index) => type === ours.params[index]?.type)
  );
}

function definitionOf({ name, receiver, parameters, returns }: Signature) {
  const params = parameters.map((type) => ({ type }));
  // The library reads null as "none"; its declarations say only "string".
  const receiverType = (receiver ?? null) as string;
  return { name, receiverType, returnType: returns, params, handler: neverEvaluated, async: false };
}

function neverEvaluated(): never {
  throw new Error("the library's evaluator is not used");
}
