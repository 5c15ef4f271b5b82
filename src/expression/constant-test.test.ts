import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, type Request, show, slots } from "../../test/cel/harness.ts";
import { type CelValue, Duration, Timestamp, TypeValue, Uint } from "../attribute/value.ts";
import { constantTest, predicate } from "./constant-test.ts";
import { link } from "./link.ts";
import { toLiteral } from "./literal.ts";
import type { Literal, Tree } from "./tree.ts";
import { equal } from "./values.ts";

const AT = [0, 0] as const;

/** What a test looks at and for, and what it says of values. */
function testOf(text: string): string {
  const found = constantTest(plan(text).tree);
  if (found === undefined) return "none";
  const constants = found.constants.map((literal) => ("value" in literal ? String(literal.value) : literal.type));
  return `${found.subject.op} ${found.negated ? "not in" : "in"} ${constants.join()}`;
}

describe("a comparison of one subject with constants is a test", () => {
  test.each([
    ['request.method == "GET"', "attribute in GET"],
    ['"GET" == request.method', "attribute in GET"],
    ['request.method != "GET"', "attribute not in GET"],
    ["request.size in [1, 2]", "attribute in 1,2"],
    ['!(request.method == "GET")', "attribute not in GET"],
    ['request.method == "GET" || request.method in ["PUT", "POST"]', "attribute in GET,PUT,POST"],
    ['request.method != "GET" && !(request.method in ["PUT"])', "attribute not in GET,PUT"],
    ['request.headers["a"] == "1" || request.headers.a == "2"', "select in 1,2"],
    ['any.map.a.b == 1 || any.map["a"].b == 2', "select in 1,2"],
    ["any.map.a.b == 1 || any.map.a.c == 2", "none"],
    ['request.method == "GET" || request.path == "/"', "none"],
    ['request.method == "GET" || request.method != "PUT"', "none"],
    ['request.method == "GET" && request.method == "PUT"', "none"],
    ["any.list == []", "none"],
    ["request.method == request.path", "none"],
  ])("%s: %s", (text, expected) => {
    const found = testOf(text);
    expect(found.replace("index", "select")).toBe(expected);
  });
});

describe("what is joined is what it was one by one", () => {
  const values = ["A", "B", "C", "D"];
  const requests: Request[] = [
    ...values.map((value) => ({ "request.method": value, "any.map": new Map([["a", new Map([["b", value]])]]) })),
    { "any.map": new Map([["a", 1n]]) },
    {},
  ];
  test.each([
    'request.method == "A" || it.is.gone || "B" == request.method || request.method == "C"',
    'request.method != "A" && it.is.gone && request.method != "B" && request.method != "C"',
    'request.method == "A" || request.method == "B"',
    '!(request.method == "A") && request.method != "B"',
    '!(request.method in ["A", "B", "C"])',
    'request.method in [] || request.method == "D"',
    'any.map.a.b == "A" || it.is.gone || any.map["a"].b == "B"',
    'any.map.a.b != "A" && it.is.gone && "B" != any.map.a["b"]',
  ])("%s", (text) => {
    const whole = link(plan(text), slots);
    const { tree } = plan(text);
    // One operand alone is joined with nothing.
    const operands = tree.op === "or" || tree.op === "and" ? tree.operands : [tree];
    for (const request of requests) {
      const parts = operands.map((operand) => show(link({ ...plan(text), tree: operand }, slots)(frameOf(request))));
      expect(show(whole(frameOf(request)))).toBe(combined(tree, parts));
    }
  });

  function combined(tree: Tree, parts: readonly string[]): string {
    const settling = String(tree.op === "or");
    if (tree.op !== "or" && tree.op !== "and") return parts[0] ?? "";
    if (parts.includes(settling)) return settling;
    return parts.find((part) => part === "error" || part === "absent") ?? String(tree.op === "and");
  }
});

test("being one of constants is being equal to one of them, whatever their kinds", () => {
  const value = fc.oneof(
    fc.constantFrom<CelValue>(null, true, false, "", "a", "b", Number.NaN, 0, -0, 1, 1.5, 2 ** 53, 2 ** 63),
    fc.constantFrom<CelValue>(0n, 1n, 2n, 2n ** 53n + 1n, 2n ** 63n - 1n, -1n),
    fc.constantFrom<CelValue>(
      new Uint(1n),
      new Uint(2n ** 63n),
      new Timestamp(0n),
      new Duration(0n),
      new TypeValue("int"),
    ),
  );
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), value, (constants, one) => {
      const literals = constants.map(toLiteral).filter((literal): literal is Literal => literal !== undefined);
      const subject: Tree = { op: "local", name: "x", at: AT };
      const isOne = predicate({ subject, constants: literals, negated: false });
      expect(isOne(one)).toBe(constants.some((constant) => equal(one, constant)));
    }),
    { numRuns: 2_000, seed: 20_260_103 },
  );
});

describe("comparing with a constant is comparing", () => {
  const numbers: Request = { "any.int": 5n, "any.dyn": 5, "any.uint": new Uint(5n), "request.time": new Timestamp(5n) };
  test.each([
    ["any.int < 6", "true"],
    ["6 > any.int", "true"],
    ["5 <= any.int && any.int <= 5 && any.int >= 5", "true"],
    ["any.int > 5.5", "false"],
    ["any.int < 5u", "false"],
    ["any.uint < 6u && any.uint < 6", "true"],
    ["any.dyn < 6 && any.dyn < 5.5", "true"],
    ['any.dyn < "6"', "error"],
    ["any.dyn > 0.0 / 0.0", "false"],
    ['request.time < timestamp("2026-01-01T00:00:00Z")', "true"],
    ["any.double < 1.0", "absent"],
    ['any.dyn.startsWith("a")', "error"],
    ['request.host.startsWith("a") || request.host.endsWith("a")', "absent"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, numbers))).toBe(expected);
  });
});

describe("asking each element for constants only", () => {
  test.each([
    ['any.list.exists(g, g == "b")', "true"],
    ['any.list.exists(g, g in ["x", "c"])', "true"],
    ['any.list.all(g, g != "z")', "true"],
    ['any.list.all(g, g == "a" || g == "b")', "false"],
    ['any.list.exists(g, !(g == "a"))', "true"],
    ['request.headers.exists(k, k == "x-role")', "true"],
    ['request.auth.claims.all(k, k == "sub")', "absent"],
    ['any.dyn.exists(g, g == "b")', "error"],
    ['any.list.exists(g, any.list.exists(h, h == "c" && g == "b"))', "true"],
  ])("%s is %s", (text, expected) => {
    const request: Request = {
      "any.list": ["a", "b", "c"],
      "any.dyn": 1n,
      "request.headers": new Map([["x-role", "admin"]]),
    };
    expect(show(evaluate(text, request))).toBe(expected);
  });
});
