import type { AttributeSource } from "../attribute/source.ts";
import type { DoorName } from "../policy/authored.ts";
import type { ReportRecord } from "../report/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Decision } from "./decision.ts";

/** What front doors need of the engine. */
export interface Engine {
  /** Asked first, before a message is decoded. An admitted request holds its snapshot until `release`, which is called exactly once. */
  admit(): Admission;
  /** Decides, charges, changes; counts the decision and hands it to the report rules `of: decision`. Never throws, never rejects. */
  check(snapshot: Snapshot, input: CheckInput): Decision | Promise<Decision>;
  /**
   * Takes records for the report rules `of: request`. They are queued when this returns. `overloaded`: nothing of them was queued.
   */
  report(snapshot: Snapshot, records: readonly ReportRecord[]): "queued" | "overloaded";
  /**
   * Tells which snapshot requests are admitted to: at once if there is one, and at each switch before any request is admitted to the new one.
   * A listener stays for good, and does not throw.
   */
  watchSnapshot(listener: (snapshot: string) => void): void;
}

export type Admission =
  | { readonly ok: true; readonly snapshot: Snapshot; release(): void }
  /** The engine cannot work: doors answer with the RPC status UNAVAILABLE. */
  | { readonly ok: false; readonly why: "overload" | "draining" | "no-snapshot" };

/** Time, passed in. */
export interface EngineClock {
  /** Monotonic milliseconds on the scale of `Call.arrivedMs`. */
  monotonicMs(): number;
  /** Nanoseconds since the epoch. */
  epochNanos(): bigint;
}

/** What the engine needs to know of a call: what every front door's call has. */
export interface Caller {
  /** Taken from the connection, never from a message. */
  readonly peer: { readonly address: string; readonly principal: string | undefined };
  readonly signal: AbortSignal;
  /** Monotonic milliseconds (`performance.now()` scale). */
  readonly arrivedMs: number;
  /** Monotonic milliseconds at which the caller waits no longer; undefined when it did not say. */
  readonly deadlineMs?: number | undefined;
}

export interface CheckInput {
  readonly door: DoorName;
  readonly source: AttributeSource;
  readonly call: Caller;
  /** Limits named by a native caller: `policy/limit`. Doors refuse unknown names themselves. */
  readonly quotas: readonly RequestedQuota[];
  /** Skip check rules, asks and changes: charge only. */
  readonly quotaOnly: boolean;
  /** "" for none. On ext_authz Envoy's `request.http.id`. */
  readonly deduplicationId: string;
  /** The W3C `traceparent` header of the request, for spans of decisions. */
  readonly traceparent?: string | undefined;
  /** Milliseconds from the call's arrival: an adapter that has not answered by then is not waited for. Undefined: for ever. */
  readonly withinMs?: number;
  /** Set by a door that could not make sense of the message: undecided, with this reason and detail. */
  readonly refused?: Refused | undefined;
}

export interface Refused {
  readonly reason: "door-off" | "not-granted" | "undecodable" | "too-large";
  readonly detail: string;
}

export interface RequestedQuota {
  readonly name: string;
  readonly amount: bigint;
  readonly bestEffort: boolean;
}
