import type { Value } from "./value.ts";

/**
 * A template is a kind of work that adapters do. `report` templates receive batches after the fact; `listentry` is asked before a
 * request is forwarded; `quota` keeps counters. An adapter names the templates it implements and has one method for each.
 */
export type TemplateName = "metric" | "logentry" | "tracespan" | "listentry" | "quota";

/** Where a metric's declaration comes from: handed to an adapter when it opens, before any point of that metric. */
export interface MetricDescriptor {
  /** Exposed exactly so: `[a-z_][a-z0-9_]*`. */
  readonly name: string;
  /** What the numbers of its points mean; the same for every point of this name while the handler is open. */
  readonly kind: "counter" | "gauge" | "histogram";
  /** For people; where the policy has none, it names the rule that declared the metric. */
  readonly description: string;
  /** As the policy writes it, for example `ms`. Values are in it already, and the name holds no suffix for it. */
  readonly unit?: string;
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[];
  /** Names of the dimensions, in order. */
  readonly dimensions: readonly string[];
}

/** What happened to one series since the last delivery, aggregated by the engine. */
export interface MetricPoint {
  /** Of one of the metrics that the handler was opened with. */
  readonly name: string;
  /** Values of the dimensions, in the descriptor's order, as text. */
  readonly dimensions: readonly string[];
  /** counter: what to add. gauge: the newest value. histogram: the sum of the observations. */
  readonly value: number;
  /** histogram only: observations per bucket (not cumulative), one more entry than there are bounds. */
  readonly bucketCounts?: readonly number[];
  /** How many records went into this point. */
  readonly count: number;
}

/** One record, as a `logentry` rule writes it down. */
export interface LogEntry {
  /** The `logentry` rule: `policy/rule`. */
  readonly rule: string;
  /** Nanoseconds since the epoch: when the request happened. */
  readonly timeNanos: bigint;
  /** What the rule's `severity` gave, `info` where it has none. Any text: policies are not held to a list of words. */
  readonly severity: string;
  /** One text, not escaped: what clients wrote is in it, line breaks and control characters too. */
  readonly message: string;
  /** Null prototype; absent variables are left out, failed ones are `(error)`. */
  readonly variables: Readonly<Record<string, Value>>;
}

/** One request as a span. Its own id is the adapter's to choose. */
export interface TraceSpan {
  /** The `tracespan` rule: `policy/rule`. */
  readonly rule: string;
  /** What the rule's `name` gave. */
  readonly name: string;
  /** Nanoseconds since the epoch. */
  readonly startNanos: bigint;
  /** Nanoseconds since the epoch, as whoever reported the request says: a clock that was set may put it before `startNanos`. */
  readonly endNanos: bigint;
  /** The caller's W3C `traceparent`, when the request had a valid one. */
  readonly parent?: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };
  /** Failed requests: the gRPC or HTTP status says so. */
  readonly error: boolean;
  /** Null prototype; absent attributes are left out, failed ones are `(error)`. */
  readonly attributes: Readonly<Record<string, Value>>;
}

/** Asked by an `ask:` rule: is this value objected to? */
export interface ListEntry {
  /** The `ask` rule: `policy/rule`. */
  readonly rule: string;
  /** What the rule's `value` gave; of any type, since policies are written without knowing the adapter. */
  readonly value: Value;
}

/** What a check adapter says of one value. No answer within the deadline, a throw and a rejection are `unavailable`. */
export type CheckAnswer =
  | { readonly kind: "no-objection" }
  /** Refuses the request. `message` is for decision logs; clients do not see it. */
  | { readonly kind: "objection"; readonly message: string }
  /** The adapter cannot tell; the rule's `on-unavailable` decides. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** One limit to be charged, already keyed: the adapter knows nothing of policies. */
export interface QuotaCharge {
  /** `policy/limit`. */
  readonly limit: string;
  /** Identifies the counter: the limit and the values of `by`, typed and length-prefixed, so that no two tuples share a key. */
  readonly key: string;
  /** No span of `everyMs` may hold more than this in grants; at least 1. */
  readonly max: bigint;
  /** Milliseconds. */
  readonly everyMs: number;
  /** At least 1. */
  readonly amount: bigint;
  /** Grant what is left instead of refusing. */
  readonly bestEffort: boolean;
}

/** The limits of one request that this handler keeps: granted together or not at all (a best-effort one grants what it can). */
export interface QuotaRequest {
  /**
   * `charge` takes; `give-back` undoes a charge that was granted a moment ago, with the amounts that were granted, because another
   * handler refused: the answer to it is ignored.
   */
  readonly operation: "charge" | "give-back";
  /** At least one; several may go to one counter. */
  readonly charges: readonly QuotaCharge[];
  /** Same (peer, id, charges) within its life: same answer, one charge. Scoped by the engine; "" for none. */
  readonly deduplicationId: string;
}

/** How a charge came out. No answer within the deadline, a throw and a rejection are `unavailable`, cause `down`. */
export type QuotaAnswer =
  /** One grant per charge, in order. */
  | { readonly kind: "granted"; readonly grants: readonly QuotaGrant[] }
  /** Nothing was charged. */
  | { readonly kind: "refused"; readonly refusals: readonly QuotaRefusal[] }
  /** Nothing was charged, and why nobody can tell: `full` is a full table, `down` a store that does not answer. */
  | { readonly kind: "unavailable"; readonly cause: "full" | "down"; readonly reason: string };

/** What one charge got. */
export interface QuotaGrant {
  /** `amount`; less, down to 0, only where the charge is best effort. */
  readonly granted: bigint;
  /** What is left of `max` after it. */
  readonly remaining: bigint;
  /** Milliseconds until the whole of `max` would be free again if nothing more were charged. */
  readonly resetAfterMs: number;
}

/** A charge that did not fit, and so kept the others from being made. */
export interface QuotaRefusal {
  /** Index into `charges`. */
  readonly charge: number;
  /** What is left of `max`. */
  readonly remaining: bigint;
  /** Milliseconds after which `amount` would fit if nothing more were charged. */
  readonly retryAfterMs: number;
}
