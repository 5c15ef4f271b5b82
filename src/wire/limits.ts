/** What one listener takes. grpc-js by itself bounds next to nothing. */
export interface WireLimits {
  /** One more is refused. An idle one costs about 22 kB. */
  readonly maxConnections: number;
  /**
   * Calls at a time on one connection. It is above what an Envoy has in flight (its circuit breaker opens at 1024): on a new connection Envoy
   * sends before it has heard of this number, what is too much is refused, and to Envoy a Check that was refused is one that failed.
   */
  readonly maxStreamsPerConnection: number;
  /** Bytes of one message, unpacked. Beyond it the call fails before a door sees it: RESOURCE_EXHAUSTED. */
  readonly maxMessageBytes: number;
  /** Megabytes that one connection may make us keep, headers included; beyond it streams are refused. */
  readonly maxConnectionMegabytes: number;
  /** After so long without a sign of life the other side is asked for one. Milliseconds. */
  readonly keepaliveMs: number;
  /** How long it may take to give it, before the connection is closed. Milliseconds. */
  readonly keepaliveTimeoutMs: number;
  /** A connection without calls is closed after this time. Milliseconds. */
  readonly idleMs: number;
  /** Answers that wait because the client of a stream does not read them; one more ends the stream. */
  readonly maxWaitingAnswers: number;
}

export const WIRE_LIMITS: WireLimits = {
  maxConnections: 4_096,
  maxStreamsPerConnection: 2_048,
  maxMessageBytes: 4 * 1024 * 1024,
  maxConnectionMegabytes: 64,
  keepaliveMs: 30_000,
  keepaliveTimeoutMs: 10_000,
  idleMs: 30 * 60_000,
  maxWaitingAnswers: 1_000,
};

/**
 * The same limits in grpc-js' words. There is no greatest age of a connection: closing one in use costs the calls that are on their way, and
 * Envoy does not repeat a Check.
 */
export function grpcOptions(limits: WireLimits): Record<string, number> {
  return {
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_send_message_length": limits.maxMessageBytes,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_connection_idle_ms": limits.idleMs,
    "grpc-node.max_session_memory": limits.maxConnectionMegabytes,
    // Nobody reads it, and it keeps accounts of every call.
    "grpc.enable_channelz": 0,
  };
}
