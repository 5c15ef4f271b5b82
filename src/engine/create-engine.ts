import type { Reporter } from "../report/reporter.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { decisionOf, runSteps } from "./check.ts";
import type { Decision, Reason, Verdict } from "./decision.ts";
import { decisionRecord } from "./decision-record.ts";
import type { Admission, CheckInput, Engine } from "./engine.ts";
import type { Live } from "./live.ts";
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

/** Time, passed in. */
export interface EngineClock {
  /** Monotonic milliseconds on the scale of `Call.arrivedMs`. */
  monotonicMs(): number;
  /** Nanoseconds since the epoch. */
  epochNanos(): bigint;
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
  #inFlight = 0;
  #decisions = 0;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
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
    return {
      ok: true,
      snapshot: held.value,
      release: () => {
        held.release();
        this.#inFlight -= 1;
        if (this.#inFlight === 0) this.#drained?.resolve();
      },
    };
  }

  check(snapshot: Snapshot, input: CheckInput): Decision | Promise<Decision> {
    this.#decisions += 1;
    const decisionId = `${this.#options.idPrefix}-${this.#decisions.toString(36)}`;
    const run = new Run(snapshot, input, { decisionId, record: mayBeReused(snapshot, input) });
    const waiting = runSteps(run);
    return waiting ? waiting.then(() => this.#finish(run)) : this.#finish(run);
  }

  report(snapshot: Snapshot, records: Parameters<Engine["report"]>[1]): "queued" | "overloaded" {
    this.#options.reporter.report(snapshot, records, "request");
    return "queued";
  }

  drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    if (this.#inFlight === 0) this.#drained.resolve();
    return this.#drained.promise;
  }

  #turnAway(why: Exclude<Admission, { ok: true }>["why"]): Admission {
    this.#options.counters.notAdmitted(why);
    return { ok: false, why };
  }

  #finish(run: Run): Decision {
    const { counters, clock, reporter } = this.#options;
    const timeNanos = clock.epochNanos();
    const decision = decisionOf(run, {
      nowMs: clock.monotonicMs(),
      wallMs: Number(timeNanos / 1_000_000n),
    });
    counters.decision(decision.door, decision.verdict, decision.reason, decision.tookUs);
    watchShadows(run, (rule, verdict, enforced) => counters.shadow(rule, verdict, enforced));
    // Most folders have no rule that reads decisions: then no record of one is made.
    if (run.snapshot.reports.decision.length > 0) {
      reporter.report(run.snapshot, [decisionRecord(run, decision, timeNanos, run.input.traceparent)], "decision");
    }
    return decision;
  }
}

/** Remembering what was read costs a little: only where some policy on this door lets answers be reused. */
function mayBeReused(snapshot: Snapshot, input: CheckInput): boolean {
  const { rules } = snapshot.checks[input.door];
  return rules.some(({ policy }) => policy.plan.cache.forMs > 0);
}
