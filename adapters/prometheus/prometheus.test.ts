import { describe, expect, test } from "vitest";
import type { MetricDescriptor, MetricPoint } from "weir-mesh/adapter";
import { conformanceCases, openForTest, type TestMemory } from "weir-mesh/adapter/testing";
import adapter from "./index.ts";

describe("keeps the promises of an adapter", () => {
  const cases = conformanceCases({
    adapter,
    config: () => undefined,
    refused: [
      { config: { "max-series": 0 }, path: ["max-series"] },
      { config: { "max-series": "many" }, path: ["max-series"] },
      { config: { port: 9090 }, path: ["port"] },
    ],
  });
  test.each(cases)("$name", ({ run }) => run());
});

const orders: MetricDescriptor = {
  name: "orders_total",
  kind: "counter",
  description: "Orders, by\nmethod.",
  dimensions: ["method", "code"],
};
const inFlight: MetricDescriptor = { name: "in_flight", kind: "gauge", description: "In flight.", dimensions: [] };
const took: MetricDescriptor = {
  name: "took_ms",
  kind: "histogram",
  description: "Took.",
  unit: "ms",
  buckets: [5, 10.5],
  dimensions: ["method"],
};

function order(value: number, ...dimensions: readonly string[]): MetricPoint {
  return { name: "orders_total", dimensions, value, count: 1 };
}

async function opened(metrics: readonly MetricDescriptor[], config: unknown = {}, memory?: TestMemory) {
  const { handler, ...rest } = await openForTest(adapter, config, {
    handler: "prom",
    metrics,
    ...(memory ? { memory } : {}),
  });
  const add = (...points: readonly MetricPoint[]) => handler.metric(points, { signal: new AbortController().signal });
  const text = async () => (await handler.exposition?.()) ?? "";
  const samples = async (name: string) => (await text()).split("\n").filter((line) => line.startsWith(name));
  return { ...rest, add, text, samples };
}

test("counters add up, gauges show the newest value, histograms are cumulative", async () => {
  const { add, text } = await opened([orders, inFlight, took]);
  await add(order(2, "GET", "200"), { name: "in_flight", dimensions: [], value: 7, count: 2 });
  await add(order(0.5, "GET", "200"), order(1, "POST", "500"), {
    name: "in_flight",
    dimensions: [],
    value: -3,
    count: 1,
  });
  await add({ name: "took_ms", dimensions: ["GET"], value: 31, bucketCounts: [1, 2, 1], count: 4 });
  await add({ name: "took_ms", dimensions: ["GET"], value: 4, bucketCounts: [1, 0, 0], count: 1 });
  expect((await text()).split("\n").filter((line) => line !== "" && !line.includes("weir_prometheus_"))).toEqual([
    "# HELP orders_total Orders, by\\nmethod.",
    "# TYPE orders_total counter",
    'orders_total{method="GET",code="200"} 2.5',
    'orders_total{method="POST",code="500"} 1',
    "# HELP in_flight In flight.",
    "# TYPE in_flight gauge",
    "in_flight -3",
    "# HELP took_ms Took.",
    "# TYPE took_ms histogram",
    'took_ms_bucket{method="GET",le="5"} 2',
    'took_ms_bucket{method="GET",le="10.5"} 4',
    'took_ms_bucket{method="GET",le="+Inf"} 5',
    'took_ms_sum{method="GET"} 35',
    'took_ms_count{method="GET"} 5',
  ]);
});

test("a counter without dimensions is there before anything happened", async () => {
  const { samples } = await opened([{ ...orders, dimensions: [] }]);
  expect(await samples("orders_total")).toEqual(["orders_total 0"]);
});

test("values of dimensions stay inside their quotes", async () => {
  const { add, samples } = await opened([orders]);
  await add(order(1, 'a"} 9\nevil_total{x="', "\\"));
  expect(await samples("orders_total")).toEqual(['orders_total{method="a\\"} 9\\nevil_total{x=\\"",code="\\\\"} 1']);
  expect(await samples("evil_total")).toEqual([]);
});

test("dimensions that read the same when joined are different series", async () => {
  const { add, samples } = await opened([orders]);
  await add(order(1, "a,b", "c"), order(1, "a", "b,c"), order(1, "1:a", ""), order(1, "1", "a"));
  expect(await samples("orders_total")).toHaveLength(4);
});

test("what goes beyond `max-series` is added up in one series, and counted", async () => {
  const { add, samples } = await opened([orders], { "max-series": 2 });
  await add(...Array.from({ length: 1_000 }, (_, index) => order(1, `m${index}`, "200")), order(5, "m0", "200"));
  expect(await samples("orders_total")).toEqual([
    'orders_total{method="m0",code="200"} 6',
    'orders_total{method="m1",code="200"} 1',
    'orders_total{method="__other__",code="__other__"} 998',
  ]);
  expect(await samples("weir_prometheus_overflowed_points_total")).toEqual([
    'weir_prometheus_overflowed_points_total{handler="prom",metric="orders_total"} 998',
  ]);
});

test("long values are cut", async () => {
  const { add, samples } = await opened([orders]);
  await add(order(1, "x".repeat(64_000), "200"));
  expect((await samples("orders_total")).join("").length).toBeLessThan(400);
});

test("values that the metric cannot take are left out and counted", async () => {
  const { add, samples } = await opened([orders, took]);
  await add(
    order(-1, "GET", "200"),
    order(Number.NaN, "GET", "200"),
    order(Number.POSITIVE_INFINITY, "GET", "200"),
    order(1, "GET"),
  );
  await add({ name: "took_ms", dimensions: ["GET"], value: 1, bucketCounts: [1, 1], count: 2 });
  expect(await samples("orders_total")).toEqual([]);
  expect(await samples("weir_prometheus_refused_points_total")).toEqual([
    'weir_prometheus_refused_points_total{handler="prom",metric="orders_total"} 4',
    'weir_prometheus_refused_points_total{handler="prom",metric="took_ms"} 1',
  ]);
});

test("a metric goes on counting when another one is added beside it, points that come late to the old handler included", async () => {
  const first = await opened([orders]);
  await first.add(order(1, "GET", "200"));
  const second = await opened([orders, inFlight], { "max-series": 5 }, first.memory);
  await second.add(order(1, "GET", "200"));
  await first.add(order(1, "GET", "200"));
  await first.close();
  expect(await second.samples("orders_total")).toEqual(['orders_total{method="GET",code="200"} 3']);
});

test("a metric that is declared differently begins anew", async () => {
  const first = await opened([orders]);
  await first.add(order(1, "GET", "200"));
  const second = await opened([{ ...orders, dimensions: ["code"] }], {}, first.memory);
  await second.add(order(1, "200"));
  expect(await second.samples("orders_total")).toEqual(['orders_total{code="200"} 1']);
});

test("names of JavaScript's own are names like any other", async () => {
  const { add, samples } = await opened([
    { ...orders, name: "constructor", dimensions: ["__proto__x", "constructor"].slice(1) },
    { ...orders, name: "__proto__", dimensions: [] },
  ]);
  await add(
    { name: "constructor", dimensions: ["a"], value: 1, count: 1 },
    { name: "__proto__", dimensions: [], value: 1, count: 1 },
  );
  expect(await samples("constructor")).toEqual(['constructor{constructor="a"} 1']);
  expect(await samples("__proto__")).toEqual(["__proto__ 1"]);
});

test.each([
  [[{ ...orders, name: "weir_decisions_total" }], "weir_decisions_total"],
  [[{ ...took, dimensions: ["le"] }], "`le`"],
  [[took, { ...orders, name: "took_ms_count" }], "took_ms_count"],
  [[{ ...orders, dimensions: ["__name__"] }], "__name__"],
])("metrics that would make the text ambiguous are refused when the handler opens: %#", async (metrics, words) => {
  await expect(opened(metrics)).rejects.toThrow(words);
});
