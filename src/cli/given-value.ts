import { parseCidr, parseIp } from "../attribute/address.ts";
import { type CelType, formatType } from "../attribute/type.ts";
import {
  type CelValue,
  type Duration,
  Invalid,
  Optional,
  type Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import { parseDuration, parseTimestamp } from "../expression/index.ts";
import { BadInput } from "./bad-input.ts";
import { isList, isMap, type PlainValue } from "./plain-yaml.ts";

/** Values as people write them, on the command line or in YAML, made values of a declared type. */

/**
 * @param value text is read by the type: a `duration` is `15ms` or `1h30m`, a `timestamp` RFC 3339, `bytes` base64.
 * @param name begins the message when there is something wrong.
 * @throws BadInput for what is no value of the type.
 */
export function valueOfType(value: PlainValue, type: CelType, name: string): CelValue {
  const found = convert(value, type);
  if (found === undefined) throw new BadInput(`\`${name}\` is ${formatType(type)}, and \`${shown(value)}\` is none`);
  return found;
}

/**
 * Text from a command line, where nothing tells `7` from `"7"`: what is no text by its type is read as JSON.
 * @throws BadInput for what is no value of the type.
 */
export function valueOfText(text: string, type: CelType, name: string): CelValue {
  const isJson = type.kind === "dyn" || type.kind === "list" || type.kind === "map" || type.kind === "optional";
  return valueOfType(isJson ? jsonOrText(text) : text, type, name);
}

/** @returns JSON as data, whole numbers exact however large; what is no JSON is the text itself. */
export function jsonOrText(text: string): PlainValue {
  try {
    return JSON.parse(text, exactNumber);
  } catch (error) {
    // Not JSON: the text itself is meant.
    if (error instanceof SyntaxError) return text;
    if (error instanceof RangeError) throw new BadInput(`\`${shown(text)}\` is nested too deeply`);
    throw error;
  }
}

/** More digits than any number has that CEL knows. */
const MAX_DIGITS = 400;

/** The third argument, which has the text of a number, is known to Node and not yet to TypeScript. */
function exactNumber(
  _key: string,
  value: unknown,
  ...[context]: readonly ({ readonly source?: string } | undefined)[]
): unknown {
  const source = context?.source ?? "";
  return typeof value === "number" && source.length <= MAX_DIGITS && /^-?\d+$/.test(source) ? BigInt(source) : value;
}

function convert(value: PlainValue, type: CelType): CelValue | undefined {
  switch (type.kind) {
    case "dyn":
      return asJson(value);
    case "list":
      return isList(value) ? allOf(value.map((item) => convert(item, type.element))) : undefined;
    case "map":
      return isMap(value) ? mapOf(Object.entries(value), type.key, type.value) : undefined;
    case "optional": {
      const inner = convert(value, type.value);
      return inner === undefined ? undefined : new Optional(inner);
    }
    case "bool":
      return typeof value === "boolean" ? value : convertText(String(value), type);
    case "double":
      return typeof value === "number" ? value : convertText(scalarText(value), type);
    case "null":
      return value === null ? null : convertText(scalarText(value), type);
    case "int":
    case "uint":
      return typeof value === "bigint" || typeof value === "string" ? convertText(String(value), type) : undefined;
    default:
      return typeof value === "string" ? convertText(value, type) : undefined;
  }
}

const WHOLE = /^-?\d{1,20}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What has a type by its text alone. */
function convertText(text: string, type: CelType): CelValue | undefined {
  switch (type.kind) {
    case "bool":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "int":
      return WHOLE.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : undefined;
    case "uint":
      return WHOLE.test(text) && BigInt.asUintN(64, BigInt(text)) === BigInt(text) ? new Uint(BigInt(text)) : undefined;
    case "double":
      return /^\s*$/.test(text) || (Number.isNaN(Number(text)) && text !== "NaN") ? undefined : Number(text);
    case "string":
      return text.isWellFormed() ? text : undefined;
    case "bytes":
      return BASE64.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : undefined;
    case "null":
      return text === "null" ? null : undefined;
    case "type":
      return new TypeValue(text);
    case "ip":
      return parseIp(text);
    case "cidr":
      return parseCidr(text);
    default:
      return timeOf(text, type.kind);
  }
}

function timeOf(text: string, kind: CelType["kind"]): Timestamp | Duration | undefined {
  const outcome = kind === "timestamp" ? parseTimestamp(text) : kind === "duration" ? parseDuration(text) : undefined;
  return outcome instanceof Invalid ? undefined : outcome;
}

/** As CEL takes JSON: every number is a double. */
function asJson(value: PlainValue): CelValue | undefined {
  if (typeof value === "bigint") return Number(value);
  if (isList(value)) return allOf(value.map(asJson));
  if (isMap(value)) return mapOf(Object.entries(value), { kind: "string" }, { kind: "dyn" });
  return typeof value === "string" && !value.isWellFormed() ? undefined : value;
}

function mapOf(
  entries: readonly (readonly [string, PlainValue])[],
  key: CelType,
  value: CelType,
): CelValue | undefined {
  const keys = allOf(entries.map(([name]) => keyOf(name, key)));
  const values = allOf(entries.map(([, member]) => convert(member, value)));
  return keys && values && new Map(keys.map((each, index) => [each, values[index] ?? null]));
}

/** Keys of JSON are texts. */
export function keyOf(name: string, type: CelType): CelValue | undefined {
  return convertText(name, type.kind === "dyn" ? { kind: "string" } : type);
}

function allOf(values: readonly (CelValue | undefined)[]): readonly CelValue[] | undefined {
  const found = values.filter((value) => value !== undefined);
  return found.length === values.length ? found : undefined;
}

function scalarText(value: PlainValue): string {
  return typeof value === "string" || typeof value === "bigint" ? String(value) : "";
}

const MAX_SHOWN = 80;

function shown(value: PlainValue): string {
  const text =
    typeof value === "string"
      ? value
      : JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? Number(inner) : inner));
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
}
