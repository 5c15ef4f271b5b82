import { RE2JS, RE2JSException } from "re2js";
import { MAX_PATTERN_PROGRAM, MAX_PATTERN_STEPS } from "./limits.ts";
import { readShape, type Shape } from "./pattern-shape.ts";
import { tableTest } from "./pattern-table.ts";

/** A regular expression or glob, compiled: matching takes time linear in the text, whatever the pattern. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  readonly test: (text: string) => boolean;
  /** Evaluation steps that looking at one character takes at most. */
  readonly stepsPerCharacter: number;
}

export type Compiled<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly kind: "syntax" | "too-large"; readonly reason: string };

/** `steps`: what compiling it took, as `compilingSteps` counts. */
export type CompiledPattern = Compiled<{ readonly pattern: Pattern }> & { readonly steps: number };

/**
 * Compiles a regular expression as RE2 reads it: no back references, no look-around. Plain texts become what JavaScript has for them, most
 * other patterns a table, and the rest is left to a general engine, which costs more.
 */
export function compilePattern(source: string): CompiledPattern {
  const shape = readShape(source);
  const plain = shape && plainPattern(shape);
  if (plain) return { ok: true, pattern: plain, steps: source.length };
  const table = shape && tableTest(shape);
  const tableSteps = (table?.work ?? 0) * STEPS_PER_TABLE_WORK;
  if (table?.test) {
    return { ok: true, pattern: { test: table.test, stepsPerCharacter: TABLE_STEPS }, steps: tableSteps };
  }
  const steps = tableSteps + compilingSteps(source);
  const engine = compileEngine(source);
  if (!engine.ok) return { ...engine, steps };
  const { regex, stepsPerCharacter } = engine;
  return { ok: true, pattern: { test: (text) => regex.test(text), stepsPerCharacter }, steps };
}

/** A text is looked for some 30 characters a step; a table takes some 2 ns a character. */
const PLAIN_STEPS = 1 / 32;
const TABLE_STEPS = 1 / 16;
/**
 * What the general engine may need for a character is some 20 ns for each instruction, and up to ten times that when it has not seen such
 * a text before. It needs much less where the text helps it, which nobody knows.
 */
const ENGINE_STEPS_PER_INSTRUCTION = 3;

/** A text that stands for itself, anchored or not. */
function plainPattern(shape: Shape): Pattern | undefined {
  const parts = shape.kind === "sequence" ? shape.parts : [shape];
  const fromStart = parts[0]?.kind === "start";
  const toEnd = parts.length > 1 && parts.at(-1)?.kind === "end";
  const characters = parts.slice(fromStart ? 1 : 0, toEnd ? -1 : undefined).map(onlyCharacter);
  if (!characters.every((character) => character !== undefined)) return undefined;
  const plain = characters.join("");
  return { test: plainTest(plain, fromStart, toEnd), stepsPerCharacter: PLAIN_STEPS };
}

function plainTest(plain: string, fromStart: boolean, toEnd: boolean): Pattern["test"] {
  if (fromStart && toEnd) return (text) => text === plain;
  if (fromStart) return (text) => text.startsWith(plain);
  return toEnd ? (text) => text.endsWith(plain) : (text) => text.includes(plain);
}

function onlyCharacter(shape: Shape): string | undefined {
  if (shape.kind !== "one" || shape.of.inverted) return undefined;
  const { ascii, beyond } = shape.of;
  const [unit] = beyond.size === 0 ? [ascii.indexOf(1)] : beyond;
  const isOnly = ascii.reduce((sum, isIn) => sum + isIn, beyond.size) === 1;
  return isOnly && unit !== undefined ? String.fromCharCode(unit) : undefined;
}

/** The general engine, which finds where a pattern matches and its groups, too. */
export interface Engine {
  readonly regex: RE2JS;
  /** As those of a pattern, from where a search begins to the end of the text. */
  readonly stepsPerCharacter: number;
}

export function compileEngine(source: string): Compiled<Engine> {
  if (compilingSteps(source) > MAX_PATTERN_STEPS) return tooLarge(aboutInstructions(source));
  try {
    const regex = RE2JS.compile(withoutNames(source));
    const size = regex.programSize();
    if (size > MAX_PATTERN_PROGRAM) return tooLarge(size);
    return { ok: true, regex, stepsPerCharacter: size * ENGINE_STEPS_PER_INSTRUCTION };
  } catch (error) {
    if (error instanceof RE2JSException) return { ok: false, kind: "syntax", reason: withoutPrefix(error.message) };
    throw error;
  }
}

/** Nobody asks for a group by its name, and Go lets two have the same. */
function withoutNames(source: string): string {
  return source.replace(/\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|[^\]\\])*(?:\]|$)|\(\?P?<\w+>/gs, (part) =>
    part.startsWith("(") ? "(" : part,
  );
}

function tooLarge(instructions: number): Compiled<Engine> {
  return { ok: false, kind: "too-large", reason: `${instructions} instructions` };
}

function withoutPrefix(message: string): string {
  return message.replace(/^error parsing regexp: /, "");
}

/** One step of making a table takes more than one of compiling. */
const STEPS_PER_TABLE_WORK = 4;
/** Besides what each part takes: reading it several times, and the first search. */
const STEPS_PER_PATTERN = 2_000;
export const STEPS_PER_INSTRUCTION = 50;
/** `\pL`: a hundred ranges and more. */
const STEPS_PER_UNICODE_CLASS = 4_000;
/** The other cases of a character are looked up, each by itself. */
const STEPS_PER_FOLD = 1.5;

/**
 * About how many evaluation steps compiling a pattern with the general engine takes, told without doing it: `x{1000}` five hundred times
 * is short, and takes more than a second.
 */
export function compilingSteps(source: string): number {
  const size = Math.max(source.length, aboutInstructions(source));
  const classes = source.split(/\\[pP]/).length - 1;
  const folds = /\(\?[a-zA-Z]*i/.test(source) ? foldedCharacters(source) : 0;
  return STEPS_PER_PATTERN + STEPS_PER_INSTRUCTION * size + STEPS_PER_UNICODE_CLASS * classes + STEPS_PER_FOLD * folds;
}

/** The last character that has another case. */
const LAST_FOLDED = 0x1e943;
/** `-`, and the character that ends a range if that is what it is. */
const RANGE_END = /-(?=\\x\{([0-9a-fA-F]+)\}|(.))/gsu;

/** How many characters the ranges of a pattern's classes have at most. Of an escape but for `\x{…}` they are few. */
function foldedCharacters(source: string): number {
  let sum = 0;
  for (const [, hexadecimal, character = ""] of source.matchAll(RANGE_END)) {
    const end = hexadecimal === undefined ? (character.codePointAt(0) ?? 0) : Number.parseInt(hexadecimal, 16);
    sum += Math.min(end, LAST_FOLDED);
  }
  return sum;
}

/** About how many instructions a pattern makes, told without compiling it. */
export function aboutInstructions(source: string): number {
  const groups = [0];
  let last = 0;
  // What never closes is read to the end, once: there is no such pattern.
  const token =
    /\\Q.*?(?:\\E|$)|\\[pPx]\{[^}]*(?:\}|$)|\\.|\[\^?\]?(?:\\.|[^\]\\])*(?:\]|$)|\{(\d{1,4})(?:,(\d{0,4}))?\}|./gs;
  for (const [text, min, max] of source.matchAll(token)) {
    const times = min === undefined ? undefined : Math.max(Number(min), Number(max ?? 0));
    if (text === "(") {
      groups.push(0);
      last = 0;
    } else if (text === ")") {
      last = groups.length > 1 ? (groups.pop() ?? 0) : 0;
      groups.push((groups.pop() ?? 0) + last);
    } else {
      const size = text.startsWith("\\Q") ? text.length : 1;
      const added: number = times === undefined ? size : last * Math.max(0, times - 1);
      last = times === undefined ? 1 : last * Math.max(1, times);
      groups.push((groups.pop() ?? 0) + added);
    }
  }
  return groups.reduce((sum, size) => sum + size, 0);
}

/**
 * Compiles a glob over paths: `*` is anything within one segment (at least one character where it is the whole segment), `**` anything
 * across segments, every other character itself. The whole text must match.
 */
export function compileGlob(glob: string): CompiledPattern {
  return compilePattern(globSource(glob));
}

/** @returns the regular expression that a glob stands for. */
export function globSource(glob: string): string {
  const source = glob.replace(/\*+|[^*]+/g, (part, at: number) => {
    if (!part.startsWith("*")) return RE2JS.quote(part);
    if (part.length > 1) return "(?:.|\n)*";
    const segment = isBoundary(glob[at - 1]) && isBoundary(glob[at + 1]);
    return segment ? "[^/]+" : "[^/]*";
  });
  return `^${source}$`;
}

function isBoundary(character: string | undefined): boolean {
  return character === undefined || character === "/";
}
