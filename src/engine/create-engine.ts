import type { Reporter } from "../report/reporter.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { privateTally, TALLY, type Tally } from "../telemetry/tally.ts";
import { decisionOf, runSteps } from "./check.ts";
import type { Decision, Reason, Verdict } from "./decision.ts";
import { decisionRecord } from "./decision-record.ts";
import type { Admission, CheckInput, Engine, EngineClock } from "./engine.ts";
import type { Held, Live } from "./live.ts";
import { Refusals } from "./refusals.ts";
import { Run } from "./run.ts";
import { watchShadows } from "./shadow.ts";

/** Where the engine counts what it did; our own metrics are behind it. */
export interface EngineCounters {
  decision(door: CheckInput["door"], verdict: Verdict, reason: Reason, tookUs: number): void;
  /** A shadow rule had something to say: what the verdict would have been, and what it was. */
  shadow(rule: string, verdict: Verdict, enforced: Verdict): void;
  /** A request was not admitted. */
  notAdmitted(why: Exclude<Admission, { ok: true }>["why"]): void;
}

export interface EngineOptions {
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
  readonly counters: EngineCounters;
  readonly clock: EngineClock;
  /** Requests admitted and not yet answered; one more is refused as overload. */
  readonly maxInFlight: number;
  /** Unique per process; decision ids begin with it. */
  readonly idPrefix: string;
  /** Where others see what is in flight and how many records were taken. */
  readonly tally?: Tally;
}

/** Where the engine stands, for the status page and for shutting down. */
export interface RunningEngine extends Engine {
  readonly inFlight: number;
  /** Admits nobody any more; resolves when the last admitted request was answered. */
  drain(): Promise<void>;
}

export function createEngine(options: EngineOptions): RunningEngine {
  return new WeirEngine(options);
}

class WeirEngine implements RunningEngine {
  readonly #options: EngineOptions;
  readonly #refusals = new Refusals();
  readonly #tally: Tally;
  #inFlight = 0;
  #decisions = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  /** What those are given who are admitted now: one for all of them, for requests come often. */
  #admitted: Admitted | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#tally = options.tally ?? privateTally();
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  admit(): Admission {
    if (this.#drained) return this.#turnAway("draining");
    if (this.#inFlight >= this.#options.maxInFlight) return this.#turnAway("overload");
    const held = this.#options.live.acquire();
    if (held === undefined) return this.#turnAway("no-snapshot");
    this.#inFlight += 1;
    this.#tally[TALLY.inFlight] = this.#inFlight;
    return this.#admitted?.held === held ? this.#admitted : this.#admitBy(held);
  }

  #admitBy(held: Held<Snapshot>): Admission {
    this.#admitted = new Admitted(held, () => this.#released());
    return this.#admitted;
  }

  check(snapshot: Snapshot, input: CheckInput): Decision | Promise<Decision> {
    this.#decisions += 1;
    const decisionId = `${this.#options.idPrefix}-${this.#decisions.toString(36)}`;
    const run = new Run(snapshot, input, decisionId);
    const waiting = runSteps(run);
    return waiting ? this.#finishInTime(run, waiting) : this.#finish(run);
  }

  report(snapshot: Snapshot, records: Parameters<Engine["report"]>[1]): "queued" | "overloaded" {
    this.#countRecords(records.length);
    this.#options.reporter.report(snapshot, records, "request");
    return "queued";
  }

  watchSnapshot(listener: (snapshot: string) => void): void {
    const { live } = this.#options;
    const serving = live.peek();
    if (serving !== undefined) listener(serving.id);
    live.watch((snapshot) => listener(snapshot.id));
  }

  drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    if (this.#inFlight === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  /** A refusal in time is worth more than an answer that nobody waits for: to Envoy that is an error, which may let the request pass. */
  async #finishInTime(run: Run, waiting: Promise<undefined>): Promise<Decision> {
    const leftMs = answerBy(run.input) - this.#options.clock.monotonicMs();
    const late = Promise.withResolvers<"late">();
    const timer = leftMs < LONGEST_TIMER_MS ? setTimeout(() => late.resolve("late"), leftMs) : undefined;
    try {
      if ((await Promise.race([waiting, late.promise])) === "late")
        run.refuse("undecided", "deadline", undefined, "an adapter had not answered in time");
    } finally {
      clearTimeout(timer);
    }
    return this.#finish(run);
  }

  #released(): void {
    this.#inFlight -= 1;
    this.#tally[TALLY.inFlight] = this.#inFlight;
    if (this.#inFlight === 0) this.#drained?.resolve();
  }

  #countRecords(count: number): void {
    this.#tally[TALLY.records] = (this.#tally[TALLY.records] ?? 0) + count;
  }

  #turnAway(why: Exclude<Admission, { ok: true }>["why"]): Admission {
    this.#options.counters.notAdmitted(why);
    return { ok: false, why };
  }

  #finish(run: Run): Decision {
    const { counters, clock, reporter } = this.#options;
    const decision = decisionOf(run, clock, this.#refusals);
    counters.decision(decision.door, decision.verdict, decision.reason, decision.tookUs);
    if (run.program.shadows) this.#watchShadows(run);
    // Most folders have no rule that reads decisions: then no record of one is made.
    if (run.snapshot.reports.decision.length > 0) {
      this.#countRecords(1);
      const record = decisionRecord(run, decision, clock.epochNanos(), run.input.traceparent);
      reporter.report(run.snapshot, [record], "decision");
    }
    return decision;
  }

  /** Apart: a closure would be paid for by every Check, most of which have no such rules. */
  #watchShadows(run: Run): void {
    const { counters } = this.#options;
    watchShadows(run, (rule, verdict, enforced) => counters.shadow(rule, verdict, enforced));
  }
}

/** An answer has to get back to the caller before he gives up: of the time that he waits we take so much. */
const SHARE_OF_WAIT = 0.9;

/** Timers know no longer time. Milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31;

/** @returns monotonic milliseconds by which an answer has to leave; `Infinity` where nobody says so. */
function answerBy({ call, withinMs = Number.POSITIVE_INFINITY }: CheckInput): number {
  const { arrivedMs, deadlineMs = Number.POSITIVE_INFINITY } = call;
  return arrivedMs + Math.min(withinMs, (deadlineMs - arrivedMs) * SHARE_OF_WAIT);
}

/** Those who were admitted under one snapshot. */
class Admitted {
  readonly ok = true;
  readonly snapshot: Snapshot;
  readonly held: Held<Snapshot>;
  readonly #released: () => void;

  constructor(held: Held<Snapshot>, released: () => void) {
    this.snapshot = held.value;
    this.held = held;
    this.#released = released;
  }

  release(): void {
    this.held.release();
    this.#released();
  }
}
