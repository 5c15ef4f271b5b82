/**
 * Compares a decoded message with the proto3 JSON of the same message as somebody else printed it, field by declared field. What is not
 * declared is left out of the comparison and listed, so that a test can say which parts of a message we do without.
 */
import { type FieldInfo, type IMessageType, ScalarType } from "@protobuf-ts/runtime";
import { Any } from "#proto/google/protobuf/any";
import { Struct, type Value } from "#proto/weir/wire/v1/struct";

export interface Comparison {
  /** `path: decoded … recorded …`, one for each field that differs. */
  readonly differences: readonly string[];
  /** Paths in the JSON that no field is declared for, without indexes and keys of maps. */
  readonly undeclared: ReadonlySet<string>;
  /** `package.Message.field` of each field that was compared and not unset on both sides. */
  readonly compared: ReadonlySet<string>;
}

export function compareWithJson<T extends object>(type: IMessageType<T>, message: T, json: unknown): Comparison {
  const comparison = { differences: [], undeclared: new Set<string>(), compared: new Set<string>() };
  compareMessage(type, message, json, type.typeName.replace(/.*\./, ""), comparison);
  return comparison;
}

interface Findings {
  readonly differences: string[];
  readonly undeclared: Set<string>;
  readonly compared: Set<string>;
}

type AnyType = IMessageType<object>;
type Fields = Readonly<Record<string, unknown>>;

function compareMessage(type: AnyType, message: unknown, json: unknown, path: string, found: Findings): void {
  if (type.typeName === Any.typeName && Any.is(message)) {
    // What is inside is of a type that we do not have.
    compareLeaf(message.typeUrl, isFields(json) ? json["@type"] : undefined, path, found);
    return;
  }
  const special = asJson(type, message);
  if (special !== undefined) {
    compareLeaf(special.json, json, path, found);
    return;
  }
  const recorded = isFields(json) ? json : undefined;
  if (recorded === undefined) {
    found.differences.push(`${path}: a message was decoded, recorded was ${JSON.stringify(json)}`);
    return;
  }
  for (const field of type.fields) {
    if (compareField(field, fieldValue(field, message), recorded[field.jsonName], `${path}.${field.jsonName}`, found)) {
      found.compared.add(`${type.typeName}.${field.name}`);
    }
  }
  const declared = new Set(type.fields.map((field) => field.jsonName));
  for (const name of Object.keys(recorded)) if (!declared.has(name)) found.undeclared.add(`${path}.${name}`);
}

/** @returns whether there was something to compare */
function compareField(field: FieldInfo, value: unknown, json: unknown, path: string, found: Findings): boolean {
  const unset = field.oneof === undefined && isDefault(value);
  if ((value === undefined || unset) && (json === undefined || isDefaultJson(field, json))) return false;
  if (value === undefined || unset || json === undefined) {
    found.differences.push(`${path}: decoded ${show(value)}, recorded ${JSON.stringify(json)}`);
  } else if (!Array.isArray(value)) compareOne(field, value, json, path, found);
  else if (isEntry(field)) compareEntries(field, value, json, path, found);
  else if (!Array.isArray(json) || json.length !== value.length) {
    found.differences.push(`${path}: decoded ${value.length} items, recorded ${JSON.stringify(json)}`);
  } else for (const [index, item] of value.entries()) compareOne(field, item, json[index], path, found);
  return true;
}

/** Entries of ours are an object in the JSON. */
function compareEntries(
  field: FieldInfo,
  entries: readonly unknown[],
  json: unknown,
  path: string,
  found: Findings,
): void {
  const recorded = new Map(isFields(json) ? Object.entries(json) : []);
  const valueField = messageType(field).fields[1];
  if (valueField === undefined) throw new Error(`an entry without a value: ${path}`);
  for (const entry of entries) {
    if (!isFields(entry)) throw new Error(`no entry: ${show(entry)}`);
    const key = printed(String(entry["key"]));
    const value = recorded.get(key);
    recorded.delete(key);
    if (value === undefined) found.differences.push(`${path}: recorded has no ${key}`);
    else compareOne(valueField, entry["value"], value, `${path}.*`, found);
  }
  for (const key of recorded.keys()) found.differences.push(`${path}: ${key} was not decoded`);
}

function compareOne(field: FieldInfo, value: unknown, json: unknown, path: string, found: Findings): void {
  if (field.kind === "message") compareMessage(field.T(), value, json, path, found);
  else if (field.kind === "enum") compareLeaf(field.T()[1][Number(value)], json, path, found);
  else if (field.kind === "scalar") compareLeaf(scalarJson(field.T, value), json, path, found);
  else throw new Error(`${path}: maps are declared as entries`);
}

function compareLeaf(decoded: unknown, json: unknown, path: string, found: Findings): void {
  const [ours, theirs] = [JSON.stringify(sorted(decoded)), JSON.stringify(sorted(json))];
  if (ours !== theirs) found.differences.push(`${path}: decoded ${ours}, recorded ${theirs}`);
}

/** Messages with a JSON form of their own. */
function asJson(type: AnyType, message: unknown): { readonly json: unknown } | undefined {
  const fields = isFields(message) ? message : {};
  switch (type.typeName) {
    case "google.protobuf.Timestamp":
      return { json: timestampJson(BigInt(String(fields["seconds"])), Number(fields["nanos"])) };
    case "google.protobuf.Duration":
      return { json: `${fields["seconds"]}${fraction(Number(fields["nanos"]))}s` };
    case "google.protobuf.UInt32Value":
    case "google.protobuf.BoolValue":
      return { json: fields["value"] };
    default:
      return Struct.is(message) && type.typeName === Struct.typeName ? { json: structJson(message) } : undefined;
  }
}

function timestampJson(seconds: bigint, nanos: number): string {
  return `${new Date(Number(seconds) * 1_000).toISOString().slice(0, 19)}${fraction(nanos)}Z`;
}

/** Three, six or nine digits, as proto3 JSON has them. */
function fraction(nanos: number): string {
  const digits = String(nanos).padStart(9, "0");
  return nanos === 0 ? "" : `.${digits.replace(/(000){1,2}$/, "")}`;
}

function structJson(struct: Struct): unknown {
  return Object.fromEntries(struct.fields.map(({ key, value }) => [printed(key), value && valueJson(value)]));
}

function valueJson({ kind }: Value): unknown {
  switch (kind.oneofKind) {
    case "nullValue":
      return null;
    case "numberValue":
      return kind.numberValue;
    case "stringValue":
      return printed(kind.stringValue);
    case "boolValue":
      return kind.boolValue;
    case "structValue":
      return structJson(kind.structValue);
    case "listValue":
      return kind.listValue.values.map(valueJson);
    case undefined:
      return undefined;
  }
}

function scalarJson(type: ScalarType, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (type === ScalarType.STRING) return printed(String(value));
  return value;
}

/** Bytes that are not UTF-8 stand in the JSON as U+FFFD, one for all that follow each other. */
function printed(text: string): string {
  return text.replace(/[\udc80-\udcff]+/gu, "\ufffd");
}

function fieldValue(field: FieldInfo, message: unknown): unknown {
  if (!isFields(message)) return undefined;
  if (!field.oneof) return message[field.localName];
  const group = message[field.oneof];
  return isFields(group) && group["oneofKind"] === field.localName ? group[field.localName] : undefined;
}

function isDefault(value: unknown): boolean {
  const empty = (Array.isArray(value) || value instanceof Uint8Array) && value.length === 0;
  return empty || value === "" || value === 0 || value === 0n || value === false;
}

function isDefaultJson(field: FieldInfo, json: unknown): boolean {
  return isDefault(json) || (field.kind === "enum" && field.T()[1][0] === json);
}

function isEntry(field: FieldInfo): boolean {
  return field.kind === "message" && /\.(String|Struct|Any)Entry$/.test(messageType(field).typeName);
}

function messageType(field: FieldInfo): AnyType {
  if (field.kind !== "message") throw new Error(`${field.name} is no message`);
  return field.T();
}

/** The same value with the keys of its objects in order: the order of a map's entries means nothing. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  return Object.entries(value)
    .map(([key, inner]): [string, unknown] => [key, sorted(inner)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}n` : inner));
}
