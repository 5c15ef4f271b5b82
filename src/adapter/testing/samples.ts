import type { ListEntry, LogEntry, MetricDescriptor, MetricPoint, QuotaCharge, TraceSpan } from "../templates.ts";
import type { Value } from "../value.ts";

// Instances that hold what is easily forgotten. Made anew at each call and frozen through and through, as Weir's are.

/** A counter with two dimensions, a gauge with none, a histogram. */
export function sampleMetrics(): readonly MetricDescriptor[] {
  return [
    { name: "sample_total", kind: "counter", description: "Requests.", dimensions: ["method", "code"] },
    { name: "sample_in_flight", kind: "gauge", description: "Requests in flight.", dimensions: [] },
    {
      name: "sample_duration_ms",
      kind: "histogram",
      description: "Duration.",
      unit: "ms",
      buckets: [5, 50],
      dimensions: ["method"],
    },
  ];
}

/** Points of `sampleMetrics()`, with text that is not friendly. */
export function samplePoints(): readonly MetricPoint[] {
  return deepFreeze([
    { name: "sample_total", dimensions: ["GET", "200"], value: 2, count: 2 },
    { name: "sample_total", dimensions: ['"}\n\\', ""], value: 1, count: 1 },
    { name: "sample_in_flight", dimensions: [], value: -1.5, count: 3 },
    { name: "sample_duration_ms", dimensions: ["GET"], value: 60.5, bucketCounts: [1, 0, 1], count: 2 },
  ]);
}

/** One entry of every kind of value, and one of nothing. */
export function sampleEntries(): readonly LogEntry[] {
  const timeNanos = 1_767_225_600_000_000_001n;
  return deepFreeze([
    {
      rule: "sample/refused",
      timeNanos,
      severity: "warning",
      message: "refused\r\nanonymous\u001b[31m",
      variables: sampleValues(),
    },
    { rule: "sample/refused", timeNanos, severity: "", message: "", variables: Object.create(null) },
  ]);
}

/** One span with a caller, one without and failed. */
export function sampleSpans(): readonly TraceSpan[] {
  const startNanos = 1_767_225_600_000_000_001n;
  const parent = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: true };
  const span = {
    rule: "sample/span",
    name: "GET /",
    startNanos,
    endNanos: startNanos + 1_500_000_001n,
    attributes: sampleValues(),
  };
  return deepFreeze([
    { ...span, parent, error: false },
    { ...span, error: true },
  ]);
}

/** A question for every kind of value, and for an address. */
export function sampleQuestions(): readonly ListEntry[] {
  const values: readonly Value[] = [...Object.values(sampleValues()), "203.0.113.7"];
  return deepFreeze(values.map((value) => ({ rule: "sample/ask", value })));
}

/** A charge of 1 out of 10 a minute, with `changes`. */
export function sampleCharge(changes: Partial<QuotaCharge> = {}): QuotaCharge {
  return deepFreeze({
    limit: "sample/limit",
    key: "sample",
    max: 10n,
    everyMs: 60_000,
    amount: 1n,
    bestEffort: false,
    ...changes,
  });
}

const TRAP = "__proto__";

/** One of every kind of value, names that are traps included. */
function sampleValues(): Readonly<Record<string, Value>> {
  const values: Record<string, Value> = Object.create(null);
  values["text"] = "line\nbreak \u2028 \u009b31m";
  values[TRAP] = "a name like any other";
  values["nothing"] = null;
  values["yes"] = true;
  values["int"] = 9_007_199_254_740_993n;
  values["double"] = Number.NaN;
  values["bytes"] = new Uint8Array([0, 255]);
  values["timestamp"] = { type: "timestamp", nanos: -1n };
  values["duration"] = { type: "duration", nanos: 1_500_000_000n };
  values["list"] = { type: "list", items: ["a", 1n] };
  values["map"] = {
    type: "map",
    entries: [
      ["__proto__", 1.5],
      [1n, { type: "list", items: [] }],
    ],
  };
  return values;
}

/** Freezes what is inside, too; bytes cannot be frozen. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const key of Reflect.ownKeys(value)) deepFreeze(Reflect.get(value, key));
  return Object.freeze(value);
}
