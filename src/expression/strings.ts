import { formatTimestamp } from "../attribute/json.ts";
import { type CelValue, Duration, type Invalid, Timestamp, Uint } from "../attribute/value.ts";
import { invalid, NO_OVERLOAD, NOT_UTF8 } from "./values.ts";

/** @returns how many code points a string has. */
export function codePoints(text: string): number {
  let pairs = 0;
  for (let index = 0; index < text.length - 1; index++) {
    if ((text.charCodeAt(index) & 0xfc00) === 0xd800 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00) pairs++;
  }
  return text.length - pairs;
}

/** What `string(x)` gives, and what texts with `${…}` show. Error for what has no text: lists, maps, null, types. */
export function toText(value: CelValue): string | Invalid {
  switch (typeof value) {
    case "string":
      return value;
    case "bigint":
    case "boolean":
      return String(value);
    case "number":
      return formatDouble(value);
    default:
      if (value instanceof Uint) return value.value.toString();
      if (value instanceof Timestamp) return formatTimestamp(value.nanos);
      if (value instanceof Duration) return formatSeconds(value.nanos);
      return value instanceof Uint8Array ? decodeUtf8(value) : NO_OVERLOAD;
  }
}

/** As cel-go: seconds as a double, which beyond some 100 days no longer holds nanoseconds. */
function formatSeconds(nanos: bigint): string {
  const seconds = Number(nanos / NANOS_PER_SECOND) + Number(nanos % NANOS_PER_SECOND) / 1e9;
  const text = String(seconds);
  // JavaScript writes less than a microsecond with an exponent.
  return `${text.includes("e") ? seconds.toFixed(9).replace(/0+$/, "") : text}s`;
}

const NANOS_PER_SECOND = 1_000_000_000n;

function decodeUtf8(bytes: Uint8Array): string | Invalid {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  // Only a text that holds U+FFFD may have been repaired.
  return text.includes("\ufffd") && !Buffer.from(text, "utf8").equals(bytes) ? NOT_UTF8 : text;
}

/** As Go writes a double in its shortest form, which is what cel-go shows: `1`, `0.5`, `1e+06`, `1e-05`, `+Inf`, `NaN`. */
function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  // Between these JavaScript writes no exponent either.
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${Math.abs(power).toString().padStart(2, "0")}`;
}

const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

const NOT_A_BOOL = invalid("not one of the texts that bool() reads");

export function parseBool(text: string): boolean | Invalid {
  return BOOLS.get(text) ?? NOT_A_BOOL;
}

const NOT_AN_INTEGER = invalid("not the text of an integer, or one beyond 64 bits");
const NOT_A_DOUBLE = invalid("not the text of a number, or one too large");
const MAX_DIGITS = 400;

export function parseInt64(text: string): bigint | Invalid {
  if (!/^[+-]?\d+$/.test(text) || text.length > MAX_DIGITS) return NOT_AN_INTEGER;
  const value = BigInt(text.startsWith("+") ? text.slice(1) : text);
  return BigInt.asIntN(64, value) === value ? value : NOT_AN_INTEGER;
}

export function parseUint64(text: string): Uint | Invalid {
  if (!/^\d+$/.test(text) || text.length > MAX_DIGITS) return NOT_AN_INTEGER;
  const value = BigInt(text);
  return BigInt.asUintN(64, value) === value ? new Uint(value) : NOT_AN_INTEGER;
}

export function parseDouble(text: string): number | Invalid {
  if (/^[+-]?(inf|infinity)$/i.test(text))
    return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  // No two parts of it can take the same digits: a client may send sixty thousand of them.
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return NOT_A_DOUBLE;
  const value = Number(text);
  return Number.isFinite(value) ? value : NOT_A_DOUBLE;
}
