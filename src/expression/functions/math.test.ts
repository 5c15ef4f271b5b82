import { describe, expect, test } from "vitest";
import { evaluate, problemOf, underlined } from "../../../test/cel/harness.ts";
import { Invalid, type Outcome, Uint } from "../../attribute/value.ts";

const FAILS = new Invalid("any");

function give(table: readonly (readonly [text: string, expected: Outcome])[]): void {
  test.each(table)("%s", (text, expected) => {
    const outcome = evaluate(text);
    if (expected === FAILS) expect(outcome).toBeInstanceOf(Invalid);
    else expect(outcome).toEqual(expected);
  });
}

describe("the greatest and the least of numbers keep their type", () => {
  give([
    ["math.greatest(1)", 1n],
    ["math.greatest(1, 2)", 2n],
    ["math.greatest(1, 2.0)", 2],
    ["math.greatest(-1, 1u, 0.5)", new Uint(1n)],
    ["math.greatest([1, 5, 3])", 5n],
    ["math.least([1.5, -0.5])", -0.5],
    ["math.least(dyn(1), dyn(1u), dyn(0.5), 7)", 0.5],
    ["math.least(18446744073709551615u, -1)", -1n],
    // Of equal ones the first.
    ["math.least(1.0, 1u, 1)", 1],
    ["math.least(-0.0, 0.0)", -0],
    ["math.greatest(-0.0, 0.0)", -0],
    ["math.greatest(9007199254740993, 9007199254740992.0)", 9007199254740993n],
    ["math.greatest(dyn([1, 2.0, 3u]))", new Uint(3n)],
  ]);
});

describe("what has no order has no greatest", () => {
  give([
    ['math.greatest(double("NaN"))', Number.NaN],
    ['math.greatest(double("NaN"), 1.0)', FAILS],
    ['math.least([1.0, double("NaN"), 2.0])', FAILS],
    ['math.greatest([1, dyn("a")])', FAILS],
    ['math.greatest(dyn("a"))', FAILS],
    ["math.greatest(1, dyn(null))", FAILS],
    ["math.least(dyn([]))", FAILS],
    ["math.least([dyn([])])", FAILS],
  ]);
});

test.each([
  ["math.greatest([])", "P1264 []"],
  ["math.least([1, 'a'])", "P1263 'a'"],
  ["math.least(1, 2, [3])", "P1263 [3]"],
  ["math.greatest(1, 2, 3, {})", "P1263 {}"],
  ["math.greatest(dyn(1), 2, null)", "P1263 null"],
])("%s is refused as it is written", (text, expected) => {
  expect(underlined(text, problemOf(text))).toBe(expected);
});

test.each(["math.greatest()", "math.greatest('a')", "math.greatest([[1]])", "math.ceil(1)", "math.bitAnd(1u, 1)"])(
  "%s does not fit the types",
  (text) => {
    expect(problemOf(text).severity).toBe("error");
  },
);

describe("doubles are rounded as their functions say, and keep the sign of zero", () => {
  give([
    ["math.ceil(-0.5)", -0],
    ["math.ceil(1.2)", 2],
    ["math.floor(-1.2)", -2],
    ["math.round(0.5)", 1],
    ["math.round(-0.5)", -1],
    ["math.round(2.5)", 3],
    ["math.round(-2.5)", -3],
    ["math.round(-0.4)", -0],
    ["math.round(0.49999999999999994)", 0],
    ["math.round(4503599627370497.5)", 4503599627370498],
    ['math.round(double("-Infinity"))', Number.NEGATIVE_INFINITY],
    ['math.round(double("NaN"))', Number.NaN],
    ["math.trunc(-0.9)", -0],
    ["math.trunc(1e300)", 1e300],
    ["math.floor(dyn(1))", FAILS],
  ]);
});

describe("size and sign", () => {
  give([
    ["math.abs(-1.5)", 1.5],
    ["math.abs(-0.0)", 0],
    ["math.abs(-5)", 5n],
    ["math.abs(5u)", new Uint(5n)],
    ["math.abs(-9223372036854775808)", FAILS],
    ["math.abs(-9223372036854775807)", 9223372036854775807n],
    ['math.abs(dyn("a"))', FAILS],
    ["math.sign(-2.5)", -1],
    ["math.sign(-0.0)", 0],
    ['math.sign(double("NaN"))', Number.NaN],
    ["math.sign(-5)", -1n],
    ["math.sign(0)", 0n],
    ["math.sign(7u)", new Uint(1n)],
    ["math.sign(0u)", new Uint(0n)],
    ["math.sign(dyn(true))", FAILS],
    ["math.sqrt(81)", 9],
    ["math.sqrt(2u)", Math.SQRT2],
    ["math.sqrt(-1.0)", Number.NaN],
    ["math.sqrt(9223372036854775807)", 3037000499.97605],
    ['math.sqrt(dyn("4"))', FAILS],
    ['math.isInf(double("-Infinity"))', true],
    ["math.isInf(1.0)", false],
    ["math.isNaN(0.0 / 0.0)", true],
    ["math.isFinite(1.0 / 0.0)", false],
    ["math.isFinite(1e308)", true],
    ["math.isNaN(dyn(1))", FAILS],
  ]);
});

describe("integers are 64 bits", () => {
  give([
    ["math.bitAnd(-1, 255)", 255n],
    ["math.bitAnd(12u, 10u)", new Uint(8n)],
    ["math.bitOr(1, -9223372036854775808)", -9223372036854775807n],
    ["math.bitOr(1u, 2u)", new Uint(3n)],
    ["math.bitXor(-1, 1)", -2n],
    ["math.bitXor(5u, 1u)", new Uint(4n)],
    ["math.bitXor(dyn(5u), dyn(1))", FAILS],
    ["math.bitNot(0)", -1n],
    ["math.bitNot(0u)", new Uint(18446744073709551615n)],
    ["math.bitNot(dyn(0.0))", FAILS],
    ["math.bitShiftLeft(1, 63)", -9223372036854775808n],
    ["math.bitShiftLeft(1, 64)", 0n],
    ["math.bitShiftLeft(1, 9223372036854775807)", 0n],
    ["math.bitShiftLeft(9223372036854775807, 1)", -2n],
    ["math.bitShiftLeft(18446744073709551615u, 1)", new Uint(18446744073709551614n)],
    ["math.bitShiftRight(-1, 0)", -1n],
    ["math.bitShiftRight(-1, 1)", 9223372036854775807n],
    ["math.bitShiftRight(-1, 64)", 0n],
    ["math.bitShiftRight(8u, 2)", new Uint(2n)],
    ["math.bitShiftRight(1, -1)", FAILS],
    ["math.bitShiftLeft(1u, -1)", FAILS],
    ["math.bitShiftLeft(dyn(1.0), 1)", FAILS],
  ]);
});
