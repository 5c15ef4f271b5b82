import { extension, type JsonObject, seconds } from "./json.ts";
import { weirService } from "./weir-cluster.ts";

/** Envoy's own default is a second; who watches a demo or waits in a test does not want to. */
const DEFAULT_FLUSH_MS = 50;
/** What `request.headers` holds after the request: Envoy logs no header that it is not told to. */
const REQUEST_HEADERS = ["content-type", "traceparent", "tracestate", "user-agent", "x-request-id", "x-forwarded-for"];
const RESPONSE_HEADERS = ["content-type", "grpc-message", "grpc-status", "retry-after"];
const RESPONSE_TRAILERS = ["grpc-message", "grpc-status"];

export interface LogOptions {
  /** `log.name` in Weir. Default: the listener's name. */
  readonly name?: string;
  /** How long entries may wait for company. Default 50 ms (Envoy's own: 1 s). */
  readonly flushMs?: number;
  /** Logged besides the usual ones. */
  readonly requestHeaders?: readonly string[];
  readonly responseHeaders?: readonly string[];
  readonly responseTrailers?: readonly string[];
  /** `log.tags` in Weir. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Also an entry when a request or connection begins. Weir does not count it. */
  readonly atStart?: boolean;
  /** Also an entry every so many milliseconds while a request or connection lasts. Weir does not count these. */
  readonly everyMs?: number;
}

/** @returns the logger of an HTTP connection manager. */
export function httpLog(listener: string, log: LogOptions): JsonObject {
  return extension(
    "envoy.access_loggers.http_grpc",
    "envoy.extensions.access_loggers.grpc.v3.HttpGrpcAccessLogConfig",
    {
      common_config: common(listener, log),
      additional_request_headers_to_log: [...REQUEST_HEADERS, ...(log.requestHeaders ?? [])],
      additional_response_headers_to_log: [...RESPONSE_HEADERS, ...(log.responseHeaders ?? [])],
      additional_response_trailers_to_log: [...RESPONSE_TRAILERS, ...(log.responseTrailers ?? [])],
    },
  );
}

/** @returns the logger of a TCP proxy. */
export function tcpLog(listener: string, log: LogOptions): JsonObject {
  return extension("envoy.access_loggers.tcp_grpc", "envoy.extensions.access_loggers.grpc.v3.TcpGrpcAccessLogConfig", {
    common_config: common(listener, log),
  });
}

/** @param start the field that asks for an entry at the beginning; it has another name for TCP. */
export function logTimes(start: string, { atStart, everyMs }: LogOptions): JsonObject | undefined {
  if (atStart === undefined && everyMs === undefined) return undefined;
  return { [start]: atStart, access_log_flush_interval: everyMs === undefined ? undefined : seconds(everyMs) };
}

function common(listener: string, { name = listener, flushMs = DEFAULT_FLUSH_MS, tags = {} }: LogOptions): JsonObject {
  const custom = Object.entries(tags).map(([tag, value]) => ({ tag, literal: { value } }));
  return {
    log_name: name,
    transport_api_version: "V3",
    // In here, not beside it: Envoy 1.40 ignores the newer place.
    buffer_flush_interval: seconds(flushMs),
    grpc_service: weirService(),
    custom_tags: custom.length > 0 ? custom : undefined,
  };
}
