import { formatCidr, formatIp, parseCidr, parseIp } from "../attribute/address.ts";
import { formatDuration, formatTimestamp, parseDuration } from "../attribute/json.ts";
import {
  ABSENT,
  type CelValue,
  Cidr,
  Duration,
  Invalid,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import { formatDouble, isMap, parseTimestamp } from "../expression/index.ts";
import { BadInput } from "./bad-input.ts";

/**
 * A value for other programs to compare with: an object of one key, which is the type. `{"int":"12"}`, `{"double":"-0"}`,
 * `{"map":[[{"string":"a"},{"bool":true}]]}`, `{"timestamp":"2026-01-01T00:00:00.5Z"}`, `{"optional":null}`. Exact both ways, which plain
 * JSON is not.
 */
export type Typed = Readonly<Record<string, unknown>>;

/** Values within values: what goes deeper could only be there to exhaust the stack. */
const MAX_VALUE_DEPTH = 500;

/** @param where begins the message when there is something wrong. @throws BadInput for what is not in this form. */
export function readTyped(value: unknown, where = "value"): CelValue {
  return read(value, where, 0);
}

function read(value: unknown, where: string, depth: number): CelValue {
  if (depth > MAX_VALUE_DEPTH) throw new BadInput(`${where}: values are nested more than ${MAX_VALUE_DEPTH} deep`);
  const [[kind, inner] = [], ...rest] = isRecord(value) ? Object.entries(value) : [];
  if (kind === undefined || rest.length > 0) throw unreadable(value, where);
  const found = readKind(kind, inner, where, depth);
  if (found === undefined) throw unreadable(value, where);
  return found;
}

function unreadable(value: unknown, where: string): BadInput {
  return new BadInput(
    `${where}: \`${excerpt(value)}\` is no typed value, such as {"int":"12"} or {"list":[{"bool":true}]}`,
  );
}

const MAX_EXCERPT = 80;

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT - 1)}…` : text;
}

function readKind(kind: string, inner: unknown, where: string, depth: number): CelValue | undefined {
  if (kind === "null") return inner === null ? null : undefined;
  if (kind === "bool") return typeof inner === "boolean" ? inner : undefined;
  if (kind === "list") return Array.isArray(inner) ? inner.map((item) => read(item, where, depth + 1)) : undefined;
  if (kind === "map") return Array.isArray(inner) ? readMap(inner, where, depth + 1) : undefined;
  if (kind === "optional") return new Optional(inner === null ? ABSENT : read(inner, where, depth + 1));
  return typeof inner === "string" ? readText(kind, inner) : undefined;
}

function readMap(pairs: readonly unknown[], where: string, depth: number): CelValue {
  return new Map(
    pairs.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) throw unreadable({ map: [pair] }, where);
      return [read(pair[0], where, depth), read(pair[1], where, depth)] as const;
    }),
  );
}

const WHOLE = /^-?\d{1,20}$/;
const DOUBLE = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|Infinity)$|^NaN$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What is written as text. */
function readText(kind: string, text: string): CelValue | undefined {
  switch (kind) {
    case "string":
      return text.isWellFormed() ? text : undefined;
    case "int":
      return WHOLE.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : undefined;
    case "uint":
      return WHOLE.test(text) && BigInt.asUintN(64, BigInt(text)) === BigInt(text) ? new Uint(BigInt(text)) : undefined;
    case "double":
      return DOUBLE.test(text) ? Number(text) : undefined;
    case "bytes":
      return BASE64.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : undefined;
    case "timestamp":
      return valid(parseTimestamp(text));
    case "duration": {
      const nanos = parseDuration(text);
      return nanos === undefined ? undefined : new Duration(nanos);
    }
    case "type":
      return new TypeValue(text);
    case "ip":
      return parseIp(text);
    case "cidr":
      return parseCidr(text);
    default:
      return undefined;
  }
}

function valid<T>(outcome: T | Invalid): T | undefined {
  return outcome instanceof Invalid ? undefined : outcome;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Scalars, and pieces of 64 UTF-16 units or bytes, that are written at once: one value may hold another a million times over. */
const MAX_WRITTEN = 1_000_000;
/** Each level of a value takes a few blanks more in each line. */
const INDENTATION = 1 / 16;

/** @returns whether a value is small enough to be written; never takes longer than writing one that is. */
export function isWritable(value: CelValue): boolean {
  return writtenSize(value, MAX_WRITTEN) !== undefined;
}

/** @returns how large a value is when it is written, as MAX_WRITTEN counts; undefined beyond `most`. */
export function writtenSize(value: CelValue, most: number): number | undefined {
  let written = 0;
  let level: readonly CelValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const inside: CelValue[] = [];
    for (const one of level) {
      written += 1 + depth * INDENTATION;
      if (typeof one === "string" || one instanceof Uint8Array) written += one.length / 64;
      if (written + inside.length > most) return undefined;
      if (one instanceof Map) for (const [key, item] of one) inside.push(key, item);
      else if (one instanceof Optional && one.value !== ABSENT) inside.push(one.value);
      else if (Array.isArray(one)) for (const item of one) inside.push(item);
    }
    level = inside;
  }
  return written;
}

/** @returns the value in the same form; equal maps are written equally, whatever the order of their entries. */
export function writeTyped(value: CelValue): Typed {
  if (value === null) return { null: null };
  switch (typeof value) {
    case "boolean":
      return { bool: value };
    case "bigint":
      return { int: value.toString() };
    case "number":
      return { double: doubleText(value) };
    case "string":
      return { string: value };
    default:
      return writeObject(value);
  }
}

function writeObject(value: Extract<CelValue, object>): Typed {
  if (value instanceof Uint) return { uint: value.value.toString() };
  if (value instanceof Timestamp) return { timestamp: formatTimestamp(value.nanos) };
  if (value instanceof Duration) return { duration: formatDuration(value.nanos) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (value instanceof TypeValue) return { type: value.name };
  if (value instanceof Optional) return { optional: value.value === ABSENT ? null : writeTyped(value.value) };
  if (value instanceof IpAddress) return { ip: formatIp(value) };
  if (value instanceof Cidr) return { cidr: formatCidr(value) };
  if (isMap(value)) return { map: pairsOf(value) };
  return { list: value.map(writeTyped) };
}

function pairsOf(map: ReadonlyMap<CelValue, CelValue>): readonly (readonly [Typed, Typed])[] {
  const pairs = [...map].map(([key, item]) => [writeTyped(key), writeTyped(item)] as const);
  const byKey = pairs.map((pair) => ({ pair, text: JSON.stringify(pair[0]) }));
  return byKey.sort((a, b) => (a.text < b.text ? -1 : Number(a.text > b.text))).map(({ pair }) => pair);
}

/** The shortest digits that read back as the same double, as CEL's `string()` writes them; infinities as JavaScript does. */
function doubleText(value: number): string {
  return Number.isFinite(value) ? formatDouble(value) : String(value);
}
