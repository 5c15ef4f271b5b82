import type { Adapter } from "../adapter/define-adapter.ts";
import type { AdapterEnv, AdapterLog } from "../adapter/env.ts";
import type { Call, Handler } from "../adapter/handler.ts";
import type { CheckAnswer, ListEntry, QuotaAnswer, QuotaRequest } from "../adapter/templates.ts";
import * as messages from "../diagnostics/messages/handler.ts";
import type { HandlerSpec, QuotaStore, ReportBatch } from "../snapshot/handler-set.ts";
import { usableCheckAnswer, usableQuotaAnswer } from "./answers.ts";
import type { HostClock } from "./clock.ts";
import { Deliveries } from "./deliveries.ts";
import { handlerLog, TroubleLog } from "./handler-log.ts";
import type { HandlerMemory, MemoryLease } from "./handler-memory.ts";
import type { Ledger } from "./ledger.ts";
import type { HostLimits } from "./limits.ts";
import { Questions } from "./questions.ts";
import { begin, reasonOf, settle } from "./settle.ts";
import { HandlerTimers } from "./timers.ts";

export interface OpenOptions {
  readonly spec: HandlerSpec;
  readonly adapter: Adapter;
  /** As the adapter's schema returned it. */
  readonly config: unknown;
  readonly memory: HandlerMemory;
  readonly ledger: Ledger;
  readonly log: AdapterLog;
  readonly clock: HostClock;
  readonly limits: HostLimits;
}

/** Opens a handler. Never rejects; a handler that comes too late is closed when it comes. */
export async function openHandler(options: OpenOptions): Promise<OpenHandler | messages.HandlerWords> {
  const { spec, adapter, clock, limits } = options;
  const surroundings = new Surroundings(options);
  const work = begin(() => adapter.open(surroundings.env(options)));
  const settled = await settle(work, limits.openMs, clock);
  if (settled.kind !== "fulfilled") {
    if (settled.kind === "late") work.then(closeLate(options, surroundings), () => surroundings.end());
    else surroundings.end();
    const why = settled.kind === "late" ? `it took longer than ${limits.openMs} ms` : reasonOf(settled.error);
    return messages.openFailed(spec.adapter, why);
  }
  const missing = missingMethod(settled.value, adapter);
  const handler = new OpenHandler(options, settled.value, surroundings);
  if (missing === undefined) return handler;
  await handler.close(0);
  return messages.methodMissing(spec.adapter, missing);
}

function missingMethod(handler: unknown, { templates }: Adapter): string | undefined {
  if (typeof handler !== "object" || handler === null) return templates[0];
  return templates.find((template) => typeof Reflect.get(handler, template) !== "function");
}

function closeLate(options: OpenOptions, surroundings: Surroundings): (handler: Handler) => void {
  return (handler) => void new OpenHandler(options, handler, surroundings).close(0);
}

/** What one handler is given, and what is taken from it when it closes. */
class Surroundings {
  readonly timers: HandlerTimers;
  readonly trouble: TroubleLog;
  readonly #closing = new AbortController();
  readonly #lease: MemoryLease;
  readonly #ledger: Ledger;

  constructor({ spec, clock, log, memory, ledger }: OpenOptions) {
    this.#ledger = ledger;
    this.#lease = memory.lease(spec.adapter);
    this.trouble = new TroubleLog(handlerLog(log, spec.name), clock);
    this.timers = new HandlerTimers(clock, (error) => this.failed("a timer of the adapter failed", error));
  }

  env({ spec, config, log, clock }: OpenOptions): AdapterEnv {
    return Object.freeze({
      handler: spec.name,
      config,
      metrics: spec.metrics,
      log: handlerLog(log, spec.name),
      now: { epochNanos: () => clock.epochNanos(), monotonicMs: () => clock.monotonicMs() },
      timers: this.timers,
      signal: this.#closing.signal,
      shared: (name: string, bytes: number) => this.#lease.shared(name, bytes),
      kept: <T>(name: string, make: () => T) => this.#lease.kept(name, make),
    });
  }

  failed(message: string, error: unknown): void {
    this.#ledger.lastError = reasonOf(error);
    this.trouble.warn(message, error);
  }

  /** Before `close()`: no timer may run into a handler that is letting go. */
  beginToClose(): void {
    this.timers.cancelAll();
    this.#closing.abort(new Error("the handler is being closed"));
  }

  end(): void {
    this.beginToClose();
    this.#lease.end();
  }
}

/** One open handler, between the engine and the adapter's code. */
export class OpenHandler implements QuotaStore {
  readonly spec: HandlerSpec;
  readonly #handler: Handler;
  readonly #surroundings: Surroundings;
  readonly #limits: HostLimits;
  readonly #clock: HostClock;
  readonly #deliveries: Deliveries;
  readonly #checks: Questions<CheckAnswer>;
  readonly #charges: Questions<QuotaAnswer>;
  readonly #never: AbortSignal = new AbortController().signal;
  #closed: Promise<void> | undefined;

  constructor(options: OpenOptions, handler: Handler, surroundings: Surroundings) {
    const { spec, ledger, clock, limits } = options;
    this.spec = spec;
    this.#handler = handler;
    this.#surroundings = surroundings;
    this.#clock = clock;
    this.#limits = limits;
    this.#deliveries = new Deliveries({
      queue: spec.queue,
      hand: (batch, call) => hand(handler, batch, call),
      ledger,
      clock,
      limits,
      failed: (error) => surroundings.failed("a delivery failed; its records are dropped", error),
    });
    const questions = {
      clock,
      maxOpen: limits.openQuestions,
      failed: (error: unknown) => surroundings.failed("the adapter gave no answer", error),
    };
    this.#checks = new Questions({
      ...questions,
      deadlineMs: limits.askMs,
      unavailable: (reason) => ({ kind: "unavailable", reason }),
    });
    this.#charges = new Questions({
      ...questions,
      deadlineMs: limits.quotaMs,
      unavailable: (reason) => ({ kind: "unavailable", cause: "down", reason }),
    });
  }

  /** Deliveries that never end have used up their number; none goes out until one ends. */
  get failed(): boolean {
    return this.#deliveries.stuck;
  }

  deliver(batch: ReportBatch): void {
    this.#deliveries.add(batch);
  }

  ask(entry: ListEntry, signal: AbortSignal): CheckAnswer | Promise<CheckAnswer> {
    return this.#checks.ask((call) => this.#handler.listentry(entry, call), usableCheckAnswer, signal);
  }

  charge(request: QuotaRequest, signal: AbortSignal): QuotaAnswer | Promise<QuotaAnswer> {
    // A charge is given back because something refused, and the caller may have gone by then.
    const listened = request.operation === "give-back" ? this.#never : signal;
    return this.#charges.ask(
      (call) => this.#handler.quota(request, call),
      (answer) => usableQuotaAnswer(answer, request),
      listened,
    );
  }

  /** @returns the adapter's text for /metrics; "" when it has none, and when it failed. */
  async exposition(): Promise<string> {
    if (this.#handler.exposition === undefined) return "";
    // Whoever scrapes wants to see what was reported before he asked.
    await this.#deliveries.caughtUp(this.#limits.catchUpMs);
    const work = begin(() => this.#handler.exposition?.() ?? "");
    const settled = await settle(work, this.#limits.expositionMs, this.#clock);
    if (
      settled.kind === "fulfilled" &&
      typeof settled.value === "string" &&
      settled.value.length <= this.#limits.expositionLength
    ) {
      return settled.value;
    }
    const why =
      settled.kind === "rejected"
        ? settled.error
        : new Error("the text for /metrics came too late, was too long, or was no text");
    this.#surroundings.failed("the adapter's part of /metrics is missing", why);
    return "";
  }

  /** Delivers what is queued, within `drainMs`; then closes the adapter's handler, once however often this is called. */
  close(drainMs: number): Promise<void> {
    this.#closed ??= this.#close(drainMs);
    return this.#closed;
  }

  async #close(drainMs: number): Promise<void> {
    await this.#deliveries.finish(drainMs);
    this.#surroundings.beginToClose();
    const settled = await settle(
      begin(() => this.#handler.close?.()),
      this.#limits.closeMs,
      this.#clock,
    );
    if (settled.kind === "rejected") this.#surroundings.failed("the handler failed to close", settled.error);
    if (settled.kind === "late")
      this.#surroundings.failed(
        "the handler did not close in time",
        new Error(`not within ${this.#limits.closeMs} ms`),
      );
    this.#surroundings.end();
  }
}

function hand(handler: Handler, batch: ReportBatch, call: Call): void | Promise<void> {
  switch (batch.template) {
    case "metric":
      return handler.metric(batch.instances, call);
    case "logentry":
      return handler.logentry(batch.instances, call);
    case "tracespan":
      return handler.tracespan(batch.instances, call);
  }
}
