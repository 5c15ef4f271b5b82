import type { DoorName } from "../policy/authored.ts";
import type { WireLimits } from "../wire/limits.ts";
import type { ReportClaims } from "./report-ids.ts";

/** What front doors count, and where they say that something of ours is broken. Wired to our own metrics and log. */
export interface DoorEvents {
  /** A message that is none of the door's. */
  undecodable(door: DoorName): void;
  /** Access log entries that never become records, by their type in Envoy's words: `DownstreamStart`. */
  skippedEntries(type: string, count: number): void;
  /** Records that were lost because nobody could take them; `unknown` counts messages whose records cannot be told. */
  droppedRecords(door: DoorName, why: DropReason, count: number): void;
  /** Values that a decision should have carried to the access log and that did not fit. */
  carriedLeftOut(count: number): void;
  /** A bug of ours: the request was refused, or the records dropped, and this is why. */
  failed(door: DoorName, error: unknown): void;
}

export type DropReason = "overload" | "draining" | "no-snapshot" | "door-off" | "not-granted" | "failed";

export interface DoorDeps {
  readonly events: DoorEvents;
  /** The memory of Reports that were accepted. */
  readonly claims: ReportClaims;
  /** Nanoseconds since the epoch. */
  readonly epochNanos: () => bigint;
  /** Milliseconds on the scale of `Call.arrivedMs`. */
  readonly monotonicMs: () => number;
  readonly limits: DoorLimits;
}

/** What doors hold messages to; in `src/wire/limits.ts` with everything else that an operator may set. */
export type DoorLimits = Pick<WireLimits, "maxCheckBytes" | "maxAttributes" | "extAuthzDeadlineMs" | "weirDeadlineMs">;
