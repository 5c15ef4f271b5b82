import {
  ABSENT,
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
import { isList, isMap } from "./values.ts";

/**
 * @returns a text that two values share when they are `equal`, so that a set can hold values; undefined for what equals nothing, not even
 * itself: NaN, and what holds one. Only where `==` rounds an integer beyond 2^53 to compare it with a double are the two told apart here:
 * no text could be shared by two integers that are equal to one double and not to each other.
 */
export function identityOf(value: CelValue): string | undefined {
  switch (typeof value) {
    case "string":
      // The length keeps texts apart from what follows them in a list or map.
      return `"${value.length}:${value}`;
    case "boolean":
      return value ? "t" : "f";
    case "bigint":
      return `#${value}`;
    case "number":
      return ofDouble(value);
    default:
      return ofObject(value);
  }
}

const TWO_TO_64 = 2 ** 64;

/** A whole number is written as the int or uint it is equal to; beyond 64 bits there is none. */
function ofDouble(value: number): string | undefined {
  if (Number.isNaN(value)) return undefined;
  return Number.isInteger(value) && Math.abs(value) < TWO_TO_64 ? `#${BigInt(value)}` : `#${value}`;
}

function ofObject(value: CelValue & (object | null)): string | undefined {
  if (value === null) return "0";
  if (value instanceof Uint) return `#${value.value}`;
  if (value instanceof Timestamp) return `@${value.nanos}`;
  if (value instanceof Duration) return `~${value.nanos}`;
  if (value instanceof Uint8Array)
    return `b${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")}`;
  if (value instanceof TypeValue) return `y${value.name}`;
  if (value instanceof IpAddress) return ofAddress(value);
  if (value instanceof Cidr) return `${ofAddress(value.address)}/${value.prefix}`;
  if (value instanceof Optional) return ofOptional(value);
  if (isList(value)) return joined("[", value.map(identityOf));
  return isMap(value) ? ofMap(value) : undefined;
}

function ofAddress({ family, bits }: IpAddress): string {
  return `${family}.${bits}`;
}

function ofOptional({ value }: Optional): string | undefined {
  if (value === ABSENT) return "?";
  const inner = identityOf(value);
  return inner === undefined ? undefined : `?${inner}`;
}

/** In an order that does not depend on how the map was made. */
function ofMap(map: CelMap): string | undefined {
  const entries = Array.from(map, ([key, value]) => joined(":", [identityOf(key), identityOf(value)]));
  return joined("{", entries.sort());
}

function joined(sign: string, parts: readonly (string | undefined)[]): string | undefined {
  return parts.includes(undefined) ? undefined : `${sign}${parts.length}(${parts.join()})`;
}
