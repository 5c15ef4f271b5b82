import { isUtf8 } from "node:buffer";
import { formatDuration, formatTimestamp, toJson } from "./json.ts";
import { ABSENT, type CelValue, Duration, Optional, Timestamp, TypeValue, Uint } from "./value.ts";

/**
 * Any value as a person reads it, in dimensions, messages and tables: what CEL's `string()` gives where it gives something, JSON for lists
 * and maps, base64 for bytes that are no text. Text comes back as it is, bytes that are not UTF-8 included.
 */
export function textOf(value: CelValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return formatDouble(value);
  if (value === null || typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (value instanceof Uint) return value.value.toString();
  if (value instanceof Timestamp) return formatTimestamp(value.nanos);
  if (value instanceof Duration) return formatDuration(value.nanos);
  if (value instanceof TypeValue) return value.name;
  if (value instanceof Optional) return value.value === ABSENT ? "" : textOf(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString(isUtf8(value) ? "utf8" : "base64");
  return JSON.stringify(toJson(value));
}

/** As Go writes a double in its shortest form, which is what cel-go shows: `1`, `0.5`, `1e+06`, `1e-05`, `+Inf`, `NaN`. */
function formatDouble(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${Math.abs(power).toString().padStart(2, "0")}`;
}
