/** A word, number, text or sign of an expression, as far as telling mistakes apart needs it. Offsets are UTF-16 units. */
export interface Token {
  readonly kind: "word" | "number" | "text" | "sign";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Scan {
  readonly tokens: readonly Token[];
  /** A text that never ends: where it begins, and its quote. */
  readonly unterminated?: { readonly start: number; readonly quote: string };
  /** Where the scan ended: the end of the text, or the `}` that closes what was open before it began. */
  readonly end: number;
}

const SPACE = /[ \t\r\n\f]+|\/\/[^\n]*/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)[uU]?/y;
/** The longest first; those of other languages too, so that they can be named. */
const SIGN = /===|!==|<=>|&&|\|\||==|!=|<=|>=|=>|=<|=~|<>|\?\?|\+\+|\*\*|[\s\S]/uy;

/**
 * Takes an expression apart far enough to see its brackets, texts and words; it never fails. With `inBraces` it ends at the `}` that closes
 * a `${` before `from`.
 */
export function scan(text: string, from = 0, inBraces = false): Scan {
  const tokens: Token[] = [];
  let braces = 0;
  let at = from;
  while (at < text.length) {
    const space = match(SPACE, text, at);
    if (space > at) {
      at = space;
      continue;
    }
    const token = tokenAt(text, at);
    if (token === undefined) return { tokens, end: text.length, unterminated: { start: at, quote: quoteAt(text, at) } };
    if (token.kind === "sign" && token.text === "{") braces++;
    if (token.kind === "sign" && token.text === "}" && --braces < 0 && inBraces) return { tokens, end: at };
    tokens.push(token);
    at = token.end;
  }
  return { tokens, end: text.length };
}

/** @returns the end of the match at a place, or the place itself. */
function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** @returns undefined for a text without its end. */
function tokenAt(text: string, start: number): Token | undefined {
  const quote = TEXT_START.exec(text.slice(start, start + MAX_PREFIX));
  if (quote) return textAt(text, start, quote[1] ?? "", quote[2] ?? "");
  const word = match(WORD, text, start);
  if (word > start) return token("word", text, start, word);
  const number = match(NUMBER, text, start);
  if (number > start) return token("number", text, start, number);
  return token("sign", text, start, match(SIGN, text, start));
}

function token(kind: Token["kind"], text: string, start: number, end: number): Token {
  return { kind, text: text.slice(start, end), start, end };
}

/** `"`, `'''`, `r"`, `b'`, `rb"` … */
const TEXT_START = /^([rRbB]{0,2})("""|'''|"|')/;
const MAX_PREFIX = 5;

function textAt(text: string, start: number, prefix: string, quote: string): Token | undefined {
  const raw = /r/i.test(prefix);
  for (let at = start + prefix.length + quote.length; at < text.length; at++) {
    const character = text[at];
    if (character === "\\" && !raw) at++;
    else if (text.startsWith(quote, at)) return token("text", text, start, at + quote.length);
    else if (character === "\n" && quote.length === 1) return undefined;
  }
  return undefined;
}

function quoteAt(text: string, at: number): string {
  return TEXT_START.exec(text.slice(at, at + MAX_PREFIX))?.[2] ?? '"';
}
