import { type Invalid, Uint } from "../attribute/value.ts";
import { invalid } from "./values.ts";

/**
 * Numbers as texts, read and written as Go does it, whose ways CEL has made its own. Every way of writing but the shortest is exact: it
 * rounds what the double holds, a half to the even digit, where JavaScript's `toFixed` rounds a half away from zero.
 */

const NOT_AN_INTEGER = invalid("not the text of an integer, or one beyond 64 bits", "invalid conversion");
const NOT_A_DOUBLE = invalid("not the text of a number, or one too large", "invalid conversion");

/** @returns the int of decimal digits after `+`, `-` or nothing: what `int("…")` reads. */
export function parseInt64(text: string): bigint | Invalid {
  const negative = text.startsWith("-");
  const digits = digitsFrom(text, negative || text.startsWith("+") ? 1 : 0);
  if (digits === undefined) return NOT_AN_INTEGER;
  const value = negative ? -BigInt(digits) : BigInt(digits);
  return BigInt.asIntN(64, value) === value ? value : NOT_AN_INTEGER;
}

/** @returns the uint of decimal digits alone: what `uint("…")` reads. */
export function parseUint64(text: string): Uint | Invalid {
  const digits = digitsFrom(text, 0);
  if (digits === undefined) return NOT_AN_INTEGER;
  const value = BigInt(digits);
  return BigInt.asUintN(64, value) === value ? new Uint(value) : NOT_AN_INTEGER;
}

/** What 64 bits have at most. */
const MAX_DIGITS = 20;

/** The digits without leading zeros, however many those are; undefined for anything else and for more digits than 64 bits have. */
function digitsFrom(text: string, start: number): string | undefined {
  let at = start;
  while (at < text.length - 1 && text[at] === "0") at++;
  const digits = text.length - at > MAX_DIGITS ? "" : text.slice(at);
  return /^\d+$/.test(digits) ? digits : undefined;
}

// No two parts of these can take the same digits: a client may send sixty thousand of them. An underscore stands between two digits.
const DECIMAL = /^[+-]?(?:\d+(?:_\d+)*(?:\.(?:\d+(?:_\d+)*)?)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const HEXADECIMAL = /^([+-]?)0x(_?[\da-f]+(?:_[\da-f]+)*)?(?:\.([\da-f]+(?:_[\da-f]+)*)?)?p([+-]?\d+(?:_\d+)*)$/i;
const INFINITY = /^[+-]?(?:inf|infinity)$/i;

/** @returns the double that a decimal or hexadecimal text stands for, or `inf`, `infinity`, `nan`: what `double("…")` reads. */
export function parseDouble(text: string): number | Invalid {
  if (DECIMAL.test(text)) return finite(Number(text.replaceAll("_", "")));
  if (INFINITY.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const parts = HEXADECIMAL.exec(text);
  return parts === null ? NOT_A_DOUBLE : parseHexadecimal(parts);
}

function finite(value: number): number | Invalid {
  return Number.isFinite(value) ? value : NOT_A_DOUBLE;
}

/** Larger than any power that the digits of a text could make up for. */
const MAX_POWER = 10_000_000;

function parseHexadecimal([, sign, whole = "", fraction = "", power = ""]: readonly (string | undefined)[]):
  | number
  | Invalid {
  const decimals = fraction.replaceAll("_", "");
  const digits = whole.replaceAll("_", "") + decimals;
  if (digits === "") return NOT_A_DOUBLE;
  const wanted = Number(power.replaceAll("_", ""));
  const exponent = Math.max(-MAX_POWER, Math.min(MAX_POWER, wanted)) - 4 * decimals.length;
  const size = finite(nearestDouble(BigInt(`0x${digits}`), exponent));
  return typeof size === "number" && sign === "-" ? -size : size;
}

const FRACTION_BITS = 52;
const MIN_EXPONENT = -1074;
const MAX_EXPONENT = 1023;

/** mantissa × 2^exponent, rounded to the nearest double, a half to the even one; Infinity beyond the largest. */
function nearestDouble(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const highest = exponent + bitLength(mantissa) - 1;
  if (highest > MAX_EXPONENT) return Number.POSITIVE_INFINITY;
  const lowest = Math.max(highest - FRACTION_BITS, MIN_EXPONENT);
  if (lowest <= exponent) return Number(mantissa) * 2 ** exponent;
  // Below half of the smallest double there is.
  if (highest < MIN_EXPONENT - 1) return 0;
  return Number(divideToEven(mantissa, 1n << BigInt(lowest - exponent))) * 2 ** lowest;
}

function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return (digits.length - 1) * 4 + Number.parseInt(digits.charAt(0), 16).toString(2).length;
}

function divideToEven(dividend: bigint, divisor: bigint): bigint {
  const whole = dividend / divisor;
  const twice = (dividend % divisor) * 2n;
  return twice > divisor || (twice === divisor && whole % 2n === 1n) ? whole + 1n : whole;
}

/** The shortest text that reads back as the same double, as `string(x)` shows it: `1`, `0.5`, `1e+06`, `1e-05`, `+Inf`, `NaN`. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  return power >= -4 && power < 6 ? formatPlain(value) : digits + formatPower(power);
}

/** The shortest digits that read back as the same finite double, never with an exponent: `1000000`, `0.00001`, `-0`. */
export function formatPlain(value: number): string {
  const [mantissa = "", exponent] = String(Math.abs(value)).split("e");
  const sign = signOf(value);
  // JavaScript writes one only of what is very large or small.
  if (exponent === undefined) return sign + mantissa;
  const digits = mantissa.replace(".", "");
  const point = Number(exponent) + 1;
  return sign + (point > 0 ? digits.padEnd(point, "0") : `0.${"0".repeat(-point)}${digits}`);
}

/** A finite double with so many decimals: `1.500000`. */
export function formatFixed(value: number, decimals: number): string {
  // Whole numbers may be large, and large ones times a power of ten take microseconds.
  const isWhole = Number.isInteger(value);
  const digits = isWhole ? scaled(value, 0) + "0".repeat(decimals) : String(scaled(value, decimals));
  const padded = digits.padStart(decimals + 1, "0");
  const point = padded.length - decimals;
  return signOf(value) + padded.slice(0, point) + (decimals === 0 ? "" : `.${padded.slice(point)}`);
}

/** A finite double with one digit before the point and so many after it: `1.500000e+00`. */
export function formatScientific(value: number, decimals: number): string {
  const { digits, power } = significant(value, decimals + 1);
  const fraction = decimals === 0 ? "" : `.${digits.slice(1)}`;
  return signOf(value) + digits.charAt(0) + fraction + formatPower(power);
}

/** -0 has its sign too. */
function signOf(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

function formatPower(power: number): string {
  return `e${power < 0 ? "-" : "+"}${Math.abs(power).toString().padStart(2, "0")}`;
}

/** So many digits, and the power of ten of the first one. */
function significant(value: number, count: number): { readonly digits: string; readonly power: number } {
  if (value === 0) return { digits: "0".repeat(count), power: 0 };
  // The shortest digits may have been rounded up to the next power of ten, which 9.99…e22 is not yet.
  const guess = Number(value.toExponential().split("e")[1]);
  const nearest = scaled(value, count - 1 - guess);
  if (nearest <= 10n ** BigInt(count - 1)) {
    const finer = String(scaled(value, count - guess));
    if (finer.length === count) return { digits: finer, power: guess - 1 };
  }
  const digits = String(nearest);
  return { digits: digits.slice(0, count), power: guess + digits.length - count };
}

/** |value| × 10^decimals, to the nearest whole number. */
function scaled(value: number, decimals: number): bigint {
  const { mantissa, exponent } = partsOf(value);
  const over = mantissa * power(2n, exponent) * power(10n, decimals);
  return divideToEven(over, power(2n, -exponent) * power(10n, -decimals));
}

function power(base: bigint, exponent: number): bigint {
  return exponent > 0 ? base ** BigInt(exponent) : 1n;
}

/** |value| = mantissa × 2^exponent. */
function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> BigInt(FRACTION_BITS));
  const fraction = BigInt.asUintN(FRACTION_BITS, bits);
  if (biased === 0) return { mantissa: fraction, exponent: MIN_EXPONENT };
  return { mantissa: fraction | (1n << BigInt(FRACTION_BITS)), exponent: biased - MAX_EXPONENT - FRACTION_BITS };
}
