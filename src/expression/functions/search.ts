import { ABSENT, type CelValue, Invalid, type Outcome } from "../../attribute/value.ts";
import { charge, type Evaluate } from "../frame.ts";
import { DEFAULT_BUDGET, MAX_REMEMBERED_PATTERNS, MAX_REQUEST_PATTERN } from "../limits.ts";
import {
  aboutInstructions,
  type CompiledPattern,
  compileEngine,
  compilingSteps,
  type Engine,
  STEPS_PER_INSTRUCTION,
} from "../pattern.ts";
import { CHARACTERS_PER_UNIT, COST_LIMIT, invalid, NO_OVERLOAD } from "../values.ts";
import type { Apply, Cost, FunctionRow, Operand, Prepared } from "./function-row.ts";

/** Takes evaluation steps before they are made. @returns the error when they are not to be had. */
export type Pay = (steps: number) => Invalid | undefined;

/** What a function does with a pattern. Nobody can tell beforehand how often a pattern matches: it pays as it goes. */
export type Search = (texts: readonly CelValue[], pattern: () => Engine | Invalid, pay: Pay) => Outcome;

/**
 * A function whose second argument is a pattern: compiled before requests come where it is constant, otherwise when a request brings one
 * that was not seen lately.
 */
export function searchingBy(search: Search, sourceOf: SourceOf = (written) => written): Searching {
  const apply = alone(search, sourceOf);
  return {
    apply,
    link: (operands) => linkSearch(operands, search, sourceOf),
    // What is evaluated is linked; this is for the estimate at load, which knows the pattern then.
    prepare: ([, constant]) => {
      const engine = typeof constant === "string" ? compileEngine(sourceOf(constant)) : undefined;
      return engine?.ok
        ? { apply, cost: (text) => 8 + text * CHARACTERS_PER_UNIT * engine.stepsPerCharacter }
        : undefined;
    },
  };
}

/**
 * A function that asks whether its second argument, a pattern, is found in its first. A constant one is compiled beforehand, and mostly
 * needs no general engine.
 */
export function testingBy(
  compile: (written: string) => CompiledPattern,
  sourceOf?: SourceOf,
): Searching & Pick<FunctionRow, "cost"> {
  const searching = searchingBy(isFound, sourceOf);
  return {
    cost: SEARCH_COST,
    apply: searching.apply,
    prepare: ([, written]) => (typeof written === "string" ? testing(compile(written)) : undefined),
    link: (operands) => (operands[1]?.constant === undefined ? searching.link(operands) : undefined),
  };
}

const isFound: Search = ([text], pattern, pay) => {
  if (typeof text !== "string") return NO_OVERLOAD;
  const engine = pattern();
  if (engine instanceof Invalid) return engine;
  return pay(1 + text.length * engine.stepsPerCharacter) ?? engine.regex.test(text);
};

function testing(compiled: CompiledPattern): Prepared {
  if (!compiled.ok) {
    const failure = patternFailure(compiled);
    return { apply: () => failure };
  }
  const { test, stepsPerCharacter } = compiled.pattern;
  return {
    apply: (text) => (typeof text === "string" ? test(text) : NO_OVERLOAD),
    cost: (text) => 1 + text * CHARACTERS_PER_UNIT * stepsPerCharacter,
  };
}

export type Searching = Required<Pick<FunctionRow, "apply" | "link" | "prepare">>;

/** The regular expression that a pattern of another kind stands for. */
type SourceOf = (written: string) => string;

/**
 * Compiling a pattern of as many instructions as characters, and looking once through a text with it: what is estimated at load. A search
 * for many places, or with a pattern that repeats much, takes more of a request's budget.
 */
export const SEARCH_COST: Cost = (text, pattern) =>
  pattern * CHARACTERS_PER_UNIT * (STEPS_PER_INSTRUCTION + text * CHARACTERS_PER_UNIT);

/** Outside of a request it has a request's budget of its own. */
function alone(search: Search, sourceOf: SourceOf): Apply {
  return (...args) => {
    let left = DEFAULT_BUDGET;
    const pay: Pay = (steps) => {
      left -= steps;
      return left < 0 ? COST_LIMIT : undefined;
    };
    const patterns = new RememberedPatterns(sourceOf);
    return search(args, () => patterns.compiled(args[1], pay), pay);
  };
}

function linkSearch(operands: readonly Operand[], search: Search, sourceOf: SourceOf): Evaluate {
  const constant = operands[1]?.constant;
  const known = typeof constant === "string" ? engineOf(sourceOf(constant)) : undefined;
  const patterns = new RememberedPatterns(sourceOf);
  return (frame) => {
    const args: CelValue[] = [];
    let absent = false;
    for (const { evaluate } of operands) {
      const value = evaluate(frame);
      if (value instanceof Invalid) return value;
      if (value === ABSENT) absent = true;
      else args.push(value);
    }
    if (absent) return ABSENT;
    const pay: Pay = (steps) => charge(frame, steps);
    return search(args, () => known ?? patterns.compiled(args[1], pay), pay);
  };
}

const TOO_LARGE = invalid("a pattern that is too large", "invalid regex");

/** Finding out how large a pattern is. */
const STEPS_PER_READ_CHARACTER = 5;

/** Patterns that requests brought, the latest ones. */
class RememberedPatterns {
  readonly #engines = new Map<string, Engine | Invalid>();
  readonly #sourceOf: SourceOf;

  constructor(sourceOf: SourceOf) {
    this.#sourceOf = sourceOf;
  }

  compiled(written: CelValue | undefined, pay: Pay): Engine | Invalid {
    if (typeof written !== "string") return NO_OVERLOAD;
    // Not even looked for: hashing a text takes as long as it is.
    if (written.length > MAX_REQUEST_PATTERN) return TOO_LARGE;
    const known = this.#engines.get(written);
    if (known !== undefined) return known;
    const unread = pay(STEPS_PER_READ_CHARACTER * written.length);
    if (unread) return unread;
    const source = this.#sourceOf(written);
    const isTooLarge = Math.max(source.length, aboutInstructions(source)) > MAX_REQUEST_PATTERN;
    const over = isTooLarge ? TOO_LARGE : pay(compilingSteps(source));
    if (over) return over;
    const engine = engineOf(source);
    this.#remember(written, engine);
    return engine;
  }

  #remember(written: string, engine: Engine | Invalid): void {
    const [oldest] = this.#engines.keys();
    if (this.#engines.size >= MAX_REMEMBERED_PATTERNS && oldest !== undefined) this.#engines.delete(oldest);
    this.#engines.set(written, engine);
  }
}

function engineOf(source: string): Engine | Invalid {
  const compiled = compileEngine(source);
  return compiled.ok ? compiled : patternFailure(compiled);
}

/** What a pattern that does not compile gives when it is evaluated all the same. */
function patternFailure({ kind, reason }: { readonly kind: string; readonly reason: string }): Invalid {
  return kind === "too-large" ? TOO_LARGE : invalid(`not a regular expression: ${reason}`, "invalid regex");
}
