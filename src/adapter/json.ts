import type { ListValue, MapValue, Value } from "./value.ts";

/** JSON as data. Objects have no prototype: a key may be called `__proto__`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A value as JSON: integers beyond 2^53 as text, timestamps as RFC 3339 with up to nine decimals, durations as `1.5s`, bytes as base64, NaN
 * and the infinities as text, map keys as text.
 */
export function toJson(value: Value): Json {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "bigint") return integer(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  switch (value.type) {
    case "timestamp":
      return formatTime(value.nanos);
    case "duration":
      return formatDuration(value.nanos);
    case "list":
      return list(value);
    case "map":
      return map(value);
  }
}

/** A value as text for people: text as it is, lists and maps as JSON, everything else as in `toJson`. */
export function toText(value: Value): string {
  const json = toJson(value);
  return typeof json === "string" ? json : JSON.stringify(json);
}

function list({ items }: ListValue): Json {
  return items.map(toJson);
}

function map({ entries }: MapValue): Json {
  const members: Record<string, Json> = Object.create(null);
  for (const [key, entry] of entries) members[toText(key)] = toJson(entry);
  return members;
}

function integer(value: bigint): Json {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MS = 1_000_000n;

/** Nanoseconds since the epoch as RFC 3339 in UTC, with no more decimals than needed: `2026-11-21T12:00:00.000000001Z`. */
export function formatTime(nanos: bigint): string {
  const fraction = ((nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  const date = new Date(Number((nanos - fraction) / NANOS_PER_MS));
  // Outside of what a calendar can say; no reason to lose the record it stands in.
  if (Number.isNaN(date.getTime())) return `${nanos}ns`;
  return `${date.toISOString().slice(0, -".000Z".length)}${decimals(fraction)}Z`;
}

/** Nanoseconds as seconds with no more decimals than needed: `1.5s`. */
export function formatDuration(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? "-" : ""}${size / NANOS_PER_SECOND}${decimals(size % NANOS_PER_SECOND)}s`;
}

function decimals(fraction: bigint): string {
  return fraction === 0n ? "" : `.${fraction.toString().padStart(9, "0").replace(/0+$/, "")}`;
}
