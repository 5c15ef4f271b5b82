import type { AdapterTimers, Timer } from "../adapter/env.ts";
import type { HostClock } from "./clock.ts";
import { begin } from "./settle.ts";

/** The timers of one handler. What a task throws is told to `failed`; `cancelAll` ends them and lets no new one begin. */
export class HandlerTimers implements AdapterTimers {
  readonly #clock: HostClock;
  readonly #failed: (error: unknown) => void;
  readonly #waiting = new Set<() => void>();
  #ended = false;

  constructor(clock: HostClock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  after(ms: number, task: () => void | Promise<void>): Timer {
    return this.#start(ms, task, false);
  }

  every(ms: number, task: () => void | Promise<void>): Timer {
    return this.#start(ms, task, true);
  }

  cancelAll(): void {
    this.#ended = true;
    for (const cancel of this.#waiting) cancel();
    this.#waiting.clear();
  }

  #start(ms: number, task: () => void | Promise<void>, again: boolean): Timer {
    let cancelled = false;
    let cancelWait: (() => void) | undefined;
    const wait = () => {
      if (cancelled || this.#ended) return;
      const cancel = this.#clock.after(ms, () => {
        this.#waiting.delete(cancel);
        void begin(task)
          .catch(this.#failed)
          .then(() => (again ? wait() : undefined));
      });
      cancelWait = cancel;
      this.#waiting.add(cancel);
    };
    wait();
    return {
      cancel: () => {
        cancelled = true;
        if (cancelWait === undefined) return;
        cancelWait();
        this.#waiting.delete(cancelWait);
      },
    };
  }
}
