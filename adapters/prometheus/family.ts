import type { MetricDescriptor, MetricPoint } from "weir-mesh/adapter";

/** The value of every dimension in the series that takes what goes beyond `max-series`. */
const OTHER = "__other__";

/** Longer values of dimensions are cut: clients write them. */
const MAX_DIMENSION_LENGTH = 256;

export interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  /** counter and histogram: the sum so far. gauge: the newest value. */
  value: number;
  /** histogram: observations per bucket, not cumulative, the last one without an upper bound. */
  readonly counts: number[];
}

/** One metric with its series, bounded in number. */
export class Family {
  readonly descriptor: MetricDescriptor;
  readonly #series = new Map<string, Series>();
  readonly #other: string;
  /** Points that went into the `__other__` series. */
  overflowed = 0;
  /** Points that no Prometheus metric of this kind can take. */
  refused = 0;

  constructor(descriptor: MetricDescriptor) {
    this.descriptor = descriptor;
    this.#other = keyOf(this.#others());
    // A metric without dimensions has its one series from the start: what never happened is 0, not missing.
    if (descriptor.dimensions.length === 0 && descriptor.kind !== "gauge") this.#begin("", []);
  }

  add(point: MetricPoint, maxSeries: number): void {
    if (!this.#isPossible(point)) {
      this.refused += 1;
      return;
    }
    const series = this.#find(point.dimensions.map(cut), maxSeries);
    series.value = this.descriptor.kind === "gauge" ? point.value : series.value + point.value;
    point.bucketCounts?.forEach((count, index) => {
      series.counts[index] = (series.counts[index] ?? 0) + count;
    });
  }

  *samples(): Iterable<Sample> {
    const { name, kind } = this.descriptor;
    for (const series of this.#series.values()) {
      if (kind === "histogram") yield* this.#histogram(series);
      else yield { metricName: name, labels: series.labels, value: series.value };
    }
  }

  #isPossible({ value, dimensions, bucketCounts }: MetricPoint): boolean {
    const { kind, buckets = [], dimensions: names } = this.descriptor;
    if (!Number.isFinite(value) || dimensions.length !== names.length) return false;
    if (kind === "histogram") return bucketCounts?.length === buckets.length + 1;
    return kind === "gauge" || value >= 0;
  }

  #find(dimensions: readonly string[], maxSeries: number): Series {
    const key = keyOf(dimensions);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (this.#size < maxSeries) return this.#begin(key, dimensions);
    this.overflowed += 1;
    return this.#series.get(this.#other) ?? this.#begin(this.#other, this.#others());
  }

  /** Series beside the one for everything else. */
  get #size(): number {
    return this.#series.size - (this.#series.has(this.#other) ? 1 : 0);
  }

  #others(): readonly string[] {
    return this.descriptor.dimensions.map(() => OTHER);
  }

  #begin(key: string, dimensions: readonly string[]): Series {
    const labels: Record<string, string> = Object.create(null);
    this.descriptor.dimensions.forEach((name, index) => {
      labels[name] = dimensions[index] ?? "";
    });
    const bounds = this.descriptor.buckets ?? [];
    const counts = this.descriptor.kind === "histogram" ? new Array<number>(bounds.length + 1).fill(0) : [];
    const series = { labels, value: 0, counts };
    this.#series.set(key, series);
    return series;
  }

  *#histogram({ labels, value, counts }: Series): Iterable<Sample> {
    const { name, buckets = [] } = this.descriptor;
    let below = 0;
    for (const [index, bound] of [...buckets, Number.POSITIVE_INFINITY].entries()) {
      below += counts[index] ?? 0;
      const le = bound === Number.POSITIVE_INFINITY ? "+Inf" : String(bound);
      yield { metricName: `${name}_bucket`, labels: withBound(labels, le), value: below };
    }
    yield { metricName: `${name}_sum`, labels, value };
    yield { metricName: `${name}_count`, labels, value: below };
  }
}

function withBound(labels: Readonly<Record<string, string>>, le: string): Readonly<Record<string, string>> {
  return Object.assign(Object.create(null), labels, { le });
}

function cut(value: string): string {
  return value.length > MAX_DIMENSION_LENGTH ? `${value.slice(0, MAX_DIMENSION_LENGTH - 1).toWellFormed()}…` : value;
}

/** Length-prefixed: no two tuples of client-written text share a series. */
function keyOf(dimensions: readonly string[]): string {
  let key = "";
  for (const dimension of dimensions) key += `${dimension.length}:${dimension}`;
  return key;
}
