import { EMPTY_ENTRIES, type EntryMap, entriesOf, type Held, keyOf, wholeOf } from "../attribute/entry-map.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { ABSENT, type Absent, type CelMap, type CelValue, Invalid, type Outcome } from "../attribute/value.ts";
import * as envoy from "./envoy-values.ts";
import { type BoundFields, bindFields, type FieldName } from "./ext-authz-fields.ts";
import { type AuthRequest, cutPath } from "./ext-authz-request.ts";
import { peerAddress, peerPrincipal } from "./peer-values.ts";

/** How one attribute is made of what Envoy sent. */
interface AttributeRow {
  /** What is noted of a message where the attribute is read. */
  readonly fields: readonly FieldName[];
  /** The headers that it is made of. */
  readonly headers?: readonly string[];
  /** Never throws; the same answer each time. */
  read(request: AuthRequest): Held;
  /** One key of a map, where it can be read without the others. */
  readKey?(request: AuthRequest, key: string): Outcome;
}

const PARTIAL_HEADER = "x-envoy-auth-partial-body";

/** Every attribute that ext_authz supplies. What has no row here is `never` in the vocabulary, which a test compares. */
export const EXT_AUTHZ_ATTRIBUTES: ReadonlyMap<string, AttributeRow> = new Map<string, AttributeRow>([
  ["request.method", http(["method"], (request) => envoy.textOf(request.text("method"), "error"))],
  ["request.path", http(["path"], ({ path }) => envoy.textOf(path, "error"))],
  ["request.url_path", http(["path"], ({ path }) => envoy.textOf(cutPath(path), "error"))],
  ["request.query", http(["path"], ({ query }) => envoy.textOf(query, "error"))],
  ["request.canonical_path", http(["path", "method"], ({ canonicalPath }) => canonicalPath)],
  ["request.host", http(["host"], (request) => envoy.textOrAbsent(request.text("host"), "error"))],
  ["request.scheme", http(["scheme"], (request) => envoy.textOrAbsent(request.text("scheme"), "error"))],
  ["request.protocol", http(["protocol"], (request) => envoy.textOrAbsent(request.text("protocol"), "error"))],
  [
    "request.headers",
    {
      fields: ["http", "headerMap"],
      read: (request) => (request.isHttp ? request.headers : ABSENT),
      readKey: (request, key) => request.header(key),
    },
  ],
  ["request.id", header("x-request-id", (value) => (value === "" ? ABSENT : value))],
  ["request.referer", header("referer", (value) => value)],
  ["request.useragent", header("user-agent", (value) => value)],
  ["request.time", { fields: ["time"], read: ({ time }) => time }],
  ["request.size", http(["size"], sizeOf)],
  ["request.body", { ...http(["body", "rawBody", "size"], bodyText), headers: [PARTIAL_HEADER] }],
  ["request.raw_body", { ...http(["rawBody", "size"], rawBody), headers: [PARTIAL_HEADER] }],

  ["request.auth.claims", http([], ({ claims }) => claims)],
  ["request.auth.subject", { fields: [], read: (request) => textClaim(request, "sub") }],
  ["request.auth.presenter", { fields: [], read: (request) => textClaim(request, "azp") }],
  ["request.auth.principal", { fields: [], read: principalOf }],
  ["request.auth.audiences", { fields: [], read: audiencesOf }],

  ["source.address", address("sourceSocket", "sourcePipe", "sourceInternal")],
  ["source.port", port("sourcePort")],
  ["source.principal", text("sourcePrincipal")],
  ["destination.address", address("destinationSocket", "destinationPipe", "destinationInternal")],
  ["destination.port", port("destinationPort")],
  ["destination.principal", text("destinationPrincipal")],
  // For HTTP Envoy leaves it empty; for TCP it is the client's SNI.
  [
    "destination.service",
    {
      fields: ["http", "destinationService"],
      read: (request) => (request.isHttp ? ABSENT : envoy.textOrAbsent(request.text("destinationService"), "error")),
    },
  ],
  [
    "destination.labels",
    { fields: ["destination"], read: ({ destinationLabels }) => entriesOrAbsent(destinationLabels) },
  ],
  ["peer.address", { fields: [], read: ({ peer }) => peerAddress(peer) }],
  ["peer.principal", { fields: [], read: ({ peer }) => peerPrincipal(peer) }],

  ["connection.requested_server_name", text("serverName")],
  [
    "connection.peer_certificate",
    { fields: ["sourceCertificate"], read: (request) => certificateOf(request.text("sourceCertificate")) },
  ],
  [
    "context",
    {
      fields: ["attributes"],
      read: ({ context }) => context,
      readKey: (request, key) => request.contextEntry(key),
    },
  ],
  ["metadata", { fields: ["metadata"], read: ({ metadata }) => metadata }],
  ["xds.route_metadata", { fields: ["routeMetadata"], read: ({ routeMetadata }) => entriesOrAbsent(routeMetadata) }],
]);

/** The rows in a snapshot's numbering: a hole where the door never supplies the attribute. */
export interface BoundAttributes {
  readonly rows: readonly (AttributeRow | undefined)[];
  readonly fields: BoundFields;
}

/** Done once per snapshot, so that a request looks nothing up by name. */
export function bindAttributes(slots: readonly SlotSpec[], claimsFrom: string): BoundAttributes {
  const rows: (AttributeRow | undefined)[] = [];
  for (const { slot, name } of slots) rows[slot] = EXT_AUTHZ_ATTRIBUTES.get(name);
  const keysOf = (map: string): readonly string[] =>
    slots.flatMap(({ name, keys }) => (name === map ? (keys ?? []) : []));
  const fields = bindFields({
    fields: rows.flatMap((row) => row?.fields ?? []),
    headers: [...rows.flatMap((row) => row?.headers ?? []), ...keysOf("request.headers")],
    context: keysOf("context"),
    claimsFrom,
  });
  return { rows: Array.from(rows), fields };
}

/** One request through the rows of its snapshot. */
export class AuthSource implements AttributeSource {
  readonly request: AuthRequest;
  readonly #rows: BoundAttributes["rows"];

  constructor({ rows }: BoundAttributes, request: AuthRequest) {
    this.#rows = rows;
    this.request = request;
  }

  read(slot: number): Outcome {
    return wholeOf(this.#held(slot));
  }

  readKey(slot: number, key: string): Outcome {
    const row = this.#rows[slot];
    return row?.readKey === undefined ? keyOf(this.#held(slot), key) : row.readKey(this.request, key);
  }

  entries(slot: number): CelMap | Absent | Invalid {
    return entriesOf(this.#held(slot));
  }

  #held(slot: number): Held {
    const row = this.#rows[slot];
    return row === undefined ? ABSENT : row.read(this.request);
  }
}

function http(fields: readonly FieldName[], read: (request: AuthRequest) => Held): AttributeRow {
  return { fields: ["http", ...fields], read: (request) => (request.isHttp ? read(request) : ABSENT) };
}

function text(field: FieldName): AttributeRow {
  return { fields: [field], read: (request) => envoy.textOrAbsent(request.text(field), "error") };
}

function header(name: string, read: (value: Outcome) => Outcome): AttributeRow {
  return { fields: ["http", "headerMap"], headers: [name], read: (request) => read(request.header(name)) };
}

/** The IP address, or the path of a Unix socket, or the name of a listener inside: members of a oneof, so that at most one is there. */
function address(socket: FieldName, pipe: FieldName, internal: FieldName): AttributeRow {
  return {
    fields: [socket, pipe, internal],
    read: (request) =>
      envoy.textOrAbsent(request.text(socket) || request.text(pipe) || request.text(internal), "error"),
  };
}

function port(field: FieldName): AttributeRow {
  return { fields: [field], read: (request) => (request.has(field) ? BigInt(request.uint32(field)) : ABSENT) };
}

function entriesOrAbsent(entries: EntryMap): EntryMap | Absent {
  return entries === EMPTY_ENTRIES ? ABSENT : entries;
}

function sizeOf(request: AuthRequest): Outcome {
  const size = request.int64("size");
  return size > 0n ? size : ABSENT;
}

/**
 * Envoy says in a header that it cut the body, and beside it how long the body is. Without `with_request_body` a client may send the header
 * itself, but then there is no body to be taken for whole.
 */
function isPartial(request: AuthRequest, sentBytes: number): boolean {
  return request.header(PARTIAL_HEADER) === "true" || request.int64("size") > BigInt(sentBytes);
}

const PARTIAL = "only a part of the body was sent";

function bodyText(request: AuthRequest): Outcome {
  const sentBytes = request.sizeBytes("body");
  if (sentBytes > 0)
    return isPartial(request, sentBytes) ? new Invalid(PARTIAL) : envoy.textOf(request.text("body"), "error");
  const raw = rawBody(request);
  return raw instanceof Uint8Array ? envoy.utf8Of(raw) : raw;
}

function rawBody(request: AuthRequest): Outcome {
  const sentBytes = request.sizeBytes("rawBody");
  if (sentBytes === 0) return ABSENT;
  return isPartial(request, sentBytes) ? new Invalid(PARTIAL) : request.bytes("rawBody");
}

function textClaim(request: AuthRequest, claim: string): Outcome {
  const value = request.claims.get(claim);
  if (value === ABSENT || value instanceof Invalid || typeof value === "string") return value;
  return new Invalid(`claim \`${claim}\` is no text`);
}

function principalOf(request: AuthRequest): Outcome {
  const issuer = textClaim(request, "iss");
  if (typeof issuer !== "string") return issuer;
  const subject = textClaim(request, "sub");
  return typeof subject === "string" ? `${issuer}/${subject}` : subject;
}

function audiencesOf(request: AuthRequest): Outcome {
  const value = request.claims.get("aud");
  if (value === ABSENT || value instanceof Invalid) return value;
  const audiences: readonly CelValue[] = Array.isArray(value) ? value : [value];
  return audiences.every((audience) => typeof audience === "string")
    ? audiences
    : new Invalid("claim `aud` is no text and no list of texts");
}

function certificateOf(encoded: string): Outcome {
  if (encoded === "") return ABSENT;
  try {
    return decodeURIComponent(encoded);
  } catch {
    // The decoder's only way to say that escapes make no text.
    return new Invalid("the certificate's escapes make no text");
  }
}
