import { isUtf8 } from "node:buffer";
import type { Address } from "#proto/envoy/config/core/v3/address";
import type { HeaderMap } from "#proto/envoy/config/core/v3/base";
import type { Duration as ProtoDuration } from "#proto/google/protobuf/duration";
import type { Timestamp as ProtoTimestamp } from "#proto/google/protobuf/timestamp";
import type { StringEntry, StructEntry } from "#proto/weir/wire/v1/entry";
import type { Struct, Value } from "#proto/weir/wire/v1/struct";
import { EMPTY_ENTRIES, EntryMap } from "../attribute/entry-map.ts";
import type { Json } from "../attribute/json.ts";
import { ABSENT, type CelValue, Invalid, type Outcome } from "../attribute/value.ts";
import { hasInvalidBytes, replaceInvalid } from "../wire/lenient.ts";
import { type BadText, MAX_NESTING, valueFromProto } from "./value-codec.ts";

/** What Envoy's messages are made of, as the engine has it. */

export function textOf(text: string, badText: BadText): string | Invalid {
  if (!hasInvalidBytes(text)) return text;
  return badText === "replace" ? replaceInvalid(text) : new Invalid("not UTF-8");
}

/** A key that is not UTF-8 is one that no rule can name; reports show it like any text. */
function textKey(key: string, badText: BadText): string {
  return badText === "replace" ? replaceInvalid(key) : key;
}

/** Where "" cannot be told from "not there". */
export function textOrAbsent(text: string | undefined, badText: BadText): Outcome {
  return text === undefined || text === "" ? ABSENT : textOf(text, badText);
}

export function utf8Of(bytes: Uint8Array): string | Invalid {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
    : new Invalid("not UTF-8");
}

/** The IP address, or the path of a Unix socket. */
export function addressOf(address: Address | undefined): Outcome {
  const where = address?.address;
  switch (where?.oneofKind) {
    case "socketAddress":
      return textOrAbsent(where.socketAddress.address, "error");
    case "pipe":
      return textOrAbsent(where.pipe.path, "error");
    case "envoyInternalAddress":
      return textOrAbsent(where.envoyInternalAddress.endpointId, "error");
    case undefined:
      return ABSENT;
  }
}

export function portOf(address: Address | undefined): Outcome {
  const where = address?.address;
  if (where?.oneofKind !== "socketAddress") return ABSENT;
  const port = where.socketAddress.portSpecifier;
  return port.oneofKind === "portValue" ? BigInt(port.portValue) : ABSENT;
}

export function timestampOf(timestamp: ProtoTimestamp | undefined): Outcome {
  if (timestamp === undefined) return ABSENT;
  // Timestamps are held as they are read: only maps are not.
  return valueFromProto({ kind: { oneofKind: "timestamp", timestamp } }, "error") as Outcome;
}

export function durationOf(duration: ProtoDuration | undefined): Outcome {
  if (duration === undefined) return ABSENT;
  // As above.
  return valueFromProto({ kind: { oneofKind: "duration", duration } }, "error") as Outcome;
}

/** Text by text, as the proxy's configuration gives it. */
export function textEntries(entries: readonly StringEntry[], badText: BadText): EntryMap {
  if (entries.length === 0) return EMPTY_ENTRIES;
  return new EntryMap(new Map(entries.map(({ key, value }) => [textKey(key, badText), textOf(value, badText)])));
}

/**
 * Headers by lower-case name, without pseudo-headers. Envoy has joined repeated ones by commas already, cookies too, and replaced what is
 * not UTF-8: only raw headers tell these apart.
 */
export function headersOf(entries: readonly StringEntry[], badText: BadText): EntryMap {
  const headers = new Headers();
  for (const { key, value } of entries) headers.add(textKey(key, badText), textOf(value, badText));
  return headers.entries();
}

/** Headers as the client sent them: every one of a repeated header, bytes as they came. */
export function rawHeadersOf(map: HeaderMap): EntryMap {
  const headers = new Headers();
  for (const { key, value, rawValue } of map.headers)
    headers.add(key, rawValue.length > 0 ? utf8Of(rawValue) : textOf(value, "error"));
  return headers.entries();
}

class Headers {
  readonly #values = new Map<string, string | Invalid>();

  add(key: string, value: string | Invalid): void {
    if (key.startsWith(":")) return;
    const name = headerName(key);
    const before = this.#values.get(name);
    this.#values.set(name, before === undefined ? value : joinHeader(name, before, value));
  }

  entries(): EntryMap {
    return new EntryMap(this.#values);
  }
}

/** In lower case, of ASCII alone: to `toLowerCase` the Kelvin sign is a `k`, and to no server. */
export function headerName(key: string): string {
  const lower = key.toLowerCase();
  return lower === key || /^[\0-\x7f]*$/.test(key) ? lower : key.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase());
}

/** @returns the value of a header that was sent once more. */
export function joinHeader(name: string, before: string | Invalid, value: string | Invalid): string | Invalid {
  if (before instanceof Invalid) return before;
  return value instanceof Invalid ? value : `${before}${name === "cookie" ? "; " : ", "}${value}`;
}

/** A Struct by its keys; one bad value does not spoil the others. */
export function structEntries(struct: Struct | undefined, badText: BadText): EntryMap {
  return struct === undefined ? EMPTY_ENTRIES : membersOf(struct, badText, 0);
}

/** Metadata by filter. */
export function metadataEntries(entries: readonly StructEntry[] | undefined, badText: BadText): EntryMap {
  if (entries === undefined || entries.length === 0) return EMPTY_ENTRIES;
  return new EntryMap(
    new Map(
      entries.map(({ key, value }) => [key, value === undefined ? new Map() : membersOf(value, badText, 1).whole()]),
    ),
  );
}

/** @returns the Struct that a filter left under its name. */
export function filterMetadata(entries: readonly StructEntry[] | undefined, filter: string): Struct | undefined {
  return entries?.findLast((entry) => entry.key === filter)?.value;
}

export function fieldOf(struct: Struct | undefined, key: string): Value | undefined {
  return struct?.fields.findLast((field) => field.key === key)?.value;
}

function membersOf(struct: Struct, badText: BadText, depth: number): EntryMap {
  return new EntryMap(
    new Map(struct.fields.map(({ key, value }) => [textKey(key, badText), dynamicOf(value, badText, depth + 1)])),
  );
}

/** A protobuf Value as CEL has it: numbers are doubles. */
function dynamicOf(value: Value | undefined, badText: BadText, depth: number): CelValue | Invalid {
  if (depth > MAX_NESTING) return new Invalid(`nested more than ${MAX_NESTING} deep`);
  const kind = value?.kind;
  switch (kind?.oneofKind) {
    case "numberValue":
      return kind.numberValue;
    case "stringValue":
      return textOf(kind.stringValue, badText);
    case "boolValue":
      return kind.boolValue;
    case "structValue":
      return membersOf(kind.structValue, badText, depth).whole();
    case "listValue":
      return listOf(kind.listValue.values, badText, depth);
    case "nullValue":
    case undefined:
      return null;
  }
}

function listOf(values: readonly Value[], badText: BadText, depth: number): CelValue | Invalid {
  const items: CelValue[] = [];
  for (const value of values) {
    const item = dynamicOf(value, badText, depth + 1);
    if (item instanceof Invalid) return item;
    items.push(item);
  }
  return items;
}

/** JSON for Envoy to keep. */
function valueOfJson(json: Json): Value {
  if (json === null) return { kind: { oneofKind: "nullValue", nullValue: 0 } };
  if (typeof json === "string") return { kind: { oneofKind: "stringValue", stringValue: json } };
  if (typeof json === "number") return { kind: { oneofKind: "numberValue", numberValue: json } };
  if (typeof json === "boolean") return { kind: { oneofKind: "boolValue", boolValue: json } };
  if (isList(json)) return { kind: { oneofKind: "listValue", listValue: { values: json.map(valueOfJson) } } };
  return { kind: { oneofKind: "structValue", structValue: structOf(Object.entries(json)) } };
}

export function structOf(entries: Iterable<readonly [string, Json]>): Struct {
  return { fields: [...entries].map(([key, json]) => ({ key, value: valueOfJson(json) })) };
}

/** @returns the JSON that Envoy kept; undefined for what is nested deeper than anything we send. */
export function jsonOfValue(value: Value | undefined, depth = 0): Json | undefined {
  if (depth > MAX_NESTING) return undefined;
  const kind = value?.kind;
  switch (kind?.oneofKind) {
    case "numberValue":
      return kind.numberValue;
    case "stringValue":
      return kind.stringValue;
    case "boolValue":
      return kind.boolValue;
    case "structValue":
      return jsonOfStruct(kind.structValue, depth);
    case "listValue":
      return kind.listValue.values.map((item) => jsonOfValue(item, depth + 1) ?? null);
    case "nullValue":
    case undefined:
      return null;
  }
}

function jsonOfStruct(struct: Struct, depth: number): Json {
  const members: Record<string, Json> = Object.create(null);
  for (const { key, value } of struct.fields) members[key] = jsonOfValue(value, depth + 1) ?? null;
  return members;
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
