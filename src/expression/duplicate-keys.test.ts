import { describe, expect, test } from "vitest";
import { evaluate, plan, problemOf, scopeWith, show, underlined } from "../../test/cel/harness.ts";
import { compileExpression } from "./compile.ts";

describe("a key that a map literal has twice is refused where it stands again", () => {
  test.each([
    ['{"a": 1, "a": 2}', 'P1269 "a"'],
    [`{"a": 1, 'a': 2}.size() == 1`, "P1269 'a'"],
    ["{true: 1, false: 2, true: 3}[true]", "P1269 true"],
    ["{1: 1, 0x1: 2}", "P1269 0x1"],
    ["{1: 1, 1u: 2}", "P1269 1u"],
    ['[{"a": {"b": 1, "b": request.size}}]', 'P1269 "b"'],
  ])("%s", (text, expected) => {
    expect(underlined(text, problemOf(text))).toBe(expected);
  });

  test.each([
    '{"a": 1, "b": 1}',
    '{1: 1, "1": 2, true: 3, "true": 4}',
    '{request.method: 1, "GET": 2, request.host: 3}',
  ])("%s has no key twice", (text) => {
    expect(plan(text).text).toBe(text);
  });

  test("where it is only evaluated, the last one counts", () => {
    expect(compileExpression('{"a": 1, "a": 2}', scopeWith(), "any", { lenient: true }).ok).toBe(true);
    expect(show(evaluate('{request.method: 1, "GET": 2}["GET"]', { "request.method": "GET" }))).toBe("2");
  });
});
