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
  readonly kind: "counter" | "gauge" | "histogram";
  readonly description: string;
  readonly unit?: string;
  /** Upper bounds of a histogram's buckets, ascending, without +Inf. */
  readonly buckets?: readonly number[];
  /** Names of the dimensions, in order. */
  readonly dimensions: readonly string[];
}

/** What happened to one series since the last delivery, aggregated by the engine. */
export interface MetricPoint {
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

export interface LogEntry {
  /** The `logentry` rule: `policy/rule`. */
  readonly rule: string;
  /** Nanoseconds since the epoch: when the request happened. */
  readonly timeNanos: bigint;
  readonly severity: string;
  readonly message: string;
  /** Null prototype; absent variables are left out, failed ones are `(error)`. */
  readonly variables: Readonly<Record<string, Value>>;
}

export interface TraceSpan {
  readonly rule: string;
  readonly name: string;
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  /** The caller's W3C `traceparent`, when the request had a valid one. */
  readonly parent?: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean };
  /** Failed requests: the gRPC or HTTP status says so. */
  readonly error: boolean;
  readonly attributes: Readonly<Record<string, Value>>;
}

/** Asked by an `ask:` rule: is this value objected to? */
export interface ListEntry {
  readonly rule: string;
  readonly value: Value;
}

export type CheckAnswer =
  | { readonly kind: "no-objection" }
  | { readonly kind: "objection"; readonly message: string }
  /** The adapter cannot tell; the rule's `on-unavailable` decides. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** One limit to be charged, already keyed: the adapter knows nothing of policies. */
export interface QuotaCharge {
  /** `policy/limit`. */
  readonly limit: string;
  /** Identifies the counter: the limit and the values of `by`, typed and length-prefixed, so that no two tuples share a key. */
  readonly key: string;
  readonly max: bigint;
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
  readonly charges: readonly QuotaCharge[];
  /** Same (peer, id, charges) within its life: same answer, one charge. Scoped by the engine; "" for none. */
  readonly deduplicationId: string;
}

export type QuotaAnswer =
  /** One grant per charge, in order. */
  | { readonly kind: "granted"; readonly grants: readonly QuotaGrant[] }
  /** Nothing was charged. */
  | { readonly kind: "refused"; readonly refusals: readonly QuotaRefusal[] }
  /** Nothing was charged, and why nobody can tell: `full` is a full table, `down` a store that does not answer. */
  | { readonly kind: "unavailable"; readonly cause: "full" | "down"; readonly reason: string };

export interface QuotaGrant {
  readonly granted: bigint;
  readonly remaining: bigint;
  /** Milliseconds until the whole of `max` would be free again if nothing more were charged. */
  readonly resetAfterMs: number;
}

export interface QuotaRefusal {
  /** Index into `charges`. */
  readonly charge: number;
  readonly remaining: bigint;
  /** Milliseconds after which `amount` would fit if nothing more were charged. */
  readonly retryAfterMs: number;
}
