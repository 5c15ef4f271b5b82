import { CONVERSIONS } from "./conversions.ts";
import { ENCODERS } from "./encoders.ts";
import type { FunctionRow } from "./function-row.ts";
import { LISTS } from "./lists.ts";
import { MATH } from "./math.ts";
import { NETWORK } from "./network.ts";
import { OPERATORS } from "./operators.ts";
import { OPTIONALS } from "./optionals.ts";
import { REGEX } from "./regex.ts";
import { SETS } from "./sets.ts";
import { type Overload, parseSignature } from "./signature.ts";
import { STRINGS_EXTENSION } from "./strings-extension.ts";
import { TEXTS_AND_LISTS } from "./texts-and-lists.ts";
import { TIMES } from "./times.ts";
import { WEIR } from "./weir.ts";

/** Every function and operator there is, by the section of docs/cel.md that lists it. What is not here does not exist. */
export const LIBRARIES: readonly (readonly [title: string, rows: readonly FunctionRow[]])[] = [
  ["What Weir adds", WEIR],
  ["Operators", OPERATORS],
  ["Texts and lists", TEXTS_AND_LISTS],
  ["Strings", STRINGS_EXTENSION],
  ["Times", TIMES],
  ["Addresses and networks", NETWORK],
  ["Regular expressions", REGEX],
  ["Conversions", CONVERSIONS],
  ["Optionals", OPTIONALS],
  ["Lists", LISTS],
  ["Sets", SETS],
  ["Math", MATH],
  ["Encoders", ENCODERS],
];

export const FUNCTIONS: readonly FunctionRow[] = LIBRARIES.flatMap(([, rows]) => rows);

const BY_NAME: ReadonlyMap<string, FunctionRow> = new Map(FUNCTIONS.map((row) => [row.name, row]));

const OVERLOADS: ReadonlyMap<string, readonly Overload[]> = new Map(
  FUNCTIONS.map((row) => [row.name, row.signatures.map((text) => parseSignature(row.name, text))]),
);

export function functionNamed(name: string): FunctionRow | undefined {
  return BY_NAME.get(name);
}

/** @returns the overloads of a function or operator, none for a name that is not known. */
export function overloadsOf(name: string): readonly Overload[] {
  return OVERLOADS.get(name) ?? [];
}

/** @returns whether a function is an operator, which has signs and no name to be called by. */
export function isOperator(row: FunctionRow): boolean {
  return /[^\w.@]/.test(row.name) || row.name.startsWith("_");
}
