import { type CelValue, Duration, Invalid, type Outcome, Timestamp } from "../../attribute/value.ts";
import { clock, UTC_ZONE, type Zone, zoneOf } from "../time.ts";
import { NO_OVERLOAD } from "../values.ts";
import type { FunctionRow, Prepared } from "./function-row.ts";

const DAY_MS = 86_400_000;
const HOUR = 3_600_000_000_000n;
const MINUTE = 60_000_000_000n;
const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
/** Asking Intl for a zone by a name that only the request knows takes some 50 µs. */
const UNKNOWN_ZONE_COST = 1_000;

/** Fields of a timestamp on the clock of a zone (UTC when none is named), and the length of a duration in a unit, cut towards zero. */
export const TIMES: readonly FunctionRow[] = [
  field("getFullYear", "The year.", (date) => date.getUTCFullYear()),
  field("getMonth", "The month, from 0.", (date) => date.getUTCMonth()),
  field("getDate", "The day of the month, from 1.", (date) => date.getUTCDate()),
  field("getDayOfMonth", "The day of the month, from 0.", (date) => date.getUTCDate() - 1),
  field("getDayOfWeek", "The day of the week, from 0, Sunday.", (date) => date.getUTCDay()),
  field("getDayOfYear", "The day of the year, from 0.", dayOfYear),
  field("getHours", "The hour of the day; of a duration its whole hours.", (date) => date.getUTCHours(), HOUR),
  field("getMinutes", "The minute; of a duration its whole minutes.", (date) => date.getUTCMinutes(), MINUTE),
  field("getSeconds", "The second; of a duration its whole seconds.", (date) => date.getUTCSeconds(), SECOND),
  field(
    "getMilliseconds",
    "The milliseconds of the second; of a duration all of its milliseconds.",
    (date) => date.getUTCMilliseconds(),
    MILLISECOND,
  ),
];

function dayOfYear(date: Date): number {
  const year = new Date(0);
  year.setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - year.getTime()) / DAY_MS);
}

function field(name: string, doc: string, read: (date: Date) => number, unit?: bigint): FunctionRow {
  const on = (value: CelValue, zone: Zone): Outcome =>
    value instanceof Timestamp ? BigInt(read(clock(value, zone))) : NO_OVERLOAD;
  const ofDuration = unit === undefined ? [] : [`duration.${name}(): int`];
  return {
    name,
    signatures: [`timestamp.${name}(): int`, `timestamp.${name}(string): int`, ...ofDuration],
    doc,
    cost: UNKNOWN_ZONE_COST,
    checked: { argument: 1, kind: "zone" },
    apply: (value, zone) => (typeof zone === "string" ? inZone(value, zoneOf(zone), on) : NO_OVERLOAD),
    prepare: (constants) => {
      if (constants.length === 1) return { apply: (value) => ofDurationOrUtc(value, unit, on), cost: 4 };
      const zone = constants[1];
      return typeof zone === "string" ? prepared(zoneOf(zone), on) : undefined;
    },
  };
}

function ofDurationOrUtc(
  value: CelValue,
  unit: bigint | undefined,
  on: (value: CelValue, zone: Zone) => Outcome,
): Outcome {
  return value instanceof Duration && unit !== undefined ? value.nanos / unit : on(value, UTC_ZONE);
}

function inZone(value: CelValue, zone: Zone | Invalid, on: (value: CelValue, zone: Zone) => Outcome): Outcome {
  return zone instanceof Invalid ? zone : on(value, zone);
}

function prepared(zone: Zone | Invalid, on: (value: CelValue, zone: Zone) => Outcome): Prepared {
  return { apply: (value) => inZone(value, zone, on), cost: 8 };
}
