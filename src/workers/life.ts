import { TALLY, type Tally } from "../telemetry/tally.ts";
import type { WorkerLosses } from "../telemetry/telemetry.ts";
import { Desk, type DeskServices } from "./desk.ts";
import {
  type Counted,
  DIE_LIMIT_MS,
  makeReceipts,
  makeTally,
  START_WITHIN_LOOKS,
  STUCK_AFTER_LOOKS,
  THREAD_EXTERNAL_BYTES,
  type ThreadData,
  type ToThread,
} from "./protocol.ts";
import type { Spawn, ThreadPort } from "./spawn.ts";
import type { Linker } from "./switchover.ts";

export interface LifeOptions {
  readonly spawn: Spawn;
  readonly data: Omit<ThreadData, "tally" | "receipts">;
  readonly services: DeskServices;
}

/** What ended a life or should end it, in words for people. */
export type Trouble = string;

/** One request thread from its start to its end, as the supervisor sees it. Its successor is another. */
export class Life implements Linker {
  readonly thread: number;
  readonly tally: Tally = makeTally();
  readonly desk: Desk;
  readonly #port: ThreadPort;
  ready = false;
  /** Whether it was told to listen. */
  asked = false;
  listening = false;
  /** It was told to end, and has handed everything over. */
  closed = false;
  drained = false;
  /** The last flush it answered. */
  flushed = 0;
  /** Why it was ended, where we ended it. */
  trouble: Trouble | undefined;
  #last: NodeJS.Timeout | undefined;
  #decisions = 0;
  #records = 0;
  #beats = 0;
  #stillLooks = 0;

  constructor({ spawn, data, services }: LifeOptions) {
    this.thread = data.thread;
    const receipts = makeReceipts();
    this.#port = spawn({ ...data, tally: this.tally, receipts });
    this.desk = new Desk({ services, receipts, post: (message) => this.post(message) });
  }

  get port(): Pick<ThreadPort, "onMessage" | "onExit"> {
    return this.#port;
  }

  get inFlight(): number {
    return this.tally[TALLY.inFlight] ?? 0;
  }

  get connections(): number {
    return this.tally[TALLY.connections] ?? 0;
  }

  /** Connections that were asked to connect anew. */
  get moving(): number {
    return this.tally[TALLY.moving] ?? 0;
  }

  /** Calls are refused because there are too many; as of the last beat. */
  get overloaded(): boolean {
    return this.tally[TALLY.overloaded] === 1;
  }

  /** What its heap holds, garbage included; as of the last beat. */
  get heapBytes(): number {
    return this.tally[TALLY.heapBytes] ?? 0;
  }

  post(message: ToThread): void {
    this.#port.post(message);
  }

  /** What it counted has been taken over up to here. */
  counted({ decisions, records, flush }: Counted): void {
    this.#decisions = decisions;
    this.#records = records;
    if (flush > 0) this.flushed = flush;
  }

  /** To be called at even intervals. @returns why it must be ended, if it must. */
  look(): Trouble | undefined {
    const beats = this.tally[TALLY.beats] ?? 0;
    this.#stillLooks = beats === this.#beats ? this.#stillLooks + 1 : 0;
    this.#beats = beats;
    const most = this.ready ? STUCK_AFTER_LOOKS : START_WITHIN_LOOKS;
    if (this.#stillLooks >= most) return this.ready ? "its event loop has not turned for too long" : "it did not start";
    if ((this.tally[TALLY.externalBytes] ?? 0) > THREAD_EXTERNAL_BYTES) return "its buffers take too much memory";
    return undefined;
  }

  end(trouble: Trouble | undefined): void {
    this.trouble ??= trouble;
    this.post({ kind: "die" });
    this.#last ??= setTimeout(() => this.#port.terminate(), DIE_LIMIT_MS);
  }

  /** It is gone. */
  ended(): void {
    clearTimeout(this.#last);
    this.desk.close();
  }

  /** What it took along when it died. */
  losses(): WorkerLosses {
    if (this.closed) return { calls: 0, connections: 0, decisions: 0, records: 0 };
    return {
      calls: this.inFlight,
      connections: this.connections,
      decisions: (this.tally[TALLY.decisions] ?? 0) - this.#decisions,
      records: (this.tally[TALLY.records] ?? 0) - this.#records,
    };
  }
}
