import { Invalid, type Timestamp } from "../attribute/value.ts";
import { floorDivide } from "./time.ts";
import { invalid } from "./values.ts";
import { isZoneName } from "./zone-names.ts";

/** A time zone: how far its clocks are ahead of UTC. */
export interface Zone {
  /** At a moment, in seconds since 1970. */
  readonly offsetSeconds: (seconds: number) => number;
  /** Whether that is the same at any moment. */
  readonly isFixed: boolean;
}

export const UTC: Zone = fixedZone(0);
const BAD_ZONE = invalid(
  "no such time zone: name one such as Europe/Paris, or an offset such as +02:00",
  "invalid time",
);

/**
 * @returns the zone of an IANA name (`Europe/Paris`, written as IANA has it), of a fixed offset (`+02:00`, `-8:30`, `02:00`), or UTC for
 * `""`. As in cel-go hours may have one digit, or too many zeros.
 */
export function zoneOf(name: string): Zone | Invalid {
  if (name === "" || name === "UTC") return UTC;
  const [, sign = "", hours, minutes] = /^([+-]?)(\d{1,6}):([+-]?\d{1,6})$/.exec(name) ?? [];
  if (hours === undefined) return namedZone(name);
  if (Number(hours) > 23 || Number(minutes) < 0 || Number(minutes) > 59) return BAD_ZONE;
  return fixedZone((Number(hours) * 3600 + Number(minutes) * 60) * (sign === "-" ? -1 : 1));
}

function fixedZone(seconds: number): Zone {
  return { offsetSeconds: () => seconds, isFixed: true };
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
    offsetSeconds(seconds) {
      const period = seconds < 0 ? seconds : Math.floor(seconds / OFFSET_HOLDS_SECONDS);
      if (period !== known) {
        offset = offsetAt(format, seconds);
        known = period;
      }
      return offset;
    },
    isFixed: false,
  };
}

function formatOf(timeZone: string): Intl.DateTimeFormat | Invalid {
  // Intl reads more forms of offsets than CEL has.
  if (!/^[A-Za-z]/.test(timeZone)) return BAD_ZONE;
  try {
    const format = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" });
    return isZoneName(timeZone, format.resolvedOptions().timeZone) ? format : BAD_ZONE;
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

const NANOS_PER_SECOND = 1_000_000_000;

/** @returns how many whole units, in nanoseconds each, the clocks of a zone show since 1970. */
export function unitsSince1970(at: Timestamp, zone: Zone, unit: number): number {
  const seconds = zone.isFixed ? 0 : wholeUnits(at.nanos, 0, NANOS_PER_SECOND);
  return wholeUnits(at.nanos, zone.offsetSeconds(seconds) * NANOS_PER_SECOND, unit);
}

/** As a double a timestamp of any year is less than this wrong, in nanoseconds. */
const DOUBLE_ERROR = 100_000;

/** `nanos + shift` in whole units, rounded down. Doubles, which cost least, tell that as long as it is not close to the next unit. */
function wholeUnits(nanos: bigint, shift: number, unit: number): number {
  const units = (Number(nanos) + shift) / unit;
  const whole = Math.floor(units);
  const beyond = (units - whole) * unit;
  if (beyond > DOUBLE_ERROR && unit - beyond > DOUBLE_ERROR) return whole;
  return Number(floorDivide(nanos + BigInt(shift), BigInt(unit)));
}
