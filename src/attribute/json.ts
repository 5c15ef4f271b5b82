import { formatCidr, formatIp } from "./address.ts";
import type { CelType } from "./type.ts";
import {
  type CelMap,
  type CelValue,
  Cidr,
  Duration,
  Invalid,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "./value.ts";

/** JSON as data. Objects have no prototype: a key may be called `__proto__`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const NANOS = 1_000_000_000n;
const NANOS_PER_MS = 1_000_000n;

/**
 * A value as JSON: integers beyond 2^53 as text, timestamps as RFC 3339 with up to nine decimals, durations as `1.5s`, bytes as base64, NaN
 * and the infinities, addresses and networks as text.
 */
export function toJson(value: CelValue): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "bigint") return integer(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint) return integer(value.value);
  if (value instanceof Timestamp) return formatTimestamp(value.nanos);
  if (value instanceof Duration) return formatDuration(value.nanos);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof TypeValue) return value.name;
  if (value instanceof IpAddress) return formatIp(value);
  if (value instanceof Cidr) return formatCidr(value);
  if (value instanceof Optional) return typeof value.value === "symbol" ? null : toJson(value.value);
  if (value instanceof Map) return object(value);
  // What is left of CelValue is a list; `readonly` arrays are not narrowed by Array.isArray.
  return (value as readonly CelValue[]).map(toJson);
}

function object(map: CelMap): Json {
  const members: Record<string, Json> = Object.create(null);
  for (const [key, value] of map) members[keyText(key)] = toJson(value);
  return members;
}

function keyText(key: CelValue): string {
  const json = toJson(key);
  return typeof json === "string" ? json : String(json);
}

function integer(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** @returns a value of the declared type, or Invalid when the JSON is of another. `dyn` takes JSON as CEL does: numbers are doubles. */
export function fromJson(json: Json, type: CelType): CelValue | Invalid {
  switch (type.kind) {
    case "dyn":
      return fromDynamic(json);
    case "null":
      return json === null ? null : mismatch(type);
    case "bool":
      return typeof json === "boolean" ? json : mismatch(type);
    case "int":
    case "uint":
      return fromInteger(json, type.kind) ?? mismatch(type);
    case "double":
      return fromDouble(json) ?? mismatch(type);
    case "map":
      return isObject(json) ? fromObject(json, type.key, type.value) : mismatch(type);
    case "list":
      return isList(json) ? fromList(json, type.element) : mismatch(type);
    case "optional":
      return fromOptional(json, type.value);
    default:
      return typeof json === "string" ? fromText(json, type) : mismatch(type);
  }
}

function fromText(text: string, type: CelType): CelValue | Invalid {
  switch (type.kind) {
    case "string":
      return text.isWellFormed() ? text : new Invalid("not UTF-8");
    case "type":
      return new TypeValue(text);
    case "bytes":
      return new Uint8Array(Buffer.from(text, "base64"));
    case "timestamp": {
      const nanos = parseTimestamp(text);
      return nanos === undefined ? mismatch(type) : new Timestamp(nanos);
    }
    case "duration": {
      const nanos = parseDuration(text);
      return nanos === undefined ? mismatch(type) : new Duration(nanos);
    }
    default:
      return mismatch(type);
  }
}

function fromDynamic(json: Json): CelValue | Invalid {
  if (isList(json)) return fromList(json, { kind: "dyn" });
  if (isObject(json)) return fromObject(json, { kind: "string" }, { kind: "dyn" });
  if (typeof json === "string" && !json.isWellFormed()) return new Invalid("not UTF-8");
  return json;
}

const INTEGER = /^-?\d{1,20}$/;

function fromInteger(json: Json, kind: "int" | "uint"): CelValue | undefined {
  const written =
    typeof json === "number" ? Number.isSafeInteger(json) : typeof json === "string" && INTEGER.test(json);
  if (!written) return undefined;
  const value = BigInt(String(json));
  if (kind === "uint") return BigInt.asUintN(64, value) === value ? new Uint(value) : undefined;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function fromDouble(json: Json): number | undefined {
  if (typeof json === "number") return json;
  return json === "NaN" || json === "Infinity" || json === "-Infinity" ? Number(json) : undefined;
}

function fromObject(json: { readonly [key: string]: Json }, key: CelType, value: CelType): CelValue | Invalid {
  const map = new Map<CelValue, CelValue>();
  for (const [name, member] of Object.entries(json)) {
    const k =
      key.kind === "string" || key.kind === "dyn"
        ? fromDynamic(name)
        : fromJson(key.kind === "bool" ? name === "true" : name, key);
    const v = fromJson(member, value);
    if (k instanceof Invalid) return k;
    if (v instanceof Invalid) return v;
    map.set(k, v);
  }
  return map;
}

function fromList(json: readonly Json[], element: CelType): CelValue | Invalid {
  const items: CelValue[] = [];
  for (const item of json) {
    const value = fromJson(item, element);
    if (value instanceof Invalid) return value;
    items.push(value);
  }
  return items;
}

/** `none` and `of(null)` look the same as JSON; nothing that Weir carries is an optional null. */
function fromOptional(json: Json, type: CelType): CelValue | Invalid {
  const value = json === null ? null : fromJson(json, type);
  return value instanceof Invalid || value === null ? mismatch(type) : new Optional(value);
}

function mismatch(type: CelType): Invalid {
  return new Invalid(`no ${type.kind}`);
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function isObject(json: Json): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** RFC 3339 in UTC, with no more decimals than needed. The year has four digits from 0001 to 9999, CEL's range. */
export function formatTimestamp(nanos: bigint): string {
  const fraction = ((nanos % NANOS) + NANOS) % NANOS;
  const date = new Date(Number((nanos - fraction) / NANOS_PER_MS));
  // CEL's own range is far inside of what a Date can be.
  if (Number.isNaN(date.getTime())) throw new Error(`a timestamp of ${nanos} ns is outside of CEL's range`);
  return `${date.toISOString().slice(0, -5)}${decimals(fraction)}Z`;
}

const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

/** @returns nanoseconds since 1970, undefined when this is not what `formatTimestamp` writes. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = TIMESTAMP.exec(text);
  const ms = match ? Date.parse(`${match[1]}Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : BigInt(ms) * NANOS_PER_MS + BigInt((match?.[2] ?? "").padEnd(9, "0"));
}

/** Seconds with no more decimals than needed, and an `s`. */
export function formatDuration(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? "-" : ""}${size / NANOS}${decimals(size % NANOS)}s`;
}

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** @returns nanoseconds, undefined when this is not what `formatDuration` writes. */
export function parseDuration(text: string): bigint | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  const size = BigInt(match[2] ?? "") * NANOS + BigInt((match[3] ?? "").padEnd(9, "0"));
  return match[1] === "-" ? -size : size;
}

function decimals(fraction: bigint): string {
  return fraction === 0n ? "" : `.${fraction.toString().padStart(9, "0").replace(/0+$/, "")}`;
}
