import { expect, test } from "vitest";
import { splitHeader } from "./header-values.ts";

test.each([
  ["a", ["a"]],
  ["a, b,c ,\td", ["a", "b", "c", "d"]],
  ["", [""]],
  ["a,,b", ["a", "", "b"]],
  ['"a, b", c', ['"a, b"', "c"]],
  ['"a\\", b", c', ['"a\\", b"', "c"]],
  ['x="a,b"; y, z', ['x="a,b"; y', "z"]],
  // A quote that never closes must not hide what follows it.
  ['", frozen', ['"', "frozen"]],
  ['a", frozen, b', ['a"', "frozen", "b"]],
  ['"a", "b, frozen', ['"a"', '"b', "frozen"]],
  ["a\u00a0, b", ["a\u00a0", "b"]],
])("%j", (value, parts) => {
  expect(splitHeader(value)).toEqual(parts);
});

test("what a client may send to make it slow is split like anything else", () => {
  expect(splitHeader(`${" ".repeat(60_000)}a`)).toEqual(["a"]);
  expect(splitHeader('"\\'.repeat(30_000))).toHaveLength(1);
  expect(splitHeader(`${'"\\"'.repeat(20_000)},b`).at(-1)).toContain("b");
});
