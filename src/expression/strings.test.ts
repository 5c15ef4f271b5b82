import { describe, expect, test } from "vitest";
import { type CelValue, Duration, Invalid, Uint } from "../attribute/value.ts";
import { codePoints, parseBool, showUtf8, toText, unitIndex } from "./strings.ts";

const TEXT = "a😀b";

test("code points are counted, and a half of a pair alone is one", () => {
  expect([codePoints(""), codePoints(TEXT), codePoints("e\u0301"), codePoints("\ud83d")]).toEqual([0, 3, 2, 1]);
  expect([codePoints(TEXT, 0, 3), codePoints(TEXT, 1, 3), codePoints(TEXT, 3)]).toEqual([2, 1, 1]);
});

test("a code point's place is told in UTF-16 units up to the end of the text", () => {
  const places = [-1n, 0n, 1n, 2n, 3n, 4n, 5n, 2n ** 63n - 1n].map((place) => unitIndex(TEXT, place));
  expect(places).toEqual([undefined, 0, 1, 3, 4, undefined, undefined, undefined]);
  expect(unitIndex("", 0n)).toBe(0);
});

describe("string(x)", () => {
  test.each<[CelValue, string]>([
    [true, "true"],
    [-12n, "-12"],
    [new Uint(2n ** 64n - 1n), "18446744073709551615"],
    [1e6, "1e+06"],
    [new Duration(3_661_000_000_001n), "3661.000000001s"],
    [new Duration(1n), "0.000000001s"],
    [new Duration(-1_500_000_000n), "-1.5s"],
    [new Duration(0n), "0s"],
    // A double does not hold nanoseconds of three hundred years.
    [new Duration(2n ** 63n - 1n), "9223372036.854776s"],
    [new Uint8Array(Buffer.from("\ufeffé😀")), "\ufeffé😀"],
  ])("of %o is %j", (value, text) => {
    expect(toText(value)).toBe(text);
  });

  test.each(["ff", "c080", "eda080", "f4908080", "e282", "80"])("of the bytes %s is an error: not UTF-8", (bytes) => {
    expect(toText(new Uint8Array(Buffer.from(bytes, "hex")))).toBeInstanceOf(Invalid);
  });
});

test.each([
  ["61c3a9", "aé"],
  ["61ff62", "a\ufffdb"],
  ["e282", "\ufffd\ufffd"],
  ["eda080", "\ufffd\ufffd\ufffd"],
  ["f09f9880f0", "😀\ufffd"],
  ["efbfbd", "\ufffd"],
])("the bytes %s are shown as %j", (bytes, text) => {
  expect(showUtf8(new Uint8Array(Buffer.from(bytes, "hex")))).toBe(text);
});

test("bool() reads six words for each, in no other case", () => {
  expect(["1", "t", "T", "true", "TRUE", "True"].map(parseBool)).not.toContain(false);
  expect(["0", "f", "F", "false", "FALSE", "False"].every((word) => parseBool(word) === false)).toBe(true);
  for (const word of ["tRUE", "", "yes", " true", "constructor"]) expect(parseBool(word)).toBeInstanceOf(Invalid);
});
