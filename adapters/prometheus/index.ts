import { type Metric, Registry } from "prom-client";
import { defineAdapter, metric } from "weir-mesh/adapter";
import { config } from "./config.ts";
import { Family, type Sample } from "./family.ts";
import { refuseAmbiguous } from "./names.ts";

export default defineAdapter({
  name: "prometheus",
  templates: [metric],
  config,
  open({ config: { "max-series": maxSeries }, metrics, handler, kept }) {
    refuseAmbiguous(metrics);
    // Kept by what defines it: a metric that stays as it is goes on counting when another one is added beside it.
    const families = new Map(
      metrics.map((descriptor) => [
        descriptor.name,
        kept(`family ${JSON.stringify(descriptor)}`, () => new Family(descriptor)),
      ]),
    );
    const registry = new Registry();
    for (const [name, family] of families) {
      const { kind, description } = family.descriptor;
      show(registry, { name, type: kind, help: description, samples: () => family.samples() });
    }
    for (const account of accounts(handler, families)) show(registry, account);
    return {
      metric(points) {
        // INVARIANT: every metric that policies send here was named when the handler opened.
        for (const point of points) families.get(point.name)?.add(point, maxSeries);
      },
      exposition: () => registry.metrics(),
    };
  },
});

interface Shown {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  samples(): Iterable<Sample>;
}

/** What did not become a series of its own, so that nothing goes missing unseen. */
function accounts(handler: string, families: ReadonlyMap<string, Family>): readonly Shown[] {
  const account = (name: string, help: string, read: (family: Family) => number): Shown => ({
    name,
    type: "counter",
    help,
    samples: () =>
      [...families].map(([metric, family]) => ({ metricName: name, labels: { handler, metric }, value: read(family) })),
  });
  return [
    account(
      "weir_prometheus_overflowed_points_total",
      "Points that went into the series __other__ because their metric has max-series others.",
      (family) => family.overflowed,
    ),
    account(
      "weir_prometheus_refused_points_total",
      "Points whose value a metric of their kind cannot take: not finite, or a counter going down.",
      (family) => family.refused,
    ),
  ];
}

/** Has prom-client's registry write out what is not one of its own metrics. */
function show(registry: Registry, { name, type, help, samples }: Shown): void {
  const get = () => ({ name, type, help, aggregator: "sum", values: [...samples()] });
  // The registry keeps metrics in a plain object by `name` and writes the one that `get` tells: `constructor` is a name like any other.
  const shown = { name: `metric ${name}`, get };
  // Its types know only its own classes; it asks a metric for these two members and nothing else.
  registry.registerMetric(shown as unknown as Metric);
}
