import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, show, slots } from "../../test/cel/harness.ts";
import { link } from "./link.ts";

/** The four things a condition can be, as attributes. */
const WORDS: Readonly<Record<string, string>> = {
  true: "it.is.yes",
  false: "it.is.no",
  absent: "it.is.gone",
  error: "it.is.broken",
};

function outcome(text: string): string {
  return show(evaluate(text.replace(/\b(true|false|absent|error)\b/g, (word) => WORDS[word] ?? word)));
}

describe("false settles &&, whatever stands on the other side; otherwise error beats absent", () => {
  test.each([
    ["true && true", "true"],
    ["true && false", "false"],
    ["true && absent", "absent"],
    ["true && error", "error"],
    ["false && true", "false"],
    ["false && false", "false"],
    ["false && absent", "false"],
    ["false && error", "false"],
    ["absent && true", "absent"],
    ["absent && false", "false"],
    ["absent && absent", "absent"],
    ["absent && error", "error"],
    ["error && true", "error"],
    ["error && false", "false"],
    ["error && absent", "error"],
    ["error && error", "error"],
    ["absent && true && error", "error"],
    ["absent && error && false", "false"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("true settles ||, whatever stands on the other side; otherwise error beats absent", () => {
  test.each([
    ["true || error", "true"],
    ["true || absent", "true"],
    ["false || true", "true"],
    ["false || false", "false"],
    ["false || absent", "absent"],
    ["false || error", "error"],
    ["absent || true", "true"],
    ["absent || false", "absent"],
    ["absent || absent", "absent"],
    ["absent || error", "error"],
    ["error || true", "true"],
    ["error || false", "error"],
    ["error || absent", "error"],
    ["absent || false || error", "error"],
    ["error || absent || true", "true"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("! and ? : pass absent and error on, and look only at the branch that is taken", () => {
  test.each([
    ["!true", "false"],
    ["!absent", "absent"],
    ["!error", "error"],
    ["true ? false : error", "false"],
    ["false ? error : true", "true"],
    ["true ? absent : true", "absent"],
    ["absent ? true : true", "absent"],
    ["error ? true : true", "error"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

describe("exists and all fold like || and &&", () => {
  /** Each element stands for one of the four. */
  const body = "x == 1 ? true : x == 2 ? false : x == 3 ? absent : error";
  test.each([
    ["[2, 3, 4, 1]", "exists", "true"],
    ["[2, 2]", "exists", "false"],
    ["[2, 3]", "exists", "absent"],
    ["[3, 4]", "exists", "error"],
    ["[]", "exists", "false"],
    ["[1, 3, 4, 2]", "all", "false"],
    ["[1, 1]", "all", "true"],
    ["[1, 3]", "all", "absent"],
    ["[4, 3]", "all", "error"],
    ["[]", "all", "true"],
    ["[1, 2, 3]", "exists_one", "absent"],
    ["[1, 4]", "exists_one", "error"],
    ["[1, 2]", "exists_one", "true"],
    ["[1, 1]", "exists_one", "false"],
    ["[2, 3]", "filter", "absent"],
    ["[3, 4]", "filter", "error"],
    ["[1, 2]", "filter", "[1]"],
  ])("%s.%s is %s", (list, macro, expected) => {
    expect(outcome(`${list}.${macro}(x, ${body})`)).toBe(expected);
  });

  test("map passes absent and error on, and its filter leaves elements out", () => {
    expect(outcome("[1, 2].map(x, x == 2 ? absent : true)")).toBe("absent");
    expect(outcome("[1, 2].map(x, x == 2 ? error : absent)")).toBe("error");
    expect(outcome("[1, 2].map(x, x == 1, x == 2 ? error : true)")).toBe("[true]");
  });

  test("a variable hides an outer one of the same name, and is gone afterwards", () => {
    expect(outcome("[1, 2].exists(x, [3].exists(x, x == 3) && x == 2)")).toBe("true");
  });
});

describe("every other operation is an error if an operand is, else absent if one is", () => {
  test.each([
    ["absent == true", "absent"],
    ["error == absent", "error"],
    ["absent == error", "error"],
    ["[absent, true]", "absent"],
    ["[absent, error]", "error"],
    ['{"a": absent}', "absent"],
    ['{"a": absent, "b": error}', "error"],
    ["string(absent)", "absent"],
    ["string(error)", "error"],
    ["absent in [true]", "absent"],
    ["error in [absent]", "error"],
  ])("%s is %s", (text, expected) => {
    expect(outcome(text)).toBe(expected);
  });
});

test("a chain of comparisons with texts is the same as one after the other", () => {
  const text = 'request.method == "A" || it.is.gone || "B" == request.method || request.method == "C"';
  const closure = link(plan(text), slots);
  expect(show(closure(frameOf({ "request.method": "C" })))).toBe("true");
  expect(show(closure(frameOf({ "request.method": "D" })))).toBe("absent");
  expect(show(closure(frameOf()))).toBe("absent");
});
