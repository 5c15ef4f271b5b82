/** A word, number, text or sign of an expression. Offsets are UTF-16 units of the whole text. */
export interface Token {
  readonly kind: TokenKind;
  /** As it is written, quotes included. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** `quoted`: a field in backquotes. `open`: a text or quoted field that never ends. `end`: behind the last token, without text. */
export type TokenKind = "word" | "quoted" | "int" | "uint" | "double" | "string" | "bytes" | "sign" | "open" | "end";

const SPACE = /(?:[ \t\r\n\f]+|\/\/[^\n]*)*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const DOUBLE = /(?:\d*\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)/y;
const INTEGER = /(?:0x[0-9a-fA-F]+|\d+)[uU]?/y;
const QUOTED = /`[a-zA-Z0-9_.\-/ ]+`/y;
/** The longest first; those of other languages too, so that they can be named. */
const SIGN = /===|!==|<=>|<>|&&|\|\||==|!=|<=|>=|=>|=<|=~|\?\?|\+\+|\*\*|[\s\S]/uy;
/** `"`, `'''`, `r"`, `b'`, `br"` … */
const TEXT_START = /([bB]?)([rR]?)("""|'''|"|')/y;

/**
 * @returns the token at or after a place, spaces and comments left out; one of kind `end` behind the last. Never fails: what CEL does not
 * have is a sign.
 */
export function tokenAt(text: string, from: number): Token {
  const start = ended(SPACE, text, from);
  if (start >= text.length) return token("end", text, text.length, text.length);
  const body = textToken(text, start);
  if (body) return body;
  const word = ended(WORD, text, start);
  if (word > start) return token("word", text, start, word);
  return numberToken(text, start) ?? signToken(text, start);
}

/** @returns the end of the match at a place, or the place itself. */
function ended(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function token(kind: TokenKind, text: string, start: number, end: number): Token {
  return { kind, text: text.slice(start, end), start, end };
}

function numberToken(text: string, start: number): Token | undefined {
  const double = ended(DOUBLE, text, start);
  const integer = ended(INTEGER, text, start);
  if (double > integer) return token("double", text, start, double);
  if (integer === start) return undefined;
  return token(/[uU]$/.test(text.slice(start, integer)) ? "uint" : "int", text, start, integer);
}

function signToken(text: string, start: number): Token {
  if (text[start] === "`") {
    const quoted = ended(QUOTED, text, start);
    if (quoted > start) return token("quoted", text, start, quoted);
  }
  return token("sign", text, start, ended(SIGN, text, start));
}

function textToken(text: string, start: number): Token | undefined {
  TEXT_START.lastIndex = start;
  const match = TEXT_START.exec(text);
  if (match === null) return undefined;
  const [prefix, bytes, raw, quote = '"'] = match;
  const end = textEnd(text, start + prefix.length, quote, raw !== "");
  if (end === undefined) return token("open", text, start, start + prefix.length);
  return token(bytes === "" ? "string" : "bytes", text, start, end);
}

/** @returns where a text ends, its closing quote included; undefined for one that never does. */
function textEnd(text: string, from: number, quote: string, raw: boolean): number | undefined {
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && !raw) at++;
    else if (text.startsWith(quote, at)) return at + quote.length;
    else if (quote.length === 1 && (character === "\n" || character === "\r")) return undefined;
  }
  return undefined;
}

/** @returns the quote that opens a text. */
export function quoteOf(token: Token): string {
  return /("""|'''|"|')/.exec(token.text)?.[1] ?? '"';
}

/** The tokens of a text, with where the scan ended. */
export interface Scan {
  readonly tokens: readonly Token[];
  /** Where the scan ended: the end of the text, or the `}` that closes what was open before it began. */
  readonly end: number;
}

/** Takes an expression apart. With `inBraces` it ends at the `}` that closes a `${` before `from`; always at a text that never ends. */
export function scan(text: string, from = 0, inBraces = false): Scan {
  const tokens: Token[] = [];
  let braces = 0;
  for (let next = tokenAt(text, from); next.kind !== "end"; next = tokenAt(text, next.end)) {
    if (next.kind === "sign" && next.text === "{") braces++;
    if (next.kind === "sign" && next.text === "}" && --braces < 0 && inBraces) return { tokens, end: next.start };
    tokens.push(next);
    if (next.kind === "open") break;
  }
  return { tokens, end: text.length };
}
