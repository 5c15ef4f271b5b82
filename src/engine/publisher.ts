import { setImmediate } from "node:timers/promises";
import type { Reporter } from "../report/reporter.ts";
import type { HandlerSet } from "../snapshot/handler-set.ts";
import { linkPacked, type Turns } from "../snapshot/link.ts";
import type { PackedPlan } from "../snapshot/packed-plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Live } from "./live.ts";

/** Puts a plan in the place of what serves, wherever requests are answered: everywhere at once, or nowhere. */
export interface Publisher {
  /**
   * Resolves when every request that begins from now on is answered by the new snapshot. Rejects when it could not be linked everywhere:
   * then what served goes on serving. Owns `handlers` from the call on: they are retired when nobody uses them any more, or nobody will.
   * One at a time.
   */
  publish(plan: PackedPlan, handlers: HandlerSet): Promise<void>;
  /** The handlers of what serves; undefined before the first plan. */
  readonly handlers: HandlerSet | undefined;
  /** Resolves when every snapshot that was replaced has been closed. */
  settled(): Promise<void>;
}

/** Told when a snapshot that no request uses any more was closed; `error` when that failed. */
export type Retired = (snapshot: string, error: unknown) => void;

export interface LivePublisherOptions {
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
  readonly retired: Retired;
  /** How requests get their turn while a snapshot is linked; those of the event loop when left out. */
  readonly turns?: Turns;
}

export const EVENT_LOOP: Turns = { now: () => performance.now(), pause: () => setImmediate() };

/** Links in this thread, which is the one that answers requests. */
export class LivePublisher implements Publisher {
  readonly #options: LivePublisherOptions;
  readonly #retiring = new Set<Promise<void>>();

  constructor(options: LivePublisherOptions) {
    this.#options = options;
  }

  get handlers(): HandlerSet | undefined {
    return this.#options.live.peek()?.handlers;
  }

  async publish(plan: PackedPlan, handlers: HandlerSet): Promise<void> {
    const { live, turns } = this.#options;
    const snapshot = await this.#link(plan, handlers, turns ?? EVENT_LOOP);
    const retiring = live.swap(snapshot).then((before) => (before ? this.#retire(before) : undefined));
    this.#retiring.add(retiring);
    void retiring.finally(() => this.#retiring.delete(retiring));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#retiring);
  }

  async #link(plan: PackedPlan, handlers: HandlerSet, turns: Turns): Promise<Snapshot> {
    try {
      return await linkPacked(plan, handlers, turns, this.#options.live.peek());
    } catch (error) {
      await handlers.retire();
      throw error;
    }
  }

  async #retire(snapshot: Snapshot): Promise<void> {
    const { reporter, retired } = this.#options;
    try {
      reporter.retire(snapshot);
      await snapshot.handlers.retire();
      retired(snapshot.id, undefined);
    } catch (error) {
      retired(snapshot.id, error);
    }
  }
}
