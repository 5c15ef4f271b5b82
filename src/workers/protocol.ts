import type { CheckAnswer, ListEntry, QuotaAnswer, QuotaRequest } from "../adapter/templates.ts";
import type { ReportBatch } from "../snapshot/handler-set.ts";
import type { PackedPlan } from "../snapshot/packed-plan.ts";
import type { LogLevel } from "../telemetry/index.ts";
import type { MetricsDelta } from "../telemetry/metrics-delta.ts";
import { TALLY_CELLS, type Tally } from "../telemetry/tally.ts";
import type { TlsMaterial } from "../wire/tls-material.ts";
import type { RequestSettings } from "./request-side.ts";

/**
 * What the supervisor and its request threads say to each other: all of it.
 *
 * The **supervisor** is the main thread: it loads policies, runs the handlers, writes log and recording, serves the admin pages. A **request
 * thread** listens, decodes, decides, answers; it has its own listener on the common port, its own snapshot, its own counters. With one
 * request thread there is no other thread and no message: the main thread runs the same code (`request-side.ts`).
 *
 * Messages between two sides arrive in the order in which they were sent, each at most once, and are data. Three things are not messages but
 * memory that is shared: the **word**, the number of the snapshot that serves (written by the supervisor alone, read at each admission), and
 * per thread a **tally** (written by that thread alone) and **receipts** (written by the supervisor alone).
 *
 * A life:  spawn → `ready` → `prepare` → `prepared` → `listen` → `listening` → … → `drain` → `drained` → `close` → `closed` → exit.
 *
 * **A new snapshot.** `prepare` goes to all; each links it in slices, serving meanwhile, and says `prepared`. When the last one has, the
 * supervisor stores the word: from that moment every admission in every thread is to the new snapshot. `switch` follows for those threads
 * that have no request to notice it by. A thread whose requests have all let go of the old snapshot says `released`; when all have, the
 * supervisor retires its handlers. Where one thread cannot prepare, `abandon` goes to all, the word stays, and the load has failed.
 *
 * **When a side dies.** The supervisor is the process: threads end with it, and clients see connections break. When a thread dies, its
 * connections break, its clients come back and meet another thread, and nobody else notices. The supervisor hears of it by the thread's
 * exit, after every message that was sent before. What the tally says beyond what had arrived is counted as lost, what others waited for
 * from that thread is settled, and a new thread takes its place, beginning at `ready`. What that means is said at each message, by who had
 * it: *sent to a thread that dies* or *from a thread that dies*. `test/workers/deaths.test.ts` kills a thread at each.
 */

// ── Shared memory ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** One number: which generation serves; 0 before the first. Generations count up and are never used twice. */
export function makeWord(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

export function makeTally(): Tally {
  return new Float64Array(new SharedArrayBuffer(TALLY_CELLS * Float64Array.BYTES_PER_ELEMENT));
}

/** How much of what a thread sent has been taken: with `sentInstances` and `sentBytes` of its tally what is on the way, which is bounded. */
export type Receipts = Float64Array;

export const RECEIPTS = { instances: 0, bytes: 1 } as const;

export function makeReceipts(): Receipts {
  const cells = Object.keys(RECEIPTS).length;
  return new Float64Array(new SharedArrayBuffer(cells * Float64Array.BYTES_PER_ELEMENT));
}

/** What a thread is born with. */
export interface ThreadData {
  /** From 1; its successor has the same. */
  readonly thread: number;
  /** `idPrefix` is the thread's own, and its successor has another: decision ids never come twice. */
  readonly settings: RequestSettings;
  readonly logLevel: LogLevel;
  readonly records: boolean;
  readonly word: Int32Array;
  readonly tally: Tally;
  readonly receipts: Receipts;
}

// ── From the supervisor ────────────────────────────────────────────────────────────────────────────────────────────────────────────

export type ToThread =
  | Prepare
  | Switch
  | Abandon
  | Listen
  | Certificates
  | Answers
  | Flush
  | MoveAway
  | Drain
  | Close
  | Die;

/**
 * Link this plan, and keep it ready as `generation`. Answered by `prepared` or `not-prepared`.
 * Sent to a thread that dies: its successor is asked again; if that dies over it too, the plan is the suspect, and nobody switches.
 */
export interface Prepare {
  readonly kind: "prepare";
  readonly generation: number;
  /** Its bytes are in memory that all threads share: nothing of them is copied. */
  readonly plan: PackedPlan;
}

/**
 * The word was stored: `generation` serves. Whoever did not notice by a request does so now, and lets go of the one before.
 * Sent to a thread that dies: nothing; the word says it, and the successor begins with what serves.
 */
export interface Switch {
  readonly kind: "switch";
  readonly generation: number;
}

/**
 * `generation` will never serve: forget it. Answered by `released`.
 * Sent to a thread that dies: it has forgotten.
 */
export interface Abandon {
  readonly kind: "abandon";
  readonly generation: number;
}

/**
 * Take connections. Answered by `listening` or `not-listening`. Only to a thread that is prepared for the generation that serves.
 * Sent to a thread that dies: the port goes on being served by the others; the successor is asked when it is prepared.
 */
export interface Listen {
  readonly kind: "listen";
  readonly port: number;
}

/**
 * From the next handshake on these count.
 * Sent to a thread that dies: its successor is born with them.
 */
export interface Certificates {
  readonly kind: "certificates";
  readonly material: TlsMaterial;
}

/**
 * Answers to questions, in any order. A question without an answer within ANSWER_LIMIT_MS counts as unavailable in the thread.
 * Sent to a thread that dies: a charge that was granted stays charged: it under-admits, and never over-admits.
 */
export interface Answers {
  readonly kind: "answers";
  readonly answers: readonly Answer[];
}

/**
 * Hand over everything counted and reported up to now. Answered by `counted` with this `flush`, behind the `work` it brought about.
 * Sent to a thread that dies: whoever waited goes on without, and what the thread had not handed over is counted as lost.
 */
export interface Flush {
  readonly kind: "flush";
  readonly flush: number;
}

/**
 * Ask this many clients, by GOAWAY, to connect anew: another thread has fewer. Streams that are open or on their way are answered.
 * Sent to a thread that dies: all its clients connect anew.
 */
export interface MoveAway {
  readonly kind: "move-away";
  readonly connections: number;
}

/**
 * No new connections and calls; answer those in flight; after `graceMs` cut off what is left. Answered by `drained`.
 * Sent to a thread that dies: it is drained; its calls in flight are lost and counted.
 */
export interface Drain {
  readonly kind: "drain";
  readonly graceMs: number;
}

/**
 * Hand over what is left and end. Answered by `closed`, behind the last `work` and `counted`.
 * Sent to a thread that dies: what it had not handed over is counted as lost; it has no successor.
 */
export interface Close {
  readonly kind: "close";
}

/**
 * End, now: drop the connections, exit. To a thread that must not go on, or has no right to live; if it does not obey within DIE_LIMIT_MS its
 * execution is terminated, which is the last resort: node aborts the whole process where a thread is terminated while it takes in HTTP/2
 * frames (a new stream that JavaScript was never told of gets data).
 * Sent to a thread that dies: it obeys.
 */
export interface Die {
  readonly kind: "die";
}

// ── From a request thread ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type FromThread =
  | Ready
  | Prepared
  | NotPrepared
  | Released
  | Listening
  | NotListening
  | Work
  | Counted
  | Drained
  | Failing
  | Closed;

/**
 * The code is loaded; plans may come. From a thread that dies: it counts as a death at the start, and its successor waits longer.
 */
export interface Ready {
  readonly kind: "ready";
}

/** From a thread that dies: it had prepared, so that the plan is not suspected and the others do not wait. */
export interface Prepared {
  readonly kind: "prepared";
  readonly generation: number;
}

/** The plan could not be linked: a bug of ours, which `problem` tells. From a thread that dies: the plan is abandoned all the same. */
export interface NotPrepared {
  readonly kind: "not-prepared";
  readonly generation: number;
  readonly problem: string;
}

/** Nobody here uses this generation any more, and what was reported under it has been sent. From a thread that dies: dying says the same. */
export interface Released {
  readonly kind: "released";
  readonly generation: number;
}

/** Connections are taken. From a thread that dies: a successor listens again; whoever waits to serve waits for one thread at least. */
export interface Listening {
  readonly kind: "listening";
}

/** In words for people. At the start it ends the process; later the thread is replaced. From a thread that dies: it is replaced. */
export interface NotListening {
  readonly kind: "not-listening";
  readonly problem: string;
}

/**
 * What is done in the main thread for this one, collected over one turn of the event loop.
 * From a thread that dies: it is done. Answers to the questions go nowhere; questions that wait for a backend are aborted.
 */
export interface Work {
  readonly kind: "work";
  readonly deliveries: readonly Delivery[];
  readonly drops: readonly Drop[];
  readonly questions: readonly Question[];
  /** Questions that nobody waits for any more, by their ids. */
  readonly withdrawn: readonly number[];
  /** Lines for the log, each whole. */
  readonly lines: readonly string[];
  readonly recorded: readonly RecordedBytes[];
}

/**
 * What was counted since the last time, and how far the tally had come then. Sent once a second, and when asked.
 * From a thread that dies: it counts; what came after it is lost.
 */
export interface Counted {
  readonly kind: "counted";
  readonly metrics: MetricsDelta;
  readonly decisions: number;
  readonly records: number;
  /** Which `flush` this answers; 0 for none. */
  readonly flush: number;
}

/** Everything in flight was answered or cut off. From a thread that dies: dying says the same. */
export interface Drained {
  readonly kind: "drained";
}

/**
 * An exception that nobody caught: nobody knows what state this thread is in. It does nothing more but drop its connections and exit, in this
 * order, for the reason that `die` tells; nothing comes after this.
 * From a thread that dies: it would have.
 */
export interface Failing {
  readonly kind: "failing";
  /** With its stack. */
  readonly problem: string;
}

/** Nothing comes after this. From a thread that dies: nothing was lost. */
export interface Closed {
  readonly kind: "closed";
}

// ── What is done for a thread ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Delivery {
  readonly generation: number;
  readonly handler: string;
  readonly batch: ReportBatch;
}

/** Report instances that the thread had no room for on the way here: accepted and dropped, in the handler's account. */
export interface Drop {
  readonly handler: string;
  readonly instances: number;
}

/** `id` is the thread's own number for it, and stands in the answer. */
export type Question =
  | {
      readonly what: "ask";
      readonly id: number;
      readonly generation: number;
      readonly handler: string;
      readonly entry: ListEntry;
    }
  | {
      readonly what: "charge";
      readonly id: number;
      readonly generation: number;
      readonly handler: string;
      readonly request: QuotaRequest;
    }
  /**
   * Was a Report with this key (peer and `report_id`) accepted before? If not, it counts as accepted from now on.
   * From a thread that dies before it took the records: whoever repeats them is told that they were accepted; they are lost with the thread.
   */
  | { readonly what: "claim"; readonly id: number; readonly key: string; readonly records: number }
  /** The Report of the claim with this id was refused after all. Has no answer. */
  | { readonly what: "unclaim"; readonly id: number };

export type Answer =
  | { readonly what: "ask"; readonly id: number; readonly answer: CheckAnswer }
  | { readonly what: "charge"; readonly id: number; readonly answer: QuotaAnswer }
  /** How many records were accepted under the key before; undefined when none was. */
  | { readonly what: "claim"; readonly id: number; readonly answer: number | undefined };

/** A message that came in, to be recorded. */
export interface RecordedBytes {
  readonly path: string;
  readonly peer: string;
  readonly bytes: Uint8Array;
}

// ── Limits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Report instances on the way from one thread to the handlers; what comes after is dropped and counted. */
export const MAX_SENT_INSTANCES = 50_000;
/** Bytes of messages to be recorded on the way from one thread; what comes after is dropped and counted. */
export const MAX_SENT_BYTES = 16 * 1024 * 1024;
/** Questions of one thread without an answer; the next is unavailable at once. */
export const MAX_OPEN_QUESTIONS = 4_096;
/** Lines of log on the way out of one turn; what comes after is dropped, and one line says so. */
export const MAX_LINES_A_TURN = 1_000;
/** How long a thread waits for an answer: what a handler may take (100 ms), and some for the way. Milliseconds. */
export const ANSWER_LIMIT_MS = 150;
/** How long a scrape waits for the threads; the page says by a metric when one was late. Milliseconds. */
export const FLUSH_LIMIT_MS = 500;
/** How often a thread hands over what it counted. Milliseconds. */
export const COUNT_EVERY_MS = 1_000;
/** How often a thread shows that its event loop turns. Milliseconds. */
export const BEAT_EVERY_MS = 250;
/** How often the supervisor looks. Milliseconds. */
export const LOOK_EVERY_MS = 1_000;
/** A thread that showed no sign of life for so many looks is ended: 10 s. */
export const STUCK_AFTER_LOOKS = 10;
/** A thread may take so many looks to load its code. */
export const START_WITHIN_LOOKS = 30;
/** How long a thread that was told to die may take to do so. Milliseconds. */
export const DIE_LIMIT_MS = 1_000;
/** Heap of one thread, in megabytes; one that needs more is ended and replaced. */
export const THREAD_HEAP_MB = 1_024;

/** Of that, what was just made: three times what V8 fills before it looks for garbage. Megabytes. */
export const THREAD_YOUNG_HEAP_MB = 24;
/** The part of it beyond which a thread ends by itself; at the limit node would terminate it. */
export const THREAD_HEAP_FULL = 0.9;
/** Buffers of one thread, in bytes; they do not count as heap. */
export const THREAD_EXTERNAL_BYTES = 1_024 * 1024 * 1024;
/** All threads must have linked a plan within this time. Milliseconds. */
export const PREPARE_LIMIT_MS = 60_000;
/** Connections per thread up to which no thread has two more than another; beyond, a quarter more are let be. */
export const BALANCED_CONNECTIONS = 64;
/** Connections that one thread is told to move away at one look. */
export const MAX_MOVES_A_LOOK = 8;
/** Looks in a row at which connections are moved; then one in so many. */
export const MAX_TRIES = 30;
export const LOOKS_PER_TRY = 10;
/** What a thread that was asked to drain or close has beyond the time it was given, before it is ended. Milliseconds. */
export const LAST_GRACE_MS = 3_000;
/** Until the first successor of a thread is started, then twice as long each time, up to the greatest. Milliseconds. */
export const FIRST_BACKOFF_MS = 100;
export const MAX_BACKOFF_MS = 10_000;
/** A thread that lived so long is forgiven the deaths before. Milliseconds. */
export const FORGIVEN_AFTER_MS = 60_000;
/** After so many deaths in a row a thread is given up; the others go on. */
export const MAX_DEATHS_IN_A_ROW = 8;
