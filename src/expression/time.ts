import { Duration, type Invalid, Timestamp } from "../attribute/value.ts";
import { dateOf, daysTo } from "./calendar.ts";
import { invalid, OVERFLOW } from "./values.ts";

/** Timestamps and durations: their texts and their arithmetic. All in nanoseconds. */

export const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MS = 1_000_000n;
/** 0001-01-01T00:00:00Z and the end of 9999. */
const MIN_TIMESTAMP = -62_135_596_800n * NANOS_PER_SECOND;
const MAX_TIMESTAMP = 253_402_300_800n * NANOS_PER_SECOND - 1n;

const BAD_TIMESTAMP = invalid(
  "not a timestamp as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
  "invalid conversion",
);
const TIMESTAMP_RANGE = invalid("timestamp outside of the years 1 to 9999", "overflow");
const BAD_DURATION = invalid("not a duration such as 1h30m or 250ms", "invalid conversion");

export function timestamp(nanos: bigint): Timestamp | Invalid {
  return nanos >= MIN_TIMESTAMP && nanos <= MAX_TIMESTAMP ? new Timestamp(nanos) : TIMESTAMP_RANGE;
}

export function duration(nanos: bigint): Duration | Invalid {
  return BigInt.asIntN(64, nanos) === nanos ? new Duration(nanos) : OVERFLOW;
}

export function timestampFromSeconds(seconds: bigint): Timestamp | Invalid {
  return timestamp(seconds * NANOS_PER_SECOND);
}

/** Whole seconds since 1970, rounded down. */
export function secondsOf({ nanos }: Timestamp): bigint {
  return floorDivide(nanos, NANOS_PER_SECOND);
}

/** Rounded down, also below zero. */
export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

const SECONDS_PER_DAY = 86_400;
const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;
const MAX_TEXT = 100;

/** RFC 3339, strictly; more than nine decimals are cut. */
export function parseTimestamp(text: string): Timestamp | Invalid {
  const match = text.length > MAX_TEXT ? null : RFC3339.exec(text);
  if (match === null) return BAD_TIMESTAMP;
  const [, year, month, day, hour, minute, second, fraction = "", sign, zoneHour = "0", zoneMinute = "0"] = match;
  const fields = [year, month, day, hour, minute, second].map(Number);
  const seconds = secondsFromFields(fields);
  if (seconds === undefined || Number(zoneHour) > 23 || Number(zoneMinute) > 59) return BAD_TIMESTAMP;
  const offset = (Number(zoneHour) * 3600 + Number(zoneMinute) * 60) * (sign === "-" ? -1 : 1);
  const decimals = BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return timestamp(BigInt(seconds - offset) * NANOS_PER_SECOND + decimals);
}

/** @returns undefined where there is no such day or time. */
function secondsFromFields([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]):
  | number
  | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const days = daysTo(year, month - 1, day);
  const date = dateOf(days);
  if (date.month !== month - 1 || date.day !== day) return undefined;
  return days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1_000n],
  ["µs", 1_000n],
  ["μs", 1_000n],
  ["ms", NANOS_PER_MS],
  ["s", NANOS_PER_SECOND],
  ["m", 60n * NANOS_PER_SECOND],
  ["h", 3600n * NANOS_PER_SECOND],
]);
const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** As Go reads durations: `1h30m`, `-1.5s`, `250ms`, `0`. */
export function parseDuration(text: string): Duration | Invalid {
  const sign = text.startsWith("-") ? -1n : 1n;
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return new Duration(0n);
  if (body === "" || text.length > MAX_TEXT) return BAD_DURATION;
  let nanos = 0n;
  for (let at = 0; at < body.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const match = PART.exec(body);
    const unit = UNITS.get(match?.[2] ?? "");
    if (match?.[1] === undefined || unit === undefined) return BAD_DURATION;
    nanos += scaled(match[1], unit);
  }
  return duration(sign * nanos);
}

/** Go counts decimals in floating point, and those no more that an integer of 64 bits has no room for. */
function scaled(number: string, unit: bigint): bigint {
  const [whole = "", fraction = ""] = number.split(".");
  const decimals = fraction.slice(0, MAX_DECIMALS);
  const part = Math.trunc(Number(decimals) * (Number(unit) / 10 ** decimals.length));
  return BigInt(whole || "0") * unit + BigInt(part);
}

const MAX_DECIMALS = 18;
