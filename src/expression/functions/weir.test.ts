import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, show } from "../../../test/cel/harness.ts";

const MESH = { "source.principal": "spiffe://cluster.local/ns/web/sa/shop" };
const ISTIO = { "source.principal": "cluster.local/ns/web/sa/shop" };
const OTHER = { "source.principal": "spiffe://cluster.local/db/primary" };
const DNS = { "source.principal": "shop.example.org" };
const EMPTY = { "source.principal": "" };

describe("the parts of a principal", () => {
  test.each([
    [
      "spiffe.trustDomain(source.principal)",
      ['"cluster.local"', '"cluster.local"', '"cluster.local"', "absent", "absent", "absent"],
    ],
    ["spiffe.namespace(source.principal)", ['"web"', '"web"', "absent", "absent", "absent", "absent"]],
    ["spiffe.serviceAccount(source.principal)", ['"shop"', '"shop"', "absent", "absent", "absent", "absent"]],
    ['spiffe.namespace(source.principal) == "web"', ["true", "true", "absent", "absent", "absent", "absent"]],
    ['spiffe.namespace(source.principal) != "web"', ["false", "false", "absent", "absent", "absent", "absent"]],
    [
      'spiffe.namespace(source.principal).orDefault("none")',
      ['"web"', '"web"', '"none"', '"none"', '"none"', '"none"'],
    ],
  ])("%s", (text, expected) => {
    expect([MESH, ISTIO, OTHER, DNS, EMPTY, {}].map((request) => show(evaluate(text, request)))).toEqual(expected);
  });

  test("what is no text is an error", () => {
    expect(show(evaluate("spiffe.namespace(dyn(1))"))).toBe("error");
  });

  test("an expression that asks for one may be absent, though its argument never is", () => {
    expect(plan('spiffe.namespace("spiffe://a/b").orDefault("")').total).toBe(true);
    expect(plan('spiffe.namespace(source.principal.orDefault(""))').total).toBe(false);
  });
});

describe("what is long is paid for", () => {
  test.each([
    ['request.headers.values("a")', { "request.headers": new Map([["a", ",".repeat(1_000)]]) }],
    ["request.headers.values(request.path)", { "request.headers": new Map(), "request.path": "A".repeat(20_000) }],
    ['bucket(request.path, "salt")', { "request.path": "A".repeat(5_000) }],
    ["spiffe.namespace(request.path)", { "request.path": "a".repeat(5_000) }],
    [
      "dyn(any.map).get(any.int, 0)",
      { "any.map": new Map(Array.from({ length: 9_000 }, (_, at) => [`${at}`, at])), "any.int": 1n },
    ],
  ])("%s", (text, request) => {
    const frame = frameOf(request);
    const before = frame.budget;
    evaluate(text, request, frame);
    expect(before - frame.budget).toBeGreaterThan(400);
  });
});
