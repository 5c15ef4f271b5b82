import { fromJson, type Json, toJson } from "./json.ts";
import { MASKED } from "./mask.ts";
import type { CelType } from "./type.ts";
import { ABSENT, type CelValue, Invalid, type Outcome } from "./value.ts";

/** Bytes of JSON that the values of one decision may take on their way through Envoy to the access log. */
export const CARRIED_LIMIT_BYTES = 4096;

/** What an error is carried as: an object that no value of a carried attribute is mistaken for, having a key of its own. */
const ERROR_KEY = "weir.error";

export interface Carried {
  readonly values: ReadonlyMap<string, Json>;
  /** Values that did not fit: in the access log they are absent. */
  readonly leftOut: number;
}

/** Packs the values that a decision carries, masked before, in order, as many as fit. What is absent is not sent. */
export function packCarried(carried: readonly { readonly name: string; readonly value: Outcome }[]): Carried {
  const values = new Map<string, Json>();
  let leftOut = 0;
  let bytes = "{}".length;
  for (const { name, value } of carried) {
    if (value === ABSENT) continue;
    const json = value instanceof Invalid ? { [ERROR_KEY]: true } : toJson(value);
    const size = Buffer.byteLength(JSON.stringify(json)) + Buffer.byteLength(JSON.stringify(name)) + ":,".length;
    if (bytes + size > CARRIED_LIMIT_BYTES) leftOut++;
    else {
      bytes += size;
      values.set(name, json);
    }
  }
  return { values, leftOut };
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
