import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, formatTimestamp, fromJson, parseDuration, parseTimestamp, toJson } from "./json.ts";
import { parseType } from "./type.ts";
import { type CelValue, Duration, Invalid, Timestamp, Uint } from "./value.ts";

describe("a value as JSON", () => {
  test.each<[string, CelValue, unknown]>([
    ["an int", 5n, 5],
    ["an int beyond 2^53", 9_007_199_254_740_993n, "9007199254740993"],
    ["a uint", new Uint(7n), 7],
    ["a double", 1.5, 1.5],
    ["not a number", Number.NaN, "NaN"],
    ["bytes", new Uint8Array([1, 255]), "Af8="],
    ["a timestamp", new Timestamp(1_795_235_251_847_111_001n), "2026-11-21T04:27:31.847111001Z"],
    ["a timestamp before 1970", new Timestamp(-1n), "1969-12-31T23:59:59.999999999Z"],
    ["a duration", new Duration(1_500_000_000n), "1.5s"],
    ["a duration below zero", new Duration(-1n), "-0.000000001s"],
    ["text with bytes that are not UTF-8", "a\udcff", "a\ufffd"],
    ["a list", ["a", 1n], ["a", 1]],
  ])("%s", (_, value, json) => {
    expect(toJson(value)).toEqual(json);
  });

  test("keeps a key named __proto__", () => {
    const json = toJson(
      new Map<CelValue, CelValue>([
        ["__proto__", "x"],
        [true, 1n],
      ]),
    );
    expect(JSON.stringify(json)).toBe('{"__proto__":"x","true":1}');
  });
});

describe("JSON as a value", () => {
  test.each<[CelValue, Parameters<typeof parseType>[0]]>([
    ["text", "string"],
    [9_007_199_254_740_993n, "int"],
    [new Uint(18_446_744_073_709_551_615n), "uint"],
    [-0.25, "double"],
    [Number.POSITIVE_INFINITY, "double"],
    [true, "bool"],
    [new Uint8Array([0, 1, 2]), "bytes"],
    [new Timestamp(-62_135_596_800_000_000_000n), "timestamp"],
    [new Duration(-3_600_000_000_001n), "duration"],
    [new Map([["__proto__", "x"]]), "map(string, string)"],
    [["a", "b"], "list(string)"],
    [
      new Map<CelValue, CelValue>([
        ["n", 1],
        ["l", [null, "x"]],
      ]),
      "map(string, dyn)",
    ],
  ])("%o comes back as the %s it was", (value, type) => {
    expect(fromJson(toJson(value), parseType(type))).toEqual(value);
  });

  test.each([
    [1.5, "int"],
    ["9223372036854775808", "int"],
    [-1, "uint"],
    ["x", "timestamp"],
    ["1.5", "duration"],
    ["x", "map(string, string)"],
    [{ a: 1 }, "map(string, string)"],
    [{ a: 1 }, "list(string)"],
    [null, "bool"],
  ] as const)("%j is no %s", (json, type) => {
    expect(fromJson(json, parseType(type))).toBeInstanceOf(Invalid);
  });

  test("times of every length survive their text", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -62_135_596_800_000_000_000n, max: 253_402_300_799_999_999_999n }), (nanos) => {
        expect(parseTimestamp(formatTimestamp(nanos))).toBe(nanos);
        expect(parseDuration(formatDuration(nanos))).toBe(nanos);
      }),
      { seed: 3 },
    );
  });
});
