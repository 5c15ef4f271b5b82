import { CONVERSIONS } from "./conversions.ts";
import type { FunctionRow } from "./function-row.ts";
import { OPERATORS } from "./operators.ts";
import { OPTIONALS } from "./optionals.ts";
import { TEXTS_AND_LISTS } from "./texts-and-lists.ts";
import { TIMES } from "./times.ts";
import { WEIR } from "./weir.ts";

/** Every function and operator there is. A name that is not here does not exist, whatever the parser's library knows. */
export const FUNCTIONS: readonly FunctionRow[] = [
  ...OPERATORS,
  ...CONVERSIONS,
  ...TEXTS_AND_LISTS,
  ...TIMES,
  ...OPTIONALS,
  ...WEIR,
];

const BY_NAME: ReadonlyMap<string, FunctionRow> = new Map(FUNCTIONS.map((row) => [row.name, row]));

export function functionNamed(name: string): FunctionRow | undefined {
  return BY_NAME.get(name);
}

/** An overload of a function that is called by name, taken apart. */
export interface Signature {
  readonly receiver?: string;
  readonly name: string;
  readonly parameters: readonly string[];
  readonly returns: string;
}

/**
 * @returns the overloads of a function that is called by name; none for an operator. `optional.of(V)` is a function with a dot in its
 * name, not a method.
 */
export function signaturesOf(row: FunctionRow): readonly Signature[] {
  return row.signatures.flatMap((text) => parseSignature(row.name, text) ?? []);
}

function parseSignature(name: string, text: string): Signature | undefined {
  const open = text.lastIndexOf(`${name}(`);
  const close = text.lastIndexOf("): ");
  if (open < 0 || close < 0) return undefined;
  const before = text.slice(0, open);
  const parameters = splitTypes(text.slice(open + name.length + 1, close));
  const returns = text.slice(close + 3);
  return { name, parameters, returns, ...(before === "" ? {} : { receiver: before.slice(0, -1) }) };
}

/** At commas that are not inside of `<…>`. */
function splitTypes(text: string): string[] {
  if (text === "") return [];
  return text.split(/,\s*(?![^<]*>)/);
}
