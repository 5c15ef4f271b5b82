import { expect, test } from "vitest";
import { MergedPositions, NO_POSITION } from "./merged-positions.ts";

function merged(
  singles: readonly number[],
  lists: readonly (readonly number[])[],
  into = new MergedPositions(),
): number[] {
  into.clear();
  for (const position of singles) into.add(position);
  for (const list of lists) into.addAll(list);
  into.sort();
  const all: number[] = [];
  for (let first = into.first(); first !== NO_POSITION; first = into.first()) {
    all.push(first);
    into.skip(first);
  }
  return all;
}

const many = Array.from({ length: 40 }, (_, index) => (index * 7) % 40);

test.each([
  ["nothing", [], [], []],
  ["single ones in any order", [5, 1, 3], [], [1, 3, 5]],
  ["one list as it is", [], [[2, 4, 9]], [2, 4, 9]],
  [
    "lists and single ones, each position once",
    [4, 0, 4],
    [
      [1, 4],
      [2, 4, 5],
    ],
    [0, 1, 2, 4, 5],
  ],
  ["many single ones", many, [[3]], many.toSorted((a, b) => a - b)],
  ["more lists than are merged", [100], many.map((position) => [position, position + 1]), [...Array(41).keys(), 100]],
])("%s", (_, singles, lists, expected) => {
  expect(merged(singles, lists)).toEqual(expected);
});

test("what was there before is forgotten", () => {
  const positions = new MergedPositions();
  merged(many, [[50, 60]], positions);
  expect(merged([2], [[1]], positions)).toEqual([1, 2]);
});
