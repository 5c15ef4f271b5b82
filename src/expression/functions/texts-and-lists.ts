import type { CelValue, Outcome } from "../../attribute/value.ts";
import { compilePattern } from "../pattern.ts";
import { codePoints } from "../strings.ts";
import { isList, isMap, NO_OVERLOAD } from "../values.ts";
import type { Apply, FunctionRow } from "./function-row.ts";
import { testingBy } from "./search.ts";

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
    checked: { argument: 1, kind: "regex" },
    ...testingBy(compilePattern),
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
