import { describe, expect, test } from "vitest";
import { formatDuration, formatTime, toJson, toText, type Value } from "weir-mesh/adapter";

const cases: readonly (readonly [what: string, value: Value, json: string, text: string])[] = [
  ["text", "a\nb", '"a\\nb"', "a\nb"],
  ["a broken surrogate", "\ud800", '"\ufffd"', "\ufffd"],
  ["null", null, "null", "null"],
  ["bool", true, "true", "true"],
  ["int", 7n, "7", "7"],
  ["an int beyond 2^53", -9_007_199_254_740_993n, '"-9007199254740993"', "-9007199254740993"],
  ["double", 1.5, "1.5", "1.5"],
  ["NaN", Number.NaN, '"NaN"', "NaN"],
  ["infinity", Number.NEGATIVE_INFINITY, '"-Infinity"', "-Infinity"],
  ["bytes", new Uint8Array([1, 2]), '"AQI="', "AQI="],
  [
    "timestamp",
    { type: "timestamp", nanos: 1_795_262_400_000_000_001n },
    '"2026-11-21T12:00:00.000000001Z"',
    "2026-11-21T12:00:00.000000001Z",
  ],
  ["duration", { type: "duration", nanos: -1_500_000_000n }, '"-1.5s"', "-1.5s"],
  ["list", { type: "list", items: [1n, "a", { type: "list", items: [] }] }, '[1,"a",[]]', '[1,"a",[]]'],
  [
    "map",
    {
      type: "map",
      entries: [
        ["__proto__", 1n],
        [true, null],
        [2n, "x"],
      ],
    },
    '{"2":"x","__proto__":1,"true":null}',
    '{"2":"x","__proto__":1,"true":null}',
  ],
];

describe("values as JSON and as text", () => {
  test.each(cases)("%s", (_what, value, json, text) => {
    expect(JSON.stringify(toJson(value))).toBe(json);
    expect(toText(value)).toBe(text);
  });
});

test("times are exact, before 1970 and out of the calendar, too", () => {
  expect(formatTime(0n)).toBe("1970-01-01T00:00:00Z");
  expect(formatTime(-1n)).toBe("1969-12-31T23:59:59.999999999Z");
  expect(formatTime(1_500_000_000n)).toBe("1970-01-01T00:00:01.5Z");
  expect(formatTime(2n ** 80n)).toBe(`${2n ** 80n}ns`);
  expect(formatDuration(1n)).toBe("0.000000001s");
});
