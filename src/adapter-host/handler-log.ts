import type { AdapterLog } from "../adapter/env.ts";
import type { HostClock } from "./clock.ts";

/** One line per kind of trouble and handler in so many milliseconds: a handler that fails on each record must not flood the log. */
const LOG_EVERY_MS = 10_000;

/** An adapter's log: the host's, with the handler's name in every line. */
export function handlerLog(log: AdapterLog, handler: string): AdapterLog {
  return {
    debug: (message, facts) => log.debug(message, { ...facts, handler }),
    info: (message, facts) => log.info(message, { ...facts, handler }),
    warn: (message, facts) => log.warn(message, { ...facts, handler }),
    error: (message, facts) => log.error(message, { ...facts, handler }),
  };
}

/** Says the same thing about one handler only now and then, with how often it was not said. */
export class TroubleLog {
  readonly #log: AdapterLog;
  readonly #clock: HostClock;
  readonly #said = new Map<string, { atMs: number; unsaid: number }>();

  constructor(log: AdapterLog, clock: HostClock) {
    this.#log = log;
    this.#clock = clock;
  }

  warn(message: string, error: unknown): void {
    const now = this.#clock.monotonicMs();
    const before = this.#said.get(message);
    if (before && now - before.atMs < LOG_EVERY_MS) {
      before.unsaid += 1;
      return;
    }
    this.#said.set(message, { atMs: now, unsaid: 0 });
    this.#log.warn(message, before?.unsaid ? { error, timesBefore: before.unsaid } : { error });
  }
}
