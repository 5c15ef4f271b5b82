import { type CelValue, Invalid, type Outcome } from "../../attribute/value.ts";
import { compileGlob, compilePattern, globSource } from "../pattern.ts";
import { codePoints } from "../strings.ts";
import { CHARACTERS_PER_UNIT, isList, isMap, NO_OVERLOAD } from "../values.ts";
import type { Apply, FunctionRow, Prepared } from "./function-row.ts";
import { patternFailure, SEARCH_COST, type Search, searchingBy } from "./search.ts";

const test: Search = ([text], pattern, pay) => {
  if (typeof text !== "string") return NO_OVERLOAD;
  const engine = pattern();
  if (engine instanceof Invalid) return engine;
  return pay(1 + text.length * engine.stepsPerCharacter) ?? engine.regex.test(text);
};

/** For patterns that only the request knows. */
const MATCHING = searchingBy(test);
const GLOBBING = searchingBy(test, globSource);

/** Of the standard library: what is asked of texts, and how much there is of something. */
export const TEXTS_AND_LISTS: readonly FunctionRow[] = [
  {
    name: "size",
    signatures: ["string", "bytes", "list(V)", "map(K, V)"].flatMap((type) => [
      `size(${type}): int`,
      `${type}.size(): int`,
    ]),
    doc: "Characters of a text (code points), bytes, elements of a list, entries of a map.",
    range: [0, Number.POSITIVE_INFINITY],
    cost: (value) => value,
    apply: size,
  },
  {
    name: "startsWith",
    signatures: ["string.startsWith(string): bool"],
    doc: "Whether the text begins so.",
    cost: (_, prefix) => prefix,
    apply: onTexts((text, prefix) => text.startsWith(prefix)),
  },
  {
    name: "endsWith",
    signatures: ["string.endsWith(string): bool"],
    doc: "Whether the text ends so.",
    cost: (_, suffix) => suffix,
    apply: onTexts((text, suffix) => text.endsWith(suffix)),
  },
  {
    name: "contains",
    signatures: ["string.contains(string): bool"],
    doc: "Whether the text has this in it.",
    cost: (text, part) => text * (1 + part / 4),
    apply: onTexts((text, part) => text.includes(part)),
  },
  {
    name: "matches",
    signatures: ["string.matches(string): bool", "matches(string, string): bool"],
    doc: "Whether a regular expression (RE2, a constant) is found in the text.",
    cost: SEARCH_COST,
    checked: { argument: 1, kind: "regex" },
    prepare: ([, source]) => prepared(source, compilePattern),
    apply: MATCHING.apply,
    link: (operands) => (operands[1]?.constant === undefined ? MATCHING.link(operands) : undefined),
  },
  {
    name: "glob",
    signatures: ["string.glob(string): bool"],
    doc: "Whether the whole text is as the pattern (a constant): `*` is one path segment or a part of one, `**` anything.",
    cost: SEARCH_COST,
    checked: { argument: 1, kind: "glob" },
    prepare: ([, source]) => prepared(source, compileGlob),
    apply: GLOBBING.apply,
    link: (operands) => (operands[1]?.constant === undefined ? GLOBBING.link(operands) : undefined),
  },
];

function size(value: CelValue): Outcome {
  if (typeof value === "string") return BigInt(codePoints(value));
  if (value instanceof Uint8Array) return BigInt(value.length);
  if (value === null || typeof value !== "object") return NO_OVERLOAD;
  if (isMap(value)) return BigInt(value.size);
  return isList(value) ? BigInt(value.length) : NO_OVERLOAD;
}

function onTexts(test: (a: string, b: string) => boolean): Apply {
  return (a, b) => (typeof a === "string" && typeof b === "string" ? test(a, b) : NO_OVERLOAD);
}

function prepared(source: CelValue | undefined, compile: typeof compilePattern): Prepared | undefined {
  if (typeof source !== "string") return undefined;
  const compiled = compile(source);
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
