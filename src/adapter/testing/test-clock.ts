import type { AdapterClock, AdapterTimers, Timer } from "../env.ts";

const NANOS_PER_MS = 1_000_000n;
/** 2026-01-01T00:00:00Z: a test that reads it should see a date and not 1970. */
const START_NANOS = 1_767_225_600_000_000_000n;

interface Waiting {
  readonly atMs: number;
  readonly task: () => void | Promise<void>;
}

/** Time that passes when you say so. Timers fire in order, and what they await has settled when `advance` resolves. */
export class TestClock implements AdapterClock, AdapterTimers {
  #nowMs = 0;
  readonly #waiting = new Set<Waiting>();

  epochNanos(): bigint {
    return START_NANOS + BigInt(Math.round(this.#nowMs * 1_000)) * (NANOS_PER_MS / 1_000n);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  after(ms: number, task: () => void | Promise<void>): Timer {
    const one = { atMs: this.#nowMs + ms, task };
    this.#waiting.add(one);
    return { cancel: () => void this.#waiting.delete(one) };
  }

  every(ms: number, task: () => void | Promise<void>): Timer {
    let current = this.after(ms, again);
    const clock = this;
    async function again(): Promise<void> {
      // Already waiting while the task runs, so that the task can cancel it.
      current = clock.after(ms, again);
      await task();
    }
    return { cancel: () => current.cancel() };
  }

  cancelAll(): void {
    this.#waiting.clear();
  }

  /** Lets `ms` pass. What a task throws is thrown here. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      await next.task();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Waiting | undefined {
    let next: Waiting | undefined;
    for (const one of this.#waiting)
      if (one.atMs <= untilMs && (next === undefined || one.atMs < next.atMs)) next = one;
    return next;
  }
}
