import type { Value } from "../adapter/value.ts";
import { formatCidr, formatIp } from "../attribute/address.ts";
import {
  ABSENT,
  type CelList,
  type CelMap,
  type CelValue,
  Cidr,
  Duration,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";

/** @returns the value as adapters get it: plain data that may cross to another thread. */
export function toSdkValue(value: CelValue): Value {
  if (value === null || typeof value !== "object") return typeof value === "string" ? value.toWellFormed() : value;
  if (value instanceof Uint) return value.value;
  if (value instanceof Uint8Array) return value;
  if (value instanceof Timestamp) return { type: "timestamp", nanos: value.nanos };
  if (value instanceof Duration) return { type: "duration", nanos: value.nanos };
  if (value instanceof TypeValue) return value.name;
  if (value instanceof IpAddress) return formatIp(value);
  if (value instanceof Cidr) return formatCidr(value);
  if (value instanceof Optional) return value.value === ABSENT ? null : toSdkValue(value.value);
  return isMap(value)
    ? { type: "map", entries: [...value].map(([key, entry]) => [toSdkValue(key), toSdkValue(entry)] as const) }
    : { type: "list", items: value.map(toSdkValue) };
}

function isMap(value: CelList | CelMap): value is CelMap {
  return value instanceof Map;
}
