import { getHeapStatistics } from "node:v8";
import { Live } from "../engine/live.ts";
import { EVENT_LOOP } from "../engine/publisher.ts";
import { systemClock } from "../engine/system-clock.ts";
import { Reporter } from "../report/reporter.ts";
import { linkPacked } from "../snapshot/link.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { createMetrics, type Log, logTo, type Metrics } from "../telemetry/index.ts";
import { TALLY } from "../telemetry/tally.ts";
import { Outbox } from "./outbox.ts";
import {
  BEAT_EVERY_MS,
  COUNT_EVERY_MS,
  DIE_LIMIT_MS,
  type FromThread,
  type Listen,
  type Prepare,
  THREAD_HEAP_FULL,
  type ThreadData,
  type ToThread,
} from "./protocol.ts";
import { MainThread } from "./remote-handlers.ts";
import { RequestSide } from "./request-side.ts";

/** A thread's end of the way to the supervisor. */
export interface SupervisorPort {
  post(message: FromThread): void;
  onMessage(take: (message: ToThread) => void): void;
  close(): void;
  /** Gives back what loading left behind: nobody waits for this thread yet. */
  settle(): void;
  /** Ends the thread. */
  exit(): void;
}

/** One request thread: does what the supervisor says, one function for each message of `protocol.ts`. */
export class RequestThread {
  readonly #port: SupervisorPort;
  readonly #data: ThreadData;
  readonly #outbox: Outbox;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #main: MainThread;
  readonly #live: Live<Snapshot>;
  readonly #reporter: Reporter;
  readonly #side: RequestSide;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #abandoned = new Set<number>();
  #dying = false;
  /** One plan is linked at a time. */
  #linking: Promise<void> = Promise.resolve();

  constructor(port: SupervisorPort, data: ThreadData) {
    this.#port = port;
    this.#data = data;
    const { tally, receipts, word, logLevel, settings, thread, records } = data;
    const clock = systemClock();
    const outbox = new Outbox({ post: (message) => this.#post(message), tally, receipts });
    this.#outbox = outbox;
    this.#log = logTo(logLevel, { write: (line) => outbox.line(line) }).with({ thread });
    this.#metrics = createMetrics({ log: this.#log, now: () => Date.now(), version: "", process: false, tally });
    this.#main = new MainThread(outbox, () => clock.monotonicMs());
    this.#live = new Live(word);
    this.#reporter = new Reporter(this.#metrics);
    const recording = {
      write: ({ path, peer, bytes }: { path: string; peer: string; bytes: Uint8Array }) => {
        if (!outbox.record(path, peer, bytes)) this.#metrics.recorded("dropped", 1);
      },
    };
    this.#side = new RequestSide({
      settings,
      live: this.#live,
      reporter: this.#reporter,
      telemetry: this.#metrics,
      log: this.#log,
      clock,
      tally,
      claims: this.#main,
      recording: records ? recording : undefined,
      // What is hidden is known where it is written down.
      masks: () => undefined,
    });
  }

  start(): void {
    this.#port.onMessage((message) => this.#take(message));
    this.#timers.push(
      setInterval(() => this.#beat(), BEAT_EVERY_MS),
      setInterval(() => this.#handOver(0), COUNT_EVERY_MS),
    );
    this.#beat();
    this.#post({ kind: "ready" });
  }

  /** Nobody knows what state this thread is in: it does nothing more, and says so. */
  fail(thrown: unknown): void {
    if (this.#dying) return;
    const problem = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.#post({ kind: "failing", problem });
    this.#die();
  }

  /**
   * Connections go first, and not in the middle of what may be the reading of one: node aborts the process where a thread ends while it takes
   * in frames.
   */
  #die(): void {
    if (this.#dying) return;
    this.#dying = true;
    const { exit } = this.#port;
    setTimeout(exit, DIE_LIMIT_MS / 2);
    setImmediate(() => void this.#side.cut().then(exit, exit));
  }

  #post(message: FromThread): void {
    if (!this.#dying) this.#port.post(message);
  }

  #take(message: ToThread): void {
    if (this.#dying) return;
    switch (message.kind) {
      case "prepare":
        this.#linking = this.#linking.then(() => this.#prepare(message));
        return;
      case "switch":
        this.#live.catchUp();
        return;
      case "abandon":
        this.#abandon(message.generation);
        return;
      case "listen":
        void this.#listen(message);
        return;
      case "certificates":
        this.#side.useCertificates(message.material);
        return;
      case "answers":
        this.#main.settle(message.answers);
        return;
      case "flush":
        this.#handOver(message.flush);
        return;
      case "move-away":
        this.#side.moveAway(message.connections);
        return;
      case "drain":
        void this.#side.drain(message.graceMs).then(() => this.#post({ kind: "drained" }));
        return;
      case "close":
        void this.#close();
        return;
      case "die":
        this.#die();
    }
  }

  async #prepare({ generation, plan }: Prepare): Promise<void> {
    try {
      const snapshot = await linkPacked(plan, this.#main.handlers(generation), EVENT_LOOP, this.#live.peek());
      if (this.#abandoned.delete(generation)) return this.#released(generation);
      this.#live.stage(generation, snapshot, (before) => this.#retire(before));
      this.#post({ kind: "prepared", generation });
    } catch (error) {
      this.#metrics.failed("link", error);
      const problem = error instanceof Error ? error.message : String(error);
      this.#post({ kind: "not-prepared", generation, problem });
    }
  }

  #abandon(generation: number): void {
    if (this.#live.unstage(generation)) this.#released(generation);
    // It is being linked, or will be.
    else this.#abandoned.add(generation);
  }

  /** No request uses it any more. */
  #retire({ generation, value }: { readonly generation: number; readonly value: Snapshot }): void {
    this.#reporter.retire(value);
    this.#released(generation);
  }

  #released(generation: number): void {
    this.#outbox.flush();
    this.#post({ kind: "released", generation });
  }

  async #listen({ port }: Listen): Promise<void> {
    this.#port.settle();
    const listening = await this.#side.listen({ sharedPort: port });
    if ("problem" in listening) this.#post({ kind: "not-listening", problem: listening.problem });
    else this.#post({ kind: "listening" });
  }

  #beat(): void {
    const { tally } = this.#data;
    tally[TALLY.beats] = (tally[TALLY.beats] ?? 0) + 1;
    tally[TALLY.moving] = this.#side.moving;
    tally[TALLY.overloaded] = this.#side.overloaded ? 1 : 0;
    const { external_memory, used_heap_size, heap_size_limit } = getHeapStatistics();
    tally[TALLY.externalBytes] = external_memory;
    tally[TALLY.heapBytes] = used_heap_size;
    if (used_heap_size > heap_size_limit * THREAD_HEAP_FULL)
      this.fail(new Error("the heap of a request thread is full"));
  }

  #handOver(flush: number): void {
    const { tally } = this.#data;
    this.#reporter.flush();
    this.#outbox.flush();
    const [decisions = 0, records = 0] = [tally[TALLY.decisions], tally[TALLY.records]];
    this.#post({ kind: "counted", metrics: this.#metrics.take(), decisions, records, flush });
  }

  async #close(): Promise<void> {
    await this.#side.close();
    for (const timer of this.#timers) clearInterval(timer);
    this.#handOver(0);
    this.#post({ kind: "closed" });
    this.#port.close();
  }
}
