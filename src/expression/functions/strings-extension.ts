import type { CelValue, Outcome } from "../../attribute/value.ts";
import { codePoints, trim, unitIndex } from "../strings.ts";
import { CHARACTERS_PER_UNIT, invalid, isList, NO_OVERLOAD, OUT_OF_RANGE } from "../values.ts";
import { checkFormat, type FormatText, formatValues, readFormat } from "./format.ts";
import type { Apply, FunctionRow, Prepared } from "./function-row.ts";

/** CEL's strings extension. Places in a text are code points, counted from 0; one outside of the text is an error. */
export const STRINGS_EXTENSION: readonly FunctionRow[] = [
  {
    name: "charAt",
    signatures: ["string.charAt(int): string"],
    doc: "The character at a place of the text; at its very end the empty text.",
    cost: (text) => text,
    resultSize: 2,
    apply: charAt,
  },
  {
    name: "indexOf",
    signatures: ["string.indexOf(string): int", "string.indexOf(string, int): int"],
    doc: "Where a text first stands in the other, from a place on; -1 if it does not.",
    range: [-1, Number.POSITIVE_INFINITY],
    cost: (text, part) => text + searching(text, part),
    ...lastMayMiss(2, indexOf),
  },
  {
    name: "lastIndexOf",
    signatures: ["string.lastIndexOf(string): int", "string.lastIndexOf(string, int): int"],
    doc: "Where a text last stands in the other, up to a place; -1 if it does not.",
    range: [-1, Number.POSITIVE_INFINITY],
    cost: (text, part) => text + searching(text, part),
    ...lastMayMiss(2, lastIndexOf),
  },
  {
    name: "substring",
    signatures: ["string.substring(int): string", "string.substring(int, int): string"],
    doc: "The part of a text from a place to another, which is not in it, or to the end.",
    cost: (text) => text,
    resultSize: (text) => text,
    ...lastMayMiss(2, substring),
  },
  {
    name: "replace",
    signatures: ["string.replace(string, string): string", "string.replace(string, string, int): string"],
    doc: "Puts a text in place of another wherever it stands, or so many times from the left; the empty one stands between all characters.",
    cost: (text, old, by) => replacing(text, old, by, charactersOf(text) + 1),
    resultSize: (text, _, by) => replaced(text, by, charactersOf(text) + 1),
    apply: replace,
    prepare: prepareReplace,
  },
  {
    name: "split",
    signatures: ["string.split(string): list(string)", "string.split(string, int): list(string)"],
    doc: 'The parts of a text between the places where another stands, or so many of them, of which the last has the rest; `split("")` gives the characters.',
    cost: (text, separator) => searching(text, separator) + partsOf(text),
    resultSize: partsOf,
    ...lastMayMiss(2, split),
  },
  {
    name: "join",
    signatures: ["list(string).join(): string", "list(string).join(string): string"],
    doc: "The texts of a list as one, with another text between them.",
    deep: true,
    cost: (list, separator) => list + joined(list, separator),
    resultSize: joined,
    ...lastMayMiss(1, join),
  },
  {
    name: "lowerAscii",
    signatures: ["string.lowerAscii(): string"],
    doc: "The text with `A` to `Z` in lower case, and everything else as it is.",
    cost: (text) => 2 + 2 * text,
    resultSize: (text) => text,
    apply: (text) => (typeof text === "string" ? lowerAscii(text) : NO_OVERLOAD),
  },
  {
    name: "upperAscii",
    signatures: ["string.upperAscii(): string"],
    doc: "The text with `a` to `z` in upper case, and everything else as it is.",
    cost: (text) => 2 + 2 * text,
    resultSize: (text) => text,
    apply: (text) => (typeof text === "string" ? upperAscii(text) : NO_OVERLOAD),
  },
  {
    name: "trim",
    signatures: ["string.trim(): string"],
    doc: "The text without the white space, as Unicode has it, at its ends.",
    cost: (text) => 3 * text,
    resultSize: (text) => text,
    apply: (text) => (typeof text === "string" ? trim(text) : NO_OVERLOAD),
  },
  {
    name: "reverse",
    signatures: ["string.reverse(): string", "list(T).reverse(): list(T)"],
    doc: "The characters of a text, or the elements of a list, in reverse order.",
    cost: (text) => 12 * text,
    resultSize: (text) => text,
    apply: (value) => {
      if (typeof value === "string") return [...value].reverse().join("");
      return isList(value) ? value.toReversed() : NO_OVERLOAD;
    },
  },
  {
    name: "strings.quote",
    signatures: ["strings.quote(string): string"],
    doc: 'The text in double quotes, with `\\n`, `\\"` and so on for what cannot stand between them.',
    cost: (text) => 10 * text,
    resultSize: (text) => 2 * text,
    apply: (text) => (typeof text === "string" ? quote(text) : NO_OVERLOAD),
  },
  {
    name: "format",
    signatures: ["string.format(list(dyn)): string"],
    doc: "The text with each clause showing one value of a list: `%s` anything, `%d` `%f` `%.2f` `%e` numbers, `%b` `%o` `%x` `%X` binary, octal, hexadecimal; `%%` is a percent sign.",
    deep: true,
    cost: (text, values) => formatting(text, values, clausesIn(text, values), UNITS_IN_HEXADECIMAL),
    resultSize: (text, values) => formatted(text, values, clausesIn(text, values), UNITS_IN_HEXADECIMAL),
    apply: (text, values) => (typeof text === "string" ? format(readFormat(text), values) : NO_OVERLOAD),
    prepare: prepareFormat,
    checkWritten: checkFormat,
  },
];

/** The last argument, counted from 0, may be left out; a null in its place is not the same. */
function lastMayMiss(last: 1 | 2 | 3, apply: Apply): Pick<FunctionRow, "apply" | "prepare"> {
  return { apply, prepare: ({ length }) => (length > last ? { apply: neverNull(last, apply) } : undefined) };
}

function neverNull(last: 1 | 2 | 3, apply: Apply): Apply {
  return (a, b, c, d) => ([b, c, d][last - 1] === null ? NO_OVERLOAD : apply(a, b, c, d));
}

/**
 * Looking for one text in another: a text such as `aaa…b` in `aaa…` is compared at every place, which the engine does at up to 0.4 ns a
 * character of both, and a unit has sixteen.
 */
function searching(text: number, part: number): number {
  return text * (2 * part - 1);
}

/** What so many units of a text have at most. */
function charactersOf(units: number): number {
  return Math.max(0, units - 1) * CHARACTERS_PER_UNIT;
}

function charAt(text: CelValue, at: CelValue): Outcome {
  if (typeof text !== "string" || typeof at !== "bigint") return NO_OVERLOAD;
  const unit = unitIndex(text, at);
  if (unit === undefined) return OUT_OF_RANGE;
  const codePoint = text.codePointAt(unit);
  return codePoint === undefined ? "" : String.fromCodePoint(codePoint);
}

function indexOf(text: CelValue, part: CelValue, from: CelValue): Outcome {
  const start = from ?? 0n;
  if (typeof text !== "string" || typeof part !== "string" || typeof start !== "bigint") return NO_OVERLOAD;
  if (start < 0n) return OUT_OF_RANGE;
  const unit = unitIndex(text, start);
  if (part === "") return unit === undefined ? BigInt(codePoints(text)) : start;
  return unit === undefined ? -1n : placeOf(text, text.indexOf(part, unit));
}

function lastIndexOf(text: CelValue, part: CelValue, to: CelValue): Outcome {
  if (typeof text !== "string" || typeof part !== "string") return NO_OVERLOAD;
  if (to === null) return part === "" ? BigInt(codePoints(text)) : placeOf(text, text.lastIndexOf(part));
  if (typeof to !== "bigint") return NO_OVERLOAD;
  if (to < 0n) return OUT_OF_RANGE;
  const unit = unitIndex(text, to);
  if (part === "") return unit === undefined ? BigInt(codePoints(text)) : to;
  // From the very end on nothing is found, though the text may stand right before it.
  return unit === undefined || unit === text.length ? -1n : placeOf(text, text.lastIndexOf(part, unit));
}

/** The code points before a place in UTF-16 units; -1 for none. */
function placeOf(text: string, unit: number): bigint {
  return unit < 0 ? -1n : BigInt(codePoints(text, 0, unit));
}

function substring(text: CelValue, from: CelValue, to: CelValue): Outcome {
  if (typeof text !== "string" || typeof from !== "bigint") return NO_OVERLOAD;
  if (to !== null && typeof to !== "bigint") return NO_OVERLOAD;
  if (to !== null && from > to) return OUT_OF_RANGE;
  const start = unitIndex(text, from);
  const end = to === null ? text.length : unitIndex(text, to);
  return start === undefined || end === undefined ? OUT_OF_RANGE : text.slice(start, end);
}

/** How often at most: without end for none given and for one below 0; undefined for what is no int. */
function limitOf(limit: CelValue): number | undefined {
  if (limit === null) return Number.POSITIVE_INFINITY;
  if (typeof limit !== "bigint") return undefined;
  return limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
}

/** Units of a text after so many replacements. */
function replaced(text: number, by: number, times: number): number {
  return text + (times * charactersOf(by)) / CHARACTERS_PER_UNIT;
}

/** One replacement takes half a step besides what is copied. */
function replacing(text: number, old: number, by: number, times: number): number {
  return searching(text, old) + times / 2 + replaced(text, by, times);
}

/** Knowing what is replaced, or how often at most, tells more of how large the result can become. */
function prepareReplace(constants: readonly (CelValue | undefined)[]): Prepared {
  const [, old, , limit] = constants;
  const each = typeof old === "string" ? old.length : 0;
  const limited = (limit === undefined ? undefined : limitOf(limit)) ?? Number.POSITIVE_INFINITY;
  const times = (text: number): number => {
    const places = each === 0 ? charactersOf(text) + 1 : charactersOf(text) / each;
    return Math.min(places, limited);
  };
  return {
    apply: constants.length > 3 ? neverNull(3, replace) : replace,
    cost: (text, part, by) => replacing(text, part, by, times(text)),
  };
}

function replace(text: CelValue, old: CelValue, by: CelValue, limit: CelValue): Outcome {
  const times = limitOf(limit);
  if (typeof text !== "string" || typeof old !== "string" || typeof by !== "string") return NO_OVERLOAD;
  if (times === undefined) return NO_OVERLOAD;
  if (old === "") return insert(text, by, times);
  let result = "";
  let start = 0;
  for (let left = times; left > 0; left--) {
    const found = text.indexOf(old, start);
    if (found < 0) break;
    result += text.slice(start, found) + by;
    start = found + old.length;
  }
  return result + text.slice(start);
}

/** Before each of so many characters, and behind the last one. */
function insert(text: string, by: string, times: number): string {
  let result = "";
  let left = times;
  for (const character of text) {
    result += left > 0 ? by + character : character;
    left--;
  }
  return left > 0 ? result + by : result;
}

/** Units of the parts of a text: each character may be one, with nothing between two. */
function partsOf(text: number): number {
  return 2 + text + charactersOf(text);
}

function split(text: CelValue, separator: CelValue, limit: CelValue): Outcome {
  const most = limitOf(limit);
  if (typeof text !== "string" || typeof separator !== "string" || most === undefined) return NO_OVERLOAD;
  if (most === 0) return [];
  if (separator === "") return charactersIn(text, most);
  const parts: string[] = [];
  let start = 0;
  while (parts.length < most - 1) {
    const found = text.indexOf(separator, start);
    if (found < 0) break;
    parts.push(text.slice(start, found));
    start = found + separator.length;
  }
  return [...parts, text.slice(start)];
}

function charactersIn(text: string, most: number): readonly string[] {
  const characters = [...text];
  if (characters.length <= most) return characters;
  return [...characters.slice(0, most - 1), characters.slice(most - 1).join("")];
}

/** Units of the texts of a list as one: in a list that weighs so much, it is either they or what stands between them that is large. */
function joined(list: number, separator: number): number {
  return 1 + list * Math.max(1, separator - 1);
}

const NOT_TEXTS = invalid("join of what is no text", "no such overload");

function join(list: CelValue, separator: CelValue): Outcome {
  const between = separator ?? "";
  if (!isList(list) || typeof between !== "string") return NO_OVERLOAD;
  return list.every((item) => typeof item === "string") ? list.join(between) : NOT_TEXTS;
}

function lowerAscii(text: string): string {
  return isAscii(text) ? text.toLowerCase() : inOtherCase(text, 0x41);
}

function upperAscii(text: string): string {
  return isAscii(text) ? text.toUpperCase() : inOtherCase(text, 0x61);
}

/** The bit that a letter's two cases differ in. */
const CASE = 0x20;

/** @param first `A` or `a`: it and the 25 letters that follow change. */
function inOtherCase(text: string, first: number): string {
  const units = Buffer.from(text, "utf16le");
  for (let at = 0; at < units.length; at += 2) {
    const unit = units.readUInt16LE(at);
    if (unit >= first && unit < first + 26) units.writeUInt16LE(unit ^ CASE, at);
  }
  return units.toString("utf16le");
}

function isAscii(text: string): boolean {
  for (let unit = 0; unit < text.length; unit++) if (text.charCodeAt(unit) > 0x7f) return false;
  return true;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\x07", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

function quote(text: string): string {
  let quoted = "";
  for (const character of text.toWellFormed()) quoted += ESCAPES.get(character) ?? character;
  return `"${quoted}"`;
}

/** Of a double a clause shows up to 309 digits before the point and a hundred behind it, which takes some microseconds. */
const UNITS_PER_CLAUSE = 40;
/** Of what is in lists and maps, but for doubles that are very large or small: `%s` shows up to 326 digits of those. */
const UNITS_SHOWN = 4;
/** `%x` makes two digits of each byte, and UTF-8 three bytes of a UTF-16 unit. */
const UNITS_IN_HEXADECIMAL = 6;

/** Reading the text, and showing the values, by how many units are shown of one. */
function formatting(text: number, values: number, clauses: number, each: number): number {
  return 4 * text + formatted(text, values, clauses, each);
}

function formatted(text: number, values: number, clauses: number, each: number): number {
  return text + clauses * UNITS_PER_CLAUSE + each * values;
}

/** Of a text that is not known: each two characters may be a clause, and each shows another value. */
function clausesIn(text: number, values: number): number {
  return Math.min(charactersOf(text) / 2, Math.max(0, values - 1));
}

function format(text: FormatText, values: CelValue): Outcome {
  return isList(values) ? formatValues(text, values) : NO_OVERLOAD;
}

/** A constant format text is taken apart once, and tells how many values it shows. */
function prepareFormat([text]: readonly (CelValue | undefined)[]): Prepared | undefined {
  if (typeof text !== "string") return undefined;
  const read = readFormat(text);
  const letters = read.ok ? read.pieces.flatMap((piece) => (typeof piece === "string" ? [] : [piece.letter])) : [];
  const each = letters.includes("x") || letters.includes("X") ? UNITS_IN_HEXADECIMAL : UNITS_SHOWN;
  return {
    apply: (_, values) => format(read, values),
    cost: (size, values) => formatting(size, values, letters.length, each),
  };
}
