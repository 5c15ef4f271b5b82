import { expect, test } from "vitest";
import { estimate } from "../../src/expression/cost.ts";
import { casesOf, FILES, Oracle, textOf } from "./oracle.ts";

const oracle = new Oracle();

/** Makes a million elements, where the estimate assumes lists of 64: stopped by the budget of a request. */
const LARGER_THAN_ASSUMED = ["h-1383"];

/** Requests of the data have attributes that are smaller than those that the estimate assumes. */
test("no evaluation takes more steps than was estimated when it was loaded", () => {
  const low = FILES.flatMap((file) => casesOf(file)).flatMap((one) => {
    const compiled = oracle.compile(one);
    if (!compiled.ok || LARGER_THAN_ASSUMED.includes(one.id)) return [];
    const { steps } = estimate(compiled.plan.tree, Number.POSITIVE_INFINITY);
    return (one.runs ?? []).flatMap((run) => {
      const taken = oracle.stepsOf(compiled.plan, run.a);
      return taken <= steps ? [] : [{ id: one.id, e: textOf(one).slice(0, 200), steps, taken }];
    });
  });
  expect(low).toEqual([]);
});
