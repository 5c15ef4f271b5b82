import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Oracle, type OracleCase, readLines } from "./oracle.ts";

const FOLDER = new URL("../data/cel-go", import.meta.url).pathname;

/** Why Weir differs from cel-go, and in which cases. */
interface Difference {
  readonly why: string;
  readonly ids: readonly string[];
}

const DIFFERENCES: readonly Difference[] = JSON.parse(readFileSync(`${FOLDER}/known-failures.json`, "utf8"));
const KNOWN: ReadonlySet<string> = new Set(DIFFERENCES.flatMap(({ ids }) => ids));

describe.each(["core", "hard"])("%s expressions give what cel-go gives", (file) => {
  const oracle = new Oracle(FOLDER);
  const cases = readLines<OracleCase>(`${FOLDER}/${file}.ndjson`);
  const failures = cases.flatMap((one) => {
    const verdict = oracle.judge(one);
    return verdict.agrees ? [] : [{ id: one.id, e: one.e, ...verdict }];
  });

  test("but for the known differences", () => {
    expect(cases.length).toBeGreaterThan(500);
    expect(failures.filter(({ id }) => !KNOWN.has(id))).toEqual([]);
  });

  test("and a known difference that is gone leaves the list", () => {
    const failed = new Set(failures.map(({ id }) => id));
    const listed = cases.filter(({ id }) => KNOWN.has(id)).map(({ id }) => id);
    expect(listed.filter((id) => !failed.has(id))).toEqual([]);
  });
});

test("every known difference names a case there is, once, and a reason", () => {
  const ids = new Set(
    ["core", "hard"].flatMap((file) => readLines<OracleCase>(`${FOLDER}/${file}.ndjson`).map(({ id }) => id)),
  );
  const listed = DIFFERENCES.flatMap((difference) => difference.ids);
  expect(listed.filter((id) => !ids.has(id))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
  expect(DIFFERENCES.every(({ why }) => why.length > 10)).toBe(true);
});
