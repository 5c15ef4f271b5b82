import { MAX_PATTERN_NESTING } from "./limits.ts";

/**
 * The part of RE2's syntax that nearly all patterns of policies are written in, as data: texts, classes, groups, alternatives,
 * repetitions and anchors. Captures and greediness are left out, since they do not change whether a text matches.
 */
export type Shape =
  | { readonly kind: "one"; readonly of: CharacterSet }
  | { readonly kind: "sequence"; readonly parts: readonly Shape[] }
  | { readonly kind: "choice"; readonly options: readonly Shape[] }
  /** `max` is infinite for `*`, `+` and `{n,}`. */
  | { readonly kind: "repeat"; readonly part: Shape; readonly min: number; readonly max: number }
  | { readonly kind: "start" | "end" };

/** Characters, by UTF-16 unit. ASCII is listed; beyond it are those of `beyond`, or with `inverted` all others. */
export interface CharacterSet {
  /** 128 entries, 1 for each that is in. */
  readonly ascii: Uint8Array;
  readonly beyond: ReadonlySet<number>;
  readonly inverted: boolean;
}

/**
 * @returns undefined for what is not of this part of the syntax, right or wrong: Unicode classes, word boundaries, flags other than `i`
 * and `s` at the very beginning, characters beyond U+FFFF, and every mistake. What is accepted means the same to RE2.
 */
export function readShape(source: string): Shape | undefined {
  const flags = /^\(\?([is]+)\)/.exec(source);
  const letters = flags?.[1] ?? "";
  return new Reader(source, flags?.[0].length ?? 0, letters.includes("i"), letters.includes("s")).read();
}

/** RE2 repeats nothing more often than this, counts around counts multiplied. */
const MAX_REPEAT = 1000;
/** A group whose name is longer is left to the general engine. */
const MAX_GROUP_PREFIX = 40;
const ASCII = 128;
const SPECIAL = new Set("\\.+*?()|[]{}^$");
const CONTROLS: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
  ["f", "\f"],
  ["v", "\v"],
  ["a", "\x07"],
]);
/** The same set each time for the same character: most patterns are texts. */
const SINGLES: readonly CharacterSet[] = Array.from({ length: ASCII }, (_, unit) => {
  const character = String.fromCharCode(unit);
  return range(character, character);
});
const DIGITS = range("0", "9");
const NAMED: ReadonlyMap<string, CharacterSet> = new Map([
  ["d", DIGITS],
  ["w", union([DIGITS, range("a", "z"), range("A", "Z"), single("_")])],
  ["s", union(["\t", "\n", "\f", "\r", " "].map(single))],
]);
const ANY = inverse(union([]));
const NOT_NEWLINE = inverse(single("\n"));

/** Recursive descent. Every method gives undefined where the source leaves what is understood here. */
class Reader {
  readonly #source: string;
  readonly #folds: boolean;
  readonly #dot: CharacterSet;
  #at: number;
  #depth = 0;

  constructor(source: string, at: number, folds: boolean, dotIsAny: boolean) {
    this.#source = source;
    this.#at = at;
    this.#folds = folds;
    this.#dot = dotIsAny ? ANY : NOT_NEWLINE;
  }

  read(): Shape | undefined {
    const shape = this.#choice();
    return this.#at === this.#source.length ? shape : undefined;
  }

  #next(): string {
    return this.#source.charAt(this.#at);
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #choice(): Shape | undefined {
    const options: Shape[] = [];
    do {
      const option = this.#sequence();
      if (option === undefined) return undefined;
      options.push(option);
    } while (this.#take("|"));
    return options.length === 1 ? options[0] : { kind: "choice", options };
  }

  #sequence(): Shape | undefined {
    const parts: Shape[] = [];
    while (this.#at < this.#source.length && this.#next() !== "|" && this.#next() !== ")") {
      const part = this.#repeated();
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return { kind: "sequence", parts };
  }

  #repeated(): Shape | undefined {
    const part = this.#single();
    if (part === undefined) return undefined;
    const times = this.#times();
    if (times === undefined) return part;
    this.#take("?");
    // RE2 has rules of its own for anchors that are repeated, and refuses repetitions of repetitions and counts that are too high.
    if (part.kind === "start" || part.kind === "end" || "*+?{".includes(this.#next() || " ")) return undefined;
    const [min, max] = times;
    const shape: Shape = { kind: "repeat", part, min, max };
    return max >= min && repeats(shape) <= MAX_REPEAT ? shape : undefined;
  }

  /** How often what stands before is repeated. */
  #times(): readonly [min: number, max: number] | undefined {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#source.slice(this.#at, this.#at + 11));
    if (counted === null) return undefined;
    const [whole, min = "", comma, max = ""] = counted;
    this.#at += whole.length;
    return [Number(min), comma === undefined ? Number(min) : max === "" ? Number.POSITIVE_INFINITY : Number(max)];
  }

  #single(): Shape | undefined {
    const character = this.#next();
    if (character === "(") return this.#group();
    if (character === "[") return one(this.#class());
    this.#at++;
    if (character === "^") return { kind: "start" };
    if (character === "$") return { kind: "end" };
    if (character === ".") return one(this.#dot);
    if (character === "\\") return this.#escape();
    if (SPECIAL.has(character) && character !== "]" && character !== "}") return undefined;
    return one(this.#folded(character));
  }

  #group(): Shape | undefined {
    this.#at++;
    const [prefix = ""] = /^\?(?::|P?<\w+>)/.exec(this.#source.slice(this.#at, this.#at + MAX_GROUP_PREFIX)) ?? [];
    this.#at += prefix.length;
    if (this.#next() === "?" && prefix === "") return undefined;
    if (++this.#depth > MAX_PATTERN_NESTING) return undefined;
    const shape = this.#choice();
    this.#depth--;
    return this.#take(")") ? shape : undefined;
  }

  #escape(): Shape | undefined {
    const letter = this.#next();
    if (letter === "A" || letter === "z") {
      this.#at++;
      return { kind: letter === "A" ? "start" : "end" };
    }
    const named = NAMED.get(letter.toLowerCase());
    if (named !== undefined) {
      this.#at++;
      return one(NAMED.has(letter) ? this.#withFolds(named) : inverse(this.#withFolds(named)));
    }
    const character = this.#escaped();
    return character === undefined ? undefined : one(this.#folded(character));
  }

  /** The character after a backslash, where it stands for one character. */
  #escaped(): string | undefined {
    const letter = this.#next();
    this.#at++;
    return CONTROLS.get(letter) ?? (/^[!-/:-@[-^`{-~]$/.test(letter) ? letter : undefined);
  }

  /** `[a-z_]`: single characters, ranges within ASCII, and `\d`, `\w`, `\s`. */
  #class(): CharacterSet | undefined {
    this.#at++;
    const inverted = this.#take("^");
    const sets: CharacterSet[] = [];
    for (let isFirst = true; isFirst || this.#next() !== "]"; isFirst = false) {
      const set = this.#classItem(isFirst);
      if (set === undefined) return undefined;
      sets.push(set);
    }
    this.#at++;
    const set = this.#withFolds(union(sets));
    if (this.#folds && set.beyond.size > 0 && sets.some(({ beyond }) => beyond.size > 0)) return undefined;
    return inverted ? inverse(set) : set;
  }

  #classItem(isFirst: boolean): CharacterSet | undefined {
    const letter = this.#source.charAt(this.#at + 1);
    if (this.#next() === "\\" && NAMED.has(letter)) {
      this.#at += 2;
      // A range cannot begin with a class.
      return this.#next() === "-" && this.#source.charAt(this.#at + 1) !== "]" ? undefined : NAMED.get(letter);
    }
    const from = this.#classCharacter(isFirst);
    if (from === undefined || this.#next() !== "-" || this.#source.charAt(this.#at + 1) === "]") {
      return from === undefined ? undefined : this.#plain(from);
    }
    this.#at++;
    const to = this.#classCharacter(false);
    if (to === undefined || from > to || to.charCodeAt(0) >= ASCII) return undefined;
    return range(from, to);
  }

  #classCharacter(isFirst: boolean): string | undefined {
    const character = this.#next();
    this.#at++;
    if (character === "\\") return this.#escaped();
    // `[:alpha:]` is a class in a class; a hyphen in the middle is a range of nothing.
    if (character === "" || (character === "[" && this.#next() === ":")) return undefined;
    return character === "-" && !isFirst && this.#next() !== "]" ? undefined : character;
  }

  #plain(character: string): CharacterSet | undefined {
    return isSurrogate(character) ? undefined : single(character);
  }

  #folded(character: string): CharacterSet | undefined {
    if (isSurrogate(character) || (this.#folds && character.charCodeAt(0) >= ASCII)) return undefined;
    return this.#withFolds(single(character));
  }

  /** With `(?i)`: the other case of each letter, and what Unicode takes for a k and an s. */
  #withFolds(set: CharacterSet): CharacterSet {
    if (!this.#folds) return set;
    const ascii = set.ascii.slice();
    for (let lower = "a".charCodeAt(0); lower <= "z".charCodeAt(0); lower++) {
      const upper = lower - 32;
      if (set.ascii[lower] === 1 || set.ascii[upper] === 1) ascii[lower] = ascii[upper] = 1;
    }
    const beyond = new Set(set.beyond);
    if (ascii["k".charCodeAt(0)] === 1) beyond.add(KELVIN_SIGN);
    if (ascii["s".charCodeAt(0)] === 1) beyond.add(LONG_S);
    return { ascii, beyond, inverted: set.inverted };
  }
}

const KELVIN_SIGN = 0x212a;
const LONG_S = 0x17f;

function one(of: CharacterSet | undefined): Shape | undefined {
  return of && { kind: "one", of };
}

function single(character: string): CharacterSet {
  const unit = character.charCodeAt(0);
  return SINGLES[unit] ?? { ascii: new Uint8Array(ASCII), beyond: new Set([unit]), inverted: false };
}

function range(from: string, to: string): CharacterSet {
  const ascii = new Uint8Array(ASCII).fill(1, from.charCodeAt(0), to.charCodeAt(0) + 1);
  return { ascii, beyond: new Set(), inverted: false };
}

/** Of sets that are not inverted. */
function union(sets: readonly CharacterSet[]): CharacterSet {
  const ascii = new Uint8Array(ASCII);
  for (const set of sets)
    for (let unit = 0; unit < ASCII; unit++) ascii[unit] = (ascii[unit] ?? 0) | (set.ascii[unit] ?? 0);
  return { ascii, beyond: new Set(sets.flatMap(({ beyond }) => [...beyond])), inverted: false };
}

function inverse({ ascii, beyond, inverted }: CharacterSet): CharacterSet {
  return { ascii: ascii.map((isIn) => 1 - isIn), beyond, inverted: !inverted };
}

function isSurrogate(character: string): boolean {
  return (character.charCodeAt(0) & 0xf800) === 0xd800;
}

/** How often the innermost part is repeated at most, as RE2 counts: an open end counts by its minimum. */
function repeats(shape: Shape): number {
  switch (shape.kind) {
    case "repeat": {
      const times = shape.max === Number.POSITIVE_INFINITY ? shape.min : shape.max;
      return Math.max(1, times) * repeats(shape.part);
    }
    case "sequence":
      return Math.max(1, ...shape.parts.map(repeats));
    case "choice":
      return Math.max(1, ...shape.options.map(repeats));
    default:
      return 1;
  }
}
