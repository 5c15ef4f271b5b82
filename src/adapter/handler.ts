import type {
  CheckAnswer,
  ListEntry,
  LogEntry,
  MetricPoint,
  QuotaAnswer,
  QuotaRequest,
  TemplateName,
  TraceSpan,
} from "./templates.ts";

/** What comes with every call. */
export interface Call {
  /**
   * Aborted when Weir stops waiting: the deadline has passed, the handler is being closed, or (for `listentry` and `quota`) the caller has
   * gone. Pass it on to whatever you wait for. Made when it is first read, so a handler that answers at once pays nothing.
   */
  readonly signal: AbortSignal;
}

/**
 * One method per template. What goes in is frozen and shared with other handlers: copy it to change it. (The bytes of a `Uint8Array` cannot
 * be frozen; treat them as if they were.)
 *
 * The three report methods get one batch at a time per handler. A promise that is fulfilled means "delivered", one that is rejected (or a
 * throw) means "dropped": Weir counts, it does not retry. `listentry` and `quota` are called at request time, as often at once as there are
 * requests; answer without a promise where you can.
 */
export interface TemplateMethods {
  /** Takes what happened to series since the last delivery; a point may be of a metric that no longer exists in the newest policies. */
  metric(points: readonly MetricPoint[], call: Call): void | Promise<void>;
  /** Takes log entries, in the order in which their records came. */
  logentry(entries: readonly LogEntry[], call: Call): void | Promise<void>;
  /** Takes spans, in the order in which their records came. */
  tracespan(spans: readonly TraceSpan[], call: Call): void | Promise<void>;
  /** Says whether a value is objected to, while the request waits. */
  listentry(entry: ListEntry, call: Call): CheckAnswer | Promise<CheckAnswer>;
  /** Charges the limits of one request together or not at all, while it waits; also takes charges back. */
  quota(request: QuotaRequest, call: Call): QuotaAnswer | Promise<QuotaAnswer>;
}

/** What `open` returns: the methods of the adapter's templates, and what every handler may have. */
export type Handler<Names extends TemplateName = TemplateName> = Pick<TemplateMethods, Names> & HandlerLifecycle;

/** What a handler may have beside the methods of its templates. */
export interface HandlerLifecycle {
  /**
   * Called exactly once, after the last delivery, also when no delivery ever came. Flush what you hold back and let go of everything you
   * opened. Timers of `env.timers` are cancelled for you.
   */
  close?(): void | Promise<void>;
  /** Text in the Prometheus exposition format for Weir's own `/metrics`, asked for at every scrape. */
  exposition?(): string | Promise<string>;
}
