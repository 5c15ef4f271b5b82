import type { HostClock } from "../../src/adapter-host/clock.ts";

interface Waiting {
  readonly atMs: number;
  readonly task: () => void;
}

/** A host's time that passes when the test says so. */
export class ManualClock implements HostClock {
  #nowMs = 1_000;
  #soon: (() => void)[] = [];
  readonly #waiting = new Set<Waiting>();

  epochNanos(): bigint {
    return BigInt(this.#nowMs) * 1_000_000n;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  after(ms: number, task: () => void): () => void {
    const one = { atMs: this.#nowMs + ms, task };
    this.#waiting.add(one);
    return () => void this.#waiting.delete(one);
  }

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  /** Runs what was put off until nothing more comes of it. No time passes. */
  async settle(): Promise<void> {
    do {
      for (const task of this.#soon.splice(0)) task();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#soon.length > 0);
  }

  /** Lets `ms` pass, one timer after the other. */
  async advance(ms: number): Promise<void> {
    await this.settle();
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#waiting.delete(next);
      this.#nowMs = next.atMs;
      next.task();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Waiting | undefined {
    return [...this.#waiting].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
  }
}
