import { expect, test } from "vitest";
import {
  ABSENT,
  type CelValue,
  Cidr,
  Duration,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import { celText } from "./cel-text.ts";

const ADDRESS = new IpAddress(4, 0x0a000001n);

test.each<[string, CelValue]>([
  ["null", null],
  ["true", true],
  ["-9223372036854775808", -9223372036854775808n],
  ["7u", new Uint(7n)],
  ["1.0", 1],
  ["-0.0", -0],
  ["1e+21", 1e21],
  ['double("NaN")', Number.NaN],
  ['double("-Infinity")', Number.NEGATIVE_INFINITY],
  ['"a\\"b\\\\c\\n"', 'a"b\\c\n'],
  ['"é😀"', "é😀"],
  ['"\\u001b[31m\\u202e"', "\u001b[31m\u202e"],
  ['b"a\\xff\\""', new Uint8Array([97, 255, 34])],
  ['timestamp("2026-01-01T00:00:00.5Z")', new Timestamp(1_767_225_600_500_000_000n)],
  ['duration("-1.5s")', new Duration(-1_500_000_000n)],
  ["net.IP", new TypeValue("net.IP")],
  ['ip("10.0.0.1")', ADDRESS],
  ['cidr("10.0.0.1/8")', new Cidr(ADDRESS, 8)],
  ["optional.none()", new Optional(ABSENT)],
  ["optional.of(optional.of(1))", new Optional(new Optional(1n))],
  ['[1, ["a"], []]', [1n, ["a"], []]],
  [
    '{"a": 1, 2: null}',
    new Map<CelValue, CelValue>([
      ["a", 1n],
      [2n, null],
    ]),
  ],
])("a value is shown as CEL writes it: %s", (text, value) => {
  expect(celText(value)).toBe(text);
});

test("what is too long is cut, and a value within a value a million times takes no longer", () => {
  expect(celText("a".repeat(50), 10)).toBe('"aaaaaaaaa…');
  let value: CelValue = ["😀"];
  for (let depth = 0; depth < 200; depth++) value = [value, value];
  const text = celText(value, 300);
  expect(text.length).toBeLessThanOrEqual(301);
  expect(text.endsWith("…")).toBe(true);
});
