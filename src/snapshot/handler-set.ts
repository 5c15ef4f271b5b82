import type {
  CheckAnswer,
  ListEntry,
  LogEntry,
  MetricDescriptor,
  MetricPoint,
  QuotaAnswer,
  QuotaRequest,
  TemplateName,
  TraceSpan,
} from "../adapter/templates.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";

/** A handler as the plan has it: plain data. `signature` changes exactly when the handler must be opened anew. */
export interface HandlerSpec {
  readonly name: string;
  /** As written: `prometheus`, a package name, or `./path`. */
  readonly adapter: string;
  readonly config: unknown;
  readonly queue: { readonly records: number; readonly onFull: "drop-oldest" | "drop-newest" };
  /** Metrics that policies send to this handler. */
  readonly metrics: readonly MetricDescriptor[];
  /** Templates that policies use of it; an adapter that lacks one is a diagnostic at load. */
  readonly uses: readonly TemplateName[];
  readonly signature: string;
}

/** Work for a report handler; the three kinds never mix in one batch. Plain data: it crosses to where the handler runs. */
export type ReportBatch =
  | { readonly template: "metric"; readonly instances: readonly MetricPoint[] }
  | { readonly template: "logentry"; readonly instances: readonly LogEntry[] }
  | { readonly template: "tracespan"; readonly instances: readonly TraceSpan[] };

/** Something wrong with a handler, in its config or with its module. The snapshot room turns it into a positioned diagnostic. */
export interface HandlerIssue {
  readonly handler: string;
  readonly part: "adapter" | "config";
  readonly path: readonly PropertyKey[];
  /** What of the entry at `path` is meant: its value (when left out), or its key. */
  readonly at?: "key" | "value";
  /** Set where the adapter lacks a template that rules want of it: those rules are wrong. */
  readonly template?: TemplateName;
  readonly message: string;
  readonly help?: string;
  readonly code: Diagnostic["code"];
}

/** The open handlers of one snapshot. */
export interface HandlerSet {
  /** Queues a batch of `records` records; returns at once. A full queue drops by the handler's own rule and counts. */
  deliver(handler: string, batch: ReportBatch): void;
  /** Asks a check handler. Without a promise when it answered at once. Never throws, never rejects: failure is `unavailable`. */
  ask(handler: string, entry: ListEntry, signal: AbortSignal): CheckAnswer | Promise<CheckAnswer>;
  /** The counters a handler keeps. */
  quota(handler: string): QuotaStore;
  /** Text for /metrics from adapters that have some. */
  exposition(): Promise<string>;
  /** Called once no request uses this snapshot any more: closes what no newer snapshot took over. */
  retire(): Promise<void>;
}

/**
 * Counters behind one handler. Grants together or not at all; never over-admits; deduplicates. Never throws, never rejects.
 */
export interface QuotaStore {
  charge(request: QuotaRequest, signal: AbortSignal): QuotaAnswer | Promise<QuotaAnswer>;
}
