import { setImmediate, setTimeout } from "node:timers/promises";
import { between, type Usage, usageOf } from "../process-usage.ts";
import { poissonGap, type Random, seeded } from "../random.ts";
import { percentile } from "../statistics.ts";
import type { Verdict } from "./answers.ts";
import type { LoadJob, LoadResult } from "./job.ts";
import { type Message, type MessageSource, renumber } from "./messages.ts";
import { type Lane, openPool, type Sent } from "./pool.ts";

/** Where the next check is further away than this, there is time to sleep. */
const SLEEP_FROM_MS = 4;

/** Asks one server as the job says. Open loop: when a check is sent does not depend on when others are answered. */
export async function runLoad(job: LoadJob, messages: MessageSource): Promise<LoadResult> {
  const load = new Load(job, messages(job.api, job.rules, job.checksPerMessage));
  using pool = await openPool({
    ...job,
    answered: (sent, check, status, verdict) => load.answered(sent, check, status, verdict),
    free: (lane) => load.free(lane),
  });
  load.begin(pool.lanes);
  while (!load.over) await load.step();
  return load.result();
}

/** What became of the checks whose time to be sent lay within what is measured. */
class Load {
  readonly #job: LoadJob;
  readonly #messages: readonly Message[];
  readonly #random: Random;
  readonly #latenciesUs: number[] = [];
  readonly #latenessUs: number[] = [];
  /** Due, and nowhere to be sent: every connection has as many in flight as it may. */
  readonly #due: Sent[] = [];
  #lanes: readonly Lane[] = [];
  #nextLane = 0;
  #number = 0;
  #nextMs = 0;
  #measureFromMs = 0;
  #measureToMs = 0;
  #beganMs = 0;
  #measuredMs = 0;
  #began: Usage | undefined;
  #ended: Usage | undefined;
  #checks = 0;
  #failed = 0;
  #wrong = 0;
  #answeredMeanwhile = 0;
  #outstanding = 0;

  constructor(job: LoadJob, messages: readonly Message[]) {
    this.#job = job;
    this.#messages = messages;
    this.#random = seeded(job.seed);
  }

  begin(lanes: readonly Lane[]): void {
    const { warmUpMs, measureMs, rate, inFlight } = this.#job;
    this.#lanes = lanes;
    this.#nextMs = performance.now();
    this.#measureFromMs = this.#nextMs + warmUpMs;
    this.#measureToMs = this.#measureFromMs + measureMs;
    if (rate !== undefined) return;
    for (const lane of lanes) {
      for (let index = 0; index < inFlight; index++) lane.send(this.#next(performance.now()));
      lane.flush();
    }
  }

  get over(): boolean {
    return this.#ended !== undefined;
  }

  /** Sends what is due, then gives the event loop its turn. */
  async step(): Promise<void> {
    const { rate, checksPerMessage } = this.#job;
    const now = performance.now();
    this.#readFirst(now);
    if (rate !== undefined) this.#sendUntil(now, rate / checksPerMessage);
    // After sending: whoever was held up until the end has still to ask what was due before it.
    this.#readLast(now);
    const idleMs = rate === undefined ? SLEEP_FROM_MS : this.#nextMs - now;
    // A timer is late by up to a millisecond; until then it is better to look again and again.
    if (idleMs > SLEEP_FROM_MS || now >= this.#measureToMs || rate === undefined) await setTimeout(1);
    else await setImmediate();
  }

  answered({ message, intendedMs }: Sent, check: number, status: number, verdict: Verdict): void {
    const now = performance.now();
    if (status === 0 && this.#began !== undefined && this.#ended === undefined) this.#answeredMeanwhile++;
    if (!this.#isMeasured(intendedMs)) return;
    this.#outstanding--;
    if (status !== 0) this.#failed++;
    else if (this.#job.demandVerdicts && verdict !== message.checks[check]?.expected) this.#wrong++;
    else this.#latenciesUs.push((now - intendedMs) * 1_000);
  }

  /** A message was answered on this connection. */
  free(lane: Lane): void {
    const now = performance.now();
    if (this.#job.rate !== undefined) this.#sendDue();
    // All of them: a connection that takes another's place has none in flight yet.
    else while (now < this.#measureToMs && lane.room > 0) lane.send(this.#next(now));
  }

  result(): LoadResult {
    if (this.#began === undefined || this.#ended === undefined) throw new Error("a load that has not been measured");
    const threads = between(this.#began, this.#ended);
    const cpuMs = threads.reduce((sum, thread) => sum + thread.cpuMs, 0);
    const latencies = Float64Array.from(this.#latenciesUs).sort();
    const lateness = Float64Array.from(this.#latenessUs).sort();
    return {
      checks: this.#checks,
      failed: this.#failed + this.#outstanding,
      wrong: this.#wrong,
      measuredMs: this.#measuredMs,
      perSecond: (this.#answeredMeanwhile * 1_000) / this.#measuredMs,
      cpuUs: (cpuMs * 1_000) / this.#answeredMeanwhile,
      threads,
      latencyUs: {
        p50: percentile(latencies, 0.5),
        p99: percentile(latencies, 0.99),
        p999: percentile(latencies, 0.999),
        max: percentile(latencies, 1),
      },
      generatorLateUs: lateness.length === 0 ? 0 : percentile(lateness, 0.99),
    };
  }

  #sendUntil(now: number, messagesPerSecond: number): void {
    while (this.#nextMs <= now && this.#nextMs < this.#measureToMs) {
      if (this.#isMeasured(this.#nextMs)) this.#latenessUs.push((now - this.#nextMs) * 1_000);
      this.#due.push(this.#next(this.#nextMs));
      this.#nextMs += poissonGap(this.#random, messagesPerSecond / 1_000);
    }
    this.#sendDue();
  }

  #readFirst(now: number): void {
    if (this.#began !== undefined || now < this.#measureFromMs) return;
    this.#began = usageOf(this.#job.pid);
    this.#beganMs = now;
  }

  #readLast(now: number): void {
    if (this.#ended !== undefined || now < this.#measureToMs) return;
    // What was asked in time belongs to what is measured, even where it is answered late.
    if (this.#outstanding > 0 && now < this.#measureToMs + this.#job.lastAnswersMs) return;
    this.#ended = usageOf(this.#job.pid);
    this.#measuredMs = now - this.#beganMs;
  }

  #next(intendedMs: number): Sent {
    const message = this.#messages[this.#number % this.#messages.length];
    if (message === undefined) throw new Error("nothing to ask");
    renumber(message, this.#number);
    this.#number++;
    if (this.#isMeasured(intendedMs)) {
      this.#checks += message.checks.length;
      this.#outstanding += message.checks.length;
    }
    return { message, intendedMs };
  }

  #isMeasured(intendedMs: number): boolean {
    return intendedMs >= this.#measureFromMs && intendedMs < this.#measureToMs;
  }

  /** Round robin over the connections that have room. */
  #sendDue(): void {
    const lanes = this.#lanes;
    for (let full = 0; this.#due.length > 0 && full < lanes.length; ) {
      const lane = lanes[this.#nextLane];
      this.#nextLane = (this.#nextLane + 1) % lanes.length;
      if (lane === undefined || lane.room <= 0) {
        full++;
        continue;
      }
      full = 0;
      const sent = this.#due.shift();
      if (sent === undefined) return;
      lane.send(sent);
    }
    for (const lane of lanes) lane.flush();
  }
}
