import type { CountDelta } from "./counter.ts";
import type { DurationsDelta } from "./histogram.ts";

/** What one thread counted since it was last asked. Plain data. */
export interface MetricsDelta {
  /** By the counter's name. */
  readonly counters: Readonly<Record<string, readonly CountDelta[]>>;
  readonly checkSeconds: readonly DurationsDelta[];
}
