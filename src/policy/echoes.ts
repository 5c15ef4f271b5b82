import type { Diagnostic, Span } from "../diagnostics/diagnostic.ts";
import type { AuthoredFolder, AuthoredPolicy, Incomplete } from "./authored.ts";
import type { LoadedFolder } from "./load.ts";

/** What a file at the root, where it could not be read whole, makes others say who are not wrong. */
const BY_FILE: Readonly<Record<string, readonly string[]>> = {
  "handlers.yaml": ["P1301"],
  "attributes.yaml": ["P1201", "P1302", "P1304", "P1305", "P1310", "P1311", "P1312"],
  "weir.yaml": ["P1302", "P1311", "P1312", "P1313"],
};
/** Load rules: they judge a rule or policy as a whole. */
const LOAD_RULE = /^P13/;
const UNKNOWN_NAME = "P1201";

/**
 * @returns what compiling a folder found, without what only follows from something that could not be read and was told where it stands:
 * `whn: …` is a misspelt key, and not also an allow without a condition.
 */
export function withoutEchoes(loaded: LoadedFolder, compiled: readonly Diagnostic[]): readonly Diagnostic[] {
  if (loaded.ok) return compiled;
  const { folder, unreadable } = loaded;
  const silenced = new Set([...unreadable].flatMap((file) => BY_FILE[file] ?? []));
  const places = incompletePlaces(folder);
  const definitions = new Map(folder.policies.map((policy) => [policy.file, policy.unreadableDefinitions ?? []]));
  return compiled.filter((diagnostic) => {
    const { code, span } = diagnostic;
    if (silenced.has(code)) return false;
    if (span === undefined) return true;
    if (LOAD_RULE.test(code)) return !(places.get(span.file) ?? []).some((place) => isWithin(place, span));
    return code !== UNKNOWN_NAME || !names(folder, span, definitions.get(span.file) ?? []);
  });
}

/** The rules and policies of which something is missing, by file. */
function incompletePlaces(folder: AuthoredFolder): ReadonlyMap<string, readonly Span[]> {
  return new Map(folder.policies.map((policy) => [policy.file, placesOf(policy)]));
}

function placesOf(policy: AuthoredPolicy): readonly Span[] {
  const parts: readonly Incomplete[] = [policy, ...policy.check, ...policy.quota, ...policy.report];
  return parts.flatMap(({ incomplete }) => incomplete ?? []);
}

function isWithin(outer: Span, inner: Span): boolean {
  return outer.start <= inner.start && inner.start < outer.end;
}

/** Whether a place in an expression names one of some definitions. */
function names(folder: AuthoredFolder, span: Span, definitions: readonly string[]): boolean {
  const written = folder.sources.get(span.file)?.slice(span.start, span.end) ?? "";
  return definitions.some((name) => written === name || written.startsWith(`${name}.`));
}
