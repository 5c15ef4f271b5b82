import { expect, test } from "vitest";
import { GONE, MergedPositions, NO_POSITION } from "./merged-positions.ts";

function merged(
  singles: readonly number[],
  lists: readonly (readonly number[])[],
  into = new MergedPositions(),
): number[] {
  into.clear();
  for (const position of singles) into.add(position);
  for (const list of lists) into.addAll(list);
  return takenFrom(into);
}

function takenFrom(into: MergedPositions): number[] {
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

test("a list of positions that were elsewhere: those that are gone are passed over, single, merged or taken apart", () => {
  const places = Int32Array.from([GONE, 10, GONE, GONE, 30, 40, GONE]);
  const lists = [[0, 1, 2, 3, 4], [0, 6], [5, 6], []];
  for (const copies of [1, 4]) {
    const positions = new MergedPositions();
    positions.add(20);
    for (let copy = 0; copy < copies; copy += 1) for (const list of lists) positions.addAll(list, places);
    positions.addAll([15]);
    expect(takenFrom(positions)).toEqual([10, 15, 20, 30, 40]);
  }
});

test("what was there before is forgotten", () => {
  const positions = new MergedPositions();
  merged(many, [[50, 60]], positions);
  expect(merged([2], [[1]], positions)).toEqual([1, 2]);
});
