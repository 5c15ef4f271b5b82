/** The value that a line gives, as its writer meant it: everything after `key: ` or `- ` up to the end of the line or its comment. */
export interface LineValue {
  /** `when`, as written; undefined for an item of a list. */
  readonly key: string | undefined;
  /** Offsets in the file. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const BEFORE_VALUE = /^\s*(?:-\s+)*(?:("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#{[][^#]*?)\s*:(?=\s))?\s*/;
/** A longer value is not repeated in a message. */
const MAX_QUOTED_LENGTH = 100;

/** @returns the value of the line on which `offset` stands, undefined when that line has none. */
export function lineValueAt(text: string, offset: number): LineValue | undefined {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const nextBreak = text.indexOf("\n", offset);
  const line = text.slice(lineStart, nextBreak === -1 ? text.length : nextBreak);
  const match = BEFORE_VALUE.exec(line);
  if (match === null) return undefined;
  const value = withoutComment(line.slice(match[0].length)).trimEnd();
  if (value === "") return undefined;
  const start = lineStart + match[0].length;
  return { key: match[1], start, end: start + value.length, text: value };
}

/** @returns the line as it should have been written, undefined when that is too long for a message. */
export function quotedLine(value: LineValue): string | undefined {
  if (value.text.length > MAX_QUOTED_LENGTH) return undefined;
  const meant = withoutBrokenQuotes(value.text);
  const double = meant.includes("'") && !/["\\]/.test(meant);
  const quoted = double ? `"${meant}"` : `'${meant.replaceAll("'", "''")}'`;
  return value.key === undefined ? quoted : `${value.key}: ${quoted}`;
}

/** `"request.method == "GET""` is quoted already, with the quotes that stand inside: those around it are no part of what is meant. */
function withoutBrokenQuotes(text: string): string {
  const quote = text[0];
  if (quote === undefined || !"\"'".includes(quote) || text.length < 2 || !text.endsWith(quote)) return text;
  // An expression goes on with an operator after a text, never with a word.
  const second = text.indexOf(quote, 1);
  return /^\w/.test(text.slice(second + 1)) ? text.slice(1, -1) : text;
}

/** Cuts a comment off, but not a ` #` inside a quoted text of an expression. */
function withoutComment(text: string): string {
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quote !== undefined) {
      if (character === "\\") at++;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === "#" && (at === 0 || /\s/.test(text[at - 1] ?? ""))) {
      return text.slice(0, at);
    }
  }
  return text;
}

/** @returns whether a CEL text ends inside a quoted string: then something cut it. */
export function endsInsideQuotes(text: string): boolean {
  let quote: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quote === undefined) {
      if (character === '"' || character === "'") quote = character;
    } else if (character === "\\") {
      at++;
    } else if (character === quote) {
      quote = undefined;
    }
  }
  return quote !== undefined;
}
