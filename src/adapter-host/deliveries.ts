import type { Call } from "../adapter/handler.ts";
import type { ReportBatch } from "../snapshot/handler-set.ts";
import { LazyCall } from "./call.ts";
import type { HostClock } from "./clock.ts";
import { DeliveryQueue, type QueueOptions } from "./delivery-queue.ts";
import { freezeBatch } from "./freeze.ts";
import type { Ledger } from "./ledger.ts";
import type { HostLimits } from "./limits.ts";
import { begin, settle } from "./settle.ts";

export interface DeliveriesOptions {
  readonly queue: QueueOptions;
  /** Hands one batch to the adapter. */
  readonly hand: (batch: ReportBatch, call: Call) => void | Promise<void>;
  readonly ledger: Ledger;
  readonly clock: HostClock;
  readonly limits: HostLimits;
  /** Told of every delivery that failed. */
  readonly failed: (error: unknown) => void;
}

/**
 * Hands what is queued to one handler, one batch at a time, always from the event loop and never from the caller of `add`.
 *
 * A delivery ends in one of two ways. Its promise is fulfilled: its records are delivered. Or it throws, rejects, or has not settled a grace
 * period after its signal was aborted at the deadline: its records are dropped, and the next batch goes out. Nothing is tried twice: only
 * the adapter knows whether its backend would mind. What a delivery that was given up does later changes no counter; but while
 * `limits.abandonedDeliveries` of them have not ended, the handler gets nothing more and its queue drops by its own rule.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #queue: DeliveryQueue;
  readonly #unwatch: () => void;
  #inFlight = 0;
  #scheduled = false;
  #abandoned = 0;
  readonly #stopped = new AbortController();
  /** While somebody waits: resolved when nothing is queued or in flight. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#queue = new DeliveryQueue(options.queue);
    this.#unwatch = options.ledger.watch(() => this.#queue.size + this.#inFlight);
  }

  /** Too many deliveries never ended. */
  get stuck(): boolean {
    return this.#abandoned >= this.#options.limits.abandonedDeliveries;
  }

  /** Returns at once; what does not fit is dropped and counted. */
  add(batch: ReportBatch): void {
    const { ledger } = this.#options;
    const records = batch.instances.length;
    ledger.accepted += BigInt(records);
    const dropped = this.#stopped.signal.aborted ? records : this.#queue.add(batch, this.#inFlight);
    if (dropped > 0) ledger.dropped += BigInt(dropped);
    this.#schedule();
  }

  /** Resolves when nothing is queued or in flight, at the latest after `ms`: what was added before is with the adapter then. */
  async caughtUp(ms: number): Promise<void> {
    if (!this.#busy) return;
    this.#idle ??= Promise.withResolvers<void>();
    await settle(this.#idle.promise, ms, this.#options.clock);
  }

  /** Delivers what is queued within `ms`; then gives up what is left. Nothing is delivered afterwards. */
  async finish(ms: number): Promise<void> {
    const idle = this.#idle ?? Promise.withResolvers<void>();
    this.#idle = idle;
    if (this.#busy) await settle(idle.promise, ms, this.#options.clock);
    this.#stopped.abort(new Error("the handler is being closed"));
    this.#options.ledger.dropped += BigInt(this.#queue.clear());
    // The delivery in flight has seen the signal and ends within the grace period.
    if (this.#inFlight > 0) await idle.promise;
    this.#unwatch();
  }

  get #busy(): boolean {
    return this.#inFlight > 0 || this.#queue.size > 0;
  }

  #schedule(): void {
    if (this.#scheduled || this.#inFlight > 0 || this.#queue.size === 0 || this.stuck) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      const batch = this.#queue.take(this.#options.limits.batchRecords);
      if (batch) void this.#deliver(freezeBatch(batch));
    });
  }

  async #deliver(batch: ReportBatch): Promise<void> {
    const records = batch.instances.length;
    this.#inFlight = records;
    const delivered = await this.#hand(batch);
    const { ledger } = this.#options;
    if (delivered) ledger.delivered += BigInt(records);
    else ledger.dropped += BigInt(records);
    this.#inFlight = 0;
    if (!this.#busy) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#schedule();
  }

  async #hand(batch: ReportBatch): Promise<boolean> {
    const { hand, clock, limits, failed } = this.#options;
    const call = new LazyCall();
    const work = begin(() => hand(batch, call));
    let settled = await settle(work, limits.deliveryMs, clock, this.#stopped.signal);
    if (settled.kind === "late") {
      call.abort(new Error(`the delivery took longer than ${limits.deliveryMs} ms, or the handler is being closed`));
      settled = await settle(work, limits.graceMs, clock);
    }
    if (settled.kind === "fulfilled") return true;
    if (settled.kind === "late") this.#abandon(work);
    failed(settled.kind === "rejected" ? settled.error : new Error("a delivery did not end in time and was given up"));
    return false;
  }

  /** Its promise is kept in sight only to know when it ends. */
  #abandon(work: Promise<void>): void {
    this.#abandoned += 1;
    const ended = () => {
      this.#abandoned -= 1;
      this.#schedule();
    };
    work.then(ended, ended);
  }
}
