import { fromJson, type Json, toJson } from "./json.ts";
import { MASKED } from "./mask.ts";
import type { CelType } from "./type.ts";
import { ABSENT, type CelValue, Invalid, type Outcome } from "./value.ts";

/** Bytes of JSON that the values of one decision may take on their way through Envoy to the access log. */
export const CARRIED_LIMIT_BYTES = 4096;

/**
 * Levels of maps and lists that a carried value may have. Envoy reads no answer whose messages are more than 100 inside each other; a map in
 * a map is three. To Envoy such an answer would be none, and where it is told to let requests pass then, a refusal would not hold.
 */
export const CARRIED_LIMIT_LEVELS = 20;

/** What an error is carried as: an object that no value of a carried attribute is mistaken for, having a key of its own. */
const ERROR_KEY = "weir.error";

export interface Carried {
  readonly values: ReadonlyMap<string, Json>;
  /** Values too long or too deep: in the access log they are absent. */
  readonly leftOut: number;
}

/**
 * Packs the values that a decision carries, masked before, as many as fit. What is absent is not sent. The smallest go first, or a client
 * could take the route's service and its own name out of the records with a long path.
 */
export function packCarried(carried: readonly { readonly name: string; readonly value: Outcome }[]): Carried {
  const parcels = carried.flatMap(({ name, value }) => (value === ABSENT ? [] : [parcelOf(name, value)]));
  parcels.sort((a, b) => a.bytes - b.bytes);
  const values = new Map<string, Json>();
  let room = CARRIED_LIMIT_BYTES - "{}".length;
  for (const { name, json, bytes } of parcels) {
    if (isDeeper(json, CARRIED_LIMIT_LEVELS)) continue;
    room -= bytes;
    if (room < 0) break;
    values.set(name, json);
  }
  return { values, leftOut: parcels.length - values.size };
}

function parcelOf(name: string, value: CelValue | Invalid) {
  const json: Json = value instanceof Invalid ? { [ERROR_KEY]: true } : toJson(value);
  const bytes = Buffer.byteLength(JSON.stringify(json)) + Buffer.byteLength(JSON.stringify(name)) + ":,".length;
  return { name, json, bytes };
}

function isDeeper(json: Json, levels: number): boolean {
  if (typeof json !== "object" || json === null) return false;
  return levels === 0 || Object.values(json).some((part: Json) => isDeeper(part, levels - 1));
}

/** @returns the value that was packed. A masked one is its mask where the type is text, and absent otherwise. */
export function unpackCarried(json: Json, type: CelType): Outcome {
  if (isError(json)) return new Invalid("an error when it was decided");
  if (json === MASKED && type.kind !== "string" && type.kind !== "dyn") return ABSENT;
  const value: CelValue | Invalid = fromJson(json, type);
  return value instanceof Invalid ? new Invalid(`carried by the decision: ${value.reason}`) : value;
}

function isError(json: Json): boolean {
  return typeof json === "object" && json !== null && !Array.isArray(json) && Object.hasOwn(json, ERROR_KEY);
}
