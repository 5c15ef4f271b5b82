import { Metadata } from "#proto/envoy/config/core/v3/base";
import { Timestamp } from "#proto/google/protobuf/timestamp";
import { StructEntry } from "#proto/weir/wire/v1/entry";
import { canonicalPath, type PathOptions } from "../attribute/canonical-path.ts";
import { EMPTY_ENTRIES, type EntryMap } from "../attribute/entry-map.ts";
import { ABSENT, type Invalid, type Outcome } from "../attribute/value.ts";
import type { Peer } from "../wire/door.ts";
import type { FieldRanges } from "../wire/field-reader.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import * as envoy from "./envoy-values.ts";
import type { Asked } from "./ext-authz-answer.ts";
import {
  type BoundFields,
  ENTRY_FIELDS,
  type FieldName,
  MAP_FIELDS,
  rawHeaders,
  textEntries,
} from "./ext-authz-fields.ts";

/** What readers need to know besides the message; the same for all requests of a snapshot. */
export interface ExtAuthzSettings {
  /** Where in Envoy's metadata verified claims stand. */
  readonly jwt: { readonly namespace: string; readonly key: string };
  readonly pathParams: PathOptions["pathParams"];
}

/** One Check as Envoy sent it, read where it is asked. What several attributes need is worked out once. */
export class AuthRequest implements Asked {
  readonly peer: Peer;
  readonly #ranges: FieldRanges;
  readonly #fields: BoundFields;
  readonly #settings: ExtAuthzSettings;
  #path: string | undefined = undefined;
  /** Single headers that were read before, by number. */
  #named: (Outcome | undefined)[] | undefined = undefined;
  #headers: EntryMap | undefined = undefined;
  #context: EntryMap | undefined = undefined;
  #claims: EntryMap | undefined = undefined;
  #metadata: EntryMap | undefined = undefined;

  constructor(ranges: FieldRanges, fields: BoundFields, peer: Peer, settings: ExtAuthzSettings) {
    this.#ranges = ranges;
    this.#fields = fields;
    this.peer = peer;
    this.#settings = settings;
  }

  /** False for a TCP connection. */
  get isHttp(): boolean {
    return this.has("http");
  }

  has(field: FieldName): boolean {
    return this.#ranges.has(this.#fields.at[field]);
  }

  /** "" when it was not sent. */
  text(field: FieldName): string {
    return this.#ranges.text(this.#fields.at[field]);
  }

  uint32(field: FieldName): number {
    return this.#ranges.uint32(this.#fields.at[field]);
  }

  int64(field: FieldName): bigint {
    return this.#ranges.int64(this.#fields.at[field]);
  }

  /** As it was sent. */
  bytes(field: FieldName): Uint8Array {
    const { buffer, byteOffset, length } = this.#ranges.bytesOf(this.#fields.at[field]);
    return new Uint8Array(buffer, byteOffset, length);
  }

  sizeBytes(field: FieldName): number {
    return this.#ranges.size(this.#fields.at[field]);
  }

  get path(): string {
    this.#path ??= this.text("path");
    return this.#path;
  }

  get query(): string {
    return queryOf(this.path);
  }

  /** The client speaks gRPC. */
  get grpc(): boolean {
    const contentType = this.header("content-type");
    return typeof contentType === "string" && contentType.toLowerCase().startsWith("application/grpc");
  }

  hasHeader(name: string): boolean {
    return this.header(name) !== ABSENT;
  }

  get canonicalPath(): Outcome {
    if (!this.isHttp) return ABSENT;
    const { path } = this;
    // Of no other path does it matter what the method is.
    return path === "*"
      ? canonicalPath(path, { pathParams: this.#settings.pathParams, method: this.text("method") })
      : canonicalPath(path, this.#settings);
  }

  get time(): Outcome {
    return this.has("time") ? envoy.timestampOf(Timestamp.fromBinary(this.#part("time"), lenientReadOptions)) : ABSENT;
  }

  /** One header by its name in lower case, without looking at the others where a rule of the snapshot names it. */
  header(name: string): Outcome {
    const number = this.#fields.headers.get(name);
    if (number === undefined) return this.headers.get(name);
    this.#named ??= new Array(this.#fields.headers.size);
    const known = this.#named[number];
    if (known !== undefined) return known;
    const value = this.#readHeader(name, number);
    this.#named[number] = value;
    return value;
  }

  get headers(): EntryMap {
    this.#headers ??= this.#readHeaders();
    return this.#headers;
  }

  /** One entry of the route's context. */
  contextEntry(key: string): Outcome {
    const slot = this.#fields.context.get(key);
    if (slot === undefined) return this.context.get(key);
    const places = this.#ranges.places(slot);
    return places.length === 0 ? ABSENT : envoy.textOf(this.#entryText(places, places.length - 2), "error");
  }

  get context(): EntryMap {
    const { at } = this.#fields;
    this.#context ??= envoy.textEntries(textEntries(this.#ranges, at.attributes, MAP_FIELDS.context), "error");
    return this.#context;
  }

  get destinationLabels(): EntryMap {
    return envoy.textEntries(textEntries(this.#ranges, this.#fields.at.destination, MAP_FIELDS.labels), "error");
  }

  get claims(): EntryMap {
    this.#claims ??= this.#readClaims();
    return this.#claims;
  }

  get metadata(): EntryMap {
    this.#metadata ??= this.#readMetadata("metadata");
    return this.#metadata;
  }

  get routeMetadata(): EntryMap {
    return this.#readMetadata("routeMetadata");
  }

  #part(field: FieldName): Buffer {
    return this.#ranges.part(this.#fields.at[field]);
  }

  #entryText(places: readonly number[], at: number): string {
    return this.#ranges.textIn(places[at] ?? 0, places[at + 1] ?? 0, ENTRY_FIELDS.value);
  }

  #readHeader(name: string, number: number): Outcome {
    const isRaw = this.has("headerMap");
    const slot = number + (isRaw ? this.#fields.firstRawHeader : this.#fields.firstHeader);
    if (!this.#ranges.has(slot)) return ABSENT;
    // As nearly always.
    if (!isRaw && !this.#ranges.isRepeated(slot))
      return envoy.textOf(this.#ranges.textWithin(slot, ENTRY_FIELDS.value), "error");
    const places = this.#ranges.places(slot);
    let joined: string | Invalid | undefined;
    for (let at = 0; at < places.length; at += 2) {
      const value = isRaw ? this.#rawValue(places, at) : envoy.textOf(this.#entryText(places, at), "error");
      joined = joined === undefined ? value : envoy.joinHeader(name, joined, value);
    }
    return joined ?? ABSENT;
  }

  #rawValue(places: readonly number[], at: number): string | Invalid {
    const raw = this.#ranges.bytesIn(places[at] ?? 0, places[at + 1] ?? 0, ENTRY_FIELDS.rawValue);
    return raw.length > 0 ? envoy.utf8Of(raw) : envoy.textOf(this.#entryText(places, at), "error");
  }

  #readHeaders(): EntryMap {
    const { at } = this.#fields;
    if (!this.isHttp) return EMPTY_ENTRIES;
    if (this.has("headerMap")) return envoy.rawHeadersOf({ headers: rawHeaders(this.#ranges, at.headerMap) });
    return envoy.headersOf(textEntries(this.#ranges, at.http, MAP_FIELDS.headers), "error");
  }

  #readMetadata(field: "metadata" | "routeMetadata"): EntryMap {
    return envoy.metadataEntries(Metadata.fromBinary(this.#part(field), lenientReadOptions).filterMetadata, "error");
  }

  #readClaims(): EntryMap {
    const places = this.#ranges.places(this.#fields.claims);
    if (places.length === 0) return EMPTY_ENTRIES;
    const last = this.#ranges.bytes.subarray(places.at(-2), places.at(-1));
    const token = envoy.fieldOf(StructEntry.fromBinary(last, lenientReadOptions).value, this.#settings.jwt.key)?.kind;
    return token?.oneofKind === "structValue" ? envoy.structEntries(token.structValue, "error") : EMPTY_ENTRIES;
  }
}

/** The path without its query. */
export function cutPath(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? path : path.slice(0, query);
}

/** The query without its `?`; "" when there is none. */
export function queryOf(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? "" : path.slice(query + 1);
}
