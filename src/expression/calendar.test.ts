import fc from "fast-check";
import { expect, test } from "vitest";
import { dateOf, daysTo } from "./calendar.ts";

const DAY_MS = 86_400_000;

test("dates are those of JavaScript's own calendar, for every day there is in both", () => {
  // Of the years -9999 to 9999.
  fc.assert(
    fc.property(fc.integer({ min: -4_371_222, max: 2_932_896 }), (days) => {
      const date = new Date(days * DAY_MS);
      const expected = { year: date.getUTCFullYear(), month: date.getUTCMonth(), day: date.getUTCDate() };
      expect([days, dateOf(days)]).toEqual([days, expected]);
      expect(daysTo(expected.year, expected.month, expected.day)).toBe(days);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  [-719_528, { year: 0, month: 0, day: 1 }],
  [-719_162, { year: 1, month: 0, day: 1 }],
  [-1, { year: 1969, month: 11, day: 31 }],
  [0, { year: 1970, month: 0, day: 1 }],
  [11_016, { year: 2000, month: 1, day: 29 }],
  [11_017, { year: 2000, month: 2, day: 1 }],
  [47_540, { year: 2100, month: 1, day: 28 }],
  [47_541, { year: 2100, month: 2, day: 1 }],
  [2_932_896, { year: 9999, month: 11, day: 31 }],
])("day %i is %j", (days, date) => {
  expect(dateOf(days)).toEqual(date);
  expect(daysTo(date.year, date.month, date.day)).toBe(days);
});

test("a day beyond its month counts on into the next", () => {
  expect(dateOf(daysTo(2025, 1, 29))).toEqual({ year: 2025, month: 2, day: 1 });
});
