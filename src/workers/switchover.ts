import type { Publisher, Retired } from "../engine/publisher.ts";
import type { HandlerSet } from "../snapshot/handler-set.ts";
import type { PackedPlan } from "../snapshot/packed-plan.ts";
import { PREPARE_LIMIT_MS, type ToThread } from "./protocol.ts";

/** A thread, as far as plans are concerned. */
export interface Linker {
  /** Its successor has the same. */
  readonly thread: number;
  readonly ready: boolean;
  post(message: ToThread): void;
}

export interface SwitchoverOptions {
  readonly word: Int32Array;
  /** Those alive, the starting ones too. */
  readonly living: () => readonly Linker[];
  /** Threads, by their numbers, that have no life now but will have one. */
  readonly awaited: () => readonly number[];
  readonly retired: Retired;
}

/** A plan with the number under which threads know it. */
interface Generation {
  readonly number: number;
  readonly plan: PackedPlan;
  readonly handlers: HandlerSet;
  /** Those that were sent it and have not let go of it. */
  readonly holders: Set<Linker>;
  readonly prepared: Set<Linker>;
}

/** A plan on its way to all threads. */
interface Pending {
  readonly generation: Generation;
  /** Threads, by their numbers, without whom there is no switch. */
  readonly waiting: Set<number>;
  /** Threads that died over it once. */
  readonly suspicious: Set<number>;
  readonly outcome: PromiseWithResolvers<void>;
  readonly limit: NodeJS.Timeout;
}

/**
 * Gets each new plan to all request threads, and has them switch at once: all or none. `protocol.ts` tells the messages.
 *
 * INVARIANT: the word never names a generation that a living thread which takes connections has not prepared.
 */
export class Switchover implements Publisher {
  readonly #options: SwitchoverOptions;
  readonly #generations = new Map<number, Generation>();
  readonly #retiring = new Set<Promise<void>>();
  #serving: Generation | undefined;
  #pending: Pending | undefined;
  #last = 0;

  constructor(options: SwitchoverOptions) {
    this.#options = options;
  }

  get handlers(): HandlerSet | undefined {
    return this.#serving?.handlers;
  }

  /** @returns the handlers that a thread means by a generation; undefined when they were retired. */
  handlersOf(generation: number): HandlerSet | undefined {
    return this.#generations.get(generation)?.handlers;
  }

  async publish(plan: PackedPlan, handlers: HandlerSet): Promise<void> {
    if (this.#pending) throw new Error("a plan is published while another is on its way");
    const { living, awaited } = this.#options;
    this.#last += 1;
    const generation = { number: this.#last, plan, handlers, holders: new Set<Linker>(), prepared: new Set<Linker>() };
    this.#generations.set(generation.number, generation);
    const outcome = Promise.withResolvers<void>();
    const limit = setTimeout(() => this.#fail(`not linked within ${PREPARE_LIMIT_MS} ms`), PREPARE_LIMIT_MS);
    limit.unref();
    const threads = living();
    // Before there is anything to serve, nobody is left behind; later a thread that is between two lives catches up by itself.
    const waiting = new Set([...threads.map(({ thread }) => thread), ...(this.#serving ? [] : awaited())]);
    this.#pending = { generation, waiting, suspicious: new Set(), outcome, limit };
    for (const thread of threads) if (thread.ready) this.#ask(thread, generation);
    this.#switchIfAllPrepared();
    await outcome.promise;
  }

  async settled(): Promise<void> {
    await Promise.all(this.#retiring);
  }

  /** A thread has its code and nothing else. */
  joined(thread: Linker): void {
    if (this.#serving) this.#ask(thread, this.#serving);
    if (this.#pending) {
      this.#pending.waiting.add(thread.thread);
      this.#ask(thread, this.#pending.generation);
    }
  }

  prepared(thread: Linker, number: number): void {
    const generation = this.#generations.get(number);
    if (generation === undefined || !generation.holders.has(thread)) return;
    generation.prepared.add(thread);
    if (generation !== this.#pending?.generation) return;
    this.#pending.waiting.delete(thread.thread);
    this.#switchIfAllPrepared();
  }

  /** @returns whether a thread can serve. */
  canServe(thread: Linker): boolean {
    return this.#serving?.prepared.has(thread) ?? false;
  }

  notPrepared(thread: Linker, number: number, problem: string): void {
    if (number === this.#pending?.generation.number) this.#fail(`thread ${thread.thread} cannot link it: ${problem}`);
    this.released(thread, number);
  }

  released(thread: Linker, number: number): void {
    const generation = this.#generations.get(number);
    if (generation === undefined) return;
    generation.holders.delete(thread);
    generation.prepared.delete(thread);
    this.#retireUnused(generation);
  }

  died(thread: Linker): void {
    const over = this.#pending;
    const wasAsked = over?.generation.holders.has(thread) && !over.generation.prepared.has(thread);
    for (const generation of [...this.#generations.values()]) this.released(thread, generation.number);
    if (over === undefined || over !== this.#pending || !over.waiting.has(thread.thread)) return;
    if (wasAsked && over.suspicious.has(thread.thread)) this.#fail(`thread ${thread.thread} died of it twice`);
    else if (wasAsked) over.suspicious.add(thread.thread);
    else if (this.#serving) this.gaveUp(thread.thread);
  }

  /** There will be no further thread of this number. */
  gaveUp(thread: number): void {
    this.#pending?.waiting.delete(thread);
    this.#switchIfAllPrepared();
  }

  /** Nothing will be published any more. */
  close(): void {
    this.#fail("Weir is shutting down");
    const serving = this.#serving;
    this.#serving = undefined;
    if (serving) this.#retireUnused(serving);
  }

  #ask(thread: Linker, generation: Generation): void {
    generation.holders.add(thread);
    thread.post({ kind: "prepare", generation: generation.number, plan: generation.plan });
  }

  #switchIfAllPrepared(): void {
    const pending = this.#pending;
    if (pending === undefined || pending.waiting.size > 0) return;
    const { generation } = pending;
    if (generation.prepared.size === 0) {
      this.#fail("no request thread is left");
      return;
    }
    this.#pending = undefined;
    clearTimeout(pending.limit);
    const before = this.#serving;
    this.#serving = generation;
    Atomics.store(this.#options.word, 0, generation.number);
    for (const thread of generation.prepared) thread.post({ kind: "switch", generation: generation.number });
    if (before) this.#retireUnused(before);
    pending.outcome.resolve();
  }

  #fail(why: string): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    clearTimeout(pending.limit);
    const { generation, outcome } = pending;
    for (const thread of generation.holders) thread.post({ kind: "abandon", generation: generation.number });
    this.#retireUnused(generation);
    outcome.reject(new Error(`snapshot ${generation.plan.id} was not put in place: ${why}`));
  }

  #retireUnused(generation: Generation): void {
    const used =
      generation === this.#serving || generation === this.#pending?.generation || generation.holders.size > 0;
    if (used || !this.#generations.delete(generation.number)) return;
    const retiring = this.#retire(generation);
    this.#retiring.add(retiring);
    void retiring.finally(() => this.#retiring.delete(retiring));
  }

  async #retire({ plan, handlers }: Generation): Promise<void> {
    const { retired } = this.#options;
    try {
      await handlers.retire();
      retired(plan.id, undefined);
    } catch (error) {
      retired(plan.id, error);
    }
  }
}
