import { expect, test } from "vitest";
import { MAX_MOVES_A_LOOK, MAX_TRIES } from "./protocol.ts";
import { Rebalance } from "./rebalance.ts";

test("a difference of one is even, of two is not, and half of it moves", () => {
  const balance = new Rebalance();
  expect(balance.next([0, 0])).toBeUndefined();
  expect(balance.next([3, 2])).toBeUndefined();
  expect(balance.next([0, 2])).toEqual({ from: 1, connections: 1 });
  expect(balance.next([6, 0, 3])).toEqual({ from: 0, connections: 3 });
  expect(balance.next([60, 0])).toEqual({ from: 0, connections: MAX_MOVES_A_LOOK });
});

test("of many connections a quarter more is let be", () => {
  const balance = new Rebalance();
  expect(balance.next([100, 120])).toBeUndefined();
  expect(balance.next([100, 140])).toBeDefined();
});

test("one thread has nobody to move to", () => {
  expect(new Rebalance().next([50])).toBeUndefined();
});

test("what does not come out even is tried seldom after a while", () => {
  const balance = new Rebalance();
  const moves = Array.from({ length: MAX_TRIES + 100 }, () => balance.next([2, 0])).filter(
    (move) => move !== undefined,
  );
  expect(moves.length).toBeLessThan(MAX_TRIES + 20);
  expect(moves.length).toBeGreaterThan(MAX_TRIES);
});
