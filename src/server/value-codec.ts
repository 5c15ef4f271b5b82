import { type AttributeValue, NullValue, type Value, type ValueEntry } from "#proto/weir/v1/attribute";
import { formatCidr, formatIp } from "../attribute/address.ts";
import { EntryMap, type Held } from "../attribute/entry-map.ts";
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
} from "../attribute/value.ts";
import { hasInvalidBytes, replaceInvalid } from "../wire/lenient.ts";

/** How deep lists and maps may be inside each other in a nested value. */
export const MAX_NESTING = 100;

/** What becomes of text with bytes that are not UTF-8: an error, as rules read it, or U+FFFD for each byte, as reports do. */
export type BadText = "error" | "replace";

/** The kinds that look the same wherever the native API has values. */
type ScalarKind = Extract<
  AttributeValue["kind"],
  { oneofKind: "string" | "int64" | "uint64" | "double" | "bool" | "bytes" | "timestamp" | "duration" }
>;

/** @returns the value as the engine has it; Invalid, in plain words, for what cannot be one. A map is held key by key. */
export function valueFromProto({ kind }: AttributeValue, badText: BadText): Held {
  switch (kind.oneofKind) {
    case "stringMap":
      return entryMap(kind.stringMap.entries, badText, (value) => text(value, badText));
    case "stringList":
      return list(kind.stringList.items.map((item) => text(item, badText)));
    case "nested":
      return nestedFromProto(kind.nested, badText);
    case undefined:
      return new Invalid(UNKNOWN_KIND);
    default:
      return scalarFromProto(kind, badText);
  }
}

/** @returns the value for the wire; Invalid for what has no form there: types, optionals, keys that are not text, too deep. */
export function valueToProto(value: CelValue): AttributeValue | Invalid {
  const scalar = scalarToProto(value);
  if (scalar !== undefined) return { kind: scalar };
  const entries = textEntries(value);
  if (entries !== undefined) return { kind: { oneofKind: "stringMap", stringMap: { entries } } };
  const items = textItems(value);
  if (items !== undefined) return { kind: { oneofKind: "stringList", stringList: { items } } };
  const nested = nestedToProto(value, 0);
  return nested instanceof Invalid ? nested : { kind: { oneofKind: "nested", nested } };
}

const UNKNOWN_KIND = "of no kind that this version knows";
const TOO_DEEP = `nested more than ${MAX_NESTING} deep`;
const NANOS = 1_000_000_000n;
/** 0001-01-01T00:00:00Z and the second after 9999-12-31T23:59:59Z. */
const FIRST_SECOND = -62_135_596_800n;
const AFTER_LAST_SECOND = 253_402_300_800n;
/** 10,000 years of 365.25 days. */
const MAX_DURATION_SECONDS = 315_576_000_000n;

function scalarFromProto(kind: ScalarKind, badText: BadText): CelValue | Invalid {
  switch (kind.oneofKind) {
    case "string":
      return text(kind.string, badText);
    case "int64":
      return kind.int64;
    case "uint64":
      return new Uint(kind.uint64);
    case "double":
      return kind.double;
    case "bool":
      return kind.bool;
    case "bytes":
      // A copy: a few bytes must not keep the whole message they came in.
      return new Uint8Array(kind.bytes);
    case "timestamp":
      return timestampFromProto(kind.timestamp);
    case "duration":
      return durationFromProto(kind.duration);
  }
}

function scalarToProto(value: CelValue): ScalarKind | undefined {
  if (typeof value === "string") return { oneofKind: "string", string: value };
  if (typeof value === "bigint") return { oneofKind: "int64", int64: value };
  if (typeof value === "number") return { oneofKind: "double", double: value };
  if (typeof value === "boolean") return { oneofKind: "bool", bool: value };
  if (value instanceof Uint) return { oneofKind: "uint64", uint64: value.value };
  if (value instanceof Uint8Array) return { oneofKind: "bytes", bytes: value };
  if (value instanceof Timestamp) return { oneofKind: "timestamp", timestamp: timestampToProto(value) };
  if (value instanceof Duration) return { oneofKind: "duration", duration: durationToProto(value) };
  if (value instanceof IpAddress) return { oneofKind: "string", string: formatIp(value) };
  if (value instanceof Cidr) return { oneofKind: "string", string: formatCidr(value) };
  return undefined;
}

function text(value: string | undefined, badText: BadText): string | Invalid {
  if (value === undefined) return new Invalid(UNKNOWN_KIND);
  if (badText === "replace") return replaceInvalid(value);
  return hasInvalidBytes(value) ? new Invalid("not UTF-8") : value;
}

interface SecondsAndNanos {
  seconds: bigint;
  nanos: number;
}

function timestampFromProto({ seconds, nanos }: SecondsAndNanos): Timestamp | Invalid {
  if (seconds < FIRST_SECOND || seconds >= AFTER_LAST_SECOND)
    return new Invalid("a time outside of the years 1 to 9999");
  if (nanos < 0 || nanos >= Number(NANOS)) return new Invalid("a time whose nanoseconds are no part of a second");
  return new Timestamp(seconds * NANOS + BigInt(nanos));
}

function timestampToProto({ nanos }: Timestamp): SecondsAndNanos {
  const part = ((nanos % NANOS) + NANOS) % NANOS;
  return { seconds: (nanos - part) / NANOS, nanos: Number(part) };
}

function durationFromProto({ seconds, nanos }: SecondsAndNanos): Duration | Invalid {
  const size = seconds < 0n ? -seconds : seconds;
  if (size > MAX_DURATION_SECONDS) return new Invalid("a duration over 10,000 years");
  if (Math.abs(nanos) >= Number(NANOS)) return new Invalid("a duration whose nanoseconds are no part of a second");
  if ((seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0)) return new Invalid("a duration of two signs");
  return new Duration(seconds * NANOS + BigInt(nanos));
}

function durationToProto({ nanos }: Duration): SecondsAndNanos {
  return { seconds: nanos / NANOS, nanos: Number(nanos % NANOS) };
}

function nestedFromProto({ kind }: Value, badText: BadText): Held {
  if (kind.oneofKind !== "map") return innerFromProto({ kind }, badText, 0);
  return entryMap(kind.map.entries, badText, (value) => innerFromProto(value, badText, 1));
}

/** @param depth how many lists and maps this is in */
function innerFromProto(value: Value | undefined, badText: BadText, depth: number): CelValue | Invalid {
  if (value === undefined) return new Invalid(UNKNOWN_KIND);
  const { kind } = value;
  switch (kind.oneofKind) {
    case "null":
      return null;
    case "list":
      if (depth >= MAX_NESTING) return new Invalid(TOO_DEEP);
      return list(kind.list.items.map((item) => innerFromProto(item, badText, depth + 1)));
    case "map":
      if (depth >= MAX_NESTING) return new Invalid(TOO_DEEP);
      return entryMap(kind.map.entries, badText, (member) => innerFromProto(member, badText, depth + 1)).whole();
    case undefined:
      return new Invalid(UNKNOWN_KIND);
    default:
      return scalarFromProto(kind, badText);
  }
}

function nestedToProto(value: CelValue, depth: number): Value | Invalid {
  const scalar = scalarToProto(value);
  if (scalar !== undefined) return { kind: scalar };
  if (value === null) return { kind: { oneofKind: "null", null: NullValue.UNSPECIFIED } };
  if (value instanceof TypeValue || value instanceof Optional)
    return new Invalid("a type or an optional cannot be sent");
  if (depth >= MAX_NESTING) return new Invalid(TOO_DEEP);
  if (value instanceof Map) return mapToProto(value, depth);
  // What is left of CelValue is a list; `readonly` arrays are not narrowed by Array.isArray.
  return listToProto(value as readonly CelValue[], depth);
}

function listToProto(values: readonly CelValue[], depth: number): Value | Invalid {
  const items: Value[] = [];
  for (const value of values) {
    const item = nestedToProto(value, depth + 1);
    if (item instanceof Invalid) return item;
    items.push(item);
  }
  return { kind: { oneofKind: "list", list: { items } } };
}

function mapToProto(map: CelMap, depth: number): Value | Invalid {
  const entries: ValueEntry[] = [];
  for (const [key, member] of map) {
    if (typeof key !== "string") return new Invalid("a map whose keys are not text cannot be sent");
    const value = nestedToProto(member, depth + 1);
    if (value instanceof Invalid) return value;
    entries.push({ key, value });
  }
  return { kind: { oneofKind: "map", map: { entries } } };
}

function entryMap<V>(
  entries: readonly { readonly key: string; readonly value?: V }[],
  badText: BadText,
  convert: (value: V | undefined) => CelValue | Invalid,
): EntryMap {
  const map = new Map<string, CelValue | Invalid>();
  for (const { key, value } of entries) {
    const name = badText === "replace" ? replaceInvalid(key) : key;
    map.set(name, map.has(name) ? new Invalid("comes twice") : convert(value));
  }
  return new EntryMap(map);
}

function list(items: readonly (CelValue | Invalid)[]): CelValue | Invalid {
  const values: CelValue[] = [];
  for (const item of items) {
    if (item instanceof Invalid) return item;
    values.push(item);
  }
  return values;
}

/** @returns the entries of a map from text to text, undefined for anything else */
function textEntries(value: CelValue): { key: string; value: string }[] | undefined {
  if (!(value instanceof Map)) return undefined;
  const entries: { key: string; value: string }[] = [];
  for (const [key, member] of value) {
    if (typeof key !== "string" || typeof member !== "string") return undefined;
    entries.push({ key, value: member });
  }
  return entries;
}

/** @returns the items of a list of text, undefined for anything else */
function textItems(value: CelValue): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items: string[] = [];
  for (const item of value) {
    if (typeof item !== "string") return undefined;
    items.push(item);
  }
  return items;
}
