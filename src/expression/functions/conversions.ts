import { type CelValue, Duration, type Outcome, Timestamp, TypeValue, Uint } from "../../attribute/value.ts";
import { parseDouble, parseInt64, parseUint64 } from "../number-text.ts";
import { parseBool, toText } from "../strings.ts";
import { parseDuration, parseTimestamp, secondsOf, timestampFromSeconds } from "../time.ts";
import { NO_OVERLOAD, OVERFLOW, typeName } from "../values.ts";
import type { FunctionRow } from "./function-row.ts";

const TWO_TO_63 = 2 ** 63;
const TWO_TO_64 = 2 ** 64;
const MAX_INT = 2n ** 63n - 1n;

/** From one type to another; what cannot be converted is an error. */
export const CONVERSIONS: readonly FunctionRow[] = [
  {
    name: "bool",
    signatures: ["bool(bool): bool", "bool(string): bool"],
    doc: "Reads `true`, `false`, `1`, `0`, `t` and `f`.",
    cost: 1,
    apply: (value) => (typeof value === "string" ? parseBool(value) : typeof value === "boolean" ? value : NO_OVERLOAD),
  },
  {
    name: "int",
    signatures: ["int", "uint", "double", "string", "timestamp", "duration"].map((type) => `int(${type}): int`),
    doc: "A 64-bit integer: decimals are cut, texts are decimal, a timestamp gives its seconds since 1970, a duration its nanoseconds.",
    cost: (value) => 2 + value,
    apply: toInt,
  },
  {
    name: "uint",
    signatures: ["uint(uint): uint", "uint(int): uint", "uint(double): uint", "uint(string): uint"],
    doc: "An unsigned 64-bit integer.",
    cost: (value) => 2 + value,
    apply: toUint,
  },
  {
    name: "double",
    signatures: ["double(double): double", "double(int): double", "double(uint): double", "double(string): double"],
    doc: "A floating-point number; texts as Go reads them: `1.5e3`, `1_000`, `0x1p-2`, `Infinity`, `NaN`.",
    cost: (value) => 2 + 6 * value,
    apply: toDouble,
  },
  {
    name: "string",
    signatures: [
      ...["string", "bool", "int", "uint", "double", "bytes"].map((type) => `string(${type}): string`),
      ...["timestamp", "duration", "ip", "cidr"].map((type) => `string(${type}): string`),
    ],
    doc: "The value as text; bytes must be UTF-8.",
    cost: (value) => 8 + value,
    // The longest text of what is no text is that of a network: 43 characters.
    resultSize: (value) => value + 3,
    apply: toText,
  },
  {
    name: "bytes",
    signatures: ["bytes(bytes): bytes", "bytes(string): bytes"],
    doc: "The UTF-8 bytes of a text.",
    cost: (value) => 3 * value,
    // Three bytes of a UTF-16 unit.
    resultSize: (value) => 3 * value,
    apply: (value) => {
      if (typeof value === "string") return new Uint8Array(Buffer.from(value, "utf8"));
      return value instanceof Uint8Array ? value : NO_OVERLOAD;
    },
  },
  {
    name: "timestamp",
    signatures: ["timestamp(timestamp)", "timestamp(string)", "timestamp(int)"].map((call) => `${call}: timestamp`),
    doc: "A point in time, from RFC 3339 or from seconds since 1970.",
    cost: 16,
    apply: (value) => {
      if (typeof value === "string") return parseTimestamp(value);
      if (typeof value === "bigint") return timestampFromSeconds(value);
      return value instanceof Timestamp ? value : NO_OVERLOAD;
    },
  },
  {
    name: "duration",
    signatures: ["duration(duration)", "duration(string)"].map((call) => `${call}: duration`),
    doc: "A length of time, from text such as `1h30m` or `250ms`.",
    // Half a microsecond for each of its parts, which may be two characters.
    cost: (value) => 8 + 24 * value,
    apply: (value) => {
      if (typeof value === "string") return parseDuration(value);
      return value instanceof Duration ? value : NO_OVERLOAD;
    },
  },
  {
    name: "dyn",
    signatures: ["dyn(V): dyn"],
    doc: "The value itself, whose type the checker then no longer looks at.",
    cost: 1,
    apply: (value) => value,
  },
  {
    name: "type",
    signatures: ["type(V): type(V)"],
    doc: "The type of a value, comparable with `int`, `string`, `list` and so on.",
    cost: 1,
    apply: (value) => new TypeValue(typeName(value)),
  },
];

function toInt(value: CelValue): Outcome {
  if (typeof value === "bigint") return value;
  if (typeof value === "string") return parseInt64(value);
  if (typeof value === "number") return value > -TWO_TO_63 && value < TWO_TO_63 ? BigInt(Math.trunc(value)) : OVERFLOW;
  if (value instanceof Uint) return value.value <= MAX_INT ? value.value : OVERFLOW;
  if (value instanceof Timestamp) return secondsOf(value);
  return value instanceof Duration ? value.nanos : NO_OVERLOAD;
}

function toUint(value: CelValue): Outcome {
  if (value instanceof Uint) return value;
  if (typeof value === "bigint") return value >= 0n ? new Uint(value) : OVERFLOW;
  if (typeof value === "string") return parseUint64(value);
  if (typeof value !== "number") return NO_OVERLOAD;
  return value >= 0 && value < TWO_TO_64 ? new Uint(BigInt(Math.trunc(value))) : OVERFLOW;
}

function toDouble(value: CelValue): Outcome {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") return parseDouble(value);
  return value instanceof Uint ? Number(value.value) : NO_OVERLOAD;
}
