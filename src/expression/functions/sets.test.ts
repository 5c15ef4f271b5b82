import { describe, expect, test } from "vitest";
import { evaluate, problemOf, show } from "../../../test/cel/harness.ts";
import type { CelValue } from "../../attribute/value.ts";
import { hasAll, hasAny, hasExactly, sharingCost } from "./sets.ts";

describe("lists as sets", () => {
  test.each([
    ["sets.contains([], [])", "true"],
    ["sets.contains([], [1])", "false"],
    ["sets.contains([1, 2, 3], [3, 1])", "true"],
    ["sets.contains([dyn(1)], [1.0])", "true"],
    ["sets.contains([dyn(1)], ['1'])", "false"],
    ["sets.contains([[1], [2]], [[2]])", "true"],
    ['sets.contains([double("NaN")], [double("NaN")])', "false"],
    ["sets.equivalent([1, 2, 2], [2, 1])", "true"],
    ["sets.equivalent([1], [1, 1.0])", "true"],
    ["sets.equivalent([1], [1, 2])", "false"],
    ["sets.equivalent([1, 2], [1])", "false"],
    ["sets.intersects([1, 2], [2, 3])", "true"],
    ["sets.intersects([1], [])", "false"],
    ["sets.intersects([], [])", "false"],
    ["sets.intersects([{'a': 1}], [{'a': dyn(1u)}])", "true"],
    ["sets.contains(dyn({}), dyn([]))", "error"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });

  test.each(["sets.intersects([1], [1u])", "sets.contains(1, [1])"])("%s does not fit the types", (text) => {
    expect(problemOf(text).severity).toBe("error");
  });
});

test("long lists are told by the same equality as short ones", () => {
  const many: CelValue[] = Array.from({ length: 50 }, (_, index) => `element-${index}`);
  const mixed = [...many, 1n, [1n, "a"], new Map<CelValue, CelValue>([["k", 2n]])];
  const others = [...many.toReversed(), 1, [1, "a"], new Map<CelValue, CelValue>([["k", 2]])];
  expect([hasAll(mixed, others), hasExactly(mixed, others), hasAny(mixed, others)]).toEqual([true, true, true]);
  expect([hasAll(mixed, [...others, "more"]), hasExactly(mixed, [...others, "more"])]).toEqual([false, false]);
  const nans = Array.from({ length: 20 }, () => Number.NaN);
  expect([hasAll(nans, nans), hasAny(nans, nans)]).toEqual([false, false]);
});

test("an element or two are looked for at the price of comparing, long lists at less than every pair", () => {
  expect(sharingCost(1_000, 2)).toBe(1_000);
  expect(sharingCost(10_000, 10_000)).toBe(80_000);
});
