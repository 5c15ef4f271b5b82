import type * as z from "zod";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import {
  kindOfOtherSection,
  missingKey,
  noKind,
  severalKinds,
  unnamedRule,
  wrongType,
} from "../../diagnostics/messages/schema.ts";
import { suggest } from "../../diagnostics/suggest.ts";
import type { YamlEntry, YamlMap, YamlNode } from "../yaml/node.ts";
import { KINDS, type KindOf, type RuleOf, type Section } from "./kinds.ts";
import { found, isBroken } from "./place.ts";
import { keysAt, validate } from "./validate.ts";

/** One rule that was read: its kind, and what stands in it. */
export type ReadRule<S extends Section> = {
  readonly [K in KindOf<S>]: {
    readonly kind: K;
    readonly rule: RuleOf<S, K>;
    /** Where the key of its kind stands. */
    readonly at: Span;
    /** The whole rule in the file, where something of it had to be left out. */
    readonly incomplete: Span | undefined;
  };
}[KindOf<S>];

/**
 * Reads one item of a list by the schema of its kind, which its kind key names. A union of schemas would answer "invalid input" to an
 * ordinary mistake; this one knows what was meant.
 */
export function readRule<S extends Section>(
  section: S,
  node: YamlNode,
): { readonly rule: ReadRule<S> | undefined; readonly diagnostics: readonly Diagnostic[] } {
  if (isBroken(node)) return { rule: undefined, diagnostics: [] };
  if (node.kind !== "map") {
    const help = `begin it with one of ${kindsOf(section)
      .map((kind) => `\`${kind}:\``)
      .join(", ")}`;
    return { rule: undefined, diagnostics: [wrongType(node.span, "a map of keys", found(node), help)] };
  }
  const picked = pickKind(section, node);
  if (picked.kind === undefined) return { rule: undefined, diagnostics: picked.diagnostics };
  const { kind, map, at } = picked;
  const standing = { owner: at, kind: { name: kind, ownersOf: (key: string) => ownersOf(section, key) } };
  const { value, diagnostics, complete } = validate(schemaOf(section, kind), map, standing);
  const all = [...picked.diagnostics, ...diagnostics];
  // The value came from the schema of exactly this section and kind.
  const incomplete = complete && picked.diagnostics.length === 0 ? undefined : node.span;
  const rule = { kind, rule: value, at, incomplete } as unknown as ReadRule<S>;
  return { rule, diagnostics: all };
}

interface Picked {
  /** Undefined when nothing says what the rule is. */
  readonly kind: string | undefined;
  readonly map: YamlMap;
  readonly at: Span;
  readonly diagnostics: readonly Diagnostic[];
}

function pickKind(section: Section, map: YamlMap): Picked {
  const kinds = kindsOf(section);
  const [first, second] = map.entries.filter((entry) => kinds.includes(entry.key.name));
  if (first === undefined) return guessKind(section, map);
  const at = first.key.span;
  const kind = first.key.name;
  if (second === undefined) return { kind, map, at, diagnostics: [] };
  const others = map.entries.filter((entry) => entry !== first && kinds.includes(entry.key.name));
  const entries = map.entries.filter((entry) => !others.includes(entry));
  const diagnostics = [severalKinds(second.key.span, kind, second.key.name)];
  return { kind, map: { ...map, entries }, at, diagnostics };
}

/** No kind key: a misspelt one, one of another section, or none. */
function guessKind(section: Section, map: YamlMap): Picked {
  const at = map.entries[0]?.key.span ?? map.span;
  const elsewhere = sectionOf(map);
  if (elsewhere !== undefined) {
    const { entry, section: right } = elsewhere;
    return { kind: undefined, map, at, diagnostics: [kindOfOtherSection(entry.key.span, entry.key.name, right)] };
  }
  const known = new Set(kindsOf(section).flatMap((kind) => keysAt(schemaOf(section, kind))));
  const strange = map.entries.filter((entry) => !known.has(entry.key.name));
  for (const entry of strange) {
    const meant = suggest(entry.key.name, kindsOf(section));
    if (meant === undefined) continue;
    const entries = map.entries.map((each) => (each === entry ? { ...each, key: { ...each.key, name: meant } } : each));
    const diagnostics = [noKind(entry.key.span, section, kindsOf(section), entry.key.name, meant)];
    return { kind: meant, map: { ...map, entries }, at: entry.key.span, diagnostics };
  }
  const [only, ...others] = kindsOf(section);
  if (only !== undefined && others.length === 0)
    return { kind: undefined, map, at, diagnostics: [missingKey(at, only, "…")] };
  const [odd] = strange;
  const unnamed = odd === undefined || odd !== map.entries[0];
  const diagnostic = unnamed
    ? unnamedRule(at, section, kindsOf(section))
    : noKind(odd.key.span, section, kindsOf(section), odd.key.name, undefined);
  return { kind: undefined, map, at, diagnostics: [diagnostic] };
}

/** `- limit: x` under `check:`. */
function sectionOf(map: YamlMap): { readonly entry: YamlEntry; readonly section: Section } | undefined {
  for (const section of ["check", "quota", "report"] as const) {
    const [entry] = map.entries;
    if (entry !== undefined && kindsOf(section).includes(entry.key.name)) return { entry, section };
  }
  return undefined;
}

/** The kinds of a section that have a key. */
function ownersOf(section: Section, key: string): readonly string[] {
  return kindsOf(section).filter((kind) => keysAt(schemaOf(section, kind)).includes(key));
}

function kindsOf(section: Section): readonly string[] {
  return Object.keys(KINDS[section]);
}

function schemaOf(section: Section, kind: string): z.ZodType {
  const kinds: Readonly<Record<string, z.ZodType>> = KINDS[section];
  const schema = kinds[kind];
  if (schema === undefined) throw new Error(`section ${section} has no kind ${kind}`);
  return schema;
}
