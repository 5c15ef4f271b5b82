import type { Diagnostic, Span } from "../diagnostic.ts";
import { error, warning } from "../error.ts";

/** P11xx: keys, values, kinds and names, before any expression is looked at. */

function meant(suggestion: string | undefined): string | undefined {
  return suggestion === undefined ? undefined : `did you mean \`${suggestion}\`?`;
}

function list(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(", ");
}

/** P1101: a key that does not exist here. */
export function unknownKey(
  span: Span,
  key: string,
  suggestion: string | undefined,
  known: readonly string[],
): Diagnostic {
  const keys = known.length === 0 ? "there are no keys here" : `the keys here are ${list(known)}`;
  return error("P1101", span, `unknown key \`${key}\``, meant(suggestion) ?? keys);
}

/** P1102: a key that other kinds of rules have. */
export function keyOfOtherKind(span: Span, key: string, kind: string, owners: readonly string[]): Diagnostic {
  return error("P1102", span, `\`${kind}\` has no key \`${key}\``, `it belongs to ${list(owners)}`);
}

/** P1103: a key that must be there. */
export function missingKey(span: Span, key: string, example: string): Diagnostic {
  return error("P1103", span, `\`${key}\` is missing`, `add \`${key}: ${example}\``);
}

/** P1104: a value of another shape. */
export function wrongType(span: Span, expected: string, found: string, help: string | undefined): Diagnostic {
  return error("P1104", span, `expected ${expected}, found ${found}`, help);
}

/** P1105: a word that is not one of the few there are. */
export function unknownWord(
  span: Span,
  word: string,
  suggestion: string | undefined,
  words: readonly string[],
): Diagnostic {
  const [only = "", ...others] = words;
  const choice = others.length === 0 ? `\`${only}\`` : `one of ${list(words)}`;
  return error(
    "P1105",
    span,
    `expected ${choice}, found \`${word}\``,
    meant(suggestion) ?? (others.length === 0 ? `write ${choice}` : "write one of these"),
  );
}

/** P1106: a word that a later version will know. */
export function laterWord(span: Span, word: string, words: readonly string[]): Diagnostic {
  return error("P1106", span, `\`${word}\` is planned, but not there yet`, `write ${list(words)}`);
}

/** P1107: an expression without any text. */
export function emptyExpression(span: Span): Diagnostic {
  return error("P1107", span, "an expression is missing here", "write a CEL expression, or remove the key");
}

/** P1108: a text that was left out altogether. */
export function emptyText(span: Span): Diagnostic {
  return error("P1108", span, "a text is missing here", 'write `""` if an empty text is meant');
}

/** P1109: a list or map that must hold something. */
export function emptyCollection(span: Span, what: string): Diagnostic {
  return error("P1109", span, `expected at least one ${what}`, `add one, or remove the key`);
}

/** P1110: a number beyond its bounds. */
export function outOfRange(span: Span, value: string, range: string): Diagnostic {
  return error("P1110", span, `\`${value}\` is out of range`, `write a number ${range}`);
}

/** P1111: a time without a unit, or with one that does not exist. */
export function badDuration(span: Span, value: string): Diagnostic {
  const help = "write a whole number and one unit: `500ms`, `30s`, `1m`, `1h`, `1d`, `1y`";
  return error("P1111", span, `\`${value}\` is not a duration`, help);
}

/** P1112: a time beyond its bounds. */
export function durationOutOfRange(span: Span, value: string, from: string, to: string): Diagnostic {
  return error("P1112", span, `\`${value}\` is out of range`, `write a duration from \`${from}\` to \`${to}\``);
}

/** P1113: buckets that do not ascend. */
export function bucketOrder(span: Span, value: string, before: string): Diagnostic {
  const help = "write the upper bounds in ascending order, each once; `+Inf` is always there";
  return error("P1113", span, `bucket \`${value}\` does not come after \`${before}\``, help);
}

/** P1114 (warning): buckets on a metric that has none; they are passed over. */
export function bucketsUnused(span: Span, kind: string): Diagnostic {
  return warning("P1114", span, `a ${kind} has no buckets`, "write `kind: histogram` if one is meant");
}

/** P1120: a name that is not kebab-case. */
export function badName(span: Span, name: string, suggestion: string | undefined): Diagnostic {
  const help = meant(suggestion) ?? "write lowercase letters and digits, joined by `-`";
  return error("P1120", span, `\`${name}\` is not a name`, help);
}

/** P1121: a metric's or dimension's name that exposition could not hold. */
export function badMetricName(span: Span, name: string, suggestion: string | undefined): Diagnostic {
  const help = meant(suggestion) ?? "write lowercase letters, digits and `_`, not beginning with a digit";
  return error("P1121", span, `\`${name}\` cannot be the name of a metric or dimension`, help);
}

/** P1122: a definition that expressions could not mention. */
export function badDefinitionName(span: Span, name: string, suggestion: string | undefined): Diagnostic {
  const help = meant(suggestion) ?? "write letters, digits and `_`, as expressions will use it";
  return error("P1122", span, `\`${name}\` cannot be used in an expression`, help);
}

/** P1123: a name that CEL keeps for itself. */
export function reservedName(span: Span, name: string): Diagnostic {
  return error("P1123", span, `\`${name}\` is a word of CEL itself`, "choose another name");
}

/** P1124: an attribute's name that expressions could not mention. */
export function badAttributeName(span: Span, name: string): Diagnostic {
  const help = "write words of letters, digits and `_`, joined by dots: `order.total`";
  return error("P1124", span, `\`${name}\` is not the name of an attribute`, help);
}

/** P1125: a header's name with characters that HTTP does not allow in one. */
export function badHeaderName(span: Span, name: string): Diagnostic {
  const help = "write letters, digits and `-`; header names hold no spaces, colons or brackets";
  return error("P1125", span, `\`${name}\` is not the name of a header`, help);
}

/** P1126: a name without any character, or with one that cannot be shown. */
export function unprintableName(span: Span): Diagnostic {
  return error("P1126", span, "this name is empty or holds control characters", "write it in visible characters");
}

/** P1127: a place in Envoy's metadata without its two halves. */
export function badMetadataPlace(span: Span, text: string): Diagnostic {
  const help = "write the metadata's namespace, `/` and the key: `envoy.filters.http.jwt_authn/jwt`";
  return error("P1127", span, `\`${text}\` is not a place in metadata`, help);
}

/** P1128: a dimension that the exposition format keeps for itself. */
export function reservedDimension(span: Span, name: string): Diagnostic {
  return error("P1128", span, `dimension \`${name}\` belongs to the exposition format`, "choose another name");
}

/** P1129: a peer that no certificate could name. */
export function badPeer(span: Span, name: string): Diagnostic {
  const help =
    "write a name as the certificate has it, `spiffe://shop/ns/web/*` for all below, `*` for whoever has a certificate, or `anonymous` for " +
    "whoever has none";
  return error("P1129", span, `\`${name}\` can be the name of no peer`, help);
}

/** P1130: a rule without any key that says what it is. */
export function noKind(
  span: Span,
  section: string,
  kinds: readonly string[],
  found: string,
  suggestion: string | undefined,
): Diagnostic {
  const help = meant(suggestion) ?? `begin the rule with one of ${list(kinds)} and a name`;
  return error("P1130", span, `\`${section}\` has no kind \`${found}\``, help);
}

/** P1133: a rule whose keys do not say what it is. */
export function unnamedRule(span: Span, section: string, kinds: readonly string[]): Diagnostic {
  return error(
    "P1133",
    span,
    `this ${section} rule does not say what it is`,
    `begin it with one of ${list(kinds)} and a name`,
  );
}

/** P1131: a rule that would be two things. */
export function severalKinds(span: Span, first: string, second: string): Diagnostic {
  return error(
    "P1131",
    span,
    `this rule is \`${first}\` already and cannot be \`${second}\` too`,
    "make two rules of it, each with its `- `",
  );
}

/** P1132: a kind of rule in the section of another. */
export function kindOfOtherSection(span: Span, kind: string, section: string): Diagnostic {
  return error("P1132", span, `\`${kind}\` does not belong here`, `move this rule under \`${section}:\``);
}

/** P1140: two of one kind and name in one file. */
export function duplicateName(span: Span, kind: string, name: string, line: number): Diagnostic {
  return error(
    "P1140",
    span,
    `another \`${kind}\` named \`${name}\` is on line ${line}`,
    kind === "peer" ? "say there all that it may" : "give one of them another name",
  );
}

/** P1141: two policies of one name. */
export function duplicatePolicy(span: Span, name: string, file: string): Diagnostic {
  return error("P1141", span, `policy \`${name}\` exists already in \`${file}\``, "give one of them another name");
}

/** P1142: one thing named twice in a list. */
export function duplicateItem(span: Span, item: string): Diagnostic {
  return error("P1142", span, `\`${item}\` is listed twice`, "keep one of them");
}
