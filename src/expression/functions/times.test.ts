import { describe, expect, test } from "vitest";
import { type CelValue, Invalid, Timestamp } from "../../attribute/value.ts";
import { parseDuration, parseTimestamp } from "../time.ts";
import { TIMES } from "./times.ts";

/** What a field of a value is, given a constant zone, a zone that the request knows, or none. */
function read(name: string, value: CelValue | Invalid, zone?: string) {
  const row = TIMES.find((candidate) => candidate.name === name);
  if (row === undefined || value instanceof Invalid) throw new Error(`${name} cannot be asked`);
  if (zone === undefined) return row.prepare?.([undefined])?.apply(value, null, null, null);
  const prepared = row.prepare?.([undefined, zone])?.apply(value, zone, null, null);
  expect(row.apply(value, zone, null, null)).toEqual(prepared);
  return prepared;
}

describe("fields of a timestamp", () => {
  test.each([
    ["2026-03-08T09:30:15.123456789Z", [2026n, 2n, 8n, 7n, 0n, 66n, 9n, 30n, 15n, 123n]],
    ["2024-12-31T23:59:59.999999999Z", [2024n, 11n, 31n, 30n, 2n, 365n, 23n, 59n, 59n, 999n]],
    ["1970-01-01T00:00:00Z", [1970n, 0n, 1n, 0n, 4n, 0n, 0n, 0n, 0n, 0n]],
    ["1969-12-31T23:59:59.5Z", [1969n, 11n, 31n, 30n, 3n, 364n, 23n, 59n, 59n, 500n]],
    ["0001-01-01T00:00:00Z", [1n, 0n, 1n, 0n, 1n, 0n, 0n, 0n, 0n, 0n]],
    ["9999-12-31T23:59:59.999999999Z", [9999n, 11n, 31n, 30n, 5n, 364n, 23n, 59n, 59n, 999n]],
    ["2026-06-30T12:00:00Z", [2026n, 5n, 30n, 29n, 2n, 180n, 12n, 0n, 0n, 0n]],
  ])("of %s", (text, expected) => {
    expect(TIMES.map(({ name }) => read(name, parseTimestamp(text)))).toEqual(expected);
  });

  test.each([
    ["getHours", "2026-06-30T12:00:00Z", "Europe/Paris", 14n],
    ["getHours", "2026-01-30T12:00:00Z", "Europe/Paris", 13n],
    ["getHours", "2026-03-08T06:59:59Z", "America/New_York", 1n],
    ["getHours", "2026-03-08T07:00:00Z", "America/New_York", 3n],
    ["getMinutes", "1883-11-18T16:59:00Z", "America/New_York", 2n],
    ["getSeconds", "1883-11-18T16:59:00Z", "America/New_York", 58n],
    ["getMinutes", "1883-11-18T17:00:00Z", "America/New_York", 0n],
    ["getMinutes", "2026-06-30T12:00:00Z", "Asia/Kathmandu", 45n],
    ["getMinutes", "2026-01-15T12:00:00Z", "Australia/Lord_Howe", 0n],
    ["getMinutes", "2026-07-15T12:00:00Z", "Australia/Lord_Howe", 30n],
    ["getDate", "2026-06-30T12:00:00Z", "Pacific/Kiritimati", 1n],
    ["getHours", "2026-06-30T12:00:00Z", "US/Central", 7n],
    ["getHours", "2026-06-30T12:00:00Z", "EST5EDT", 8n],
    ["getHours", "2026-06-30T12:00:00Z", "Etc/GMT+5", 7n],
    ["getHours", "2026-06-30T12:00:00Z", "", 12n],
    ["getHours", "2026-06-30T12:00:00Z", "UTC", 12n],
    ["getHours", "2026-06-30T12:00:00Z", "+02:00", 14n],
    ["getHours", "2026-06-30T12:00:00Z", "02:00", 14n],
    ["getHours", "2026-06-30T12:00:00Z", "-8:30", 3n],
    ["getMinutes", "2026-06-30T12:00:00Z", "-8:30", 30n],
    ["getMinutes", "2026-06-30T12:00:00Z", "-00:30", 30n],
    ["getDate", "2026-06-30T12:00:00Z", "+23:59", 1n],
    ["getFullYear", "0001-01-01T00:00:00Z", "-00:01", 0n],
    ["getFullYear", "9999-12-31T23:59:59Z", "+00:01", 10_000n],
    // One nanosecond before and at the hour, where doubles cannot tell.
    ["getHours", "2026-06-30T11:59:59.999999999Z", "UTC", 11n],
    ["getHours", "2026-06-30T11:59:59.999999999Z", "Europe/Paris", 13n],
  ])("%s of %s in %j is %d", (name, text, zone, expected) => {
    expect(read(name, parseTimestamp(text), zone)).toBe(expected);
  });

  test.each([
    "Nowhere",
    "+24:00",
    "america/new_york",
    "est5edt",
    "utc",
    "+0530",
    "+23:60",
    "+05:",
    ":30",
    "+",
    "5",
    "Local",
    "../UTC",
    "GMT+5",
  ])("%j is no zone", (zone) => {
    expect(read("getHours", new Timestamp(0n), zone)).toBeInstanceOf(Invalid);
  });
});

describe("lengths of a duration", () => {
  test.each([
    ["1h30m1.5s", [1n, 90n, 5_401n, 5_401_500n]],
    ["-1h30m1.5s", [-1n, -90n, -5_401n, -5_401_500n]],
    ["-1ns", [0n, 0n, 0n, 0n]],
    ["2562047h47m16.854775807s", [2_562_047n, 153_722_867n, 9_223_372_036n, 9_223_372_036_854n]],
    // As in cel-go, which has them as doubles.
    ["9223372035.999999999s", [2_562_047n, 153_722_867n, 9_223_372_036n, 9_223_372_035_999n]],
  ])("of %s", (text, expected) => {
    const names = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"];
    expect(names.map((name) => read(name, parseDuration(text)))).toEqual(expected);
  });

  test("a duration has no date and no zone", () => {
    expect(read("getDate", parseDuration("1h"))).toBeInstanceOf(Invalid);
    expect(read("getHours", parseDuration("1h"), "UTC")).toBeInstanceOf(Invalid);
  });
});
