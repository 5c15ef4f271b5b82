import type { MetricDescriptor } from "./templates.ts";

/** What an adapter is given when one of its handlers opens. Everything first-party adapters use is here. */
export interface AdapterEnv<Config = unknown> {
  /** The handler's name in `handlers.yaml`. */
  readonly handler: string;
  /** The config as your schema returned it: checked, with its defaults. */
  readonly config: Config;
  /** The metrics that policies send to this handler, known before the first point of any. */
  readonly metrics: readonly MetricDescriptor[];
  /** Lines for the operator; the handler's name is added. */
  readonly log: AdapterLog;
  /** The only clock an adapter needs: tests put one in its place that stands still. */
  readonly now: AdapterClock;
  /** Use these and not Node's own: they end with the handler. */
  readonly timers: AdapterTimers;
  /** Aborted when the handler is being closed, before `close()` is called. */
  readonly signal: AbortSignal;
  /**
   * Memory that this handler has in common with itself in every thread and after being opened anew (another config, another metric), by a
   * name of your choice. Zeroed when new. Gone when no open handler uses the name any more.
   *
   * @throws RangeError when the name is in use with another size.
   */
  shared(name: string, bytes: number): SharedArrayBuffer;
  /**
   * A value that outlives being opened anew, in this thread: `make` is called when no open handler of this name has it. Put what would make
   * it another value into the name.
   */
  kept<T>(name: string, make: () => T): T;
}

/** `facts` may hold an `error`: its message and stack are written out. Never put secrets here. */
export interface AdapterLog {
  /** For whoever looks for a mistake; not written unless asked for. */
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** What an operator may want to know later. */
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** Something is wrong, and the adapter goes on by itself. */
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** Something is lost, or does not work until somebody acts. */
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Time, as the engine has it. */
export interface AdapterClock {
  /** Nanoseconds since 1970-01-01T00:00:00Z. May jump when somebody sets the clock. */
  epochNanos(): bigint;
  /** Milliseconds since some start, never backwards: measure lengths of time with it. */
  monotonicMs(): number;
}

/** Timers that never keep the process alive, log what their task throws, and end with the handler. */
export interface AdapterTimers {
  /** Runs `task` once, `ms` milliseconds from now. */
  after(ms: number, task: () => void | Promise<void>): Timer;
  /** The next turn begins `ms` after the last one ended: turns never overlap. */
  every(ms: number, task: () => void | Promise<void>): Timer;
}

/** A timer that was set. */
export interface Timer {
  /** Nothing runs after it; a task that is running goes on. Fine to call more than once. */
  cancel(): void;
}
