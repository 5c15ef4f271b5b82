import * as fc from "fast-check";
import { expect, test } from "vitest";
import { write } from "./generated.ts";
import { byAnotherEngine, byPlainReading, generated, ours, type Property } from "./properties.ts";

/** Together 100,000, most of them where absence and errors take part. */
const PLAIN_RUNS = 75_000;
const OTHER_RUNS = 25_000;
const SEED = 20_261_121;
/** Two slow cores that do other things too. */
const TIMEOUT_MS = 300_000;

test("any expression is what the plainest reading of the rules makes of it", { timeout: TIMEOUT_MS }, () => {
  hold(byPlainReading, PLAIN_RUNS);
});

test("any expression of the standard is what another engine makes of it", { timeout: TIMEOUT_MS }, () => {
  hold(byAnotherEngine, OTHER_RUNS);
});

function hold(property: Property, numRuns: number): void {
  fc.assert(
    fc.property(property.expressions, (one) => {
      expect(property.ours(one)).toEqual(property.theirs(one));
    }),
    { numRuns, seed: SEED, reporter: report },
  );
}

/** The expression as an author would write it, and nothing else. */
function report(details: fc.RunDetails<[Parameters<Property["ours"]>[0]]>): void {
  if (!details.failed) return;
  const [one] = details.counterexample ?? [];
  throw new Error(`seed ${details.seed}: ${one && write(one.expr)}`, { cause: details.errorInstance });
}

test("what is generated is seldom an error alone, and every outcome comes up", () => {
  const sample = fc.sample(generated("weir"), { numRuns: 2_000, seed: SEED }).map(ours);
  const outcomes = sample.flat();
  const share = (outcome: string): number => outcomes.filter((one) => one === outcome).length / outcomes.length;
  expect(share("error")).toBeLessThan(0.4);
  expect(share("error")).toBeGreaterThan(0.05);
  expect(share("absent")).toBeGreaterThan(0.05);
});
