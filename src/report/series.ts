import type { MetricPoint } from "../adapter/templates.ts";
import type { LinkedMetric } from "../snapshot/linked.ts";

/** Series of one metric that wait for a flush; past this the caller flushes early, so that memory stays bounded and nothing is lost. */
export const MAX_PENDING_SERIES = 10_000;

/** Aggregates the records of one metric into series until they are taken. */
export class Series {
  readonly #plan: LinkedMetric["plan"];
  #pending = new Map<string, Accumulated>();

  constructor(plan: LinkedMetric["plan"]) {
    this.#plan = plan;
  }

  get full(): boolean {
    return this.#pending.size >= MAX_PENDING_SERIES;
  }

  /** Adds one observation. `dimensions` in the plan's order. */
  add(dimensions: readonly string[], value: number): void {
    const key = keyOf(dimensions);
    let series = this.#pending.get(key);
    if (series === undefined) {
      series = { dimensions, value: 0, count: 0, bucketCounts: this.#emptyBuckets() };
      this.#pending.set(key, series);
    }
    series.count += 1;
    series.value = this.#plan.metricKind === "gauge" ? value : series.value + value;
    if (series.bucketCounts) observe(series.bucketCounts, this.#plan.buckets, value);
  }

  /** @returns what has come together since the last time, and starts anew. */
  take(): readonly MetricPoint[] {
    const taken = this.#pending;
    if (taken.size === 0) return [];
    this.#pending = new Map();
    return [...taken.values()].map(({ dimensions, value, count, bucketCounts }) => {
      const point = { name: this.#plan.name, dimensions, value, count };
      return bucketCounts ? { ...point, bucketCounts } : point;
    });
  }

  #emptyBuckets(): number[] | undefined {
    return this.#plan.metricKind === "histogram" ? new Array<number>(this.#plan.buckets.length + 1).fill(0) : undefined;
  }
}

interface Accumulated {
  readonly dimensions: readonly string[];
  value: number;
  count: number;
  readonly bucketCounts: number[] | undefined;
}

/** Length-prefixed, so that no two tuples of client-written text share a series. */
function keyOf(dimensions: readonly string[]): string {
  let key = "";
  for (const dimension of dimensions) key += `${dimension.length}:${dimension}`;
  return key;
}

function observe(counts: number[], bounds: readonly number[], value: number): void {
  let index = 0;
  while (index < bounds.length && value > (bounds[index] ?? Number.POSITIVE_INFINITY)) index += 1;
  counts[index] = (counts[index] ?? 0) + 1;
}
