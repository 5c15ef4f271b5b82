import { type CelType, formatType, parseType } from "../attribute/type.ts";
import type { CelValue } from "../attribute/value.ts";
import { VOCABULARY } from "../attribute/vocabulary.ts";
import { BadInput } from "./bad-input.ts";
import { jsonOrText, keyOf, valueOfText, valueOfType } from "./given-value.ts";
import { isList, isMap, type PlainValue } from "./plain-yaml.ts";
import { readType, TYPE_FORMS } from "./type-text.ts";

/** Attributes on their way to a server or into an expression, by name. */
export type Attributes = Map<string, CelValue>;

/** What names mean where attributes are given. */
export interface Naming {
  /** The type of each attribute that is known. */
  readonly vocabulary: ReadonlyMap<string, CelType>;
  /** Told of each attribute that is not: its type was `written` (`order.count:uint=5`), or is what its value looks like. */
  readonly declare?: (name: string, type: CelType, written: boolean) => void;
}

/** The vocabulary that Weir knows without being told. */
export const BUILT_IN: ReadonlyMap<string, CelType> = new Map(
  VOCABULARY.map((row) => [row.name, parseType(row.type)] as const),
);

const BUILT_IN_NAMING: Naming = { vocabulary: BUILT_IN };

/**
 * Adds one `-a key=value`. The vocabulary says the type; a key below a map is a key in it: `request.headers.x-user=ana`. An attribute that
 * the vocabulary does not know takes the type its value looks like, or the one that stands behind its name: `order.count:uint=5`.
 */
export function addArgument(attributes: Attributes, argument: string, naming: Naming = BUILT_IN_NAMING): void {
  const equals = argument.indexOf("=");
  if (equals < 1) throw new BadInput(`\`-a ${argument}\`: write NAME=VALUE`);
  const text = argument.slice(equals + 1);
  add(attributes, argument.slice(0, equals), naming, {
    typed: (type, name) => valueOfText(text, type, name),
    // What looks like no number, list or map is text.
    look: jsonOrText(text),
  });
}

/** Adds an attribute out of a file. */
export function addPlain(
  attributes: Attributes,
  name: string,
  value: PlainValue,
  naming: Naming = BUILT_IN_NAMING,
): void {
  add(attributes, name, naming, { typed: (type, of) => valueOfType(value, type, of), look: value });
}

/** A value before its type is known. */
interface Given {
  readonly typed: (type: CelType, name: string) => CelValue;
  readonly look: PlainValue;
}

function add(attributes: Attributes, written: string, naming: Naming, given: Given): void {
  const { vocabulary, declare } = naming;
  const { name, type } = nameAndType(written, vocabulary);
  const known = vocabulary.get(name);
  const map = known ? undefined : mapAbove(name, vocabulary);
  if (known) {
    attributes.set(name, given.typed(agreed(known, type, name), name));
  } else if (map) {
    addKey(attributes, { ...map, key: name.slice(map.name.length + 1) }, type, given);
  } else {
    const found = type ?? looksLike(given.look, name);
    declare?.(name, found, type !== undefined);
    attributes.set(name, type ? given.typed(type, name) : guessed(given.look));
  }
}

/** `name:type`; a colon that belongs to a key of a map is left in it. */
function nameAndType(
  written: string,
  vocabulary: Naming["vocabulary"],
): { readonly name: string; readonly type: CelType | undefined } {
  const colon = written.lastIndexOf(":");
  if (colon < 1 || vocabulary.has(written)) return { name: written, type: undefined };
  const type = readType(written.slice(colon + 1));
  if (type) return { name: written.slice(0, colon), type };
  if (mapAbove(written, vocabulary)) return { name: written, type: undefined };
  throw new BadInput(`\`${written.slice(colon + 1)}\` in \`${written}\` is no type: there are ${TYPE_FORMS}`);
}

/** Only what may be anything can be made something else. */
function agreed(known: CelType, written: CelType | undefined, name: string): CelType {
  if (written === undefined || known.kind === "dyn") return written ?? known;
  if (formatType(known) === formatType(written)) return known;
  throw new BadInput(`\`${name}\` is ${formatType(known)}: write \`${name}\` without \`:${formatType(written)}\``);
}

interface MapAttribute {
  readonly name: string;
  readonly type: Extract<CelType, { kind: "map" }>;
}

/** The map attribute that a dotted name goes into: the one with the longest name. */
function mapAbove(name: string, vocabulary: Naming["vocabulary"]): MapAttribute | undefined {
  for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
    const above = name.slice(0, dot);
    const type = vocabulary.get(above);
    if (type?.kind === "map") return { name: above, type };
  }
  return undefined;
}

/** Doors have headers by their lower-case names; people write them as they like. */
const HEADER_MAPS: ReadonlySet<string> = new Set(["request.headers", "response.headers", "response.trailers"]);

function addKey(
  attributes: Attributes,
  { name, type, key }: MapAttribute & { readonly key: string },
  written: CelType | undefined,
  given: Given,
): void {
  const of = `${name}.${key}`;
  const spelled = keyOf(HEADER_MAPS.has(name) ? key.toLowerCase() : key, type.key);
  if (spelled === undefined) throw new BadInput(`\`${of}\`: keys of \`${name}\` are ${formatType(type.key)}`);
  const value = given.typed(agreed(type.value, written, of), of);
  const before = attributes.get(name);
  attributes.set(name, new Map<CelValue, CelValue>(before instanceof Map ? before : []).set(spelled, value));
}

/** By its look: whole numbers are int, others double. */
function guessed(value: PlainValue): CelValue {
  if (isList(value)) return value.map(guessed);
  if (isMap(value)) return new Map(Object.entries(value).map(([key, member]) => [key, guessed(member)]));
  return value;
}

function looksLike(value: PlainValue, name: string): CelType {
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value)
    throw new BadInput(`\`${name}\`: ${value} has more than 64 bits; write \`${name}:uint\` or \`${name}:double\``);
  if (isList(value)) return { kind: "list", element: inCommon(value.map((item) => looksLike(item, name))) };
  if (isMap(value)) {
    const members = Object.entries(value).map(([key, member]) => looksLike(member, `${name}.${key}`));
    return { kind: "map", key: { kind: "string" }, value: inCommon(members) };
  }
  if (value === null) return { kind: "null" };
  return { kind: KINDS[typeof value] ?? "dyn" };
}

const KINDS: Readonly<Record<string, "bool" | "int" | "double" | "string">> = {
  boolean: "bool",
  bigint: "int",
  number: "double",
  string: "string",
};

function inCommon([first, ...others]: readonly CelType[]): CelType {
  if (first === undefined) return { kind: "dyn" };
  return others.every((type) => formatType(type) === formatType(first)) ? first : { kind: "dyn" };
}
