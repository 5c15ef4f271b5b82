import { expect, test } from "vitest";
import { garbagePercent } from "./heap.ts";

const MEGABYTE = 1024 * 1024;

test("there may be as much garbage as is worth it, within bounds of what is in use", () => {
  const garbageMb = (usedMb: number): number => (garbagePercent(usedMb * MEGABYTE) * usedMb) / 100;
  expect(garbageMb(30)).toBeCloseTo(garbageMb(60), 0);
  // A small heap needs no room for many times itself, and a large one is not looked at all the time.
  expect(garbageMb(5)).toBeLessThan(garbageMb(30));
  expect(garbageMb(1_000)).toBeGreaterThan(500);
});
