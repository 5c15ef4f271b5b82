import { describe, expect, test } from "vitest";
import { CARRIED_LIMIT_BYTES, CARRIED_LIMIT_LEVELS, packCarried, unpackCarried } from "./carried.ts";
import { MASKED } from "./mask.ts";
import { parseType } from "./type.ts";
import { ABSENT, type CelValue, Invalid } from "./value.ts";

describe("what a decision carries to the access log", () => {
  test("arrives as it was: values, absence and errors", () => {
    const { values } = packCarried([
      { name: "request.auth.subject", value: "ana" },
      { name: "order.total", value: 9_007_199_254_740_993n },
      { name: "source.namespace", value: ABSENT },
      { name: "broken", value: new Invalid("why") },
    ]);
    const read = (name: string, type: "string" | "int") => {
      const json = values.get(name);
      return json === undefined ? ABSENT : unpackCarried(json, parseType(type));
    };
    expect(read("request.auth.subject", "string")).toBe("ana");
    expect(read("order.total", "int")).toBe(9_007_199_254_740_993n);
    expect(read("source.namespace", "string")).toBe(ABSENT);
    expect(read("broken", "string")).toBeInstanceOf(Invalid);
  });

  test("is left out and counted when it does not fit: the longest, so that nobody pushes others out with what he writes", () => {
    const { values, leftOut } = packCarried([
      { name: "request.path", value: `/${"x".repeat(3_000)}` },
      { name: "destination.service", value: "s".repeat(2_000) },
      { name: "request.auth.subject", value: "ana" },
    ]);
    expect([...values.keys()].sort()).toEqual(["destination.service", "request.auth.subject"]);
    expect(leftOut).toBe(1);
  });

  test("is left out and counted when it is too deep for Envoy to read", () => {
    const nested = (levels: number): CelValue => (levels === 0 ? "x" : new Map([["a", [nested(levels - 2)]]]));
    const { values, leftOut } = packCarried([
      { name: "deep", value: nested(CARRIED_LIMIT_LEVELS) },
      { name: "deeper", value: new Map([["a", nested(CARRIED_LIMIT_LEVELS)]]) },
    ]);
    expect([[...values.keys()], leftOut]).toEqual([["deep"], 1]);
  });

  test("is never longer than its limit", () => {
    const { values, leftOut } = packCarried(
      Array.from({ length: 2_000 }, (_, n) => ({ name: `a.n${n}`, value: 'é"' })),
    );
    expect(Buffer.byteLength(JSON.stringify(Object.fromEntries(values)))).toBeLessThanOrEqual(CARRIED_LIMIT_BYTES);
    expect(leftOut).toBe(2_000 - values.size);
  });

  test("is absent when it was masked and is no text", () => {
    expect(unpackCarried(MASKED, parseType("int"))).toBe(ABSENT);
    expect(unpackCarried(MASKED, parseType("string"))).toBe(MASKED);
  });

  test("is an error when it is not of the declared type", () => {
    expect(unpackCarried("x", parseType("int"))).toBeInstanceOf(Invalid);
  });
});
