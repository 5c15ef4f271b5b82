import { expect, test } from "vitest";
import { FUNCTIONS, overloadsOf } from "./registry.ts";

test("every function has a name of its own, a cost, signatures and a sentence", () => {
  expect(new Set(FUNCTIONS.map((row) => row.name)).size).toBe(FUNCTIONS.length);
  for (const row of FUNCTIONS) {
    const cost = typeof row.cost === "number" ? row.cost : row.cost(1, 1, 1, 1);
    expect([row.name, cost > 0]).toEqual([row.name, true]);
    expect(row.signatures.length).toBeGreaterThan(0);
    expect(row.doc).toMatch(/\.$/);
  }
});

test("a cost does not fall when an argument grows", () => {
  for (const { name, cost } of FUNCTIONS) {
    if (typeof cost === "number") continue;
    const small = cost(1, 1, 1, 1);
    for (const larger of [cost(50, 1, 1, 1), cost(1, 50, 1, 1), cost(1, 1, 50, 1), cost(1, 1, 1, 50)])
      expect([name, larger >= small]).toEqual([name, true]);
  }
});

test("a signature is taken apart at its own commas", () => {
  const [get] = overloadsOf("get");
  expect([get?.isMember, get?.parameters.map(({ kind }) => kind)]).toEqual([true, ["map", "parameter", "parameter"]]);
  const [none] = overloadsOf("optional.none");
  expect([none?.isMember, none?.parameters, none?.returns.kind]).toEqual([false, [], "optional"]);
  expect(overloadsOf("_+_")[0]).toMatchObject({ isMember: false, parameters: [{ kind: "bytes" }, { kind: "bytes" }] });
  expect(overloadsOf("-_")[0]).toMatchObject({ isMember: false, parameters: [{ kind: "double" }] });
});
