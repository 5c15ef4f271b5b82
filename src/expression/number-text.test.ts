import { describe, expect, test } from "vitest";
import { Invalid, type Uint } from "../attribute/value.ts";
import {
  formatDouble,
  formatFixed,
  formatPlain,
  formatScientific,
  parseDouble,
  parseInt64,
  parseUint64,
} from "./number-text.ts";

describe("whole numbers are read as decimal digits within 64 bits", () => {
  test.each([
    ["0", 0n],
    ["+1", 1n],
    ["-0", 0n],
    ["007", 7n],
    [`${"0".repeat(5000)}1`, 1n],
    ["9223372036854775807", 9223372036854775807n],
    ["-9223372036854775808", -9223372036854775808n],
  ])("int(%j) is %s", (text, expected) => {
    expect(parseInt64(text)).toBe(expected);
  });

  test.each(["", "+", "-", "--1", " 1", "1 ", "1.0", "1e3", "0x10", "1_0", "٣", "9223372036854775808"])(
    "int(%j) is an error",
    (text) => {
      expect(parseInt64(text)).toBeInstanceOf(Invalid);
    },
  );

  test("a uint has no sign", () => {
    const uint = (text: string): bigint => (parseUint64(text) as Uint).value;
    expect([uint("0"), uint("0018446744073709551615")]).toEqual([0n, 18446744073709551615n]);
    for (const text of ["+1", "-0", "", "18446744073709551616"]) expect(parseUint64(text)).toBeInstanceOf(Invalid);
  });
});

describe("doubles are read as Go reads them", () => {
  test.each([
    ["1", 1],
    [".5", 0.5],
    ["5.", 5],
    ["-0", -0],
    ["+1.5E-3", 0.0015],
    ["1_000.5", 1000.5],
    ["1e1_0", 1e10],
    ["1e-400", 0],
    ["inf", Number.POSITIVE_INFINITY],
    ["+Infinity", Number.POSITIVE_INFINITY],
    ["-INF", Number.NEGATIVE_INFINITY],
    ["NaN", Number.NaN],
  ])("double(%j) is %s", (text, expected) => {
    expect(parseDouble(text)).toBe(expected);
  });

  test.each([
    ["0x10p0", 16],
    ["0X1.8P1", 3],
    ["-0x.8p1", -1],
    ["0x_1p-2", 0.25],
    ["-0x0p0", -0],
    ["0x1p-1074", 5e-324],
    ["0x1p-1075", 0],
    ["0x1.8p-1075", 5e-324],
    ["0x1.fffffffffffff7p1023", Number.MAX_VALUE],
    // Halves go to the even digit, and the least bit beyond a half goes up.
    ["0x1.00000000000008p0", 1],
    ["0x1.00000000000018p0", 1 + 4 * 2 ** -53],
    ["0x1.000000000000080001p0", 1 + 2 ** -52],
    ["0x1p-99999999999999999999", 0],
    ["0x0p99999999999999999999", 0],
  ])("double(%j), which is hexadecimal, is %s", (text, expected) => {
    expect(parseDouble(text)).toBe(expected);
  });

  test.each([
    ...["", " 1", "1 ", "+", ".", "e5", "1e", "1e+", "--1", "+-1", "1,5", "0b1", "1f", "-nan", "infin", "infinityx"],
    ...["_1", "1_", "1__0", "1_.5", "1._5", "1e_5", "1e400", "-1e309"],
    ...[
      "0x",
      "0xp1",
      "0x.p1",
      "0x1",
      "0x1.8",
      "0x1p",
      "0x1_p0",
      "0x_.8p0",
      "0xgp0",
      "0x1p1024",
      "0x1.fffffffffffff8p1023",
    ],
  ])("double(%j) is an error", (text) => {
    expect(parseDouble(text)).toBeInstanceOf(Invalid);
  });
});

describe("doubles are written as Go writes them", () => {
  test.each([
    [1, "1", "1"],
    [-0, "-0", "-0"],
    [0.1, "0.1", "0.1"],
    [999999.5, "999999.5", "999999.5"],
    [1234567, "1.234567e+06", "1234567"],
    [-1e20, "-1e+20", "-100000000000000000000"],
    [1e21, "1e+21", "1000000000000000000000"],
    [0.0001, "0.0001", "0.0001"],
    [-0.00001, "-1e-05", "-0.00001"],
    [1.5e-7, "1.5e-07", "0.00000015"],
    [Number.MIN_VALUE, "5e-324", `0.${"0".repeat(323)}5`],
    [1e100, "1e+100", `1${"0".repeat(100)}`],
  ])("%s: shortest %s, without an exponent %s", (value, shortest, plain) => {
    expect([formatDouble(value), formatPlain(value)]).toEqual([shortest, plain]);
  });

  test("infinities and NaN have names", () => {
    expect([1, -1, Number.NaN].map((sign) => formatDouble(sign / 0))).toEqual(["+Inf", "-Inf", "NaN"]);
  });

  test.each([
    [0.5, 0, "0", "5e-01"],
    [1.5, 0, "2", "2e+00"],
    [2.5, 0, "2", "2e+00"],
    [-3.5, 0, "-4", "-4e+00"],
    [0.125, 2, "0.12", "1.25e-01"],
    [0.375, 1, "0.4", "3.8e-01"],
    [0.625, 1, "0.6", "6.2e-01"],
    [9.5, 0, "10", "1e+01"],
    [99.96, 1, "100.0", "1.0e+02"],
    [-0.001, 2, "-0.00", "-1.00e-03"],
    [-0, 1, "-0.0", "-0.0e+00"],
    [0, 3, "0.000", "0.000e+00"],
    [1e22, 1, "10000000000000000000000.0", "1.0e+22"],
    // What the double holds is a little less than 1e23.
    [1e23, 2, "99999999999999991611392.00", "1.00e+23"],
    [1e23, 20, "99999999999999991611392.00000000000000000000", "9.99999999999999916114e+22"],
    [0.1, 20, "0.10000000000000000555", "1.00000000000000005551e-01"],
    [Number.MIN_VALUE, 3, "0.000", "4.941e-324"],
    [1e-319, 4, "0.0000", "9.9999e-320"],
  ])("%s with %i decimals: %s, %s", (value, decimals, fixed, scientific) => {
    expect([formatFixed(value, decimals), formatScientific(value, decimals)]).toEqual([fixed, scientific]);
  });
});
