import { RequestMethod } from "#proto/envoy/config/core/v3/base";
import {
  type AccessLogCommon,
  type TLSProperties_CertificateProperties as CertificateProperties,
  type HTTPAccessLogEntry,
  HTTPAccessLogEntry_HTTPVersion as HttpVersion,
  type ResponseFlags,
  type TCPAccessLogEntry,
} from "#proto/envoy/data/accesslog/v3/accesslog";
import type { StreamAccessLogsMessage_Identifier as Identifier } from "#proto/envoy/service/accesslog/v3/als";
import type { Struct } from "#proto/weir/wire/v1/struct";
import type { PathOptions } from "../attribute/canonical-path.ts";
import { EMPTY_ENTRIES, EntryMap } from "../attribute/entry-map.ts";
import type { Json } from "../attribute/json.ts";
import { ABSENT, type CelValue, Duration, Invalid, type Outcome, Timestamp } from "../attribute/value.ts";
import type { Peer } from "../wire/door.ts";
import * as envoy from "./envoy-values.ts";

/** Envoy keeps a Check's answer under the name of the filter that asked. */
const HTTP_FILTER = "envoy.filters.http.ext_authz";
const TCP_FILTER = "envoy.filters.network.ext_authz";

/** What an entry is read with besides itself. */
export interface LogContext {
  readonly peer: Peer;
  /** From the stream's first message. */
  readonly identifier: Identifier | undefined;
  readonly pathParams: PathOptions["pathParams"];
}

/** One access log entry, HTTP or TCP. What several attributes need is worked out once. */
export class LoggedEntry {
  readonly http: HTTPAccessLogEntry | undefined;
  readonly tcp: TCPAccessLogEntry | undefined;
  readonly context: LogContext;
  #requestHeaders: EntryMap | undefined;
  #decision: Struct | null | undefined;

  constructor(entry: { readonly http: HTTPAccessLogEntry } | { readonly tcp: TCPAccessLogEntry }, context: LogContext) {
    this.http = "http" in entry ? entry.http : undefined;
    this.tcp = "tcp" in entry ? entry.tcp : undefined;
    this.context = context;
  }

  get common(): AccessLogCommon | undefined {
    return (this.http ?? this.tcp)?.commonProperties;
  }

  /** The headers of the request that the logger's configuration names. */
  get requestHeaders(): EntryMap {
    this.#requestHeaders ??= envoy.headersOf(this.http?.request?.requestHeaders ?? [], "replace");
    return this.#requestHeaders;
  }

  /** The path as the client sent it. */
  get path(): string | undefined {
    const request = this.http?.request;
    return request?.originalPath || request?.path;
  }

  /** What our own answer to this request's Check left behind; undefined where there was no decision. */
  get decision(): Struct | undefined {
    this.#decision ??= this.#findDecision() ?? null;
    return this.#decision ?? undefined;
  }

  /** @returns the value that the decision carried for an attribute, as JSON; undefined where it carried none. */
  carried(attribute: string): Json | undefined {
    const attr = envoy.fieldOf(this.decision, "attr")?.kind;
    if (attr?.oneofKind !== "structValue") return undefined;
    const value = envoy.fieldOf(attr.structValue, attribute);
    return value === undefined ? undefined : envoy.jsonOfValue(value);
  }

  /** One field of the decision that is text. */
  decided(field: string): Outcome {
    const kind = envoy.fieldOf(this.decision, field)?.kind;
    return kind?.oneofKind === "stringValue" ? envoy.textOf(kind.stringValue, "replace") : ABSENT;
  }

  #findDecision(): Struct | undefined {
    const filter = this.tcp ? TCP_FILTER : HTTP_FILTER;
    const left = envoy.filterMetadata(this.common?.metadata?.filterMetadata, filter);
    // Envoy leaves the time it waited under the same name, also where no answer came.
    return envoy.fieldOf(left, "decision_id") === undefined ? undefined : left;
  }
}

/** The method by its name; Envoy does not say which one it was when it is in no standard. */
export function methodOf(method: RequestMethod): Outcome {
  return method === RequestMethod.METHOD_UNSPECIFIED ? ABSENT : (RequestMethod[method] ?? ABSENT);
}

const PROTOCOLS: ReadonlyMap<HttpVersion, string> = new Map([
  [HttpVersion.HTTP10, "HTTP/1.0"],
  [HttpVersion.HTTP11, "HTTP/1.1"],
  [HttpVersion.HTTP2, "HTTP/2"],
  [HttpVersion.HTTP3, "HTTP/3"],
]);

export function protocolOf(version: HttpVersion): Outcome {
  return PROTOCOLS.get(version) ?? ABSENT;
}

/** Envoy's bits, in its order. Nothing in the log says `DropOverLoad`, bit 27. */
const FLAG_BITS: readonly (readonly [keyof ResponseFlags, bigint])[] = (
  [
    "failedLocalHealthcheck",
    "noHealthyUpstream",
    "upstreamRequestTimeout",
    "localReset",
    "upstreamRemoteReset",
    "upstreamConnectionFailure",
    "upstreamConnectionTermination",
    "upstreamOverflow",
    "noRouteFound",
    "delayInjected",
    "faultInjected",
    "rateLimited",
    "unauthorizedDetails",
    "rateLimitServiceError",
    "downstreamConnectionTermination",
    "upstreamRetryLimitExceeded",
    "streamIdleTimeout",
    "invalidEnvoyRequestHeaders",
    "downstreamProtocolError",
    "upstreamMaxStreamDurationReached",
    "responseFromCacheFilter",
    "noFilterConfigFound",
    "durationTimeout",
    "upstreamProtocolError",
    "noClusterFound",
    "overloadManager",
    "dnsResolutionFailure",
    undefined,
    "downstreamRemoteReset",
  ] as const
).flatMap((flag, bit) => (flag === undefined ? [] : [[flag, 1n << BigInt(bit)] as const]));

export function flagsOf(flags: ResponseFlags | undefined): bigint {
  if (flags === undefined) return 0n;
  return FLAG_BITS.reduce((set, [flag, bit]) => (flags[flag] ? set | bit : set), 0n);
}

/** Who a certificate says it is: a URI, or a DNS name, or its subject. As Envoy does it for a Check's `principal`. */
export function principalOf(certificate: CertificateProperties | undefined): Outcome {
  const uri = firstName(certificate, "uri");
  if (uri !== ABSENT) return uri;
  const dns = firstName(certificate, "dns");
  return dns === ABSENT ? envoy.textOrAbsent(certificate?.subject, "replace") : dns;
}

export function firstName(certificate: CertificateProperties | undefined, kind: "uri" | "dns"): Outcome {
  for (const { san } of certificate?.subjectAltName ?? []) {
    if (san.oneofKind === "uri" && kind === "uri") return envoy.textOrAbsent(san.uri, "replace");
    if (san.oneofKind === "dns" && kind === "dns") return envoy.textOrAbsent(san.dns, "replace");
  }
  return ABSENT;
}

/** The proxy that writes, as Envoy's CEL has it under `xds.node`. */
export function nodeOf(identifier: Identifier | undefined): EntryMap {
  const node = identifier?.node;
  if (node === undefined) return EMPTY_ENTRIES;
  const { region, zone, subZone } = node.locality ?? { region: "", zone: "", subZone: "" };
  const texts = Object.entries({ id: node.id, cluster: node.cluster, region, zone, sub_zone: subZone });
  const entries = new Map<string, CelValue | Invalid>([
    ["metadata", envoy.structEntries(node.metadata, "replace").whole()],
  ]);
  for (const [key, text] of texts) if (text !== "") entries.set(key, envoy.textOf(text, "replace"));
  return new EntryMap(entries);
}

/** `start + elapsed`; absent where one of them is. */
export function after(start: Outcome, elapsed: Outcome): Outcome {
  if (!(start instanceof Timestamp)) return start;
  return elapsed instanceof Duration ? new Timestamp(start.nanos + elapsed.nanos) : elapsed;
}

/** `to - from`; absent where one of them is. */
export function between(from: Outcome, to: Outcome): Outcome {
  if (!(from instanceof Duration)) return from;
  return to instanceof Duration ? new Duration(to.nanos - from.nanos) : to;
}

/** A whole number as a header has it. */
export function numberOf(text: Outcome): Outcome {
  if (typeof text !== "string") return text;
  return /^\d{1,9}$/.test(text) ? BigInt(text) : new Invalid(`\`${text.slice(0, 20)}\` is no number`);
}
