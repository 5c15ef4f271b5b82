import { expect, test } from "vitest";
import { FUNCTIONS, signaturesOf } from "./registry.ts";

test("every function has a name of its own, a cost, signatures and a sentence", () => {
  expect(new Set(FUNCTIONS.map((row) => row.name)).size).toBe(FUNCTIONS.length);
  for (const row of FUNCTIONS) {
    const cost = typeof row.cost === "number" ? row.cost : row.cost("text", "text", "text");
    expect([row.name, cost > 0]).toEqual([row.name, true]);
    expect(row.signatures.length).toBeGreaterThan(0);
    expect(row.doc).toMatch(/\.$/);
  }
});

test("a cost grows with what a call has to look at", () => {
  const small = { text: "a", list: ["a"], map: new Map([["a", "a"]]) };
  const large = {
    text: "a".repeat(10_000),
    list: Array(10_000).fill("a"),
    map: new Map(Array.from({ length: 1_000 }, (_, i) => [`${i}`, "a"])),
  };
  const cost = (
    name: string,
    ...args: Parameters<Extract<(typeof FUNCTIONS)[number]["cost"], (...args: never) => number>>
  ): number => {
    const row = FUNCTIONS.find((one) => one.name === name);
    return typeof row?.cost === "function" ? row.cost(...args) : 0;
  };
  for (const name of ["_==_", "_+_", "_<_", "contains", "startsWith"]) {
    expect([name, cost(name, large.text, large.text, null) > cost(name, small.text, small.text, null)]).toEqual([
      name,
      true,
    ]);
  }
  for (const kind of ["list", "map"] as const) {
    expect(cost("_==_", large[kind], large[kind], null)).toBeGreaterThan(cost("_==_", small[kind], small[kind], null));
  }
});

test("a signature is taken apart at its own commas", () => {
  const [get] = FUNCTIONS.filter((row) => row.name === "get").flatMap(signaturesOf);
  expect(get).toEqual({ receiver: "map<K, V>", name: "get", parameters: ["K", "V"], returns: "V" });
  const [none] = FUNCTIONS.filter((row) => row.name === "optional.none").flatMap(signaturesOf);
  expect(none).toEqual({ name: "optional.none", parameters: [], returns: "optional<V>" });
});
