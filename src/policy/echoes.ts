import type { Diagnostic, Sources, Span } from "../diagnostics/diagnostic.ts";
import type { AuthoredPolicy, Incomplete } from "./authored.ts";

/** What a file at the root, where it could not be read whole, makes others say who are not wrong. */
const BY_FILE: Readonly<Record<string, readonly string[]>> = {
  "handlers.yaml": ["P1301"],
  "attributes.yaml": ["P1201", "P1302", "P1304", "P1305", "P1310", "P1311", "P1312"],
  "weir.yaml": ["P1302", "P1311", "P1312", "P1313"],
};
/** Load rules: they judge a rule or policy as a whole. */
const LOAD_RULE = /^P13/;
const UNKNOWN_NAME = "P1201";

/** What could not be read of a folder, and what makes others say who are not wrong. */
export interface Unread {
  /** Files at the root of which something is missing. */
  readonly root: ReadonlySet<string>;
  /** By file. */
  readonly policies: ReadonlyMap<string, UnreadPolicy>;
  readonly sources: Sources;
}

export interface UnreadPolicy {
  /** The rules and policies of which something is missing. */
  readonly places: readonly Span[];
  /** Names of definitions that could not be read. */
  readonly definitions: readonly string[];
}

/** @returns undefined for a policy of which nothing is missing. */
export function unreadOf(policy: AuthoredPolicy): UnreadPolicy | undefined {
  const parts: readonly Incomplete[] = [policy, ...policy.check, ...policy.quota, ...policy.report];
  const places = parts.flatMap(({ incomplete }) => incomplete ?? []);
  const definitions = policy.unreadableDefinitions ?? [];
  return places.length === 0 && definitions.length === 0 ? undefined : { places, definitions };
}

/**
 * @returns what compiling a folder found, without what only follows from something that could not be read and was told where it stands:
 * `whn: …` is a misspelt key, and not also an allow without a condition.
 */
export function withoutEchoes(unread: Unread, compiled: readonly Diagnostic[]): readonly Diagnostic[] {
  const { root, policies, sources } = unread;
  const silenced = new Set([...root].flatMap((file) => BY_FILE[file] ?? []));
  return compiled.filter(({ code, span }) => {
    if (silenced.has(code)) return false;
    const of = span && policies.get(span.file);
    if (span === undefined || of === undefined) return true;
    if (LOAD_RULE.test(code)) return !of.places.some((place) => isWithin(place, span));
    return code !== UNKNOWN_NAME || !names(sources, span, of.definitions);
  });
}

function isWithin(outer: Span, inner: Span): boolean {
  return outer.start <= inner.start && inner.start < outer.end;
}

/** Whether a place in an expression names one of some definitions. */
function names(sources: Sources, span: Span, definitions: readonly string[]): boolean {
  const written = sources.get(span.file)?.slice(span.start, span.end) ?? "";
  return definitions.some((name) => written === name || written.startsWith(`${name}.`));
}
