import { type JsonObject, seconds } from "./json.ts";

/** The name of Weir among Envoy's clusters. */
export const WEIR_CLUSTER = "weir";

/** Ten times Envoy's own default: a demo and a test must not fail because a small machine was busy for a moment. */
const DEFAULT_CHECK_TIMEOUT_MS = 2_000;

/** @param timeoutMs how long Envoy waits for an answer; undefined for a stream that has none. */
export function weirService(timeoutMs?: number): JsonObject {
  return {
    envoy_grpc: { cluster_name: WEIR_CLUSTER },
    // Such a call was not looked at, and Weir says so: when a connection has all the calls that it may, or ends while one is on its way.
    retry_policy: timeoutMs === undefined ? undefined : retryRefused(timeoutMs),
    timeout: timeoutMs === undefined ? undefined : seconds(timeoutMs),
  };
}

/** Envoy would begin by waiting for half a second, which no Check has. What it takes for the longest interval is also how long one try may take. */
function retryRefused(timeoutMs: number): JsonObject {
  return {
    retry_on: "refused-stream",
    num_retries: 3,
    retry_back_off: { base_interval: seconds(5), max_interval: seconds(timeoutMs) },
  };
}

/** What HTTP and TCP listeners have in common in asking Weir. */
export interface AskOptions {
  /** How long a Check may take; after that Envoy cannot ask. Default 2 s (Envoy's own: 200 ms). */
  readonly timeoutMs?: number;
  /** What happens when Weir cannot be asked: refused (the default), or let through. */
  readonly failureModeAllow?: boolean;
  /** Sends the client's certificate along, PEM with percent-encoding. */
  readonly peerCertificate?: boolean;
}

/** The fields that Envoy's two ext_authz filters share. */
export function askFields(ask: AskOptions): JsonObject {
  return {
    transport_api_version: "V3",
    grpc_service: weirService(ask.timeoutMs ?? DEFAULT_CHECK_TIMEOUT_MS),
    failure_mode_allow: ask.failureModeAllow ?? false,
    include_peer_certificate: ask.peerCertificate,
    include_tls_session: true,
  };
}
