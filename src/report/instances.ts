import { toText } from "../adapter/json.ts";
import type { LogEntry, TraceSpan } from "../adapter/templates.ts";
import type { Value } from "../adapter/value.ts";
import { ABSENT, Invalid, type Outcome, Uint } from "../attribute/value.ts";
import type { Evaluate, Frame } from "../expression/frame.ts";
import type { LinkedLogEntry, LinkedMetric, LinkedTraceSpan } from "../snapshot/linked.ts";
import type { ReportRecord } from "./record.ts";
import { parseTraceparent } from "./traceparent.ts";
import { toSdkValue } from "./values.ts";

/** Stands where a variable or dimension could not be made; the failure is counted with its rule. */
const ERROR_TEXT = "(error)";
/** Stands for an absent metric dimension. */
const UNKNOWN_TEXT = "unknown";
/** Of a log entry whose rule has no `severity`, or one that is absent. */
const DEFAULT_SEVERITY = "info";
/** A dimension's text is cut here: what a client writes must not become the size of a scrape. In UTF-16 units. */
export const MAX_DIMENSION_LENGTH = 256;

/** One observation of a metric, or why there is none. `failed` counts parts that stand as `(error)`. */
export type Observation =
  | {
      readonly kind: "observed";
      readonly value: number;
      readonly dimensions: readonly string[];
      readonly failed: number;
    }
  | { readonly kind: "skipped" | "failed" };

/** @param shown the view of the record that dimensions are made from: what is masked never becomes the name of a series. */
export function observation(metric: LinkedMetric, record: Frame, shown: Frame): Observation {
  const measured = metric.value(record);
  if (measured === ABSENT) return { kind: "skipped" };
  const value = numberOf(measured);
  if (value === undefined || (metric.plan.metricKind === "counter" && value < 0)) return { kind: "failed" };
  let failed = 0;
  const dimensions = metric.dimensions.map((evaluate) => {
    const outcome = evaluate(shown);
    if (outcome instanceof Invalid) failed += 1;
    return dimensionText(outcome);
  });
  return { kind: "observed", value, dimensions, failed };
}

function dimensionText(outcome: Outcome): string {
  if (outcome === ABSENT) return UNKNOWN_TEXT;
  if (outcome instanceof Invalid) return ERROR_TEXT;
  return toText(toSdkValue(outcome)).slice(0, MAX_DIMENSION_LENGTH).toWellFormed();
}

/** @returns undefined for what is no finite number. */
function numberOf(outcome: Outcome): number | undefined {
  if (typeof outcome === "bigint") return Number(outcome);
  if (outcome instanceof Uint) return Number(outcome.value);
  return typeof outcome === "number" && Number.isFinite(outcome) ? outcome : undefined;
}

export interface Made<T> {
  readonly instance: T;
  /** Parts that stand as `(error)`. */
  readonly failed: number;
}

export function logEntry(rule: LinkedLogEntry, record: ReportRecord, frame: Frame): Made<LogEntry> {
  const parts = new Parts(frame);
  const severity = (rule.severity && parts.text(rule.severity)) ?? DEFAULT_SEVERITY;
  const message = parts.rendered(rule.message(frame));
  const variables = parts.variables(rule.variables);
  const instance = Object.freeze({
    rule: rule.plan.reference.rule,
    timeNanos: record.timeNanos,
    severity,
    message,
    variables,
  });
  return { instance, failed: parts.failed };
}

export function traceSpan(rule: LinkedTraceSpan, record: ReportRecord, frame: Frame): Made<TraceSpan> {
  const parts = new Parts(frame);
  const name = parts.rendered(rule.spanName(frame));
  const attributes = parts.variables(rule.attributes);
  const parent = parseTraceparent(record.traceparent);
  const instance = Object.freeze({
    rule: rule.plan.reference.rule,
    name,
    startNanos: record.startNanos ?? record.timeNanos,
    endNanos: record.endNanos ?? record.timeNanos,
    ...(parent ? { parent } : {}),
    error: record.error,
    attributes,
  });
  return { instance, failed: parts.failed };
}

/** Makes the parts of one instance and counts those that failed. */
class Parts {
  readonly #frame: Frame;
  failed = 0;

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  text(evaluate: Evaluate): string | undefined {
    const outcome = evaluate(this.#frame);
    if (outcome === ABSENT) return undefined;
    return outcome instanceof Invalid ? this.#error() : toText(toSdkValue(outcome)).toWellFormed();
  }

  /** An absent value inside a text leaves the text out; the record itself is never lost for it. */
  rendered(text: ReturnType<LinkedLogEntry["message"]>): string {
    return text === ABSENT ? "" : text instanceof Invalid ? this.#error() : text.toWellFormed();
  }

  /** Absent ones are left out, failed ones are `(error)`. */
  variables(
    entries: readonly { readonly name: string; readonly evaluate: Evaluate }[],
  ): Readonly<Record<string, Value>> {
    const variables: Record<string, Value> = Object.create(null);
    for (const { name, evaluate } of entries) {
      const outcome = evaluate(this.#frame);
      if (outcome !== ABSENT) variables[name] = outcome instanceof Invalid ? this.#error() : toSdkValue(outcome);
    }
    return Object.freeze(variables);
  }

  #error(): string {
    this.failed += 1;
    return ERROR_TEXT;
  }
}
