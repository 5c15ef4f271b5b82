import type { Family, Sample } from "./family.ts";

/** Durations in seconds by one label, with fixed buckets. Cheap enough for each request. */
export class DurationHistogram implements Family {
  readonly type = "histogram";
  readonly name: string;
  readonly help: string;
  readonly #label: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  /** @param bounds upper bounds in seconds, ascending; one for infinity is added. */
  constructor(name: string, help: string, label: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#label = label;
    this.#bounds = bounds;
  }

  observe(labelValue: string, seconds: number): void {
    const series = this.#series.get(labelValue) ?? this.#open(labelValue);
    let at = 0;
    while (at < this.#bounds.length && seconds > (this.#bounds[at] ?? 0)) at++;
    series.buckets[at] = (series.buckets[at] ?? 0) + 1;
    series.sum += seconds;
  }

  /** @returns what was observed since the last time, and begins again at zero: for another histogram of the same bounds to `absorb`. */
  take(): readonly DurationsDelta[] {
    const taken = [...this.#series].map(([label, { buckets, sum }]) => ({ label, buckets: [...buckets], sum }));
    this.#series.clear();
    return taken;
  }

  absorb(deltas: readonly DurationsDelta[]): void {
    for (const { label, buckets, sum } of deltas) {
      const series = this.#series.get(label) ?? this.#open(label);
      for (const [at, count] of buckets.entries()) series.buckets[at] = (series.buckets[at] ?? 0) + count;
      series.sum += sum;
    }
  }

  #open(labelValue: string): Series {
    const series = { buckets: new Float64Array(this.#bounds.length + 1), sum: 0 };
    this.#series.set(labelValue, series);
    return series;
  }

  samples(): readonly Sample[] {
    return [...this.#series].flatMap(([labelValue, series]) => this.#write(labelValue, series));
  }

  #write(labelValue: string, { buckets, sum }: Series): readonly Sample[] {
    const label = { [this.#label]: labelValue };
    const samples: Sample[] = [];
    let count = 0;
    for (const [at, bucket] of buckets.entries()) {
      count += bucket;
      const bound = this.#bounds[at];
      const le = bound === undefined ? "+Inf" : String(bound);
      samples.push({ metricName: `${this.name}_bucket`, labels: { ...label, le }, value: count });
    }
    samples.push({ metricName: `${this.name}_sum`, labels: label, value: sum });
    samples.push({ metricName: `${this.name}_count`, labels: label, value: count });
    return samples;
  }
}

/** What was observed under one label value. */
export interface DurationsDelta {
  readonly label: string;
  /** By bucket, not cumulative. */
  readonly buckets: readonly number[];
  /** Seconds. */
  readonly sum: number;
}

interface Series {
  readonly buckets: Float64Array;
  sum: number;
}
