import { formatCidr, formatIp, parseCidr, parseIp } from "../attribute/address.ts";
import { type CelValue, Cidr, Duration, IpAddress, Optional, Timestamp, TypeValue, Uint } from "../attribute/value.ts";
import type { Literal } from "./tree.ts";
import { isMap } from "./values.ts";

/** @returns the value that a literal stands for. Frozen all through: it is shared by every request. */
export function fromLiteral(literal: Literal): CelValue {
  switch (literal.type) {
    case "null":
      return null;
    case "uint":
      return Object.freeze(new Uint(literal.value));
    case "timestamp":
      return Object.freeze(new Timestamp(literal.nanos));
    case "duration":
      return Object.freeze(new Duration(literal.nanos));
    case "type":
      return Object.freeze(new TypeValue(literal.name));
    case "ip":
    case "cidr":
      return Object.freeze(addressOf(literal));
    case "list":
      return Object.freeze(literal.items.map(fromLiteral));
    case "map":
      return new Map(literal.entries.map(([key, value]) => [fromLiteral(key), fromLiteral(value)]));
    default:
      return literal.value;
  }
}

/** Shorter texts are copied when they are cut out of another one. */
const VIEWED_FROM = 13;

/**
 * @returns the same text in memory of its own. One that was cut out of an expression is a view into that, and comparing with it takes
 * several times as long.
 */
export function compact(text: string): string {
  return text.length < VIEWED_FROM ? text : JSON.parse(JSON.stringify(text));
}

function addressOf({ type, text }: Literal & { type: "ip" | "cidr" }): IpAddress | Cidr {
  const address = type === "ip" ? parseIp(text) : parseCidr(text);
  if (address === undefined) throw new Error(`a plan has ${text} for an address`);
  return address;
}

/** @returns the value as plain data, undefined for optionals, which have no literal. */
export function toLiteral(value: CelValue): Literal | undefined {
  if (value === null) return { type: "null" };
  switch (typeof value) {
    case "boolean":
      return { type: "bool", value };
    case "bigint":
      return { type: "int", value };
    case "number":
      return { type: "double", value };
    case "string":
      return { type: "string", value };
    default:
      return objectLiteral(value);
  }
}

function objectLiteral(value: Exclude<CelValue, null | boolean | bigint | number | string>): Literal | undefined {
  if (value instanceof Uint) return { type: "uint", value: value.value };
  if (value instanceof Timestamp) return { type: "timestamp", nanos: value.nanos };
  if (value instanceof Duration) return { type: "duration", nanos: value.nanos };
  if (value instanceof TypeValue) return { type: "type", name: value.name };
  if (value instanceof Uint8Array) return { type: "bytes", value };
  if (value instanceof IpAddress) return { type: "ip", text: formatIp(value) };
  if (value instanceof Cidr) return { type: "cidr", text: formatCidr(value) };
  if (value instanceof Optional) return undefined;
  if (isMap(value)) return mapLiteral(value);
  const items = value.map(toLiteral);
  return items.every((item) => item !== undefined) ? { type: "list", items } : undefined;
}

function mapLiteral(map: ReadonlyMap<CelValue, CelValue>): Literal | undefined {
  const entries: (readonly [Literal, Literal])[] = [];
  for (const [key, value] of map) {
    const pair = [toLiteral(key), toLiteral(value)] as const;
    if (pair[0] === undefined || pair[1] === undefined) return undefined;
    entries.push([pair[0], pair[1]]);
  }
  return { type: "map", entries };
}
