import { expect, test } from "vitest";
import { textOf } from "./text.ts";
import { ABSENT, type CelValue, Duration, Optional, Timestamp, TypeValue, Uint } from "./value.ts";

test.each<[CelValue, string]>([
  ["a\udcff", "a\udcff"],
  [5n, "5"],
  [new Uint(5n), "5"],
  [200, "200"],
  [0.5, "0.5"],
  [1e21, "1e+21"],
  [Number.NaN, "NaN"],
  [true, "true"],
  [null, "null"],
  [new Timestamp(1_500_000_000n), "1970-01-01T00:00:01.5Z"],
  [new Duration(1_500_000_000n), "1.5s"],
  [new TypeValue("int"), "int"],
  [new Optional(ABSENT), ""],
  [new Optional(5n), "5"],
  [new TextEncoder().encode("é"), "é"],
  [new Uint8Array([255]), "/w=="],
  [["a", 1n], '["a",1]'],
  [new Map([["__proto__", new Map([["a", 1n]])]]), '{"__proto__":{"a":1}}'],
])("%o is shown as %s", (value, text) => {
  expect(textOf(value)).toBe(text);
});
