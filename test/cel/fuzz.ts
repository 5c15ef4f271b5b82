/**
 * More of properties.test.ts than a test run has time for: `npm run fuzz:cel -- [--seconds N] [--seed S]`. Ends with exit code 1 and the
 * smallest counterexample found.
 */
import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { write } from "./generated.ts";
import { byAnotherEngine, byPlainReading, type Generated, type Property } from "./properties.ts";

const { values: flags } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, seed: { type: "string" } },
});
const RUNS_AT_ONCE = 2_000;
const PROPERTIES = { "the plainest reading": byPlainReading, "another engine": byAnotherEngine };

const until = Date.now() + Number(flags.seconds) * 1_000;
const first = flags.seed === undefined ? Date.now() % 2 ** 31 : Number(flags.seed);
let seed = first;
let runs = 0;
for (; Date.now() < until && process.exitCode === undefined; seed++) {
  for (const [name, property] of Object.entries(PROPERTIES)) runs += tryOut(name, property, seed);
}
say(`${runs} expressions from seed ${first} on${process.exitCode === undefined ? ", no difference" : ""}`);

function tryOut(name: string, property: Property, seed: number): number {
  const details = fc.check(
    fc.property(property.expressions, (one) => disagreement(property, one) === undefined),
    { numRuns: RUNS_AT_ONCE, seed },
  );
  if (!details.failed) return details.numRuns;
  process.exitCode = 1;
  const [one] = details.counterexample ?? [];
  say(`seed ${seed}: a difference from ${name}`);
  if (one) say(`  ${write(one.expr)}\n  ${disagreement(property, one)}`);
  return details.numRuns;
}

function disagreement({ ours, theirs }: Property, one: Generated): string | undefined {
  try {
    const [a, b] = [ours(one), theirs(one)];
    return a.join() === b.join() ? undefined : `ours:   ${a.join(" | ")}\n  theirs: ${b.join(" | ")}`;
  } catch (error) {
    return `fails: ${error instanceof Error ? error.message : error}`;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
