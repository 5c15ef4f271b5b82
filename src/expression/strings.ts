import { isUtf8 } from "node:buffer";
import { formatCidr, formatIp } from "../attribute/address.ts";
import { formatTimestamp } from "../attribute/json.ts";
import { type CelValue, Cidr, Duration, type Invalid, IpAddress, Timestamp, Uint } from "../attribute/value.ts";
import { formatDouble, formatPlain } from "./number-text.ts";
import { invalid, NO_OVERLOAD, NOT_UTF8 } from "./values.ts";

/** @returns how many code points a string has between two places, which are in UTF-16 units. */
export function codePoints(text: string, start = 0, end = text.length): number {
  let pairs = 0;
  for (let index = start; index < end - 1; index++) if (isPair(text, index)) pairs++;
  return end - start - pairs;
}

/** @returns where a code point begins, in UTF-16 units: the end for the one after the last, undefined beyond. */
export function unitIndex(text: string, codePoint: bigint): number | undefined {
  if (codePoint < 0n || codePoint > BigInt(text.length)) return undefined;
  let unit = 0;
  for (let left = Number(codePoint); left > 0; left--) {
    if (unit >= text.length) return undefined;
    unit += isPair(text, unit) ? 2 : 1;
  }
  return unit;
}

function isPair(text: string, unit: number): boolean {
  return (text.charCodeAt(unit) & 0xfc00) === 0xd800 && (text.charCodeAt(unit + 1) & 0xfc00) === 0xdc00;
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
      if (value instanceof IpAddress) return formatIp(value);
      if (value instanceof Cidr) return formatCidr(value);
      return value instanceof Uint8Array ? decodeUtf8(value) : NO_OVERLOAD;
  }
}

/** As cel-go: seconds as a double, which beyond some 100 days no longer holds nanoseconds. */
function formatSeconds(nanos: bigint): string {
  return `${formatPlain(Number(nanos / NANOS_PER_SECOND) + Number(nanos % NANOS_PER_SECOND) / 1e9)}s`;
}

const NANOS_PER_SECOND = 1_000_000_000n;

function decodeUtf8(bytes: Uint8Array): string | Invalid {
  return isUtf8(bytes) ? asBuffer(bytes).toString("utf8") : NOT_UTF8;
}

/** The text of bytes, with U+FFFD for each byte that is no part of a character, where decoders make one of several. */
export function showUtf8(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return asBuffer(bytes).toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = lengthByLead(bytes[at] ?? 0);
    const codePoint = codePointOf(bytes, at, length);
    text += codePoint === undefined ? "\ufffd" : String.fromCodePoint(codePoint);
    at += codePoint === undefined ? 1 : length;
  }
  return text;
}

/** Bytes of the character that begins with this one, if one does. */
function lengthByLead(lead: number): number {
  if (lead < 0xc0) return 1;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** The least that a character of so many bytes stands for, and the most. */
const UTF8_RANGES = [[], [0, 0x7f], [0x80, 0x7ff], [0x800, 0xffff], [0x10000, 0x10ffff]] as const;

function codePointOf(bytes: Uint8Array, start: number, length: number): number | undefined {
  let codePoint = (bytes[start] ?? 0) & (length === 1 ? 0xff : 0x7f >> length);
  for (let at = start + 1; at < start + length; at++) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) !== 0x80) return undefined;
    codePoint = (codePoint << 6) | (byte & 0x3f);
  }
  const [least = 0, most = 0] = UTF8_RANGES[length] ?? [];
  const isHalf = codePoint >= 0xd800 && codePoint <= 0xdfff;
  return codePoint < least || codePoint > most || isHalf ? undefined : codePoint;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const BOOLS: ReadonlyMap<string, boolean> = new Map([
  ...["1", "t", "T", "true", "TRUE", "True"].map((word) => [word, true] as const),
  ...["0", "f", "F", "false", "FALSE", "False"].map((word) => [word, false] as const),
]);

const NOT_A_BOOL = invalid("not one of the texts that bool() reads", "invalid conversion");

export function parseBool(text: string): boolean | Invalid {
  return BOOLS.get(text) ?? NOT_A_BOOL;
}

/** As Unicode has it: JavaScript's own `trim` takes U+FEFF for white space, and U+0085 for none. */
const WHITE_SPACE: ReadonlySet<number> = new Set([
  ...[0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20, 0x85, 0xa0, 0x1680],
  ...[0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a],
  ...[0x2028, 0x2029, 0x202f, 0x205f, 0x3000],
]);

/** @returns the text without white space at its ends. */
export function trim(text: string): string {
  let start = 0;
  while (WHITE_SPACE.has(text.charCodeAt(start))) start++;
  let end = text.length;
  while (end > start && WHITE_SPACE.has(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}
