import { describe, expect, test } from "vitest";
import { evaluate, problemOf, show } from "../../../test/cel/harness.ts";
import { Duration } from "../../attribute/value.ts";

describe("numbers turn into each other where the other type has them", () => {
  test.each([
    ["int(1.9)", "1"],
    ["int(-1.9)", "-1"],
    ["int(9223372036854774784.0)", "9223372036854774784"],
    ["int(9223372036854775807.0)", "error"],
    ["int(-9223372036854774784.0)", "-9223372036854774784"],
    // As cel-go: the least int itself is not reached from a double.
    ["int(-9223372036854775808.0)", "error"],
    ['int(double("NaN"))', "error"],
    ["int(18446744073709551615u)", "error"],
    ["uint(1.9) == 1u", "true"],
    ["uint(-0.0) == 0u", "true"],
    ["uint(-0.5)", "error"],
    ["uint(18446744073709551615.0)", "error"],
    ["uint(-1)", "error"],
    ["double(9007199254740993) == 9007199254740992.0", "true"],
  ])("%s is %s", (text, expected) => {
    const outcome = evaluate(text);
    expect(typeof outcome === "bigint" ? String(outcome) : show(outcome)).toBe(expected);
  });
});

test.each([
  ['int(timestamp("1969-12-31T23:59:59.5Z"))', "-1"],
  ['int(duration("1.5s"))', "1500000000"],
  ["int(any.dyn)", "1"],
  ['string(ip("2001:db8::1"))', '"2001:db8::1"'],
  ['string(dyn(cidr("10.0.0.5/8")))', '"10.0.0.5/8"'],
  ["timestamp(253402300799) < timestamp(0)", "false"],
  ["timestamp(253402300800)", "error"],
  ["timestamp(-62135596801)", "error"],
  ["string(any.dyn)", '"0.000000001s"'],
  ["uint(any.dyn)", "error"],
  ["double(any.dyn)", "error"],
  ["timestamp(any.dyn)", "error"],
  ["bytes(any.dyn)", "error"],
  ["bool(any.dyn)", "error"],
])("%s is %s", (text, expected) => {
  expect(show(evaluate(text, { "any.dyn": new Duration(1n) }))).toBe(expected);
});

test("bytes are the UTF-8 of a text, and back", () => {
  expect(show(evaluate('string(bytes("é😀")) == "é😀" && bytes("é").size() == 2'))).toBe("true");
  expect(show(evaluate('string(b"\\xed\\xa0\\x80")'))).toBe("error");
});

test.each(["uint(request.time)", "int(true)", "string([1])", "bytes(1)", "duration(1)", "double(any.bytes)"])(
  "%s does not check",
  (text) => {
    expect(problemOf(text).code).toBe("P1232");
  },
);
