import { type CelValue, Duration, Invalid, type Outcome, Timestamp } from "../../attribute/value.ts";
import { dateOf, daysTo } from "../calendar.ts";
import { NO_OVERLOAD } from "../values.ts";
import { UTC, unitsSince1970, type Zone, zoneOf } from "../zone.ts";
import type { FunctionRow } from "./function-row.ts";

const MILLISECOND = 1_000_000;
const SECOND = 1_000 * MILLISECOND;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Arithmetic. */
const FIXED_OFFSET_COST = 4;
/** Asking Intl for the offset of a zone at a moment takes some 3 µs, and for a zone by a name that only the request knows some 60 µs. */
const NAMED_ZONE_COST = 60;
const UNKNOWN_ZONE_COST = 1_500;

/** Fields of a timestamp on the clock of a zone (UTC when none is named), and the length of a duration in a unit, cut towards zero. */
export const TIMES: readonly FunctionRow[] = [
  ofDate("getFullYear", "The year.", [0, 10_000], (days) => dateOf(days).year),
  ofDate("getMonth", "The month, from 0.", [0, 11], (days) => dateOf(days).month),
  ofDate("getDate", "The day of the month, from 1.", [1, 31], (days) => dateOf(days).day),
  ofDate("getDayOfMonth", "The day of the month, from 0.", [0, 30], (days) => dateOf(days).day - 1),
  ofDate("getDayOfWeek", "The day of the week, from 0, Sunday.", [0, 6], (days) => remainder(days + THURSDAY, 7)),
  ofDate("getDayOfYear", "The day of the year, from 0.", [0, 365], (days) => days - daysTo(dateOf(days).year, 0, 1)),
  ofClock("getHours", "The hour of the day; of a duration its whole hours.", HOUR, 24),
  ofClock("getMinutes", "The minute; of a duration its whole minutes.", MINUTE, 60),
  ofClock("getSeconds", "The second; of a duration its whole seconds.", SECOND, 60),
  ofClock(
    "getMilliseconds",
    "The milliseconds of the second; of a duration all of its milliseconds.",
    MILLISECOND,
    1_000,
  ),
];

/** 1970 began on one. */
const THURSDAY = 4;

/** Whose sign is that of the divisor. */
function remainder(value: number, divisor: number): number {
  return ((value % divisor) + divisor) % divisor;
}

type Range = NonNullable<FunctionRow["range"]>;
type ReadField = (at: Timestamp, zone: Zone) => bigint;

/** A field of the date, told from days since 1970. */
function ofDate(name: string, doc: string, range: Range, read: (days: number) => number): FunctionRow {
  return field(name, doc, range, (at, zone) => BigInt(read(unitsSince1970(at, zone, DAY))));
}

/** A field of the time of day: how many units since 1970, beginning anew after `cycle` of them. */
function ofClock(name: string, doc: string, unit: number, cycle: number): FunctionRow {
  const read: ReadField = (at, zone) => BigInt(remainder(unitsSince1970(at, zone, unit), cycle));
  return field(name, doc, [0, cycle - 1], read, unit);
}

function field(name: string, doc: string, range: Range, read: ReadField, unit?: number): FunctionRow {
  const ofDuration = unit === undefined ? [] : [`duration.${name}(): int`];
  const inZone = (zone: Zone | Invalid) => (value: CelValue) => {
    if (zone instanceof Invalid) return zone;
    if (value instanceof Timestamp) return read(value, zone);
    return NO_OVERLOAD;
  };
  const withoutZone = (value: CelValue) => {
    if (value instanceof Timestamp) return read(value, UTC);
    return value instanceof Duration && unit !== undefined ? lengthIn(value, unit) : NO_OVERLOAD;
  };
  return {
    name,
    signatures: [`timestamp.${name}(): int`, `timestamp.${name}(string): int`, ...ofDuration],
    doc,
    range,
    cost: UNKNOWN_ZONE_COST,
    checked: { argument: 1, kind: "zone" },
    apply: (value, zone) => (typeof zone === "string" ? inZone(zoneOf(zone))(value) : NO_OVERLOAD),
    prepare: (constants) => {
      if (constants.length === 1) return { apply: withoutZone, cost: FIXED_OFFSET_COST };
      if (typeof constants[1] !== "string") return undefined;
      const zone = zoneOf(constants[1]);
      const isFixed = zone instanceof Invalid || zone.isFixed;
      return { apply: inZone(zone), cost: isFixed ? FIXED_OFFSET_COST : NAMED_ZONE_COST };
    },
  };
}

/** Go makes a double of a length in hours, minutes or seconds, which rounds up what is a nanosecond short after some months. */
function lengthIn({ nanos }: Duration, unit: number): Outcome {
  const units = BigInt(unit);
  if (unit === MILLISECOND) return nanos / units;
  return BigInt(Math.trunc(Number(nanos / units) + Number(nanos % units) / unit));
}
