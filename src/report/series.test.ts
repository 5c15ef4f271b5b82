import { expect, test } from "vitest";
import type { MetricPlan } from "../snapshot/plan.ts";
import { MAX_PENDING_SERIES, Series } from "./series.ts";

test("a counter adds up what came, per series", () => {
  const series = new Series(plan("counter"));
  series.add(["GET"], 1);
  series.add(["GET"], 2);
  series.add(["POST"], 5);
  expect(series.take()).toEqual([
    { name: "m", dimensions: ["GET"], value: 3, count: 2 },
    { name: "m", dimensions: ["POST"], value: 5, count: 1 },
  ]);
  expect(series.take()).toEqual([]);
});

test("a gauge keeps the newest value", () => {
  const series = new Series(plan("gauge"));
  series.add(["x"], 7);
  series.add(["x"], 3);
  expect(series.take()).toMatchObject([{ value: 3, count: 2 }]);
});

test("a histogram counts each observation in the bucket whose upper bound holds it", () => {
  const series = new Series(plan("histogram", [10, 20]));
  for (const value of [5, 10, 10.5, 20, 21]) series.add([], value);
  expect(series.take()).toEqual([{ name: "m", dimensions: [], value: 66.5, count: 5, bucketCounts: [2, 2, 1] }]);
});

test("values that look alike when joined are series of their own", () => {
  const series = new Series(plan("counter"));
  series.add(["a", "b:c"], 1);
  series.add(["a:b", "c"], 1);
  series.add(["1:a", ""], 1);
  series.add(["", "1:a"], 1);
  expect(series.take()).toHaveLength(4);
});

test("it says when it should be flushed, and goes on losing nothing", () => {
  const series = new Series(plan("counter"));
  for (let index = 0; index < MAX_PENDING_SERIES; index += 1) series.add([String(index)], 1);
  expect(series.full).toBe(true);
  series.add(["one more"], 1);
  expect(series.take()).toHaveLength(MAX_PENDING_SERIES + 1);
  expect(series.full).toBe(false);
});

function plan(metricKind: MetricPlan["metricKind"], buckets: readonly number[] = []): MetricPlan {
  const at = [0, 1] as const;
  const tree = { op: "constant", value: { type: "int", value: 1n }, at } as const;
  const value = { text: "1", type: { kind: "int" }, tree, reads: [], total: true } as const;
  const reference = { rule: "p/m", file: "p.yaml", line: 1 };
  return {
    reference,
    of: "request",
    handlers: [],
    kind: "metric",
    name: "m",
    metricKind,
    buckets,
    value,
    dimensions: [],
  };
}
