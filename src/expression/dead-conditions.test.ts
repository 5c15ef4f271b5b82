import { describe, expect, test } from "vitest";
import { scopeWith, underlined } from "../../test/cel/harness.ts";
import { compileExpression } from "./compile.ts";

/** The code and the underlined text of each warning. */
function warnings(text: string): readonly string[] {
  const compiled = compileExpression(text, scopeWith(), "any");
  return compiled.ok ? compiled.warnings.map((warning) => underlined(text, warning)) : [compiled.problem.message];
}

describe("a condition that no request can make true is said where it stands", () => {
  test.each([
    ["size(request.path) < 0", "size(request.path) < 0"],
    ["it.is.yes && request.path.size() == -1", "request.path.size() == -1"],
    ["0 > size(request.path)", "0 > size(request.path)"],
    ["request.method in []", "request.method in []"],
    ["request.time.getHours() >= 24", "request.time.getHours() >= 24"],
    ['request.time.getHours("Europe/Paris") == 24', 'request.time.getHours("Europe/Paris") == 24'],
    ["request.time.getDayOfWeek() == 7", "request.time.getDayOfWeek() == 7"],
    ['bucket(request.path, "a") >= 100', 'bucket(request.path, "a") >= 100'],
    ['request.method == "GET" && request.method == "PUT"', 'request.method == "GET" && request.method == "PUT"'],
    ['"GET" == request.method && request.method != "GET"', '"GET" == request.method && request.method != "GET"'],
    ['request.method in ["A", "B"] && request.method == "C"', 'request.method in ["A", "B"] && request.method == "C"'],
    [
      'request.headers["x"] == "1" && request.headers.x == "2"',
      'request.headers["x"] == "1" && request.headers.x == "2"',
    ],
    [
      'request.headers["x"] == "1" && request.headers["x"] == "2"',
      'request.headers["x"] == "1" && request.headers["x"] == "2"',
    ],
    ['request.path == "/a" && request.path.startsWith("/b")', 'request.path == "/a" && request.path.startsWith("/b")'],
    ["request.size > 5 && request.size < 3", "request.size > 5 && request.size < 3"],
    ["request.size > 5 && request.size < 6", "request.size > 5 && request.size < 6"],
    ["request.size >= 5 && request.size < 5", "request.size >= 5 && request.size < 5"],
    [
      "[1].exists(x, x == 1 && request.size == 1 && request.size == 2)",
      "x == 1 && request.size == 1 && request.size == 2",
    ],
  ])("%s", (text, place) => {
    expect(warnings(text)).toEqual([`P1257 ${place}`]);
  });

  test("several in the order of the text", () => {
    const text = "[request.path].map(p, size(p) < 0, size(p) == -1)";
    expect(warnings(text)).toEqual(["P1257 size(p) < 0", "P1257 size(p) == -1"]);
  });
});

describe("what can hold is left alone", () => {
  test.each([
    ["size(request.path) >= 0"],
    ["size(request.path) > 0"],
    ["request.time.getHours() < 24"],
    ["request.duration.getHours() == 24"],
    ['request.method == "GET" || request.method == "PUT"'],
    ['request.method in ["A", "B"] && request.method != "A"'],
    ["request.size >= 5 && request.size <= 5"],
    ["request.size > 5 && request.size < 7"],
    ["any.double > 5.0 && any.double < 6.0"],
    ['request.path.startsWith("/a") && request.path.startsWith("/b")'],
    ['request.headers["x"] == "1" && request.headers["y"] == "2"'],
    ["[1, 2].exists(x, x == 1) && it.is.yes ? true : false"],
  ])("%s", (text) => {
    expect(warnings(text).filter((warning) => warning.startsWith("P1257"))).toEqual([]);
  });
});

describe("a condition that is the same for every request is said once, unless it is written so", () => {
  test.each([
    ["1 == 1", ["P1256 1 == 1"]],
    ["it.is.yes && 1 > 2", ["P1256 it.is.yes && 1 > 2"]],
    ["it.is.yes && 2 > 1", ["P1256 2 > 1"]],
    ["it.is.yes || true", ["P1256 it.is.yes || true"]],
    ["true", []],
    ["it.is.yes && true", []],
    ["[1, 2].exists(x, x == 2)", ["P1256 [1, 2].exists(x, x == 2)"]],
    ["request.size > 1 + 2", []],
  ])("%s", (text, expected) => {
    expect(warnings(text)).toEqual(expected);
  });
});
