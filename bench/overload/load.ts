/**
 * Callers of the worst kind, in a process of their own: on each connection they have at most 100 calls at a time, as an Envoy has; what comes
 * meanwhile waits in line, and what has waited for 200 ms is taken back. So under load they send what is about to time out.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "../check/load/connection.ts";

export interface Phase {
  /** Calls per second, in a Poisson process. */
  readonly rate: number;
  readonly seconds: number;
}

/** What became of the calls of a stretch of time. */
export interface Stretch {
  readonly seconds: number;
  readonly answered: number;
  readonly refused: number;
  readonly late: number;
  /** Of those that were answered in time, milliseconds from when they were due. */
  readonly p50: number;
  readonly p99: number;
}

interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly messages: readonly Uint8Array[];
  readonly headers: readonly (readonly [string, string])[];
}

const CALLS_PER_CONNECTION = 100;
const CALLER_WAITS_MS = 200;
const TICK_MS = 1;
const RECONNECT_MS = 20;

interface Waiting {
  readonly dueMs: number;
  line: Line | undefined;
  stream: number | undefined;
  over: boolean;
}

/** One connection and those who wait for it. */
interface Line {
  connection: Connection | undefined;
  readonly waiting: Waiting[];
  open: number;
}

export class Callers {
  readonly #options: LoadOptions;
  readonly #lines: readonly Line[];
  #asked: Waiting[] = [];
  #count = 0;
  #answered: number[] = [];
  #refused = 0;
  #late = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lines = Array.from({ length: options.connections }, () => ({ connection: undefined, waiting: [], open: 0 }));
    for (const line of this.#lines) void this.#connect(line);
  }

  /** @param told of each stretch of `everyMs` */
  async run({ rate, seconds }: Phase, everyMs: number, told: (stretch: Stretch) => void): Promise<void> {
    const startMs = performance.now();
    let nextMs = startMs;
    let toldMs = startMs;
    for (;;) {
      const nowMs = performance.now();
      if (nowMs - toldMs >= everyMs) {
        told(this.#stretch(nowMs - toldMs));
        toldMs = nowMs;
      }
      if (nowMs - startMs >= seconds * 1_000) return;
      while (nextMs <= nowMs) {
        this.#arrive(nextMs);
        nextMs += -Math.log(1 - Math.random()) * (1_000 / rate);
      }
      this.#tick(nowMs);
      await sleep(TICK_MS);
    }
  }

  close(): void {
    for (const { connection } of this.#lines) connection?.close();
  }

  #stretch(ms: number): Stretch {
    const sorted = this.#answered.sort((one, other) => one - other);
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
    const [seconds, answered] = [ms / 1_000, sorted.length];
    const stretch = { seconds, answered, refused: this.#refused, late: this.#late, p50: at(0.5), p99: at(0.99) };
    this.#answered = [];
    this.#refused = 0;
    this.#late = 0;
    return stretch;
  }

  #arrive(dueMs: number): void {
    const line = this.#lines[Math.floor(Math.random() * this.#lines.length)];
    line?.waiting.push({ dueMs, line, stream: undefined, over: false });
  }

  #tick(nowMs: number): void {
    const asked: Waiting[] = [];
    for (const call of this.#asked) {
      if (call.over) continue;
      if (nowMs - call.dueMs < CALLER_WAITS_MS) asked.push(call);
      else this.#takeBack(call);
    }
    this.#asked = asked;
    for (const line of this.#lines) {
      this.#send(line, nowMs);
      if (line.connection?.over === false) line.connection.flush();
    }
  }

  #takeBack(call: Waiting): void {
    call.over = true;
    this.#late += 1;
    const { line, stream } = call;
    if (line === undefined) return;
    line.open -= 1;
    if (stream !== undefined) line.connection?.cancel(stream);
  }

  #send(line: Line, nowMs: number): void {
    const { connection, waiting } = line;
    let taken = 0;
    for (const call of waiting) {
      const late = nowMs - call.dueMs >= CALLER_WAITS_MS;
      const room = connection?.over === false && connection.backlog === 0 && line.open < CALLS_PER_CONNECTION;
      if (!late && !room) break;
      taken += 1;
      if (late) this.#late += 1;
      else if (connection) this.#call(line, connection, call);
    }
    waiting.splice(0, taken);
    if (connection?.over) void this.#connect(line);
  }

  #call(line: Line, connection: Connection, call: Waiting): void {
    const { messages } = this.#options;
    this.#count += 1;
    const message = messages[this.#count % messages.length];
    if (message === undefined) throw new Error("there is nothing to ask");
    line.open += 1;
    this.#asked.push(call);
    let answered = false;
    call.stream = connection.call(message, {
      message: () => {
        answered = true;
      },
      ended: (status) => {
        if (call.over) return;
        call.over = true;
        line.open -= 1;
        const tookMs = performance.now() - call.dueMs;
        if (status !== 0 || !answered) this.#refused += 1;
        else if (tookMs > CALLER_WAITS_MS) this.#late += 1;
        else this.#answered.push(tookMs);
        this.#send(line, performance.now());
      },
    });
  }

  async #connect(line: Line): Promise<void> {
    line.connection = undefined;
    for (;;) {
      try {
        line.connection = await Connection.open(this.#options.port, this.#options.headers);
        return;
      } catch {
        // Refused or closed at once, as it is under load: a caller tries again.
        await sleep(RECONNECT_MS);
      }
    }
  }
}
