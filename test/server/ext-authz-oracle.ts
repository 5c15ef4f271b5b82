/** What each attribute is, read from the message as protobuf-ts decodes it whole: what reading by fields is held to. */
import type { AttributeContext, AttributeContext_HttpRequest } from "#proto/envoy/service/auth/v3/attribute_context";
import { canonicalPath, type PathOptions } from "../../src/attribute/canonical-path.ts";
import { EMPTY_ENTRIES, type EntryMap } from "../../src/attribute/entry-map.ts";
import type { Reader, ReaderTable } from "../../src/attribute/readers.ts";
import { ABSENT, type CelValue, Invalid, type Outcome } from "../../src/attribute/value.ts";
import * as envoy from "../../src/server/envoy-values.ts";
import { peerAddress, peerPrincipal } from "../../src/server/peer-values.ts";
import type { Peer } from "../../src/wire/door.ts";
import { originalBytes } from "../../src/wire/lenient.ts";

/** What readers need to know besides the message; the same for all requests of a snapshot. */
export interface ExtAuthzSettings {
  /** Where in Envoy's metadata verified claims stand. */
  readonly jwt: { readonly namespace: string; readonly key: string };
  readonly pathParams: PathOptions["pathParams"];
}

/** One Check as Envoy sent it. What several attributes need is worked out once. */
export class AuthRequest {
  readonly message: AttributeContext;
  readonly peer: Peer;
  readonly #settings: ExtAuthzSettings;
  #headers: EntryMap | undefined;
  #claims: EntryMap | undefined;
  #metadata: EntryMap | undefined;

  constructor(message: AttributeContext, peer: Peer, settings: ExtAuthzSettings) {
    this.message = message;
    this.peer = peer;
    this.#settings = settings;
  }

  /** Undefined for a TCP connection. */
  get http(): AttributeContext_HttpRequest | undefined {
    return this.message.request?.http;
  }

  get headers(): EntryMap {
    this.#headers ??= headersOf(this.http);
    return this.#headers;
  }

  get claims(): EntryMap {
    this.#claims ??= this.#readClaims();
    return this.#claims;
  }

  get metadata(): EntryMap {
    this.#metadata ??= envoy.metadataEntries(this.message.metadataContext?.filterMetadata, "error");
    return this.#metadata;
  }

  get canonicalPath(): Outcome {
    const { http } = this;
    return http === undefined
      ? ABSENT
      : canonicalPath(http.path, { pathParams: this.#settings.pathParams, method: http.method });
  }

  #readClaims(): EntryMap {
    const { namespace, key } = this.#settings.jwt;
    const left = envoy.filterMetadata(this.message.metadataContext?.filterMetadata, namespace);
    const token = envoy.fieldOf(left, key)?.kind;
    return token?.oneofKind === "structValue" ? envoy.structEntries(token.structValue, "error") : EMPTY_ENTRIES;
  }
}

function headersOf(http: AttributeContext_HttpRequest | undefined): EntryMap {
  if (http === undefined) return EMPTY_ENTRIES;
  return http.headerMap === undefined ? envoy.headersOf(http.headers, "error") : envoy.rawHeadersOf(http.headerMap);
}

/** Every attribute that ext_authz supplies. What has no reader here is `never` in the vocabulary, which a test compares. */
export const EXT_AUTHZ_READERS: ReaderTable<AuthRequest> = new Map<string, Reader<AuthRequest>>([
  ["request.method", http(({ method }) => envoy.textOf(method, "error"))],
  ["request.path", http(({ path }) => envoy.textOf(path, "error"))],
  ["request.url_path", http(({ path }) => envoy.textOf(cutPath(path), "error"))],
  ["request.query", http(({ path }) => envoy.textOf(queryOf(path), "error"))],
  ["request.canonical_path", (request) => request.canonicalPath],
  ["request.host", http(({ host }) => envoy.textOrAbsent(host, "error"))],
  ["request.scheme", http(({ scheme }) => envoy.textOrAbsent(scheme, "error"))],
  ["request.protocol", http(({ protocol }) => envoy.textOrAbsent(protocol, "error"))],
  ["request.headers", (request) => (request.http === undefined ? ABSENT : request.headers)],
  ["request.id", (request) => nonEmpty(request.headers.get("x-request-id"))],
  ["request.referer", (request) => request.headers.get("referer")],
  ["request.useragent", (request) => request.headers.get("user-agent")],
  ["request.time", (request) => envoy.timestampOf(request.message.request?.time)],
  ["request.size", http(({ size }) => (size > 0n ? size : ABSENT))],
  ["request.body", (request) => bodyText(request)],
  ["request.raw_body", (request) => rawBody(request)],

  ["request.auth.claims", (request) => (request.http === undefined ? ABSENT : request.claims)],
  ["request.auth.subject", (request) => textClaim(request, "sub")],
  ["request.auth.presenter", (request) => textClaim(request, "azp")],
  ["request.auth.principal", principalOf],
  ["request.auth.audiences", audiencesOf],

  ["source.address", ({ message }) => envoy.addressOf(message.source?.address)],
  ["source.port", ({ message }) => envoy.portOf(message.source?.address)],
  ["source.principal", ({ message }) => envoy.textOrAbsent(message.source?.principal, "error")],
  ["destination.address", ({ message }) => envoy.addressOf(message.destination?.address)],
  ["destination.port", ({ message }) => envoy.portOf(message.destination?.address)],
  ["destination.principal", ({ message }) => envoy.textOrAbsent(message.destination?.principal, "error")],
  // For HTTP Envoy leaves it empty; for TCP it is the client's SNI.
  [
    "destination.service",
    (request) => (request.http ? ABSENT : envoy.textOrAbsent(request.message.destination?.service, "error")),
  ],
  [
    "destination.labels",
    ({ message }) => entriesOrAbsent(envoy.textEntries(message.destination?.labels ?? [], "error")),
  ],
  ["peer.address", ({ peer }) => peerAddress(peer)],
  ["peer.principal", ({ peer }) => peerPrincipal(peer)],

  ["connection.requested_server_name", ({ message }) => envoy.textOrAbsent(message.tlsSession?.sni, "error")],
  ["connection.peer_certificate", ({ message }) => certificateOf(message.source?.certificate)],
  ["context", ({ message }) => envoy.textEntries(message.contextExtensions, "error")],
  ["metadata", (request) => request.metadata],
  [
    "xds.route_metadata",
    ({ message }) => entriesOrAbsent(envoy.metadataEntries(message.routeMetadataContext?.filterMetadata, "error")),
  ],
]);

function http(read: (request: AttributeContext_HttpRequest) => Outcome): Reader<AuthRequest> {
  return (request) => (request.http === undefined ? ABSENT : read(request.http));
}

/** The path without its query. */
function cutPath(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? path : path.slice(0, query);
}

/** The query without its `?`; "" when there is none. */
function queryOf(path: string): string {
  const query = path.indexOf("?");
  return query < 0 ? "" : path.slice(query + 1);
}

function nonEmpty(value: Outcome): Outcome {
  return value === "" ? ABSENT : value;
}

function entriesOrAbsent(entries: EntryMap): EntryMap | typeof ABSENT {
  return entries === EMPTY_ENTRIES ? ABSENT : entries;
}

const PARTIAL_HEADER = "x-envoy-auth-partial-body";

/**
 * Envoy says in a header that it cut the body, and beside it how long the body is. Without `with_request_body` a client may send the header
 * itself, but then there is no body to be taken for whole.
 */
function isPartial(request: AuthRequest, sentBytes: number): boolean {
  return request.headers.get(PARTIAL_HEADER) === "true" || (request.http?.size ?? 0n) > BigInt(sentBytes);
}

const PARTIAL = "only a part of the body was sent";

function bodyText(request: AuthRequest): Outcome {
  const body = request.http?.body ?? "";
  if (body !== "")
    return isPartial(request, originalBytes(body).length) ? new Invalid(PARTIAL) : envoy.textOf(body, "error");
  const raw = rawBody(request);
  return raw instanceof Uint8Array ? envoy.utf8Of(raw) : raw;
}

function rawBody(request: AuthRequest): Outcome {
  const raw = request.http?.rawBody;
  if (raw === undefined || raw.length === 0) return ABSENT;
  return isPartial(request, raw.length) ? new Invalid(PARTIAL) : raw;
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

function certificateOf(encoded: string | undefined): Outcome {
  if (encoded === undefined || encoded === "") return ABSENT;
  try {
    return decodeURIComponent(encoded);
  } catch {
    // The decoder's only way to say that escapes make no text.
    return new Invalid("the certificate's escapes make no text");
  }
}
