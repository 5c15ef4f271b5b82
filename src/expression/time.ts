import { Duration, Invalid, Timestamp } from "../attribute/value.ts";
import { invalid, OVERFLOW } from "./values.ts";

/** Timestamps and durations: their texts, their arithmetic, and the clock of a time zone. All in nanoseconds. */

const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MS = 1_000_000n;
/** 0001-01-01T00:00:00Z and the end of 9999. */
const MIN_TIMESTAMP = -62_135_596_800n * NANOS_PER_SECOND;
const MAX_TIMESTAMP = 253_402_300_800n * NANOS_PER_SECOND - 1n;

const BAD_TIMESTAMP = invalid("not a timestamp as RFC 3339 writes it, such as 2026-01-31T12:00:00Z");
const TIMESTAMP_RANGE = invalid("timestamp outside of the years 1 to 9999");
const BAD_DURATION = invalid("not a duration such as 1h30m or 250ms");

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

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

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

/** @returns undefined where there is no such day or time: a Date would silently go on to the next. */
function secondsFromFields([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]):
  | number
  | undefined {
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
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

function scaled(number: string, unit: bigint): bigint {
  const [whole = "", fraction = ""] = number.split(".");
  return BigInt(whole || "0") * unit + (BigInt(fraction || "0") * unit) / 10n ** BigInt(fraction.length);
}

/** A time zone: how far its clocks are ahead of UTC at a moment. */
export interface Zone {
  readonly offsetSeconds: (timestamp: Timestamp) => number;
}

const UTC: Zone = { offsetSeconds: () => 0 };
const BAD_ZONE = invalid("no such time zone: name one such as Europe/Paris, or an offset such as +02:00");

/** @returns the zone of an IANA name (`Europe/Paris`), of a fixed offset (`+02:00`, `-8:30`), or UTC for `""`. */
export function zoneOf(name: string): Zone | Invalid {
  if (name === "" || name === "UTC") return UTC;
  const fixed = /^([+-]?)(\d{1,2}):(\d\d)$/.exec(name);
  if (fixed) return fixedZone(fixed);
  // Intl reads more forms of offsets than CEL has.
  return /^[A-Za-z]/.test(name) ? namedZone(name) : BAD_ZONE;
}

function fixedZone([, sign, hours, minutes]: readonly (string | undefined)[]): Zone | Invalid {
  if (Number(hours) > 23 || Number(minutes) > 59) return BAD_ZONE;
  const seconds = (Number(hours) * 3600 + Number(minutes) * 60) * (sign === "-" ? -1 : 1);
  return { offsetSeconds: () => seconds };
}

/** Offsets hold for at least this long since zones were standardised; before, nothing is remembered. */
const OFFSET_HOLDS_SECONDS = 900;

function namedZone(name: string): Zone | Invalid {
  const format = formatOf(name);
  if (format instanceof Invalid) return format;
  // Intl takes microseconds, and requests come in the order of time: the last answer is nearly always the next one.
  let known = Number.NaN;
  let offset = 0;
  return {
    offsetSeconds(at) {
      const seconds = Number(secondsOf(at));
      const period = seconds < 0 ? seconds : Math.floor(seconds / OFFSET_HOLDS_SECONDS);
      if (period !== known) {
        offset = offsetAt(format, seconds);
        known = period;
      }
      return offset;
    },
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat | Invalid {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
  } catch (error) {
    if (error instanceof RangeError) return BAD_ZONE;
    throw error;
  }
}

function offsetAt(format: Intl.DateTimeFormat, seconds: number): number {
  const name = format.formatToParts(seconds * 1000).find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const [, sign, hours = "0", minutes = "0", rest = "0"] = /^GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
  const size = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
  return sign === "-" ? -size : size;
}

/** The moment on the clock of a zone, as a Date whose UTC fields are that clock's. */
export function clock(at: Timestamp, zone: Zone): Date {
  const local = at.nanos + BigInt(zone.offsetSeconds(at)) * NANOS_PER_SECOND;
  return new Date(Number(floorDivide(local, NANOS_PER_MS)));
}

export const UTC_ZONE: Zone = UTC;
