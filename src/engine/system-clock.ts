import type { EngineClock } from "./engine.ts";

/** The machine's own time. */
export function systemClock(): EngineClock {
  return {
    monotonicMs: () => performance.now(),
    epochNanos: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n,
  };
}
