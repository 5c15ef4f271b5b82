import type { Diagnostic, Sources } from "../diagnostics/diagnostic.ts";
import { attributePrefix } from "../diagnostics/messages/load.ts";
import { duplicateName, duplicatePolicy } from "../diagnostics/messages/schema.ts";
import { LineTable } from "../diagnostics/position.ts";
import type { AuthoredPolicy, AuthoredRoot, Located } from "./authored.ts";

/** @returns an error for each name at the root that is taken already, and for attributes that are a prefix of another. */
export function judgeRootNames(root: AuthoredRoot, sources: Sources): readonly Diagnostic[] {
  const lines = new Lines(sources);
  const handlers = root.handlers.map(({ name }) => ({ kind: "handler", name }));
  const peers = (root.settings.peers ?? []).map(({ name }) => ({ kind: "peer", name }));
  const attributes = root.attributes.map(({ name }) => ({ kind: "attribute", name }));
  return [
    ...duplicates(peers, lines),
    ...duplicates(handlers, lines),
    ...duplicates(attributes, lines),
    ...judgePrefixes(root.attributes.map(({ name }) => name)),
  ];
}

/** @returns an error for each rule whose name another of its kind has in the same policy. */
export function judgeRuleNames(policy: AuthoredPolicy, text: string): readonly Diagnostic[] {
  return duplicates(rulesOf(policy), new Lines(new Map([[policy.file, text]])));
}

interface Named {
  readonly kind: string;
  readonly name: Located<string>;
}

function rulesOf(policy: AuthoredPolicy): readonly Named[] {
  return [...policy.check, ...policy.quota.map(({ name }) => ({ kind: "limit", name })), ...policy.report];
}

/** The second and every further of one kind and name. A missing name was told already. */
function duplicates(all: readonly Named[], lines: Lines): readonly Diagnostic[] {
  const first = new Map<string, Located<string>>();
  return all.flatMap(({ kind, name }) => {
    const key = `${kind} ${name.value}`;
    const before = first.get(key);
    if (name.value === "") return [];
    if (before === undefined) {
      first.set(key, name);
      return [];
    }
    return [duplicateName(name.span, kind, name.value, lines.lineOf(before))];
  });
}

/** A policy by what it is called. */
export type PolicyName = Pick<AuthoredPolicy, "name" | "file">;

/** @param policies in the order of their files: the first one of a name has it. */
export function judgePolicyNames(policies: readonly PolicyName[]): readonly Diagnostic[] {
  const first = new Map<string, string>();
  return policies.flatMap(({ name, file }) => {
    const before = first.get(name.value);
    if (name.value === "") return [];
    if (before !== undefined) return [duplicatePolicy(name.span, name.value, before)];
    first.set(name.value, file);
    return [];
  });
}

/** `a.b` and `a.b.c` cannot both be attributes: `a.b.c` would mean two things. The later one is told. */
function judgePrefixes(names: readonly Located<string>[]): readonly Diagnostic[] {
  const declared = new Set<string>();
  /** Each proper prefix of a declared name, with that name. */
  const prefixes = new Map<string, string>();
  return names.flatMap(({ value, span }) => {
    const own = properPrefixes(value);
    const other = own.find((prefix) => declared.has(prefix)) ?? prefixes.get(value);
    declared.add(value);
    for (const prefix of own) if (!prefixes.has(prefix)) prefixes.set(prefix, value);
    return other === undefined ? [] : [attributePrefix(span, value, other)];
  });
}

function properPrefixes(name: string): readonly string[] {
  const parts = name.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}

/** Line numbers of places in several files; a file is counted when it is first asked about. */
class Lines {
  readonly #sources: Sources;
  readonly #tables = new Map<string, LineTable>();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  lineOf({ span }: Located<string>): number {
    const table = this.#tables.get(span.file) ?? new LineTable(this.#sources.get(span.file) ?? "");
    this.#tables.set(span.file, table);
    return table.position(span.start).line;
  }
}
