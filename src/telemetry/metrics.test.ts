import { describe, expect, test } from "vitest";
import { parseExposition } from "../../test/exposition/parse.ts";
import { Counter, MAX_LABEL_VALUES, OTHER } from "./counter.ts";
import { type Log, SILENT } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { TelemetryView } from "./telemetry.ts";

function metricsOf(options: { log?: Log; process?: boolean } = {}): Metrics {
  return createMetrics({
    log: options.log ?? SILENT,
    now: () => 100_000,
    version: "1.2.3",
    process: options.process ?? false,
  });
}

const VIEW: TelemetryView = {
  snapshotSince: () => 97_500,
  inFlight: () => 3,
  connections: () => 1,
  workers: () => ["serving"],
  handlers: () => [],
};

/** Series of one metric as `labels → value`. */
async function read(metrics: Metrics, name: string): Promise<Record<string, number>> {
  const metric = parseExposition(await metrics.exposition()).get(name);
  if (metric === undefined) throw new Error(`no metric ${name}`);
  return Object.fromEntries(metric.samples.map(({ labels, value }) => [Object.values(labels).join(" "), value]));
}

describe("Weir's own metrics", () => {
  test("count decisions by door, verdict and reason, and time them by door", async () => {
    const metrics = metricsOf();
    metrics.decision("weir", "denied", "rule", 40);
    metrics.decision("weir", "denied", "rule", 60);
    metrics.decision("ext-authz", "allowed", "rule", 2_000_000);
    expect(await read(metrics, "weir_decisions_total")).toEqual({ "weir denied rule": 2, "ext-authz allowed rule": 1 });
    const times = parseExposition(await metrics.exposition()).get("weir_check_duration_seconds");
    const of = (suffix: string, door: string, le?: string) =>
      times?.samples.find((s) => s.name.endsWith(suffix) && s.labels["door"] === door && s.labels["le"] === le)?.value;
    expect(of("_bucket", "weir", "0.00005")).toBe(1);
    expect(of("_bucket", "weir", "0.0001")).toBe(2);
    expect(of("_count", "weir")).toBe(2);
    expect(of("_sum", "weir")).toBeCloseTo(0.0001);
    expect(of("_bucket", "ext-authz", "1")).toBe(0);
    expect(of("_bucket", "ext-authz", "+Inf")).toBe(1);
  });

  test("have what tools rely on from the start: loads that never happened are zero", async () => {
    const metrics = metricsOf();
    metrics.observe(VIEW);
    expect(await read(metrics, "weir_snapshot_loads_total")).toEqual({ ok: 0, error: 0 });
    metrics.snapshotLoad("error");
    expect(await read(metrics, "weir_snapshot_loads_total")).toEqual({ ok: 0, error: 1 });
    expect(await read(metrics, "weir_snapshot_age_seconds")).toEqual({ "": 2.5 });
    expect(await read(metrics, "weir_in_flight")).toEqual({ "": 3 });
  });

  test("say no age while there is no snapshot", async () => {
    const metrics = metricsOf();
    metrics.observe({ ...VIEW, snapshotSince: () => undefined });
    expect(await read(metrics, "weir_snapshot_age_seconds")).toEqual({});
  });

  test("keep the account of each handler, also while one takes the place of another of the same name", async () => {
    const metrics = metricsOf();
    const counts = { handler: "log", accepted: 10n, delivered: 6n, dropped: 1n, queued: 3n };
    metrics.observe({ ...VIEW, handlers: () => [counts, { ...counts, handler: "prom" }, counts] });
    expect(await read(metrics, "weir_records_total")).toEqual({
      "log accepted": 20,
      "log delivered": 12,
      "log dropped": 2,
      "prom accepted": 10,
      "prom delivered": 6,
      "prom dropped": 1,
    });
    expect(await read(metrics, "weir_records_queued")).toEqual({ log: 6, prom: 3 });
  });

  test("write each of them in the exposition format, whatever the labels hold", async () => {
    const metrics = metricsOf({ process: true });
    metrics.observe(VIEW);
    metrics.shadow('a/"quoted"\\and\nbroken', "denied", "allowed");
    metrics.report("a/b", "skipped");
    metrics.notAdmitted("overload");
    metrics.undecodable("weir");
    metrics.skippedEntries("DownstreamStart", 2);
    metrics.droppedRecords("access-log", "overload", 4);
    metrics.carriedLeftOut(1);
    metrics.recorded("written", 7);
    metrics.connection("opened");
    metrics.connection("opened");
    metrics.connection("closed");
    expect(await read(metrics, "weir_shadow_total")).toEqual({ 'a/"quoted"\\and\nbroken denied allowed': 1 });
    expect(await read(metrics, "weir_access_log_entries_skipped_total")).toEqual({ DownstreamStart: 2 });
    expect(await read(metrics, "weir_connections_open")).toEqual({ "": 1 });
    expect(await read(metrics, "weir_build_info")).toEqual({ [`1.2.3 ${process.versions.node}`]: 1 });
  });

  test("count a bug of ours and log it with what was thrown", async () => {
    const lines: unknown[] = [];
    const metrics = metricsOf({ log: { ...SILENT, error: (message, facts) => lines.push([message, facts]) } });
    const error = new Error("inside");
    metrics.failed("weir", error);
    expect(await read(metrics, "weir_bugs_total")).toEqual({ weir: 1 });
    expect(lines).toEqual([["a bug of Weir's was caught", { where: "weir", error }]]);
  });

  test("of two engines in one process know nothing of each other", async () => {
    const [one, other] = [metricsOf(), metricsOf()];
    one.undecodable("weir");
    expect(await read(other, "weir_undecodable_total")).toEqual({});
  });
});

test("a counter stays bounded: what it has no room for is counted together", () => {
  const counter = new Counter("c_total", "Test.", ["a", "b"]);
  for (let n = 0; n < MAX_LABEL_VALUES + 10; n++) counter.add(1, `a${n}`, "b");
  counter.add(5, "a0", "b");
  const samples = counter.samples();
  const other = samples.find(({ labels }) => labels["a"] === OTHER);
  expect(other?.value).toBeGreaterThan(0);
  expect(samples.length).toBeLessThanOrEqual(MAX_LABEL_VALUES + 1);
  expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(MAX_LABEL_VALUES + 15);
  expect(samples.find(({ labels }) => labels["a"] === "a0")?.value).toBe(6);
});
