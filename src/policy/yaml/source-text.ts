import type { Span } from "../../diagnostics/diagnostic.ts";
import type { SourceText } from "../authored.ts";
import type { YamlScalar } from "./node.ts";

/** A scalar as it stands in its file. */
export interface ScalarSource {
  readonly file: string;
  /** What YAML makes of it: unquoted, unescaped, folded. */
  readonly text: string;
  readonly style: YamlScalar["style"];
  readonly span: Span;
  /** The characters that make up the text, without quotes or block indicators, as [start, end) in the file. */
  readonly body: string;
  readonly bodyStart: number;
}

/**
 * @returns the scalar's text with the place of each of its characters.
 *
 * Folding and indentation change only white space, so the n-th other UTF-16 unit of the text is the n-th other unit of the body: no
 * rule of YAML's folding needs to be repeated here. Only quotes need care: `''` is one unit, an escape is one or two.
 */
export function sourceText(source: ScalarSource): SourceText {
  let places: Places | undefined;
  return {
    text: source.text,
    span: source.span,
    locate(start, end) {
      if (source.body === source.text) return locateAsWritten(source, start, end);
      // Made at the first question: most expressions have nothing wrong with them.
      places ??= placesOf(source);
      return locate(source, places, start, end);
    },
  };
}

/** @returns a text without a place of its own: what stands where something is missing. */
export function noSource(span: Span): SourceText {
  return { text: "", span, locate: () => span };
}

/** Where each unit of the text begins and ends in the file; white space between two units is shared out between them. */
interface Places {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

function locate(source: ScalarSource, places: Places, start: number, end: number): Span {
  const { file, text } = source;
  if (start >= text.length || text.length === 0) {
    const after = text.length === 0 ? source.bodyStart : (places.ends[text.length - 1] ?? source.bodyStart);
    return { file, start: after, end: after };
  }
  const from = places.starts[Math.max(0, start)] ?? source.bodyStart;
  if (end <= start) return { file, start: from, end: from };
  const to = places.ends[Math.min(end, text.length) - 1] ?? from;
  return { file, start: from, end: Math.max(from, to) };
}

/** Where every unit of the text stands as itself. */
function locateAsWritten({ file, text, bodyStart }: ScalarSource, start: number, end: number): Span {
  const from = Math.min(Math.max(0, start), text.length);
  return { file, start: bodyStart + from, end: bodyStart + Math.max(from, Math.min(end, text.length)) };
}

function placesOf(source: ScalarSource): Places {
  const { text } = source;
  const starts = new Int32Array(text.length);
  const ends = new Int32Array(text.length);
  const units = unitsOf(source);
  let previousEnd = source.bodyStart;
  let unit = units.next();
  for (let index = 0; index < text.length; index++) {
    if (isWhite(text.charCodeAt(index))) {
      const limit = unit.done === true ? source.bodyStart + source.body.length : unit.value.start;
      starts[index] = Math.min(previousEnd, limit);
      previousEnd = Math.min(previousEnd + 1, limit);
      ends[index] = previousEnd;
      continue;
    }
    if (unit.done === true) throw new Error(`a scalar of ${source.file} has more characters than its source`);
    starts[index] = unit.value.start;
    ends[index] = unit.value.end;
    previousEnd = unit.value.end;
    unit = units.next();
  }
  return { starts, ends };
}

interface Unit {
  readonly start: number;
  readonly end: number;
}

function unitsOf(source: ScalarSource): Generator<Unit, undefined> {
  switch (source.style) {
    case "single-quoted":
      return singleQuotedUnits(source);
    case "double-quoted":
      return doubleQuotedUnits(source);
    case "plain":
    case "literal":
    case "folded":
      return rawUnits(source);
  }
}

function* rawUnits({ body, bodyStart }: ScalarSource): Generator<Unit, undefined> {
  for (let at = 0; at < body.length; at++) {
    if (!isWhite(body.charCodeAt(at))) yield { start: bodyStart + at, end: bodyStart + at + 1 };
  }
  return undefined;
}

function* singleQuotedUnits({ body, bodyStart }: ScalarSource): Generator<Unit, undefined> {
  for (let at = 0; at < body.length; at++) {
    if (isWhite(body.charCodeAt(at))) continue;
    const width = body[at] === "'" ? 2 : 1;
    yield { start: bodyStart + at, end: bodyStart + at + width };
    at += width - 1;
  }
  return undefined;
}

function* doubleQuotedUnits({ body, bodyStart }: ScalarSource): Generator<Unit, undefined> {
  for (let at = 0; at < body.length; at++) {
    if (isWhite(body.charCodeAt(at))) continue;
    const width = body[at] === "\\" ? escapeWidth(body, at) : 1;
    const units = width === 1 ? 1 : escapeUnits(body, at, width);
    for (let unit = 0; unit < units; unit++) yield { start: bodyStart + at, end: bodyStart + at + width };
    at += width - 1;
  }
  return undefined;
}

const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The length in the source of the escape at `at`, backslash included. */
function escapeWidth(body: string, at: number): number {
  return 2 + (HEX_DIGITS[body[at + 1] ?? ""] ?? 0);
}

/** How many UTF-16 units other than white space an escape yields: none for `\n`, `\ ` and an escaped line break. */
function escapeUnits(body: string, at: number, width: number): number {
  const letter = body[at + 1] ?? "";
  if (HEX_DIGITS[letter] !== undefined) {
    const code = Number.parseInt(body.slice(at + 2, at + width), 16);
    if (isWhite(code)) return 0;
    return code > 0xffff ? 2 : 1;
  }
  return letter === "n" || letter === "r" || letter === "t" || isWhite(letter.charCodeAt(0)) ? 0 : 1;
}

/** What folding touches: space, tab and line breaks, nothing else that Unicode calls white. */
function isWhite(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}
