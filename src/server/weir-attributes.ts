import type { Attribute } from "#proto/weir/v1/attribute";
import type { Bag } from "../attribute/bag.ts";
import { canonicalPath } from "../attribute/canonical-path.ts";
import { EntryMap, type Held, keyOf } from "../attribute/entry-map.ts";
import { type CelType, formatType, parseType } from "../attribute/type.ts";
import { ABSENT, type CelValue, Duration, Invalid, Optional, Timestamp, TypeValue, Uint } from "../attribute/value.ts";
import { type AttributeRow, lookup } from "../attribute/vocabulary.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Peer } from "../wire/door.ts";
import { headerName, textOf } from "./envoy-values.ts";
import { cutPath, queryOf } from "./ext-authz-request.ts";
import type { Grants } from "./grants.ts";
import { peerAddress, peerPrincipal } from "./peer-values.ts";
import { valueFromProto } from "./value-codec.ts";

/** What a native caller's attributes are judged by. */
export interface Admits {
  readonly use: "check" | "report";
  readonly grants: Grants;
  readonly peer: Peer;
  /** Attributes of `attributes.yaml` that some rule reads, by name. */
  readonly declared: ReadonlyMap<string, CelType>;
  readonly pathParams: "refuse" | "keep";
}

export type Admitted = { readonly ok: true; readonly bag: Bag } | { readonly ok: false; readonly problem: string };

/** @returns the types of the attributes that a snapshot reads and the vocabulary does not know. */
export function declaredTypes(snapshot: Snapshot): ReadonlyMap<string, CelType> {
  const declared = new Map<string, CelType>();
  for (const { name, type, derived } of snapshot.plan.slots) {
    if (name === "") continue;
    if (lookup(name) === undefined && derived === undefined) declared.set(name, type ?? { kind: "dyn" });
  }
  return declared;
}

/** A Check's attributes by name; a map is one. One that comes twice is an error when a rule reads it. */
export function bagOfAttributes(attributes: readonly Attribute[], maxAttributes: number): Admitted {
  if (attributes.length > maxAttributes) {
    return { ok: false, problem: `${attributes.length} attributes, and at most ${maxAttributes} are taken` };
  }
  const bag = new Map<string, Held>();
  for (const { name, value } of attributes) {
    const held = value === undefined ? new Invalid("without a value") : valueFromProto(value, "error");
    bag.set(name, bag.has(name) ? new Invalid("comes twice") : held);
  }
  return { ok: true, bag };
}

/**
 * Takes from a caller's attributes what it may say, as what the vocabulary says it is. Attributes that nobody knows are passed over, so
 * that a newer caller can talk to an older engine. `peer.*` is put there by us, and so is what follows from `request.path`.
 */
export function admitBag(sent: Bag, admits: Admits): Admitted {
  const bag = new Map<string, Held>();
  for (const [name, value] of sent) {
    const row = lookup(name);
    const type = row === undefined ? admits.declared.get(name) : parseType(row.type);
    if (type === undefined || (row !== undefined && !maySay(row, admits))) continue;
    const taken = takeAs(value, type);
    if (taken === undefined)
      return {
        ok: false,
        problem: `attribute \`${name}\` is ${kindOf(value)} and must be of type ${formatType(type)}`,
      };
    bag.set(name, HEADER_MAPS.has(name) && taken instanceof EntryMap ? normalized(taken) : taken);
  }
  addPath(bag, admits);
  bag.set("peer.address", peerAddress(admits.peer));
  bag.set("peer.principal", peerPrincipal(admits.peer));
  return { ok: true, bag };
}

function maySay(row: AttributeRow, { use, grants }: Admits): boolean {
  if (needsAssertion(row) && !grants.assertSource) return false;
  return isSentToCheck(row) || (use === "report" && row.afterwards === true && !row.name.startsWith("peer."));
}

/** Whether a caller's word on it counts only where that is granted. */
export function needsAssertion({ name }: AttributeRow): boolean {
  return name.startsWith("source.") || name.startsWith("check.");
}

/** Whether a caller may send it with a Check. */
export function isSentToCheck({ name, doors }: AttributeRow): boolean {
  return !name.startsWith("peer.") && doors.weir.supply !== "never";
}

export const HEADER_MAPS: ReadonlySet<string> = new Set(["request.headers", "response.headers", "response.trailers"]);

/** As on every door: lower-case names, no pseudo-headers. Two spellings of one name are the name twice. */
export function normalized(headers: EntryMap): EntryMap {
  const entries = new Map<string, CelValue | Invalid>();
  for (const [key, value] of headers.pairs()) {
    const name = headerName(key);
    if (!name.startsWith(":")) entries.set(name, entries.has(name) ? new Invalid("comes twice") : value);
  }
  return new EntryMap(entries);
}

/** The parts of a path are ours to work out: a caller that sent its own could be led around rules by the difference. */
function addPath(bag: Map<string, Held>, { pathParams }: Admits): void {
  const path = bag.get("request.path");
  bag.delete("request.canonical_path");
  if (path === undefined) return;
  if (typeof path !== "string") {
    for (const part of ["request.canonical_path", "request.url_path", "request.query"]) bag.set(part, path);
    return;
  }
  const method = bag.get("request.method");
  bag.set(
    "request.canonical_path",
    canonicalPath(path, { pathParams, ...(typeof method === "string" ? { method } : {}) }),
  );
  bag.set("request.url_path", textOf(cutPath(path), "error"));
  bag.set("request.query", textOf(queryOf(path), "error"));
}

/** @returns the value as `type`, an error as it is, undefined when it is of another type. Numbers are taken where nothing is lost. */
export function takeAs(value: Held, type: CelType): Held | undefined {
  if (value instanceof Invalid || value === ABSENT) return value;
  switch (type.kind) {
    case "dyn":
      return value;
    case "int":
      return takeInt(value);
    case "uint":
      return takeUint(value);
    case "double":
      return takeDouble(value);
    case "map":
      return takeMap(value, type.value);
    case "list":
      return Array.isArray(value) && value.every((item) => takeAs(item, type.element) !== undefined)
        ? value
        : undefined;
    default:
      return simpleKind(value) === type.kind ? value : undefined;
  }
}

function takeInt(value: Held): Held | undefined {
  if (typeof value === "bigint") return value;
  return value instanceof Uint && BigInt.asIntN(64, value.value) === value.value ? value.value : undefined;
}

function takeUint(value: Held): Held | undefined {
  if (value instanceof Uint) return value;
  return typeof value === "bigint" && value >= 0n ? new Uint(value) : undefined;
}

function takeDouble(value: Held): Held | undefined {
  if (typeof value === "number") return value;
  const whole = value instanceof Uint ? value.value : value;
  return typeof whole === "bigint" && BigInt(Number(whole)) === whole ? Number(whole) : undefined;
}

function takeMap(value: Held, of: CelType): Held | undefined {
  if (!(value instanceof EntryMap)) return undefined;
  for (const [, member] of value.pairs()) {
    if (takeAs(member, of) === undefined) return undefined;
  }
  return value;
}

function simpleKind(value: Held): string | undefined {
  if (value === null) return "null";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return "double";
  if (typeof value === "string") return "string";
  if (value instanceof Uint) return "uint";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof Timestamp) return "timestamp";
  if (value instanceof Duration) return "duration";
  if (value instanceof TypeValue || value instanceof Optional) return "dyn";
  return undefined;
}

/** In words, for a message: `a map`, `an int`. */
function kindOf(value: Held): string {
  if (value instanceof EntryMap || value instanceof Map) return "a map of other values";
  if (Array.isArray(value)) return "a list of other values";
  const kind = simpleKind(value) ?? "of no known kind";
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** @returns a text attribute of a record, or a key of one; undefined when it is not there or no text. */
export function textIn(bag: Bag, name: string, key?: string): string | undefined {
  const held = bag.get(name);
  const value = held === undefined || key === undefined ? held : keyOf(held, key);
  return typeof value === "string" ? value : undefined;
}
