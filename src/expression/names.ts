import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { suggest } from "../diagnostics/suggest.ts";
import type { Step } from "./dotted-path.ts";
import { FUNCTIONS, functionNamed, isOperator, overloadsOf } from "./functions/registry.ts";
import type { Overload, SignatureType } from "./functions/signature.ts";
import { MACROS, macroNamed } from "./macros.ts";
import type { Scope } from "./scope.ts";
import type { Place } from "./tree.ts";
import { DYN, type Type } from "./unify.ts";

/** What names mean: the attributes and definitions of a scope, the functions, CEL's types, and what people may have meant. */

/** CEL's names of types as values, and the types that they name. */
export const TYPE_VALUES: ReadonlyMap<string, { readonly name: string; readonly of: Type }> = new Map(
  (
    [
      ...(["bool", "int", "uint", "double", "string", "bytes"] as const).map((kind) => [kind, { kind }] as const),
      ["list", { kind: "list", element: DYN }],
      ["map", { kind: "map", key: DYN, value: DYN }],
      ["null_type", { kind: "null" }],
      ["type", { kind: "type", of: DYN }],
      ["optional_type", { kind: "optional", value: DYN }],
      ["google.protobuf.Timestamp", { kind: "timestamp" }],
      ["google.protobuf.Duration", { kind: "duration" }],
      ["net.IP", { kind: "ip" }],
      ["net.CIDR", { kind: "cidr" }],
    ] as const
  ).map(([name, of]) => [name, { name, of }]),
);

/** Attributes named by a group in a message. */
const MAX_MEMBERS = 4;

/** @returns the longest beginning of a dotted name that is an attribute: how many parts it has, and its type. */
export function longestAttribute(
  parts: readonly string[],
  scope: Scope,
): { readonly length: number; readonly type: CelType } | undefined {
  for (let length = parts.length; length > 0; length--) {
    const type = scope.attributes.get(parts.slice(0, length).join("."));
    if (type !== undefined) return { length, type };
  }
  return undefined;
}

/**
 * @returns the attribute at the beginning of a path. `a.b.?c` looks into the attribute `a.b` where there is one, also when another is
 * named `a.b.c`.
 */
export function attributeOf(path: readonly Step[], scope: Scope): ReturnType<typeof longestAttribute> {
  const names = path.map(({ name }) => name);
  const plain = path.findIndex(({ optional }) => optional);
  return (plain > 0 ? longestAttribute(names.slice(0, plain), scope) : undefined) ?? longestAttribute(names, scope);
}

/** Something that means nothing, and where it stands when that is not the whole. */
export interface Unknown {
  readonly finding: messages.Finding;
  readonly at: Place;
}

/** Where something stands that means nothing: the whole expression, and what has a name there. */
export interface Whereabouts {
  readonly text: string;
  readonly scope: Scope;
  /** Of loops and bindings. */
  readonly variables: readonly string[];
}

/** @returns what to say of a dotted name of which no beginning is an attribute, a definition or a variable. */
export function unknownPath(path: readonly Step[], { text, scope, variables }: Whereabouts): Unknown {
  const parts = path.map(({ name }) => name);
  const start = path[0]?.at[0] ?? 0;
  const upTo = (length: number): Place => path[length - 1]?.at ?? [start, start];
  const dashed = dashedKey(text, start, scope);
  if (dashed) return { finding: messages.dashInKey(dashed.map, dashed.key), at: dashed.place };
  if (scope.later?.has(parts[0] ?? "")) return { finding: messages.definedBelow(parts[0] ?? ""), at: upTo(1) };
  const known = knownLength(parts, scope);
  if (known === parts.length) {
    const group = parts.join(".");
    const members = groupMembers(group, scope).map(([name]) => name);
    return { finding: messages.attributeGroup(group, members.sort().slice(0, MAX_MEMBERS)), at: upTo(parts.length) };
  }
  const length = known === 0 ? parts.length : known + 1;
  const name = parts.slice(0, length).join(".");
  const form = parts.length === 1 && functionNamed(name) ? formsOf(name)[0] : undefined;
  if (form !== undefined) return { finding: messages.functionAsValue(name, form), at: upTo(length) };
  const suggestion = known === 0 ? nearest(parts, scope, variables) : nearestMember(parts, known, scope);
  const isWord = parts.length === 1 && (suggestion === undefined || SHOUTED.test(name));
  const finding = isWord ? messages.textWithoutQuotes(name) : messages.unknownAttribute(name, suggestion);
  return { finding, at: upTo(length) };
}

/** @returns what to say of a call of something that is no function. */
export function unknownCall(name: string, args: readonly { readonly at: Place }[], at: Place): Unknown {
  const [first, second] = args;
  if (name === "has")
    return { finding: messages.hasNeedsPath(second !== undefined), at: second?.at ?? first?.at ?? at };
  const macro = macroNamed(name);
  if (macro) return { finding: messages.argumentCount(name, args.length, macro.forms), at };
  if (name.toLowerCase() === "not") return { finding: messages.wrongToken(name, "!"), at };
  return { finding: messages.unknownFunction(name, nearestFunction(name)), at };
}

/** `GET` is a text that lacks its quotes, and not a way to write `get`. */
const SHOUTED = /^[A-Z][A-Z0-9_]*$/;

/** How many parts of a name are the beginning of some attribute's. */
function knownLength(parts: readonly string[], scope: Scope): number {
  const names = [...scope.attributes.keys()];
  for (let length = parts.length; length > 0; length--) {
    const prefix = `${parts.slice(0, length).join(".")}.`;
    if (names.some((name) => name.startsWith(prefix))) return length;
  }
  return 0;
}

/** @returns the attributes whose names begin with a group's. */
export function groupMembers(group: string, scope: Scope): (readonly [string, CelType])[] {
  return [...scope.attributes].filter(([name]) => name.startsWith(`${group}.`));
}

/** `request.headers.x-user`: the name at `at` is what is left of a key with dashes. */
function dashedKey(
  text: string,
  at: number,
  scope: Scope,
): { readonly map: string; readonly key: string; readonly place: Place } | undefined {
  const before = /(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.([A-Za-z_]\w*(?:-\w+)*)-$/.exec(text.slice(0, at));
  const [, map, begun] = before ?? [];
  if (before === null || map === undefined || begun === undefined) return undefined;
  if (longestAttribute(map.split("."), scope)?.type.kind !== "map") return undefined;
  const rest = /^\w+(?:-\w+)*/.exec(text.slice(at))?.[0] ?? "";
  return { map, key: `${begun}-${rest}`, place: [before.index, at + rest.length] };
}

/** Of the whole name, or of a shorter beginning: the rest may be a key of a map. */
function nearest(parts: readonly string[], scope: Scope, variables: readonly string[]): string | undefined {
  const candidates = [...scope.attributes.keys(), ...scope.definitions.keys(), ...variables, ...functionNames()];
  for (let end = parts.length; end > 0; end--) {
    const found = suggest(parts.slice(0, end).join("."), candidates);
    if (found !== undefined && (end === parts.length || found.includes("."))) return found;
  }
  return undefined;
}

/** Of a name that begins rightly: what is compared is only the rest, so that `source.ip` is not taken for `source.uid`. */
function nearestMember(parts: readonly string[], known: number, scope: Scope): string | undefined {
  const prefix = `${parts.slice(0, known).join(".")}.`;
  const names = [...scope.attributes.keys()].filter((name) => name.startsWith(prefix));
  const members = names.map((name) => name.slice(prefix.length));
  for (let end = parts.length; end > known; end--) {
    const found = suggest(parts.slice(known, end).join("."), members);
    if (found !== undefined) return prefix + found;
  }
  return undefined;
}

/** @returns the function or macro that an unknown one was probably meant to be. */
function nearestFunction(name: string): string | undefined {
  return suggest(name, functionNames());
}

function functionNames(): readonly string[] {
  const names = [...FUNCTIONS.filter((row) => !isOperator(row)), ...MACROS].map((row) => row.name);
  return names.filter((name) => !name.startsWith("@"));
}

/** @returns how a function is called, as a message shows it: `string.startsWith(string)`. */
export function formsOf(name: string): readonly string[] {
  return [...new Set(overloadsOf(name).map((overload) => form(name, overload)))];
}

function form(name: string, { isMember, parameters }: Overload): string {
  const types = parameters.map(typeInWords);
  return isMember ? `${types[0]}.${name}(${types.slice(1).join(", ")})` : `${name}(${types.join(", ")})`;
}

function typeInWords(type: SignatureType): string {
  if (type.kind !== "parameter") return type.kind;
  return type.name === "K" ? "key" : "value";
}
