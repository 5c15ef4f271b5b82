import { describe, expect, test } from "vitest";
import { poissonGap, seeded } from "../../bench/check/random.ts";
import { median, percentile } from "../../bench/check/statistics.ts";

describe("a percentile", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1);

  test.each([
    [0, 1],
    [0.5, 50],
    [0.99, 99],
    [0.999, 100],
    [1, 100],
  ])("at %d of one to a hundred is %d", (part, value) => {
    expect(percentile(hundred, part)).toBe(value);
  });

  test("of nothing is no number", () => {
    expect(percentile([], 0.5)).toBeNaN();
    expect(median([])).toBeNaN();
  });
});

test("the median of an even number of values lies between the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 2])).toBe(2);
});

describe("seeded numbers", () => {
  test("are the same for the same seed, and others for another", () => {
    const draw = (seed: number) => Array.from({ length: 20 }, seeded(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test("lie in [0, 1) and fill it evenly", () => {
    const tenths = new Array<number>(10).fill(0);
    const random = seeded(1);
    for (let index = 0; index < 10_000; index++) {
      const tenth = Math.floor(random() * 10);
      tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(850);
    expect(Math.max(...tenths)).toBeLessThan(1_150);
  });
});

test("gaps between arrivals are as long as the rate says, and as uneven as those of a Poisson process", () => {
  const random = seeded(3);
  const gaps = Array.from({ length: 50_000 }, () => poissonGap(random, 4));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
  expect(mean).toBeCloseTo(0.25, 2);
  // Of exponential gaps the standard deviation is the mean.
  expect(Math.sqrt(variance) / mean).toBeCloseTo(1, 1);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
});
