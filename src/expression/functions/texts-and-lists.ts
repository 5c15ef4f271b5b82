import type { CelValue, Outcome } from "../../attribute/value.ts";
import type { Pattern } from "../pattern.ts";
import { compileGlob, compilePattern } from "../pattern.ts";
import { codePoints } from "../strings.ts";
import { isList, isMap, NO_OVERLOAD } from "../values.ts";
import type { Apply, FunctionRow, Prepared } from "./function-row.ts";

/** Of the standard library: what is asked of texts, and how much there is of something. */
export const TEXTS_AND_LISTS: readonly FunctionRow[] = [
  {
    name: "size",
    signatures: ["string", "bytes", "list(V)", "map(K, V)"].flatMap((type) => [
      `size(${type}): int`,
      `${type}.size(): int`,
    ]),
    doc: "Characters of a text (code points), bytes, elements of a list, entries of a map.",
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
    cost: (text) => text,
    apply: () => NO_OVERLOAD,
    checked: { argument: 1, kind: "regex" },
    prepare: ([, source]) => prepared(source, compilePattern),
  },
  {
    name: "glob",
    signatures: ["string.glob(string): bool"],
    doc: "Whether the whole text is as the pattern (a constant): `*` is one path segment or a part of one, `**` anything.",
    cost: (text) => text,
    apply: () => NO_OVERLOAD,
    checked: { argument: 1, kind: "glob" },
    prepare: ([, source]) => prepared(source, compileGlob),
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

/** A machine of many instructions may visit each of them at each character. */
const PROGRAM_STEPS = 64;

function prepared(source: CelValue | undefined, compile: typeof compilePattern): Prepared | undefined {
  if (typeof source !== "string") return undefined;
  const compiled = compile(source);
  return compiled.ok ? matching(compiled.pattern) : undefined;
}

function matching(pattern: Pattern): Prepared {
  return {
    apply: (text) => (typeof text === "string" ? pattern.test(text) : NO_OVERLOAD),
    cost: (text) => 4 + (text * 16 * pattern.size) / PROGRAM_STEPS,
  };
}
