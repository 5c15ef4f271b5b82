import type {
  AccessLogCommon,
  HTTPRequestProperties,
  HTTPResponseProperties,
} from "#proto/envoy/data/accesslog/v3/accesslog";
import { canonicalPath } from "../attribute/canonical-path.ts";
import { unpackCarried } from "../attribute/carried.ts";
import { EntryMap, type Held } from "../attribute/entry-map.ts";
import type { Reader, ReaderTable } from "../attribute/readers.ts";
import type { CelType } from "../attribute/type.ts";
import { ABSENT, type CelValue, type Outcome, Uint } from "../attribute/value.ts";
import type { SlotPlan } from "../snapshot/plan.ts";
import * as envoy from "./envoy-values.ts";
import { cutPath, queryOf } from "./ext-authz-request.ts";
import {
  after,
  between,
  firstName,
  flagsOf,
  type LoggedEntry,
  methodOf,
  nodeOf,
  numberOf,
  principalOf,
  protocolOf,
} from "./logged-entry.ts";
import { peerAddress, peerPrincipal } from "./peer-values.ts";

/** In reports text that is not UTF-8 is shown with U+FFFD: the record of who sent it must not be the one that is missing. */
const SHOWN = "replace";

/** Every attribute that an access log entry supplies itself. A test compares it with the vocabulary. */
export const ACCESS_LOG_READERS: ReaderTable<LoggedEntry> = new Map<string, Reader<LoggedEntry>>([
  ["request.method", request(({ requestMethod }) => methodOf(requestMethod))],
  ["request.path", path((full) => envoy.textOf(full, SHOWN))],
  ["request.url_path", path((full) => envoy.textOf(cutPath(full), SHOWN))],
  ["request.query", path((full) => envoy.textOf(queryOf(full), SHOWN))],
  ["request.canonical_path", path(canonical)],
  ["request.upstream_path", request(({ path: upstream }) => envoy.textOrAbsent(upstream, SHOWN))],
  ["request.host", request(({ authority }) => envoy.textOrAbsent(authority, SHOWN))],
  ["request.scheme", request(({ scheme }) => envoy.textOrAbsent(scheme, SHOWN))],
  ["request.protocol", ({ http }) => (http ? protocolOf(http.protocolVersion) : ABSENT)],
  ["request.headers", (entry) => (entry.http ? entry.requestHeaders : ABSENT)],
  ["request.headers_bytes", request(({ requestHeadersBytes }) => requestHeadersBytes)],
  ["request.id", request(({ requestId }) => envoy.textOrAbsent(requestId, SHOWN))],
  ["request.referer", request(({ referer }) => envoy.textOrAbsent(referer, SHOWN))],
  ["request.useragent", request(({ userAgent }) => envoy.textOrAbsent(userAgent, SHOWN))],
  ["request.time", startOf],
  ["request.size", request(({ requestBodyBytes }) => requestBodyBytes)],
  ["request.duration", (entry) => (entry.http ? envoy.durationOf(entry.common?.duration) : ABSENT)],
  [
    "request.total_size",
    request(({ requestHeadersBytes, requestBodyBytes }) => requestHeadersBytes + requestBodyBytes),
  ],

  ["response.code", response(({ responseCode }) => (responseCode?.value ? BigInt(responseCode.value) : ABSENT))],
  ["response.code_details", response(({ responseCodeDetails }) => envoy.textOrAbsent(responseCodeDetails, SHOWN))],
  ["response.flags", ({ common }) => flagsOf(common?.responseFlags)],
  ["response.grpc_status", (entry) => numberOf(grpcField(entry, "grpc-status"))],
  ["response.grpc_message", (entry) => grpcField(entry, "grpc-message")],
  ["response.headers", response(({ responseHeaders }) => envoy.headersOf(responseHeaders, SHOWN))],
  ["response.trailers", response(({ responseTrailers }) => envoy.headersOf(responseTrailers, SHOWN))],
  ["response.headers_bytes", response(({ responseHeadersBytes }) => responseHeadersBytes)],
  ["response.size", response(({ responseBodyBytes }) => responseBodyBytes)],
  [
    "response.total_size",
    response(({ responseHeadersBytes, responseBodyBytes }) => responseHeadersBytes + responseBodyBytes),
  ],
  [
    "response.time",
    (entry) =>
      entry.http ? after(startOf(entry), envoy.durationOf(entry.common?.timeToFirstDownstreamTxByte)) : ABSENT,
  ],
  ["response.duration", (entry) => (entry.http ? envoy.durationOf(entry.common?.duration) : ABSENT)],
  ["response.backend_latency", common(backendLatency)],

  ["source.address", common((c) => envoy.addressOf(c.downstreamDirectRemoteAddress))],
  ["source.port", common((c) => envoy.portOf(c.downstreamDirectRemoteAddress))],
  ["source.remote_address", common((c) => envoy.addressOf(c.downstreamRemoteAddress))],
  ["source.principal", common((c) => principalOf(c.tlsProperties?.peerCertificateProperties))],
  ["destination.address", common((c) => envoy.addressOf(c.downstreamLocalAddress))],
  ["destination.port", common((c) => envoy.portOf(c.downstreamLocalAddress))],
  ["destination.principal", common((c) => principalOf(c.tlsProperties?.localCertificateProperties))],
  ["peer.address", ({ context }) => peerAddress(context.peer)],
  ["peer.principal", ({ context }) => peerPrincipal(context.peer)],

  ["connection.mtls", (entry) => principalOf(entry.common?.tlsProperties?.peerCertificateProperties) !== ABSENT],
  ["connection.requested_server_name", common((c) => envoy.textOrAbsent(c.tlsProperties?.tlsSniHostname, SHOWN))],
  ["connection.tls_version", common((c) => TLS_VERSIONS[c.tlsProperties?.tlsVersion ?? 0] ?? ABSENT)],
  [
    "connection.subject_peer_certificate",
    common((c) => envoy.textOrAbsent(c.tlsProperties?.peerCertificateProperties?.subject, SHOWN)),
  ],
  [
    "connection.subject_local_certificate",
    common((c) => envoy.textOrAbsent(c.tlsProperties?.localCertificateProperties?.subject, SHOWN)),
  ],
  ["connection.dns_san_peer_certificate", common((c) => firstName(c.tlsProperties?.peerCertificateProperties, "dns"))],
  [
    "connection.dns_san_local_certificate",
    common((c) => firstName(c.tlsProperties?.localCertificateProperties, "dns")),
  ],
  ["connection.uri_san_peer_certificate", common((c) => firstName(c.tlsProperties?.peerCertificateProperties, "uri"))],
  [
    "connection.uri_san_local_certificate",
    common((c) => firstName(c.tlsProperties?.localCertificateProperties, "uri")),
  ],
  ["connection.transport_failure_reason", common((c) => envoy.textOrAbsent(c.downstreamTransportFailureReason, SHOWN))],
  ["connection.termination_details", common((c) => envoy.textOrAbsent(c.connectionTerminationDetails, SHOWN))],
  ["connection.duration", (entry) => (entry.tcp ? envoy.durationOf(entry.common?.duration) : ABSENT)],
  ["connection.received_bytes", ({ tcp }) => tcp?.connectionProperties?.receivedBytes ?? ABSENT],
  ["connection.sent_bytes", ({ tcp }) => tcp?.connectionProperties?.sentBytes ?? ABSENT],

  ["upstream.address", common((c) => envoy.addressOf(c.upstreamRemoteAddress))],
  ["upstream.port", common((c) => envoy.portOf(c.upstreamRemoteAddress))],
  ["upstream.local_address", common((c) => envoy.addressOf(c.upstreamLocalAddress))],
  ["upstream.transport_failure_reason", common((c) => envoy.textOrAbsent(c.upstreamTransportFailureReason, SHOWN))],
  ["upstream.request_attempt_count", common((c) => attemptsOf(c.upstreamRequestAttemptCount))],
  ["xds.node", ({ context }) => nodeOf(context.identifier)],
  ["xds.cluster_name", common((c) => envoy.textOrAbsent(c.upstreamCluster, SHOWN))],
  ["xds.route_name", common((c) => envoy.textOrAbsent(c.routeName, SHOWN))],
  ["metadata", ({ common: c }) => envoy.metadataEntries(c?.metadata?.filterMetadata, SHOWN)],
  ["filter_state", common(filterStateOf)],
  ["log.name", ({ context }) => envoy.textOrAbsent(context.identifier?.logName, SHOWN)],
  ["log.tags", ({ common: c }) => envoy.textEntries(c?.customTags ?? [], SHOWN)],

  ["check.verdict", (entry) => entry.decided("verdict")],
  ["check.reason", (entry) => entry.decided("reason")],
  ["check.rule", (entry) => entry.decided("rule")],
  ["check.snapshot", (entry) => entry.decided("snapshot")],
  ["check.decision_id", (entry) => entry.decided("decision_id")],
  ["check.took_us", tookUs],
]);

/**
 * The reader of one slot. A derived attribute is what the decision carried; so is one that the log may know otherwise, where the decision
 * carried it.
 */
export function accessLogReader({
  name,
  type: planned,
  derived,
  raw,
  carried,
}: SlotPlan): Reader<LoggedEntry> | undefined {
  const own = ACCESS_LOG_READERS.get(name);
  const isDerived = derived !== undefined && raw === undefined;
  if (!carried && !isDerived) return own;
  const type: CelType = planned ?? derived?.type ?? { kind: "dyn" };
  const fallback = isDerived ? undefined : own;
  return (entry) => {
    const json = entry.carried(name);
    return json === undefined ? (fallback?.(entry) ?? ABSENT) : unpackCarried(json, type);
  };
}

/** By the number in the message. */
const TLS_VERSIONS: readonly (string | undefined)[] = [undefined, "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

function request(read: (request: HTTPRequestProperties) => Held): Reader<LoggedEntry> {
  return ({ http }) => (http?.request === undefined ? ABSENT : read(http.request));
}

function response(read: (response: HTTPResponseProperties) => Held): Reader<LoggedEntry> {
  return ({ http }) => (http?.response === undefined ? ABSENT : read(http.response));
}

function common(read: (common: AccessLogCommon) => Held): Reader<LoggedEntry> {
  return (entry) => (entry.common === undefined ? ABSENT : read(entry.common));
}

/** Entries of requests that ended before they had a path have none. */
function path(read: (path: string, entry: LoggedEntry) => Outcome): Reader<LoggedEntry> {
  return (entry) => (entry.path === undefined || entry.path === "" ? ABSENT : read(entry.path, entry));
}

function canonical(full: string, { http, context }: LoggedEntry): Outcome {
  const method = methodOf(http?.request?.requestMethod ?? 0);
  return canonicalPath(full, { pathParams: context.pathParams, ...(typeof method === "string" ? { method } : {}) });
}

function startOf({ common: c }: LoggedEntry): Outcome {
  return envoy.timestampOf(c?.startTime);
}

function backendLatency(c: AccessLogCommon): Outcome {
  return between(envoy.durationOf(c.timeToFirstUpstreamTxByte), envoy.durationOf(c.timeToLastUpstreamRxByte));
}

function attemptsOf(count: number): Outcome {
  return count === 0 ? ABSENT : new Uint(BigInt(count));
}

/** Trailers say how a gRPC call ended; headers do where there was nothing but them. */
function grpcField({ http }: LoggedEntry, name: string): Outcome {
  const trailer = envoy.headersOf(http?.response?.responseTrailers ?? [], SHOWN).get(name);
  return trailer === ABSENT ? envoy.headersOf(http?.response?.responseHeaders ?? [], SHOWN).get(name) : trailer;
}

function filterStateOf({ filterStateObjects }: AccessLogCommon): Held {
  if (filterStateObjects.length === 0) return ABSENT;
  const bytes = filterStateObjects.map(({ key, value }): [string, CelValue] => [
    key.toWellFormed(),
    value?.value ?? null,
  ]);
  return new EntryMap(new Map(bytes));
}

function tookUs(entry: LoggedEntry): Outcome {
  const kind = envoy.fieldOf(entry.decision, "took_us")?.kind;
  return kind?.oneofKind === "numberValue" && Number.isSafeInteger(kind.numberValue)
    ? BigInt(kind.numberValue)
    : ABSENT;
}
