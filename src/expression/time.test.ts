import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTimestamp } from "../attribute/json.ts";
import { Duration, Invalid, Timestamp } from "../attribute/value.ts";
import { duration, parseDuration, parseTimestamp, secondsOf, timestamp, timestampFromSeconds } from "./time.ts";

function shown(text: string): string {
  const at = parseTimestamp(text);
  return at instanceof Timestamp ? formatTimestamp(at.nanos) : "error";
}

function nanos(text: string): bigint | "error" {
  const length = parseDuration(text);
  return length instanceof Duration ? length.nanos : "error";
}

describe("timestamps", () => {
  test.each([
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"],
    ["2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z"],
    ["2026-01-31T12:00:00-08:30", "2026-01-31T20:30:00Z"],
    ["2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00Z"],
    ["2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.1Z"],
    ["2026-01-01T00:00:00.1234567899Z", "2026-01-01T00:00:00.123456789Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"],
    ["2000-02-29T23:59:59Z", "2000-02-29T23:59:59Z"],
    ["1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
    ["0000-12-31T23:00:00-01:00", "0001-01-01T00:00:00Z"],
  ])("%s is %s", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each([
    "",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31 12:00:00Z",
    "2026-01-31t12:00:00Z",
    "2026-01-31T12:00:00z",
    "2026-1-31T12:00:00Z",
    "2026-01-31T12:00Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    // There are no leap seconds.
    "2016-12-31T23:59:60Z",
    "2025-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+02:60",
    "2026-01-31T12:00:00+0200",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-01:00",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    " 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00Z ",
    "٢٠٢٦-01-31T12:00:00Z",
    `2026-01-31T12:00:00.${"1".repeat(1_000)}Z`,
  ])("%j is an error", (text) => {
    expect(shown(text)).toBe("error");
  });

  test("those of the years 1 to 9999 are there, to the nanosecond", () => {
    const first = -62_135_596_800n;
    const last = 253_402_300_799n;
    expect(timestampFromSeconds(first)).toBeInstanceOf(Timestamp);
    expect(timestampFromSeconds(first - 1n)).toBeInstanceOf(Invalid);
    expect(timestampFromSeconds(last)).toBeInstanceOf(Timestamp);
    expect(timestampFromSeconds(last + 1n)).toBeInstanceOf(Invalid);
    expect(timestamp(last * 1_000_000_000n + 999_999_999n)).toBeInstanceOf(Timestamp);
    expect(timestamp(first * 1_000_000_000n - 1n)).toBeInstanceOf(Invalid);
  });

  test("seconds are counted downwards before 1970", () => {
    expect([secondsOf(new Timestamp(-1n)), secondsOf(new Timestamp(1_999_999_999n))]).toEqual([-1n, 1n]);
  });

  test("what a timestamp is shown as is read as the same timestamp", () => {
    const bound = 62_135_596_800_000_000_000n;
    fc.assert(
      fc.property(fc.bigInt({ min: -bound, max: bound }), (at) => {
        expect(parseTimestamp(formatTimestamp(at))).toEqual(new Timestamp(at));
      }),
    );
  });
});

describe("durations", () => {
  test.each([
    ["0", 0n],
    ["+0", 0n],
    ["-0", 0n],
    ["0s", 0n],
    ["1s", 1_000_000_000n],
    ["+1s", 1_000_000_000n],
    ["1h30m", 5_400_000_000_000n],
    ["30m1h", 5_400_000_000_000n],
    ["1s1s", 2_000_000_000n],
    ["-1.5h", -5_400_000_000_000n],
    ["1.s", 1_000_000_000n],
    [".5s", 500_000_000n],
    ["1ns", 1n],
    ["1us", 1_000n],
    ["1\u00b5s", 1_000n],
    ["1\u03bcs", 1_000n],
    ["1ms", 1_000_000n],
    ["0.1ns", 0n],
    ["1.9ns", 1n],
    ["0.1000000000000000000000000000000000000001s", 100_000_000n],
    ["9223372036854775807ns", 2n ** 63n - 1n],
    ["-9223372036854775808ns", -(2n ** 63n)],
    ["2562047h47m16.854775807s", 2n ** 63n - 1n],
  ])("%s is %d ns", (text, expected) => {
    expect(nanos(text)).toBe(expected);
  });

  test.each([
    "",
    "+",
    "-",
    "1",
    "s",
    ".s",
    "-.s",
    "1d",
    "1 s",
    "1h 1m",
    "1S",
    "1e3s",
    "--1s",
    "1s-1s",
    "0x1s",
    "1.2.3s",
    "١s",
    "9223372036854775808ns",
    "-9223372036854775809ns",
    "2562047h47m16.854775808s",
    `${"9".repeat(90)}s`,
    `${"1s".repeat(60)}`,
  ])("%j is an error", (text) => {
    expect(nanos(text)).toBe("error");
  });

  test("64 bits of nanoseconds are all there is", () => {
    expect(duration(2n ** 63n - 1n)).toBeInstanceOf(Duration);
    expect(duration(2n ** 63n)).toBeInstanceOf(Invalid);
    expect(duration(-(2n ** 63n) - 1n)).toBeInstanceOf(Invalid);
  });
});
