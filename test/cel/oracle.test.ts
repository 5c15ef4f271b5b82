import { describe, expect, test } from "vitest";
import { knownDifferences } from "./known-differences.ts";
import { type Aspect, casesOf, FILES, ORACLE_FOLDER, Oracle, textOf, type Verdict } from "./oracle.ts";

/** Of all expressions, in each of the three aspects that are demanded. */
const FLOOR = 0.995;
/** Expressions there are: a file that is empty agrees with everybody. */
const EXPRESSIONS = 3878;

const KNOWN = knownDifferences(`${ORACLE_FOLDER}/known-failures.json`);
const oracle = new Oracle();
const judged = FILES.flatMap((file) =>
  casesOf(file).map((one) => ({ file, id: one.id, e: textOf(one), verdict: oracle.judge(one) })),
);
const failed = judged.filter(({ verdict }) => verdict.disagreements.some(({ aspect }) => aspect !== "type"));

describe.each(FILES)("%s expressions give what cel-go gives", (file) => {
  test("but for the known differences", () => {
    const unknown = failed.filter((one) => one.file === file && !KNOWN.has(one.id));
    expect(unknown.map(({ id, e, verdict }) => ({ id, e, ...verdict.disagreements[0] }))).toEqual([]);
  });
});

test("a known difference that is gone leaves the list", () => {
  const still = new Set(failed.map(({ id }) => id));
  expect([...KNOWN.keys()].filter((id) => !still.has(id))).toEqual([]);
});

test.each<Aspect>(["checks", "errors", "values"])("%s are right in 99.5 % of all expressions", (aspect) => {
  expect(judged.length).toBe(EXPRESSIONS);
  const verdicts = judged.map(({ verdict }) => verdict).filter((verdict) => verdict.judged.includes(aspect));
  const right = verdicts.filter((verdict) => !isWrong(verdict, aspect));
  expect(right.length / verdicts.length).toBeGreaterThanOrEqual(FLOOR);
});

function isWrong({ disagreements }: Verdict, aspect: Aspect): boolean {
  return disagreements.some((one) => one.aspect === aspect);
}
