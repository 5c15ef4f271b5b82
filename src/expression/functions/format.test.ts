import { describe, expect, test } from "vitest";
import { evaluate, plan, problemOf, show, underlined } from "../../../test/cel/harness.ts";
import { Cidr, IpAddress, Optional, type Outcome } from "../../attribute/value.ts";

describe("a clause shows one value", () => {
  test.each([
    ['"no clause".format([])', "no clause"],
    ['"%%%s%%".format(["a"])', "%a%"],
    ['"%s has %d".format(["a", 1])', "a has 1"],
    ['"%s %s %s".format([true, -1, 1u])', "true -1 1"],
    ['"%s %s %s".format([1.0, 1e20, 1e-7])', "1 100000000000000000000 0.0000001"],
    ['"%s %s %s".format([double("NaN"), 1.0 / 0.0, -1.0 / 0.0])', "NaN Infinity -Infinity"],
    ['"%s %s".format([null, b"\\303\\251\\377"])', "null é\ufffd"],
    ['"%s".format([timestamp("2026-01-01T01:00:00.50+01:00")])', "2026-01-01T00:00:00.5Z"],
    ['"%s %s".format([duration("1h30m"), duration("-1ns")])', "5400s -0.000000001s"],
    ['"%s %s %s".format([type(1), type(null), type(duration("1s"))])', "int null_type google.protobuf.Duration"],
    ['"%s".format([[1, "a", [], [null]]])', "[1, a, [], [null]]"],
    ['"%s".format([{"b": 1, "a": [true], "\\U0001F600": 2, "\\uffff": 3}])', "{a: [true], b: 1, \uffff: 3, 😀: 2}"],
    ['"%s".format([{2: 1, 10: 2u, true: 3.5}])', "{10: 2, 2: 1, true: 3.5}"],
    ['"%d %d %d".format([-5, 18446744073709551615u, 2.5])', "-5 18446744073709551615 2.5"],
    ['"%d %d".format([1e21, -1.0 / 0.0])', "1000000000000000000000 -Infinity"],
    ['"%f %f %f".format([1.5, 2, 3u])', "1.500000 2.000000 3.000000"],
    ['"%.0f %.0f %.3f".format([0.5, 1.5, 1.2345])', "0 2 1.234"],
    ['"%f %.2f %e".format([double("NaN"), -1.0 / 0.0, 1.0 / 0.0])', "NaN -Infinity Infinity"],
    ['"%e %.3e %.0e".format([1052.032911275, 0.00012345, 7])', "1.052033e+03 1.234e-04 7e+00"],
    ['"%f".format([9007199254740993])', "9007199254740992.000000"],
    ['"%b %b %b %b".format([5, -5, 4u, true])', "101 -101 100 1"],
    ['"%o %o".format([-8, 8u])', "-10 10"],
    ['"%x %X %x".format([-255, 255u, -9223372036854775807 - 1])', "-ff FF -8000000000000000"],
    ['"%x %X".format(["é/", b"\\303/"])', "c3a92f C32F"],
    ['"%.2s %.3d %.00002f".format(["a", 1, 1.0])', "a 1 1.00"],
    ['"%s".format(["$&"])', "$&"],
  ])("%s is %s", (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });
});

describe("a format text and a list that are written out are held against each other at load", () => {
  test.each([
    ['"%z".format([1])', 'P1260 "%z"'],
    ['"%S".format([1])', 'P1260 "%S"'],
    ['"%-5s".format(["a"])', 'P1260 "%-5s"'],
    ['"% d".format([1])', 'P1260 "% d"'],
    ['"%é".format([1])', 'P1260 "%é"'],
    ['"100%".format([1])', 'P1260 "100%"'],
    ['"%.".format([1])', 'P1260 "%."'],
    ['"%.f".format([1.0])', 'P1260 "%.f"'],
    ['"%.3".format([1.0])', 'P1260 "%.3"'],
    ['"%.3%".format([1.0])', 'P1260 "%.3%"'],
    ['"%.101f".format([1.0])', 'P1260 "%.101f"'],
    ['"%.99999999999999999999s".format([1])', 'P1260 "%.99999999999999999999s"'],
    ['"%s %s".format(["a"])', 'P1261 "%s %s"'],
    ['"%s".format([])', 'P1261 "%s"'],
    ['"%s".format(["a", 2, 3])', "P1261 2"],
    ['"%d".format(["a"])', 'P1262 "a"'],
    ['"%s %d".format([1, true])', "P1262 true"],
    ['"%d".format([null])', "P1262 null"],
    ['"%f".format(["1"])', 'P1262 "1"'],
    ['"%e".format([b"1"])', 'P1262 b"1"'],
    ['"%b".format([1.0])', "P1262 1.0"],
    ['"%o".format([true])', "P1262 true"],
    ['"%x".format([1.0])', "P1262 1.0"],
    ['"%X".format([[1]])', "P1262 [1]"],
    ['"%s".format([optional.of(1)])', "P1262 optional.of(1)"],
    ['"%s".format([[1, {"a": optional.none()}]])', "P1262 optional.none()"],
  ])("%s", (text, expected) => {
    expect(underlined(text, problemOf(text))).toBe(expected);
  });

  test("what is not known at load is not", () => {
    expect(plan('"%d %b %x".format([any.dyn, dyn("a"), request.auth.claims.n])').type.kind).toBe("string");
    expect(plan("request.path.format([1])").type.kind).toBe("string");
    expect(plan('"%d".format(any.list)').type.kind).toBe("string");
  });

  test("the messages say what is wrong", () => {
    expect(problemOf('"%z".format([1])').message).toBe("this is not a format text: there is no clause `%z`");
    expect(problemOf('"%".format([1])').message).toBe("this is not a format text: it ends after `%`");
    expect(problemOf('"%s".format([])').message).toBe("the format text shows one value, and the list has 0");
    expect(problemOf('"%d".format(["a"])').message).toBe("`%d` does not show a string");
  });
});

describe("what turns out wrong in a request is an error", () => {
  test.each<[text: string, dyn: Outcome]>([
    ["any.dyn.format([1])", "%z"],
    ["any.dyn.format([1])", "%d %d"],
    ["any.dyn.format([1])", "%"],
    ["any.dyn.format([1])", 1n],
    ['"%d".format(any.dyn)', "a"],
    ['"%d".format(any.dyn)', []],
    ['"%d".format([any.dyn])', "1"],
    ['"%b".format([any.dyn])', 1.5],
    ['"%o".format([any.dyn])', true],
    ['"%x".format([any.dyn])', null],
    ['"%s".format([any.dyn])', new Optional(1n)],
    ['"%s".format([any.dyn])', new IpAddress(4, 0n)],
    ['"%s".format([any.dyn])', [new Cidr(new IpAddress(4, 0n), 0)]],
    ['"%s".format([any.dyn])', new Map([["a", new Optional(1n)]])],
  ])("%s of %o", (text, dyn) => {
    expect(show(evaluate(text, { "any.dyn": dyn }))).toBe("error");
  });

  test("values that no clause shows are left out", () => {
    expect(evaluate("any.dyn.format([1, 2])", { "any.dyn": "%s" })).toBe("1");
  });
});
