import type { Metric, Registry } from "prom-client";

/** One metric with all its series, looked at when somebody scrapes. */
export interface Family {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  samples(): readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it is not the family's own: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
}

/** A gauge, or a counter that somebody else keeps: read when somebody scrapes. */
export function readFamily(
  name: string,
  help: string,
  type: "counter" | "gauge",
  samples: () => readonly Sample[],
): Family {
  return { name, help, type, samples };
}

/** Has the registry write out a family of ours. */
export function register(registry: Registry, family: Family): void {
  const { name, help, type } = family;
  const metric = { name, help, type, aggregator: "sum", get: () => ({ name, help, type, values: family.samples() }) };
  // prom-client's types know only its own classes; its registry asks a metric for `name` and `get` and nothing else.
  registry.registerMetric(metric as unknown as Metric);
}
