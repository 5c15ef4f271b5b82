import { BALANCED_CONNECTIONS, LOOKS_PER_TRY, MAX_MOVES_A_LOOK, MAX_TRIES } from "./protocol.ts";

/** How many connections which thread is told to move away. */
export interface Move {
  /** Index into the counts. */
  readonly from: number;
  readonly connections: number;
}

/**
 * Keeps connections spread over threads. The system deals a new one out by its addresses, like dice: of two connections both may fall to one
 * thread, and an Envoy keeps its few for long. So a thread that has two more than another has some of them connect anew, which throws the
 * dice again, until it is even; seldom, where it does not come out even for long.
 */
export class Rebalance {
  #tries = MAX_TRIES;

  /** To be called at even intervals. @param counts connections of each thread, those that were told to move not counted. */
  next(counts: readonly number[]): Move | undefined {
    this.#tries = Math.min(MAX_TRIES, this.#tries + 1 / LOOKS_PER_TRY);
    const [most, least] = [Math.max(...counts), Math.min(...counts)];
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    if (counts.length < 2 || most - least < tolerated(mean) || this.#tries < 1) return undefined;
    this.#tries -= 1;
    return { from: counts.indexOf(most), connections: Math.min(MAX_MOVES_A_LOOK, Math.floor((most - least) / 2)) };
  }
}

/** @returns the smallest difference that is one too many. */
function tolerated(mean: number): number {
  return mean > BALANCED_CONNECTIONS ? Math.ceil(mean / 4) : 2;
}
