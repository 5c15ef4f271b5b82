import { formatDuration, fromJson, type Json } from "../attribute/json.ts";
import { parseType } from "../attribute/type.ts";
import { type CelValue, Invalid } from "../attribute/value.ts";
import { type AttributeRow, lookup, VOCABULARY } from "../attribute/vocabulary.ts";
import { parseDuration } from "../expression/time.ts";
import { BadInput } from "./bad-input.ts";
import type { PlainValue } from "./plain-yaml.ts";

/** Attributes on their way to a server, by name. */
export type Attributes = Map<string, CelValue>;

/**
 * Adds one `-a key=value`. The vocabulary says the type; a key below a map is a key in it: `request.headers.x-user=ana`. An attribute that
 * the vocabulary does not know takes the type its value looks like.
 */
export function addArgument(attributes: Attributes, argument: string): void {
  const equals = argument.indexOf("=");
  if (equals < 1) throw new BadInput(`\`-a ${argument}\`: write NAME=VALUE`);
  const name = argument.slice(0, equals);
  const text = argument.slice(equals + 1);
  const row = lookup(name);
  const map = row ? undefined : mapAbove(name);
  if (map) addKey(attributes, map, keyOf(map, name.slice(map.name.length + 1)), text);
  else attributes.set(name, row ? typed(row, jsonOfText(row, text)) : guessed(jsonOrText(text), name));
}

/** Adds an attribute out of a file. */
export function addPlain(attributes: Attributes, name: string, value: PlainValue): void {
  const row = lookup(name);
  attributes.set(name, row ? typed(row, jsonOfPlain(value)) : guessed(value, name));
}

/** The row of the map attribute that a dotted name goes into. */
function mapAbove(name: string): AttributeRow | undefined {
  return VOCABULARY.find((row) => parseType(row.type).kind === "map" && name.startsWith(`${row.name}.`));
}

/** Doors have headers by their lower-case names; people write them as they like. */
const HEADER_MAPS: ReadonlySet<string> = new Set(["request.headers", "response.headers", "response.trailers"]);

function keyOf(map: AttributeRow, key: string): string {
  return HEADER_MAPS.has(map.name) ? key.toLowerCase() : key;
}

function addKey(attributes: Attributes, row: AttributeRow, key: string, text: string): void {
  const type = parseType(row.type);
  const textual = type.kind === "map" && type.value.kind === "string";
  // Numbers in a token are doubles, as in JSON.
  const value = textual ? text : fromJson(jsonOfPlain(jsonOrText(text)), { kind: "dyn" });
  if (value instanceof Invalid) throw new BadInput(`\`${row.name}.${key}\`: ${value.reason}`);
  const before = attributes.get(row.name);
  const map = new Map<CelValue, CelValue>(before instanceof Map ? before : []);
  attributes.set(row.name, map.set(key, value));
}

/** Numbers and truths are written as they are in CEL, maps and lists as JSON, everything else is text. */
function jsonOfText(row: AttributeRow, text: string): Json {
  const { kind } = parseType(row.type);
  switch (kind) {
    case "bool":
      return text === "true" ? true : text === "false" ? false : text;
    case "duration":
      return durationText(text);
    case "double":
      return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
    case "map":
    case "list":
    case "dyn":
      return jsonOfPlain(jsonOrText(text));
    default:
      return text;
  }
}

/** As CEL writes durations, `15ms` or `1h30m`, in the one form that JSON has for them. */
function durationText(text: string): string {
  const duration = parseDuration(text);
  return duration instanceof Invalid ? text : formatDuration(duration.nanos);
}

function jsonOrText(text: string): PlainValue {
  // An integer stays one, however large.
  if (/^-?\d{1,20}$/.test(text)) return BigInt(text);
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the text itself is meant.
    return text;
  }
}

function jsonOfPlain(value: PlainValue): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (Array.isArray(value)) return value.map(jsonOfPlain);
  if (typeof value === "object" && value !== null) {
    // A header may be called `__proto__`.
    const members: Record<string, Json> = Object.create(null);
    for (const [key, member] of Object.entries(value)) members[key] = jsonOfPlain(member);
    return members;
  }
  // What is left of PlainValue is no list: `readonly` arrays are not narrowed by Array.isArray.
  return value as Exclude<PlainValue, bigint | readonly PlainValue[] | object> | null;
}

function typed(row: AttributeRow, json: Json): CelValue {
  const value = fromJson(json, parseType(row.type));
  if (value instanceof Invalid) throw new BadInput(`\`${row.name}\` is ${row.type}, and \`${shown(json)}\` is none`);
  return value;
}

function shown(json: Json): string {
  return typeof json === "string" ? json : JSON.stringify(json);
}

/** By its look: whole numbers are int, others double. */
function guessed(value: PlainValue, name: string): CelValue {
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw new BadInput(`\`${name}\`: ${value} has more than 64 bits`);
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => guessed(item, name));
  if (typeof value === "object" && value !== null)
    return new Map(Object.entries(value).map(([key, member]) => [key, guessed(member, `${name}.${key}`)]));
  // As in jsonOfPlain.
  return value as null | boolean | number | string;
}
