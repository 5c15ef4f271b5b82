import { ENGINES, type Engine } from "./engines.ts";
import type { Measured } from "./expressions.ts";
import { REQUESTS } from "./requests.ts";

/** Nanoseconds of one evaluation, by engine: the lower quartile of several rounds, for whatever else the machine does only adds to it. */
export type Times = ReadonlyMap<string, number>;

/** How long one engine runs before the next has its turn. */
const TURN_MS = 15;

/**
 * Measures all engines on one expression. They take turns, round by round, each time in another order: what else the machine does falls
 * on all of them alike.
 */
export function measure(measured: Measured, rounds: number): Times {
  const running = ENGINES.map((engine) => start(engine, measured));
  agree(measured, running);
  for (let round = 0; round < rounds; round++) {
    for (const index of running.keys()) {
      running[(index + round) % running.length]?.turn();
    }
  }
  return new Map(running.map(({ engine, times }) => [engine.name, quantile(times, 1 / 4)]));
}

interface Running {
  readonly engine: Engine;
  readonly evaluate: (request: number) => boolean;
  readonly times: number[];
  readonly turn: () => void;
}

function start(engine: Engine, measured: Measured): Running {
  const evaluate = engine.prepare(measured);
  const times: number[] = [];
  const evaluations = warm(evaluate);
  const turn = (): void => {
    // What the one before has left in caches and for the garbage collector is not counted against this one.
    run(evaluate, Math.ceil(evaluations / 2));
    times.push(run(evaluate, evaluations));
  };
  return { engine, evaluate, times, turn };
}

/** @returns how many evaluations a turn has. */
function warm(evaluate: (request: number) => boolean): number {
  run(evaluate, 2_000);
  const ns = run(evaluate, 20_000);
  return Math.ceil((TURN_MS * 1e6) / ns / REQUESTS.length) * REQUESTS.length;
}

/** @returns nanoseconds of one evaluation. */
function run(evaluate: (request: number) => boolean, evaluations: number): number {
  const requests = REQUESTS.length;
  let allowed = 0;
  let request = 0;
  const start = process.hrtime.bigint();
  for (let index = 0; index < evaluations; index++) {
    if (evaluate(request)) allowed++;
    request = request + 1 === requests ? 0 : request + 1;
  }
  const elapsed = Number(process.hrtime.bigint() - start);
  // Nothing is left out because nobody looks at it.
  if (allowed > evaluations) throw new Error("more than all");
  return elapsed / evaluations;
}

/** Who is fast and wrong does not count. */
function agree({ name, byHand }: Measured, running: readonly Running[]): void {
  for (const [index, request] of REQUESTS.entries()) {
    const wrong = running.find(({ evaluate }) => evaluate(index) !== byHand(request));
    if (wrong) throw new Error(`${wrong.engine.name} is wrong about request ${index} in ${name}`);
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 1 / 2);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}
