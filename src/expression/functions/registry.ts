import { CONVERSIONS } from "./conversions.ts";
import type { FunctionRow } from "./function-row.ts";
import { OPERATORS } from "./operators.ts";
import { OPTIONALS } from "./optionals.ts";
import { type Overload, parseSignature } from "./signature.ts";
import { TEXTS_AND_LISTS } from "./texts-and-lists.ts";
import { TIMES } from "./times.ts";
import { WEIR } from "./weir.ts";

/** Every function and operator there is, by the section of docs/cel.md that lists it. What is not here does not exist. */
export const LIBRARIES: readonly (readonly [title: string, rows: readonly FunctionRow[]])[] = [
  ["What Weir adds", WEIR],
  ["Operators", OPERATORS],
  ["Texts and lists", TEXTS_AND_LISTS],
  ["Times", TIMES],
  ["Conversions", CONVERSIONS],
  ["Optionals", OPTIONALS],
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

/** An overload in the words of the library that checks types; goes away with it. */
export interface Signature {
  readonly receiver?: string;
  readonly name: string;
  readonly parameters: readonly string[];
  readonly returns: string;
}

export function signaturesOf(row: FunctionRow): readonly Signature[] {
  if (isOperator(row)) return [];
  return overloadsOf(row.name).map(({ isMember, parameters, returns }) => {
    const any = row.name === "dyn" || row.name === "type";
    const types = parameters.map((type) => (any ? "dyn" : inLibrary(type)));
    const [receiver = ""] = types;
    const base = { name: row.name, parameters: isMember ? types.slice(1) : types, returns: inLibrary(returns) };
    return isMember ? { ...base, receiver } : base;
  });
}

function inLibrary(type: Overload["returns"]): string {
  switch (type.kind) {
    case "parameter":
      return type.name;
    case "timestamp":
      return "google.protobuf.Timestamp";
    case "duration":
      return "google.protobuf.Duration";
    case "list":
      return `list<${inLibrary(type.element)}>`;
    case "map":
      return `map<${inLibrary(type.key)}, ${inLibrary(type.value)}>`;
    case "optional":
      return `optional<${inLibrary(type.value)}>`;
    default:
      return type.kind;
  }
}
