import { describe, expect, test } from "vitest";
import { frameOf, plan, type Request, scopeWith, show, slots } from "../../test/cel/harness.ts";
import { link } from "./link.ts";

/** As evaluation finds it: a key that is written twice is refused in a policy. */
function outcome(text: string): string {
  return show(link(plan(text, scopeWith(), { lenient: true }), slots)(frameOf(REQUEST)));
}

const REQUEST: Request = { "request.method": "GET", "any.list": ["a", "b"], "any.int": 2n };

describe("cel.bind", () => {
  test.each([
    ['cel.bind(m, request.method, m + m) == "GETGET"', "true"],
    ["cel.bind(a, 1, cel.bind(a, 2, a)) + cel.bind(a, 1, cel.bind(b, a + 1, b))", "4"],
    ["cel.bind(x, it.is.broken, true)", "true"],
    ["cel.bind(x, it.is.gone, x)", "absent"],
    ["cel.bind(x, it.is.broken, x || true)", "true"],
    // The value has a loop of its own, and is first read in the middle of another one.
    ["cel.bind(x, [1].map(y, y), [5, 6].map(z, x + [z]))", "[[1,5],[1,6]]"],
    ["[1, 2].map(z, cel.bind(x, z * 10, [3].map(y, x + y)[0] + z))", "[14,25]"],
    ["any.list.map(z, cel.bind(x, z + z, x + x))", '["aaaa","bbbb"]'],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("optMap and optFlatMap look at a value only where there is one", () => {
  test.each([
    ['request.?method.optMap(m, m + "!").orValue("none")', '"GET!"'],
    ['request.?host.optMap(m, m + "!").orValue("none")', '"none"'],
    ["request.?host.optMap(m, it.is.broken).hasValue()", "false"],
    ["request.?method.optMap(m, it.is.gone).hasValue()", "absent"],
    ["any.list[?5].optFlatMap(x, optional.of(x)).hasValue()", "false"],
    ['any.list[?0].optFlatMap(x, optional.of(x + "z")).value()', '"az"'],
    ["dyn(1).optMap(x, x).hasValue()", "error"],
    ["optional.of(1).optFlatMap(x, dyn(x))", "1"],
    ["optional.none().optFlatMap(x, [][0]).hasValue()", "false"],
    ["null.optMap(x, x)", "error"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("elements and entries written with ? are there when their optional is", () => {
  test.each([
    ['[?request.?method, ?request.?host, "x"]', '["GET","x"]'],
    ['{?"m": request.?method, ?"h": request.?host} == {"m": "GET"}', "true"],
    ['{"a": 1, ?"a": optional.of(2)}["a"]', "2"],
    ['"a" in {"a": 1, ?"a": optional.none()}', "false"],
    ["[?it.is.broken ? optional.of(1) : optional.none()]", "error"],
    ["[?dyn(1)]", "error"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("loops of two variables: index and element, key and value", () => {
  test.each([
    ["[5, 6].all(i, v, v == i + 5)", "true"],
    ["[5, 6].exists(i, v, i == 1 && v == 6)", "true"],
    ["[5, 6].exists_one(i, v, v > 5)", "true"],
    ['{"a": 1, "b": 2}.exists(k, v, k == "b" && v == 2)', "true"],
    ["[5, 6].transformList(i, v, i > 0, v * 10)", "[60]"],
    ['{"a": 1}.transformMap(k, v, v + 1)["a"]', "2"],
    ['["x"].transformMap(i, v, v)[0]', '"x"'],
    ['["x", "y"].transformMapEntry(i, v, {v: i})["y"]', "1"],
    ['["x", "x"].transformMapEntry(i, v, {v: i})', "error"],
    ["[1, 1u].transformMapEntry(i, v, {v: i})", "error"],
    ['["x"].transformMapEntry(i, v, [{v: i}, {}][i]).x', "0"],
    ["[1, 2].transformList(i, v, v == 2 ? it.is.gone : true)", "absent"],
    ["[0].transformList(i, v, dyn(1) / v == 1)", "error"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("an optional that has nothing is not looked into", () => {
  test.each([
    ['optional.of({}).?a["x"].hasValue()', "false"],
    ["optional.of({}).?a[it.is.broken].hasValue()", "false"],
    ["optional.of({}).?a[?it.is.gone].hasValue()", "false"],
    ["dyn({})[?[1]]", "error"],
    ["dyn([])[?1e300]", "error"],
    ["dyn([])[?18446744073709551615u]", "error"],
    ["[1][?-9223372036854775808].hasValue()", "false"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("keys of a map literal", () => {
  test.each([
    ["{1: 1, 1: 2}[1]", "2"],
    ["[{1: 1, 1u: 2}[1], {1u: 2, 1: 1}[1u], {1u: 2, 1: 1}[dyn(1.0)]]", "[1,2,1]"],
    ["{1: 1, 1u: 2} == {1u: 2, 1: 1}", "true"],
    ["{1: 1, 1u: 2} == {1u: 1, 1: 2}", "false"],
    ["{1u: 1, ?1: optional.none()}.size()", "1"],
    ["{dyn(1.5): 1}", "error"],
    ["{dyn([1]): 1}", "error"],
    ["{1u: 5}[dyn(1)]", "5"],
    ["{1: 5}[dyn(1.0)]", "5"],
    ["dyn({1: 5}) == dyn({1u: 5})", "true"],
    ["dyn({1: 5, 2: 6}) == dyn({1u: 5, 3u: 6})", "false"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});
