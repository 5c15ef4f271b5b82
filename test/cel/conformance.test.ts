import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { conformanceTests, countsOf, judge, type SkippedTest } from "./conformance.ts";

/**
 * Google's conformance suite. Counted is every test that names no protobuf message or enum, and declares no functions of its own: of this
 * release 1,465 that expect a value or a type, and 181 that expect an error. The 1,534 and 192 are the same selection of a later
 * release, with the 60 and 9 of a section network_ext that this one does not have.
 */
const COUNTED = { value: 1465, error: 181 };
/** What passes of those at least: the 1,510 and 190 leave 24 and 2 to fail. */
const FLOOR = { value: 1461, error: 179 };

/** Name → why Weir does not do what the suite wants. */
const KNOWN: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(new URL("conformance-failures.json", import.meta.url), "utf8"),
);

const { tests, skipped } = conformanceTests();
const failures = new Map(tests.flatMap((one) => [[one.name, judge(one)] as const]).filter(([, why]) => why));

describe.each([...new Set(tests.map(({ section }) => section))])("%s does what the specification says", (section) => {
  test("but for the known failures", () => {
    const unknown = tests.filter((one) => one.section === section && failures.has(one.name) && !(one.name in KNOWN));
    expect(unknown.map(({ name, e }) => ({ name, e, why: failures.get(name) }))).toEqual([]);
  });
});

test("a known failure that passes leaves the list", () => {
  expect(Object.keys(KNOWN).filter((name) => !failures.has(name))).toEqual([]);
});

test("every known failure has a reason", () => {
  expect(Object.values(KNOWN).filter((why) => why.length < 10)).toEqual([]);
});

test("as many pass as are demanded", () => {
  const { value, error } = countsOf(tests, new Set(failures.keys()));
  expect({ value: value.of, error: error.of }).toEqual(COUNTED);
  expect(value.passed).toBeGreaterThanOrEqual(FLOOR.value);
  expect(error.passed).toBeGreaterThanOrEqual(FLOOR.error);
});

test("what is skipped needs what Weir does not have", () => {
  const sections = (why: SkippedTest["why"]): Record<string, number> => {
    const bySection = Map.groupBy(
      skipped.filter((one) => one.why === why),
      ({ section }) => section,
    );
    return Object.fromEntries([...bySection].map(([name, all]) => [name, all.length]));
  };
  expect(sections("protobuf messages and enums")).toMatchInlineSnapshot(`
    {
      "block_ext": 12,
      "comparisons": 72,
      "dynamic": 226,
      "enums": 85,
      "optionals": 11,
      "parse": 26,
      "proto2": 108,
      "proto2_ext": 18,
      "proto3": 75,
      "string_ext": 3,
      "type_deductions": 21,
      "wrappers": 36,
    }
  `);
  expect(sections("functions and types declared by the test")).toMatchInlineSnapshot(`
    {
      "type_deductions": 5,
    }
  `);
});
