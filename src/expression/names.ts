import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { suggest } from "../diagnostics/suggest.ts";
import { FUNCTIONS, functionNamed, type Signature, signaturesOf } from "./functions/registry.ts";
import type { Scope } from "./scope.ts";

/** What names mean: the attributes and definitions of a scope, the functions, CEL's types, and what people may have meant. */

/** The macros of the language, whose first argument is a variable; `has` besides. */
export const MACROS = ["all", "exists", "exists_one", "map", "filter"] as const;

/** CEL's names of types as values. */
export const TYPE_VALUES: ReadonlyMap<string, string> = new Map([
  ...["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"].map(
    (name) => [name, name] as const,
  ),
  ...["google.protobuf.Timestamp", "google.protobuf.Duration"].map((name) => [name, name] as const),
]);

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

/** A name that means nothing, and how many of its parts the message is about. */
export interface Unknown {
  readonly finding: messages.Finding;
  readonly length: number;
}

/** @returns what to say of a dotted name of which no beginning is an attribute, a definition or a variable. */
export function unknownName(parts: readonly string[], scope: Scope, variables: readonly string[]): Unknown {
  const known = knownLength(parts, scope);
  if (known === parts.length) {
    const group = parts.join(".");
    return { finding: messages.attributeGroup(group, membersOf(group, scope)), length: parts.length };
  }
  const length = known === 0 ? parts.length : known + 1;
  const name = parts.slice(0, length).join(".");
  const row = parts.length === 1 ? functionNamed(name) : undefined;
  const form = row && formsOf(row.name)[0];
  if (form !== undefined) return { finding: messages.functionAsValue(name, form), length };
  const suggestion = known === 0 ? nearest(parts, length, scope, variables) : nearestMember(parts, known, scope);
  const isWord = parts.length === 1 && (suggestion === undefined || SHOUTED.test(name));
  return { finding: isWord ? messages.textWithoutQuotes(name) : messages.unknownAttribute(name, suggestion), length };
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

function membersOf(group: string, scope: Scope): readonly string[] {
  const members = [...scope.attributes.keys()].filter((name) => name.startsWith(`${group}.`));
  return members.sort().slice(0, MAX_MEMBERS);
}

/** Of the whole name, or of a shorter beginning: the rest may be a key of a map. */
function nearest(
  parts: readonly string[],
  length: number,
  scope: Scope,
  variables: readonly string[],
): string | undefined {
  const candidates = [...scope.attributes.keys(), ...scope.definitions.keys(), ...variables, ...functionNames()];
  for (let end = parts.length; end > 0; end--) {
    const found = suggest(parts.slice(0, end).join("."), candidates);
    if (found !== undefined && (end >= length || found.includes("."))) return found;
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
export function nearestFunction(name: string): string | undefined {
  return suggest(name, functionNames());
}

function functionNames(): readonly string[] {
  return [...FUNCTIONS.filter((row) => signaturesOf(row).length > 0).map((row) => row.name), ...MACROS, "has"];
}

/** @returns how a function is called, as a message shows it: `text.startsWith(string)`. */
export function formsOf(name: string): readonly string[] {
  const row = functionNamed(name);
  return [...new Set((row ? signaturesOf(row) : []).map(form))];
}

function form({ receiver, name, parameters }: Signature): string {
  const args = parameters.map(typeInWords).join(", ");
  return receiver === undefined ? `${name}(${args})` : `${typeInWords(receiver)}.${name}(${args})`;
}

function typeInWords(type: string): string {
  if (/^[A-Z]$/.test(type)) return type === "K" ? "key" : "value";
  return type.replace(/^google\.protobuf\.(\w)/, (_, first: string) => first.toLowerCase()).replace(/<.*>$/, "");
}
