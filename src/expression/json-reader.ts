import { type CelValue, Invalid } from "../attribute/value.ts";
import { MAX_JSON_DEPTH } from "./limits.ts";
import { invalid } from "./values.ts";

const TOO_DEEP = invalid(
  `lists and objects of a JSON text are nested more than ${MAX_JSON_DEPTH} deep`,
  "invalid json",
);
const TOO_LARGE = invalid("a number of a JSON text is too large", "invalid json");

/**
 * Reads a JSON text as RFC 8259 has it. Objects are maps, in which `__proto__` is a key like any other and the last of several equal keys
 * stands; a number without point and exponent is an int where it fits one, any other a double; half of a surrogate pair is U+FFFD.
 * @returns undefined for what is not JSON, an error for what is and has no value here.
 */
export function readJson(text: string): CelValue | Invalid | undefined {
  return new JsonReader(text).whole();
}

type Read = CelValue | Invalid | undefined;

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
/** Of a text: up to the next quote, escape or control character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON has them escaped only
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPED = /["\\/bfnrt]|u[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** No int has more characters. */
const MAX_INT_LENGTH = 20;

class JsonReader {
  readonly #text: string;
  #at = 0;
  /** Said only when the rest is JSON. */
  #tooLarge: Invalid | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): Read {
    const value = this.#value(0);
    if (value instanceof Invalid) return value;
    return this.#at === this.#text.length && value !== undefined ? (this.#tooLarge ?? value) : undefined;
  }

  /** One value, and the spaces around it. */
  #value(depth: number): Read {
    this.#take(SPACE);
    const value = this.#bare(depth);
    this.#take(SPACE);
    return value;
  }

  #bare(depth: number): Read {
    switch (this.#text[this.#at]) {
      case "[":
        return depth < MAX_JSON_DEPTH ? this.#list(depth + 1) : TOO_DEEP;
      case "{":
        return depth < MAX_JSON_DEPTH ? this.#object(depth + 1) : TOO_DEEP;
      case '"':
        return this.#string();
      case "t":
        return this.#accept("true") ? true : undefined;
      case "f":
        return this.#accept("false") ? false : undefined;
      case "n":
        return this.#accept("null") ? null : undefined;
      default:
        return this.#number();
    }
  }

  #list(depth: number): Read {
    const items: CelValue[] = [];
    this.#accept("[");
    this.#take(SPACE);
    if (this.#accept("]")) return items;
    do {
      const item = this.#value(depth);
      if (item === undefined || item instanceof Invalid) return item;
      items.push(item);
    } while (this.#accept(","));
    return this.#accept("]") ? items : undefined;
  }

  #object(depth: number): Read {
    const entries = new Map<CelValue, CelValue>();
    this.#accept("{");
    this.#take(SPACE);
    if (this.#accept("}")) return entries;
    do {
      this.#take(SPACE);
      const key = this.#string();
      this.#take(SPACE);
      if (key === undefined || !this.#accept(":")) return undefined;
      const value = this.#value(depth);
      if (value === undefined || value instanceof Invalid) return value;
      entries.set(key, value);
    } while (this.#accept(","));
    return this.#accept("}") ? entries : undefined;
  }

  #string(): string | undefined {
    if (!this.#accept('"')) return undefined;
    let text = this.#take(PLAIN);
    while (this.#accept("\\")) {
      const escaped = this.#take(ESCAPED);
      if (escaped === "") return undefined;
      text += unescaped(escaped) + this.#take(PLAIN);
    }
    return this.#accept('"') ? text.toWellFormed() : undefined;
  }

  #number(): Read {
    NUMBER.lastIndex = this.#at;
    const [digits, fraction, exponent] = NUMBER.exec(this.#text) ?? [];
    if (digits === undefined) return undefined;
    this.#at += digits.length;
    if (fraction === undefined && exponent === undefined && digits.length <= MAX_INT_LENGTH) {
      const whole = BigInt(digits);
      if (BigInt.asIntN(64, whole) === whole) return whole;
    }
    const value = Number(digits);
    if (!Number.isFinite(value)) this.#tooLarge = TOO_LARGE;
    return value;
  }

  #accept(word: string): boolean {
    const isNext = this.#text.startsWith(word, this.#at);
    if (isNext) this.#at += word.length;
    return isNext;
  }

  /** What comes next of this sort, possibly nothing. */
  #take(pattern: RegExp): string {
    const from = this.#at;
    pattern.lastIndex = from;
    if (pattern.test(this.#text)) this.#at = pattern.lastIndex;
    return this.#text.slice(from, this.#at);
  }
}

function unescaped(escaped: string): string {
  if (escaped.startsWith("u")) return String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
  return ESCAPES.get(escaped) ?? escaped;
}
