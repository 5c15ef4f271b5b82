import { ABSENT, type CelValue, Invalid, Optional, type Outcome } from "../../attribute/value.ts";
import type { Engine } from "../pattern.ts";
import { CHARACTERS_PER_UNIT, invalid, NO_OVERLOAD, NONE } from "../values.ts";
import type { FunctionRow } from "./function-row.ts";
import { type Pay, SEARCH_COST, searchingBy } from "./search.ts";

const SEVERAL_GROUPS = invalid("a pattern with more than one group, where one at most can be taken", "invalid regex");
const BAD_REPLACEMENT = invalid(
  "a replacement in which a backslash is followed by neither a digit nor a backslash",
  "invalid regex",
);
const NO_SUCH_GROUP = invalid("a replacement names a group that the pattern does not have", "invalid regex");

/** CEL's extension for taking texts apart by regular expressions. */
export const REGEX: readonly FunctionRow[] = [
  {
    name: "regex.replace",
    signatures: ["regex.replace(string, string, string): string", "regex.replace(string, string, string, int): string"],
    doc: "The text with what the pattern (RE2, a constant) matches replaced: `\\0` is the match, `\\1` its first group; with a count only the first ones.",
    cost: SEARCH_COST,
    // Each character may be a match of its own, and each two characters of the replacement may be a group.
    resultSize: (text, _, replacement) => text * (1 + CHARACTERS_PER_UNIT * 1.5 * replacement),
    checked: { argument: 1, kind: "regex" },
    ...searchingBy(replace),
  },
  {
    name: "regex.extract",
    signatures: ["regex.extract(string, string): optional(string)"],
    doc: "What the pattern (RE2, a constant) matches first, or its one group; none when that is not there.",
    cost: SEARCH_COST,
    resultSize: (text) => text,
    checked: { argument: 1, kind: "regex" },
    ...searchingBy(extract),
  },
  {
    name: "regex.extractAll",
    signatures: ["regex.extractAll(string, string): list(string)"],
    doc: "All that the pattern (RE2, a constant) matches, or its one group each time, without empty groups.",
    cost: SEARCH_COST,
    resultSize: (text) => 1 + text * CHARACTERS_PER_UNIT,
    checked: { argument: 1, kind: "regex" },
    ...searchingBy(extractAll),
  },
];

function replace(args: readonly CelValue[], pattern: () => Engine | Invalid, pay: Pay): Outcome {
  const [text, written, replacement, count = null] = args;
  if (typeof text !== "string" || typeof written !== "string" || typeof replacement !== "string") return NO_OVERLOAD;
  if (count !== null && typeof count !== "bigint") return NO_OVERLOAD;
  if (count === 0n) return text;
  const engine = pattern();
  if (engine instanceof Invalid) return engine;
  const over = pay(replacement.length);
  if (over) return over;
  const template = parseReplacement(replacement);
  let result = "";
  let end = 0;
  let left = count ?? -1n;
  const failed = eachMatch(text, engine, pay, (match) => {
    if (template instanceof Invalid) return template;
    const filled = fill(template, match, engine);
    if (filled instanceof Invalid) return filled;
    result += text.slice(end, match.start()) + filled;
    end = match.end();
    left -= 1n;
    return pay(filled.length / CHARACTERS_PER_UNIT) ?? (left === 0n ? "enough" : undefined);
  });
  return failed ?? result + text.slice(end);
}

/** Literal pieces, and groups by their number. */
type Replacement = readonly (string | number)[];

/** Looked at only when there is something to replace: what cel-go does not evaluate is no error here. */
function parseReplacement(replacement: string): Replacement | Invalid {
  const parts: (string | number)[] = [];
  for (let at = 0; at < replacement.length; ) {
    const backslash = replacement.indexOf("\\", at);
    if (backslash < 0) return [...parts, replacement.slice(at)];
    const next = replacement.charAt(backslash + 1);
    if (!/^[0-9\\]$/.test(next)) return BAD_REPLACEMENT;
    parts.push(replacement.slice(at, backslash), next === "\\" ? next : Number(next));
    at = backslash + 2;
  }
  return parts;
}

function fill(parts: Replacement, match: Match, { regex }: Engine): string | Invalid {
  let text = "";
  for (const part of parts) {
    if (typeof part === "number" && part > regex.groupCount()) return NO_SUCH_GROUP;
    text += typeof part === "number" ? (match.group(part) ?? "") : part;
  }
  return text;
}

function extract(args: readonly CelValue[], pattern: () => Engine | Invalid, pay: Pay): Outcome {
  const [text] = args;
  const engine = ofOneGroup(pattern());
  if (engine instanceof Invalid) return engine;
  if (typeof text !== "string") return NO_OVERLOAD;
  let found: Optional = NONE;
  const failed = eachMatch(text, engine, pay, (match) => {
    const part = partOf(match, engine);
    if (part !== ABSENT) found = new Optional(part);
    return "enough";
  });
  return failed ?? found;
}

function extractAll(args: readonly CelValue[], pattern: () => Engine | Invalid, pay: Pay): Outcome {
  const [text] = args;
  const engine = ofOneGroup(pattern());
  if (engine instanceof Invalid) return engine;
  if (typeof text !== "string") return NO_OVERLOAD;
  const parts: string[] = [];
  const failed = eachMatch(text, engine, pay, (match) => {
    const part = partOf(match, engine);
    if (part !== ABSENT) parts.push(part);
    return undefined;
  });
  return failed ?? parts;
}

function ofOneGroup(engine: Engine | Invalid): Engine | Invalid {
  return !(engine instanceof Invalid) && engine.regex.groupCount() > 1 ? SEVERAL_GROUPS : engine;
}

/** The match or its group. A group that matched nothing is not there. */
function partOf(match: Match, { regex }: Engine): string | typeof ABSENT {
  if (regex.groupCount() === 0) return match.group(0) ?? ABSENT;
  return match.group(1) || ABSENT;
}

type Match = ReturnType<Engine["regex"]["matcher"]>;

/** What a search costs besides the characters it looks at. */
const STEPS_PER_SEARCH = 20;
/** Finding where a match is takes this part of the most that testing may take, where nothing is known of the text yet; its groups as much again. */
const PLACE = 0.4;

/**
 * Visits the matches from left to right, none within another, as Go's `FindAll` does: an empty match right behind another one is none.
 * Each search is paid to the end of the text, since a pattern may look that far before it settles for less.
 *
 * @param visit says that it has had enough, or what failed.
 */
function eachMatch(
  text: string,
  { regex, stepsPerCharacter }: Engine,
  pay: Pay,
  visit: (match: Match) => Invalid | "enough" | undefined,
): Invalid | undefined {
  const match = regex.matcher(text);
  const perCharacter = stepsPerCharacter * PLACE * (regex.groupCount() > 0 ? 2 : 1);
  let endBefore = -1;
  for (let at = 0; at <= text.length; ) {
    const over = pay(STEPS_PER_SEARCH + (text.length - at) * perCharacter);
    if (over) return over;
    if (!match.find(at)) return undefined;
    const end = match.end();
    const counts = end > at || match.start() !== endBefore;
    endBefore = end;
    // Visiting may ask for more of the match, after which only the text's own places are certain.
    const next = end > at ? end : at + widthAt(text, at);
    if (counts) {
      const said = visit(match);
      if (said !== undefined) return said === "enough" ? undefined : said;
    }
    at = next;
  }
  return undefined;
}

/** UTF-16 units of the code point there. */
function widthAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}
