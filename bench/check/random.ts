/** Numbers in [0, 1) that are the same for the same seed, so that two runs ask the same questions at the same times. */
export type Random = () => number;

/** Mulberry32: good enough to draw requests and gaps, and two lines long. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @returns a whole number from 0 up to `below`. */
export function pick(random: Random, below: number): number {
  return Math.floor(random() * below);
}

/** @returns the time to the next arrival of a Poisson process of so many arrivals per unit of time. */
export function poissonGap(random: Random, rate: number): number {
  return -Math.log(1 - random()) / rate;
}
