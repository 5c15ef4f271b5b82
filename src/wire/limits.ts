/**
 * Every limit of what comes over the wire that an operator may set, one row each: `--limit`, WEIR_LIMITS, `weir serve --help` and the table in
 * docs/operations.md are made of them, or held to them.
 */
interface LimitRow {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** What is limited. */
  readonly what: string;
  /** What becomes of what is beyond it. */
  readonly beyond: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const ROWS = {
  maxConnections: row(
    10_000,
    [1, 1_000_000],
    "connections at a time",
    "refused, counted; an idle one costs about 22 kB",
  ),
  maxStreamsPerConnection: row(
    100,
    [1, 100_000],
    "calls and streams at a time on one connection",
    "wait in the client, which has to know: see “Envoy's connections”",
  ),
  maxHeaderListBytes: row(
    64 * KIB,
    [4 * KIB, 16 * MIB - 1],
    "headers of one call, each counted with 32 bytes more",
    "the call is reset before anything looks at it",
  ),
  maxMessageBytes: row(
    4 * MIB,
    [KIB, 64 * MIB],
    "one message, unpacked: a Check, a Report",
    "RESOURCE_EXHAUSTED: to Envoy an error, so keep its `with_request_body` well below",
  ),
  maxCheckBytes: row(
    256 * KIB,
    [KIB, 64 * MIB],
    "one Check, as policies get to see it",
    "`undecided`, reason `too-large`: a refusal",
  ),
  maxAttributes: row(512, [1, 100_000], "attributes of one native Check or record", "INVALID_ARGUMENT"),
  maxConnectionMegabytes: row(
    64,
    [1, 4_096],
    "what one connection makes HTTP/2 keep, in megabytes",
    "new calls on it are refused",
  ),
  maxWaitingAnswers: row(
    4,
    [1, 10_000],
    "messages of answers on a stream that wait because its client does not read",
    "the stream is not read either until they are written",
  ),
  connectionAgeMs: row(
    10 * MINUTE_MS,
    [1_000, DAY_MS],
    "age of a connection, ±10 %, so that callers spread over replicas",
    "it is moved: told to connect anew, and closed when the last call was answered",
  ),
  connectionIdleMs: row(15 * MINUTE_MS, [1_000, DAY_MS], "a connection without a call", "closed"),
  keepaliveMs: row(30_000, [1_000, HOUR_MS], "between two signs of life that are asked of a connection", ""),
  keepaliveTimeoutMs: row(10_000, [100, HOUR_MS], "for a sign of life", "closed"),
  handshakeMs: row(5_000, [10, HOUR_MS], "for a TLS handshake", "closed, counted"),
  prefaceMs: row(10_000, [100, HOUR_MS], "from connecting to the first words of HTTP/2", "closed"),
  stuckMs: row(
    15_000,
    [1_000, HOUR_MS],
    "for a call that is not sent whole, or whose answer is not read",
    "within twice the time the connection is closed",
  ),
  extAuthzDeadlineMs: row(
    180,
    [1, HOUR_MS],
    "a Check of Envoy's that waits for an adapter; less when Envoy says so. Envoy itself waits 200 ms",
    "`undecided`, reason `deadline`: a refusal, before Envoy gives up",
  ),
  weirDeadlineMs: row(
    250,
    [1, HOUR_MS],
    "a native Check that waits for an adapter; less when the caller says so",
    "`undecided`, reason `deadline`",
  ),
  overloadDelayMs: row(
    50,
    [0, 10_000],
    "lateness of the event loop that lasts; 0 for never",
    "an overload: see “When it is too much”",
  ),
  overloadRetryMs: row(1_000, [0, HOUR_MS], "after which a caller that was refused may try again", "only said to it"),
} as const satisfies Readonly<Record<string, LimitRow>>;

type LimitKey = keyof typeof ROWS;

/** The limits as they are in force; the unit is in each name. */
export type WireLimits = Readonly<Record<LimitKey, number>>;

/** A row with its names: `maxConnections` in code is `max-connections` to people. */
export interface Limit extends LimitRow {
  readonly key: LimitKey;
  readonly name: string;
}

export const LIMITS: readonly Limit[] = keysOf(ROWS).map((key) => ({
  ...ROWS[key],
  key,
  name: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
}));

export const WIRE_LIMITS: WireLimits = limitsWith(() => undefined);

/**
 * Reads `max-connections=200,stuck-ms=5000`.
 * @returns what differs from the defaults; or in words for people what is wrong.
 */
export function parseLimits(text: string): Partial<WireLimits> | { readonly problem: string } {
  const given: Partial<Record<LimitKey, number>> = {};
  for (const pair of text.split(",").filter((part) => part.trim() !== "")) {
    const [name = "", value = ""] = pair.trim().split("=", 2);
    const limit = LIMITS.find((one) => one.name === name);
    if (limit === undefined) return { problem: `no limit is called \`${name}\`; \`weir serve --help\` lists them` };
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= limit.min && number <= limit.max))
      return { problem: `\`${name}\` takes a whole number from ${limit.min} to ${limit.max}` };
    given[limit.key] = number;
  }
  return given;
}

/** @returns all limits: those given, the defaults for the others. */
export function limitsWith(given: (key: LimitKey) => number | undefined): WireLimits {
  const limits: Partial<Record<LimitKey, number>> = {};
  for (const key of keysOf(ROWS)) limits[key] = given(key) ?? ROWS[key].default;
  // Every key was just set.
  return limits as WireLimits;
}

/** The limits that grpc-js keeps itself. Age, idleness and stuck calls are ours: `sessions.ts`. */
export function grpcOptions(limits: WireLimits): Record<string, number> {
  return {
    "grpc.max_concurrent_streams": limits.maxStreamsPerConnection,
    "grpc.max_receive_message_length": limits.maxMessageBytes,
    "grpc.max_send_message_length": limits.maxMessageBytes,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc-node.max_session_memory": limits.maxConnectionMegabytes,
    // Nobody reads it, and it keeps accounts of every call.
    "grpc.enable_channelz": 0,
  };
}

function row(
  standard: number,
  [min, max]: readonly [min: number, max: number],
  what: string,
  beyond: string,
): LimitRow {
  return { default: standard, min, max, what, beyond };
}

/** `Object.keys` with the type that a literal has. */
function keysOf<T extends object>(table: T): readonly (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
