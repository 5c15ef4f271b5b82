/**
 * Where the rooms say what they did; our own metrics are behind it. Every method is cheap, never throws and never waits, so that it may be
 * called for each request. The words are the same everywhere: verdict, reason, `policy/rule`, handler, door.
 *
 * Rooms that would rather name what they need declare a narrower interface of their own; this one fits all of them.
 */
export interface Telemetry {
  /** A Check was decided. `tookUs`: microseconds from the message's arrival. */
  decision(door: string, verdict: string, reason: string, tookUs: number): void;
  /** A shadow rule had something to say: what the verdict would have been, and what it was. `rule` is `policy/rule`. */
  shadow(rule: string, verdict: string, enforced: string): void;
  /** A call was turned away before it was looked at. */
  notAdmitted(why: string): void;
  /** A report rule made no instance of a record (`skipped`: its condition was absent) or only a poor one (`failed`). */
  report(rule: string, what: "skipped" | "failed"): void;
  /** A message that is none of the door's. */
  undecodable(door: string): void;
  /** Entries of an access log that never become records, by their type in Envoy's words: `DownstreamStart`. */
  skippedEntries(type: string, count: number): void;
  /** Records lost at a door because nobody could take them. */
  droppedRecords(door: string, why: string, count: number): void;
  /** Values that a decision should have carried to the access log and that did not fit. */
  carriedLeftOut(count: number): void;
  /** A bug of ours: counted, and logged with its stack. `where` is a door, or the room that caught it. */
  failed(where: string, error: unknown): void;
  /** The policy folder was read and gave a new snapshot, or diagnostics. */
  snapshotLoad(result: "ok" | "error"): void;
  /** Recorded traffic, in messages. */
  recorded(state: "written" | "dropped", count: number): void;
  /** A request thread died, and what went with it. */
  workerEnded(lost: WorkerLosses): void;
  /** A scrape did not wait longer for a request thread. */
  workerLate(): void;
  /** Connections to a listener: `opened`, `closed`, or `refused` because there were too many. */
  connection(event: "opened" | "closed" | "refused"): void;
  /** A connection was ended by us: `age`, `idle`, … */
  connectionEnded(why: string): void;
  /** A TLS handshake came to nothing. */
  handshakeFailed(why: string): void;
  /** The certificate files changed and were taken, or could not be. */
  certificatesLoaded(result: "ok" | "error"): void;
}

/** Where a request thread stands: loading, answering, between two lives, given up because it kept dying. */
export const WORKER_STATES = ["starting", "serving", "restarting", "failed"] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

/** What went with a request thread that died. */
export interface WorkerLosses {
  /** Calls that were never answered. */
  readonly calls: number;
  readonly connections: number;
  /** Decisions that were made and are not in the metrics of decisions. */
  readonly decisions: number;
  /** Records of which something may not have reached a handler. */
  readonly records: number;
}

/** What is looked at when somebody scrapes; nothing of it is counted twice. */
export interface TelemetryView {
  /** Milliseconds since the epoch at which the serving snapshot was put in place; undefined while there is none. */
  snapshotSince(): number | undefined;
  /** Requests admitted and not yet answered. */
  inFlight(): number;
  /** Open connections of the gRPC listener. */
  connections(): number;
  /** The state of each request thread. */
  workers(): readonly WorkerState[];
  handlers(): readonly HandlerCounts[];
  /** Milliseconds since the epoch at which our certificate expires; undefined without TLS. */
  certificateExpiry?(): number | undefined;
}

/** A report handler's exact account, in records: accepted = delivered + dropped + queued. */
export interface HandlerCounts {
  readonly handler: string;
  readonly accepted: bigint;
  readonly delivered: bigint;
  readonly dropped: bigint;
  readonly queued: bigint;
}

/** For code that is run without anybody looking. */
export const UNCOUNTED: Telemetry = {
  decision: () => undefined,
  shadow: () => undefined,
  notAdmitted: () => undefined,
  report: () => undefined,
  undecodable: () => undefined,
  skippedEntries: () => undefined,
  droppedRecords: () => undefined,
  carriedLeftOut: () => undefined,
  failed: () => undefined,
  snapshotLoad: () => undefined,
  workerEnded: () => undefined,
  workerLate: () => undefined,
  recorded: () => undefined,
  connection: () => undefined,
  connectionEnded: () => undefined,
  handshakeFailed: () => undefined,
  certificatesLoaded: () => undefined,
};
