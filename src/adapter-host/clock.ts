/** Time, passed in. */
export interface HostClock {
  /** Nanoseconds since the epoch. */
  epochNanos(): bigint;
  /** Monotonic milliseconds. */
  monotonicMs(): number;
  /** Calls once after `ms`, without keeping the process alive. @returns what cancels it. */
  after(ms: number, task: () => void): () => void;
  /** Calls once, after what is waiting in the event loop had its turn. */
  soon(task: () => void): void;
}

const NANOS_PER_MS = 1_000_000n;

export function systemClock(): HostClock {
  return {
    epochNanos: () => BigInt(Date.now()) * NANOS_PER_MS,
    monotonicMs: () => performance.now(),
    after: (ms, task) => {
      const timer = setTimeout(task, ms).unref();
      return () => clearTimeout(timer);
    },
    soon: (task) => void setImmediate(task),
  };
}
