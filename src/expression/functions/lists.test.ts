import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, problemOf, show, slots } from "../../../test/cel/harness.ts";
import { type CelValue, Invalid, Optional } from "../../attribute/value.ts";
import { link } from "../index.ts";
import { COST_LIMIT } from "../values.ts";
import { LISTS } from "./lists.ts";

function give(table: readonly (readonly [text: string, expected: string])[]): void {
  test.each(table)("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });
}

describe("a part of a list", () => {
  give([
    ["[1, 2, 3].slice(1, 3)", "[2,3]"],
    ["[1, 2, 3].slice(3, 3)", "[]"],
    ["[1, 2, 3].slice(0, 3)", "[1,2,3]"],
    ["[1, 2, 3].slice(0, 4)", "error"],
    ["[1, 2, 3].slice(2, 1)", "error"],
    ["[1, 2, 3].slice(-1, 1)", "error"],
    ["[1, 2, 3].slice(0, 9223372036854775807)", "error"],
    ["[1, 2, 3].slice(0, dyn(1u))", "error"],
    ["[1, 2].first().value()", "1"],
    ["[1, 2].last().value()", "2"],
    ["[null].first().hasValue()", "true"],
    ["[].first().hasValue()", "false"],
    ["[].last().hasValue()", "false"],
    ["dyn({}).first()", "error"],
    ["[1, 2].reverse()", "[2,1]"],
  ]);
});

describe("lists within lists", () => {
  give([
    ["[[1], [2, 3], []].flatten()", "[1,2,3]"],
    ["[1, [2, [3]]].flatten()", "[1,2,[3]]"],
    ["[1, [2, [3]]].flatten(0)", "[1,[2,[3]]]"],
    ["[1, [2, [3]]].flatten(9223372036854775807)", "[1,2,3]"],
    ["[1, 2].flatten(1)", "[1,2]"],
    ["[dyn(1), 2].flatten()", "[1,2]"],
    ["[[1]].flatten(-1)", "error"],
    ["[[1]].flatten(dyn(null))", "error"],
  ]);

  test("a list of what can hold no list is not flattened", () => {
    expect(problemOf("[1, 2].flatten()").severity).toBe("error");
  });
});

describe("ranges", () => {
  give([
    ["lists.range(3)", "[0,1,2]"],
    ["lists.range(0)", "[]"],
    ["lists.range(-1)", "error"],
    ["lists.range(1000001)", "error"],
    ["lists.range(9223372036854775807)", "error"],
    ["lists.range(dyn(1u))", "error"],
  ]);

  test("cost a step for each element, before there are any", () => {
    const range = link(plan("lists.range(any.int).first().hasValue()"), slots);
    const request = { "any.int": 1_000n };
    expect(range(frameOf(request, { budget: 900 }))).toBe(COST_LIMIT);
    const frame = frameOf(request, { budget: 1_100 });
    expect(range(frame)).toBe(true);
    expect(frame.budget).toBeLessThan(100);
    expect(range(frameOf({ "any.int": 1_000_000n }))).toBe(COST_LIMIT);
    expect(show(range(frameOf({})))).toBe("absent");
  });
});

describe("repetitions", () => {
  give([
    ['[1, 1.0, 1u, "1", true, 1].distinct()', '[1,"1",true]'],
    ['[double("NaN"), double("NaN")].distinct().size()', "2"],
    ["[[1], [1.0], [1, 2]].distinct()", "[[1],[1,2]]"],
    ["[{'a': 1}, {'a': 1u}, {'b': 1}].distinct().size()", "2"],
    ["[].distinct()", "[]"],
  ]);

  test("are found in long lists as in short ones", () => {
    const list = "[1, 1.0, 'a', null, 'a', [1], [1u], {'a': [b'x']}, {'a': [b'x']}, null, true, 0.5, 0.5, 1]";
    expect(show(evaluate(`${list}.distinct().size()`))).toBe("7");
    expect(show(evaluate(`${list}.slice(0, 7).distinct().size()`))).toBe("4");
    const nan = "double('NaN')";
    expect(show(evaluate(`[${Array(12).fill(nan).join()}].distinct().size()`))).toBe("12");
  });
});

describe("sorting", () => {
  give([
    ["[3, 1, 2].sort()", "[1,2,3]"],
    ["[3u, 1u].sort() == [1u, 3u]", "true"],
    ['["b", "é", "a", "😀", "\\uffff"].sort()', '["a","b","é","\uffff","😀"]'],
    ['[b"b", b"a"].sort() == [b"a", b"b"]', "true"],
    ["[true, false].sort()", "[false,true]"],
    ['[duration("1m"), duration("1s")].sort()[0] == duration("1s")', "true"],
    ["[].sort()", "[]"],
    ["[dyn(1)].sort()", "[1]"],
    ["[dyn(1), 2u].sort()", "error"],
    ["[dyn(null)].sort()", "error"],
    ["[dyn([1])].sort()", "error"],
    ["dyn({}).sort()", "error"],
    // NaN is neither before nor after anything.
    ['[double("NaN"), 1.0].sort()[1]', "1"],
    ["[1, 2, 3, 4].sortBy(x, x % 2)", "[2,4,1,3]"],
    ["[{'n': 2}, {'n': 1}].sortBy(x, x.n).map(x, x.n)", "[1,2]"],
    ["['bb', 'a', 'cc', 'd'].sortBy(x, size(x))", '["a","d","bb","cc"]'],
    ["[1, 2].sortBy(x, x == 1 ? dyn('a') : dyn(1))", "error"],
    ["[3, 1, 2].map(x, x * 2).sortBy(x, -x)", "[6,4,2]"],
  ]);

  test.each(["[[1]].sort()", "[{}].sort()", "[1].sortBy(x, [x])"])("%s has no order", (text) => {
    expect(problemOf(text).severity).toBe("error");
  });

  test("keeps the order of elements with equal keys in long lists too", () => {
    const sorted = evaluate("lists.range(100).sortBy(x, x % 3)");
    const expected = [0, 1, 2].flatMap((rest) =>
      Array.from({ length: 100 }, (_, index) => index).filter((index) => index % 3 === rest),
    );
    expect(sorted).toEqual(expected.map(BigInt));
  });
});

describe("what lists share", () => {
  give([
    ["[1, 2, 3].hasAll([dyn(3u), 1.0])", "true"],
    ["[1, 2, 3].hasAll([2, 4])", "false"],
    ["[1].hasAll([])", "true"],
    ["[1, 2].hasAny([2, 3])", "true"],
    ["[1].hasAny([])", "false"],
    ["[].hasAny([])", "false"],
    ["[1, 1].hasOnly([1, 2])", "true"],
    ["[1].hasOnly([])", "false"],
    ["[].hasOnly([1])", "true"],
    ["[1, 1].hasExactly([1])", "true"],
    ["[1, 2].hasExactly([1])", "false"],
    ['[double("NaN")].hasAll([double("NaN")])', "false"],
    ["dyn([1]).hasAll(dyn({}))", "error"],
  ]);
});

const FAILED = new Invalid("has one form only");

test("functions of lists answer what is no list with an error", () => {
  const others: CelValue[] = [null, true, 0.5, "a", new Map(), new Uint8Array(1), new Optional(1n)];
  for (const { apply, prepare, name } of LISTS) {
    for (const value of others) {
      expect([name, apply(value, [], [], null)]).toEqual([name, expect.any(Invalid)]);
      expect([name, prepare?.([undefined])?.apply(value, null, null, null) ?? FAILED]).toEqual([
        name,
        expect.any(Invalid),
      ]);
    }
  }
});
