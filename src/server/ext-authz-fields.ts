import type { HeaderValue } from "#proto/envoy/config/core/v3/base";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import type { FieldRanges } from "../wire/field-reader.ts";
import { type FieldRow, type FieldSelection, fieldNumber, selectFields } from "../wire/field-selection.ts";

/**
 * Where in Envoy's CheckRequest things stand: the one table that the reader of this door is made from. Of each message only the rows that
 * some attribute of the snapshot is made of are noted (`fields` in src/server/ext-authz-attributes.ts).
 */
export const FIELDS = {
  attributes: "attributes",
  sourceSocket: "attributes.source.address.socket_address.address",
  sourcePipe: "attributes.source.address.pipe.path",
  sourceInternal: "attributes.source.address.envoy_internal_address.endpoint_id",
  sourcePort: "attributes.source.address.socket_address.port_value",
  sourcePrincipal: "attributes.source.principal",
  sourceCertificate: "attributes.source.certificate",
  destination: "attributes.destination",
  destinationSocket: "attributes.destination.address.socket_address.address",
  destinationPipe: "attributes.destination.address.pipe.path",
  destinationInternal: "attributes.destination.address.envoy_internal_address.endpoint_id",
  destinationPort: "attributes.destination.address.socket_address.port_value",
  destinationPrincipal: "attributes.destination.principal",
  destinationService: "attributes.destination.service",
  time: "attributes.request.time",
  http: "attributes.request.http",
  id: "attributes.request.http.id",
  method: "attributes.request.http.method",
  path: "attributes.request.http.path",
  host: "attributes.request.http.host",
  scheme: "attributes.request.http.scheme",
  size: "attributes.request.http.size",
  protocol: "attributes.request.http.protocol",
  body: "attributes.request.http.body",
  rawBody: "attributes.request.http.raw_body",
  headerMap: "attributes.request.http.header_map",
  metadata: "attributes.metadata_context",
  routeMetadata: "attributes.route_metadata_context",
  serverName: "attributes.tls_session.sni",
} as const;

export type FieldName = keyof typeof FIELDS;

/** Maps of which single entries are noted. */
const HEADERS = "attributes.request.http.headers";
const RAW_HEADERS = "attributes.request.http.header_map.headers";
const CONTEXT = "attributes.context_extensions";
const FILTER_METADATA = "attributes.metadata_context.filter_metadata";
/** A map of which all entries are read. */
const LABELS = "attributes.destination.labels";

/** The fields of maps, for reading all of their entries. */
export const MAP_FIELDS = {
  headers: fieldNumber(CheckRequest, HEADERS),
  rawHeaders: fieldNumber(CheckRequest, RAW_HEADERS),
  context: fieldNumber(CheckRequest, CONTEXT),
  labels: fieldNumber(CheckRequest, LABELS),
};

/** The fields of an entry: of StringEntry and, but for the last, of HeaderValue. */
export const ENTRY_FIELDS = {
  key: fieldNumber(CheckRequest, `${HEADERS}.key`),
  value: fieldNumber(CheckRequest, `${HEADERS}.value`),
  rawValue: fieldNumber(CheckRequest, `${RAW_HEADERS}.raw_value`),
};

/** What this door reads of a message for every request, whatever the policies say. */
const ALWAYS: readonly FieldName[] = ["http", "id", "path", "headerMap"];
const ALWAYS_HEADERS: readonly string[] = ["content-type", "traceparent"];

/** Entries of one map that are noted; the others are found by reading the map whole. */
export const MAX_NAMED_KEYS = 64;

/** What to read of a message for one snapshot. */
export interface Wanted {
  readonly fields: Iterable<FieldName>;
  /** Names of headers, as rules write them. */
  readonly headers: Iterable<string>;
  /** Keys of the route's context. */
  readonly context: Iterable<string>;
  /** The filter whose metadata holds verified claims. */
  readonly claimsFrom: string;
}

/** The table made ready for one snapshot. */
export interface BoundFields {
  readonly selection: FieldSelection;
  /** The slot of each field; -1 where it is not noted, which reading throws at. */
  readonly at: Readonly<Record<FieldName, number>>;
  /** Headers that are noted, numbered from 0. */
  readonly headers: NamedKeys;
  /** The slot of header 0, and the one of the raw header 0. */
  readonly firstHeader: number;
  readonly firstRawHeader: number;
  /** Slots of entries of the route's context. */
  readonly context: NamedKeys;
  /** The slot of the metadata that holds claims. */
  readonly claims: number;
}

export type NamedKeys = ReadonlyMap<string, number>;

/** @returns the table for a snapshot; made once for each. */
export function bindFields(wanted: Wanted): BoundFields {
  const names = [...new Set([...ALWAYS, ...wanted.fields])];
  const headers = firstOf([...ALWAYS_HEADERS, ...wanted.headers].filter(isHeaderName));
  const context = firstOf([...wanted.context].filter((key) => key.isWellFormed()));
  const rows: readonly FieldRow[] = [
    ...names.map((name) => ({ path: FIELDS[name] })),
    { path: HEADERS, keys: headers, ignoreCase: true },
    { path: RAW_HEADERS, keys: headers, ignoreCase: true },
    { path: CONTEXT, keys: context },
    { path: FILTER_METADATA, keys: [wanted.claimsFrom] },
  ];
  const selection = selectFields(CheckRequest, rows);
  const first = (index: number): number => selection.firstSlots[names.length + index] ?? -1;
  return {
    selection,
    at: slotsByName(names, selection),
    headers: numbered(headers, 0),
    firstHeader: first(0),
    firstRawHeader: first(1),
    context: numbered(context, first(2)),
    claims: first(3),
  };
}

function slotsByName(names: readonly FieldName[], { firstSlots }: FieldSelection): Record<FieldName, number> {
  // Every snapshot's has the same shape.
  const slots = Object.fromEntries(Object.keys(FIELDS).map((name) => [name, -1]));
  for (const [index, name] of names.entries()) slots[name] = firstSlots[index] ?? -1;
  // The keys are those of FIELDS.
  return slots as Record<FieldName, number>;
}

/** Reading picks these by their bytes; pseudo-headers are no headers. For any other name the map itself has the answer. */
function isHeaderName(name: string): boolean {
  return /^[\x21-\x39\x3b-\x40\x5b-\x7e][\x20-\x40\x5b-\x7e]*$/.test(name);
}

function firstOf(keys: Iterable<string>): readonly string[] {
  return [...new Set(keys)].slice(0, MAX_NAMED_KEYS);
}

function numbered(keys: readonly string[], first: number): NamedKeys {
  return new Map(keys.map((key, index) => [key, first + index]));
}

/** @returns every text entry of a map, in order. */
export function textEntries(ranges: FieldRanges, slot: number, field: number): { key: string; value: string }[] {
  const entries: { key: string; value: string }[] = [];
  const places = ranges.placesIn(slot, field);
  for (let at = 0; at < places.length; at += 2) {
    const start = places[at] ?? 0;
    const end = places[at + 1] ?? 0;
    const key = ranges.textIn(start, end, ENTRY_FIELDS.key);
    entries.push({ key, value: ranges.textIn(start, end, ENTRY_FIELDS.value) });
  }
  return entries;
}

/** @returns every raw header, in order. */
export function rawHeaders(ranges: FieldRanges, slot: number): HeaderValue[] {
  const headers: HeaderValue[] = [];
  const places = ranges.placesIn(slot, MAP_FIELDS.rawHeaders);
  for (let at = 0; at < places.length; at += 2) {
    const start = places[at] ?? 0;
    const end = places[at + 1] ?? 0;
    headers.push({
      key: ranges.textIn(start, end, ENTRY_FIELDS.key),
      value: ranges.textIn(start, end, ENTRY_FIELDS.value),
      rawValue: ranges.bytesIn(start, end, ENTRY_FIELDS.rawValue),
    });
  }
  return headers;
}
