import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
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
import { BadInput } from "./bad-input.ts";
import { isWritable, readTyped, type Typed, writeTyped } from "./typed-values.ts";

const LOOPBACK = new IpAddress(6, 1n);

describe("a typed value", () => {
  test.each<[Typed, CelValue]>([
    [{ null: null }, null],
    [{ bool: false }, false],
    [{ int: "-9223372036854775808" }, -9223372036854775808n],
    [{ uint: "18446744073709551615" }, new Uint(18446744073709551615n)],
    [{ double: "1.5" }, 1.5],
    [{ double: "1" }, 1],
    [{ double: "-0" }, -0],
    [{ double: "NaN" }, Number.NaN],
    [{ double: "-Infinity" }, Number.NEGATIVE_INFINITY],
    [{ double: "1e+06" }, 1_000_000],
    [{ double: "5e-324" }, 5e-324],
    [{ string: "é\u0000😀" }, "é\u0000😀"],
    [{ bytes: "AP8=" }, new Uint8Array([0, 255])],
    [{ timestamp: "0001-01-01T00:00:00.000000001Z" }, new Timestamp(-62_135_596_799_999_999_999n)],
    [{ timestamp: "2026-01-01T00:00:00.5Z" }, new Timestamp(1_767_225_600_500_000_000n)],
    [{ duration: "-1.5s" }, new Duration(-1_500_000_000n)],
    [{ type: "list" }, new TypeValue("list")],
    [{ list: [{ int: "1" }, { list: [] }] }, [1n, []]],
    [{ map: [[{ string: "__proto__" }, { bool: true }]] }, new Map([["__proto__", true]])],
    [{ optional: null }, new Optional(ABSENT)],
    [{ optional: { null: null } }, new Optional(null)],
    [{ ip: "::1" }, LOOPBACK],
    [{ cidr: "::1/128" }, new Cidr(LOOPBACK, 128)],
  ])("is read and written alike: %j", (typed, value) => {
    expect(readTyped(typed)).toEqual(value);
    expect(writeTyped(value)).toEqual(typed);
  });

  test("that is a map is written the same whatever the order of its entries", () => {
    const entries: [CelValue, CelValue][] = [
      ["b", 1n],
      [2n, "x"],
      ["a", null],
    ];
    expect(writeTyped(new Map(entries))).toEqual(writeTyped(new Map(entries.toReversed())));
  });

  test("keeps every double", () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        expect(readTyped(writeTyped(value))).toEqual(value);
      }),
      { seed: 4, numRuns: 2_000 },
    );
  });

  test.each([
    [12],
    [null],
    [[]],
    [{}],
    [{ int: 12 }],
    [{ int: "12", uint: "12" }],
    [{ int: "9223372036854775808" }],
    [{ uint: "-1" }],
    [{ double: "one" }],
    [{ bool: "true" }],
    [{ bytes: "?" }],
    [{ timestamp: "yesterday" }],
    [{ duration: "1h" }],
    [{ list: {} }],
    [{ map: [[{ int: "1" }]] }],
    [{ optional: 5 }],
    [{ ip: "10.0.0.256" }],
    [{ string: "\ud800" }],
    [{ message: {} }],
  ])("that is none is refused: %j", (value) => {
    expect(() => readTyped(value, "`x`")).toThrow(BadInput);
    expect(() => readTyped(value, "`x`")).toThrow(/^`x`: .* is no typed value/);
  });

  test("may not be nested without end", () => {
    let value: unknown = { bool: true };
    for (let depth = 0; depth < 100_000; depth++) value = { list: [value] };
    expect(() => readTyped(value)).toThrow("nested more than");
  });
});

test("a value that holds another more often than can be written is found out at once", () => {
  let value: CelValue = [1n, 2n];
  expect(isWritable(value)).toBe(true);
  for (let depth = 0; depth < 200; depth++) value = [value, value];
  expect(isWritable(value)).toBe(false);
  expect(isWritable("x".repeat(100_000_000))).toBe(false);
});
