import type { LogEntry, TraceSpan } from "../adapter/templates.ts";
import { ABSENT } from "../attribute/value.ts";
import type { Frame } from "../expression/frame.ts";
import { Conditions } from "../snapshot/conditions.ts";
import type { LinkedMetric, LinkedReport } from "../snapshot/linked.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { logEntry, observation, traceSpan } from "./instances.ts";
import type { ReportRecord } from "./record.ts";
import { Series } from "./series.ts";

/** Where the reporter says what did not become an instance. */
export interface ReportCounters {
  /** `skipped`: the condition was absent. `failed`: the condition, the value or a part of the instance was an error. */
  report(rule: string, what: "skipped" | "failed"): void;
}

/**
 * Records → instances → handlers. Metric instances are aggregated into series and delivered at each flush; log entries and spans are
 * delivered as one batch per call. Conditions see the real values; what leaves for logs and traces is masked.
 */
export class Reporter {
  readonly #counters: ReportCounters;
  readonly #aggregations = new Map<Snapshot, Map<LinkedMetric, Series>>();

  constructor(counters: ReportCounters) {
    this.#counters = counters;
  }

  /** Takes records for the rules of one kind. Everything is queued or aggregated when this returns. */
  report(snapshot: Snapshot, records: readonly ReportRecord[], of: "request" | "decision"): void {
    const rules = snapshot.reports[of];
    if (rules.length === 0) return;
    const batches = new Batches();
    for (const record of records) this.#one(snapshot, rules, record, batches);
    batches.deliver(snapshot);
  }

  /** Delivers the series that have come together. */
  flush(): void {
    for (const [snapshot, metrics] of this.#aggregations) {
      for (const [metric, series] of metrics) deliverPoints(snapshot, metric, series);
    }
  }

  /** Flushes and forgets a snapshot that no request uses any more. Before its handlers are retired. */
  retire(snapshot: Snapshot): void {
    for (const [metric, series] of this.#aggregations.get(snapshot) ?? []) deliverPoints(snapshot, metric, series);
    this.#aggregations.delete(snapshot);
  }

  #one(snapshot: Snapshot, rules: readonly LinkedReport[], record: ReportRecord, batches: Batches): void {
    const frames = new Frames(snapshot, record);
    const conditions = new Conditions(frames.open);
    for (const rule of rules) {
      const applies = conditions.of(rule.policy, rule.when);
      if (applies === true) this.#instance(snapshot, rule, record, frames, batches);
      else if (applies !== false)
        this.#counters.report(rule.plan.reference.rule, applies === ABSENT ? "skipped" : "failed");
    }
  }

  #instance(snapshot: Snapshot, rule: LinkedReport, record: ReportRecord, frames: Frames, batches: Batches): void {
    switch (rule.kind) {
      case "metric":
        this.#metric(snapshot, rule, frames);
        return;
      case "logentry": {
        const { instance, failed } = logEntry(rule, record, frames.masked);
        batches.log(rule.plan.handlers, instance);
        this.#failed(rule, failed);
        return;
      }
      case "tracespan": {
        const { instance, failed } = traceSpan(rule, record, frames.masked);
        batches.span(rule.plan.handlers, instance);
        this.#failed(rule, failed);
        return;
      }
    }
  }

  #metric(snapshot: Snapshot, rule: LinkedMetric, frames: Frames): void {
    const made = observation(rule, frames.open, rule.plan.masked ? frames.masked : frames.open);
    if (made.kind !== "observed") {
      this.#counters.report(rule.plan.reference.rule, made.kind);
      return;
    }
    const series = this.#series(snapshot, rule);
    series.add(made.dimensions, made.value);
    if (series.full) deliverPoints(snapshot, rule, series);
    this.#failed(rule, made.failed);
  }

  #series(snapshot: Snapshot, rule: LinkedMetric): Series {
    const metrics = this.#aggregations.get(snapshot) ?? new Map<LinkedMetric, Series>();
    this.#aggregations.set(snapshot, metrics);
    const series = metrics.get(rule) ?? new Series(rule.plan);
    metrics.set(rule, series);
    return series;
  }

  #failed(rule: LinkedReport, parts: number): void {
    if (parts > 0) this.#counters.report(rule.plan.reference.rule, "failed");
  }
}

function deliverPoints(snapshot: Snapshot, metric: LinkedMetric, series: Series): void {
  const points = series.take();
  if (points.length === 0) return;
  for (const handler of metric.plan.handlers)
    snapshot.handlers.deliver(handler, { template: "metric", instances: points });
}

/** The two views of one record: as it is, and with what must not be shown masked. Made when first needed. */
class Frames {
  readonly #snapshot: Snapshot;
  readonly #record: ReportRecord;
  #open: Frame | undefined;
  #masked: Frame | undefined;

  constructor(snapshot: Snapshot, record: ReportRecord) {
    this.#snapshot = snapshot;
    this.#record = record;
  }

  get open(): Frame {
    this.#open ??= this.#snapshot.frame(this.#record.source, { derive: this.#record.derive, record: false });
    return this.#open;
  }

  get masked(): Frame {
    if (this.#snapshot.plan.settings.mask.length === 0) return this.open;
    const { source, derive } = this.#record;
    this.#masked ??= this.#snapshot.frame(source, { derive, record: false, masked: true });
    return this.#masked;
  }
}

/** Log entries and spans of one call, by handler. */
class Batches {
  readonly #logs = new Map<string, LogEntry[]>();
  readonly #spans = new Map<string, TraceSpan[]>();

  log(handlers: readonly string[], entry: LogEntry): void {
    for (const handler of handlers) append(this.#logs, handler, entry);
  }

  span(handlers: readonly string[], span: TraceSpan): void {
    for (const handler of handlers) append(this.#spans, handler, span);
  }

  deliver({ handlers }: Snapshot): void {
    for (const [handler, instances] of this.#logs) handlers.deliver(handler, { template: "logentry", instances });
    for (const [handler, instances] of this.#spans) handlers.deliver(handler, { template: "tracespan", instances });
  }
}

function append<T>(batches: Map<string, T[]>, handler: string, instance: T): void {
  const batch = batches.get(handler);
  if (batch) batch.push(instance);
  else batches.set(handler, [instance]);
}
