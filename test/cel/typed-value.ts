import { SocketAddress } from "node:net";
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from "../../src/attribute/json.ts";
import {
  ABSENT,
  type CelValue,
  Cidr,
  Duration,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../../src/attribute/value.ts";

/** A value as the oracle data writes it: an object of one key, which is the type. test/data/cel-go/README.md lists them. */
export type Typed = Readonly<Record<string, unknown>>;

export function readTyped(value: Typed): CelValue {
  const [[kind = "", inner] = []] = Object.entries(value);
  const text = String(inner);
  switch (kind) {
    case "null":
      return null;
    case "bool":
      return inner === true;
    case "int":
      return BigInt(text);
    case "uint":
      return new Uint(BigInt(text));
    case "double":
      return Number(text);
    case "string":
      return text;
    case "bytes":
      return new Uint8Array(Buffer.from(text, "base64"));
    case "timestamp":
      return new Timestamp(parseTimestamp(text) ?? unreadable(value));
    case "duration":
      return new Duration(parseDuration(text) ?? unreadable(value));
    case "type":
      return new TypeValue(text);
    // The data's own form is what the two casts say.
    case "list":
      return (inner as Typed[]).map(readTyped);
    case "map":
      return new Map((inner as [Typed, Typed][]).map(([key, item]) => [readTyped(key), readTyped(item)]));
    default:
      return unreadable(value);
  }
}

function unreadable(value: Typed): never {
  throw new Error(`the data has a value that cannot be read: ${JSON.stringify(value)}`);
}

export function writeTyped(value: CelValue): Typed {
  if (value === null) return { null: null };
  if (typeof value === "boolean") return { bool: value };
  if (typeof value === "bigint") return { int: value.toString() };
  if (typeof value === "number") return { double: Object.is(value, -0) ? "-0" : String(value) };
  if (typeof value === "string") return { string: value };
  if (value instanceof Uint) return { uint: value.value.toString() };
  if (value instanceof Timestamp) return { timestamp: formatTimestamp(value.nanos) };
  if (value instanceof Duration) return { duration: formatDuration(value.nanos) };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("base64") };
  if (value instanceof TypeValue) return { type: value.name };
  if (value instanceof IpAddress) return { ip: writeAddress(value) };
  if (value instanceof Cidr) return { cidr: `${writeAddress(value.address)}/${value.prefix}` };
  if (value instanceof Optional) return { optional: value.value === ABSENT ? null : writeTyped(value.value) };
  if (value instanceof Map) return { map: [...value].map(([key, item]) => [writeTyped(key), writeTyped(item)]) };
  // What is left of CelValue is a list; `readonly` arrays are not narrowed by Array.isArray.
  return { list: (value as readonly CelValue[]).map(writeTyped) };
}

/** Node's own idea of the shortest text, so that ours is held against another. */
function writeAddress({ family, bits }: IpAddress): string {
  const digits = bits.toString(16).padStart(family === 4 ? 8 : 32, "0");
  if (family === 4) return [...Buffer.from(digits, "hex")].join(".");
  const address = (digits.match(/.{4}/g) ?? []).join(":");
  return new SocketAddress({ address, family: "ipv6" }).address;
}

/** @returns a text that is the same for equal values. `bags`: lists follow the order of a map, which is nobody's business. */
export function canonical(value: Typed, bags = false): string {
  const [[kind = "", inner] = []] = Object.entries(value);
  if (kind === "list" && Array.isArray(inner)) {
    const items = inner.map((item: Typed) => canonical(item, bags));
    return `list[${(bags ? items.sort() : items).join()}]`;
  }
  if (kind === "map" && Array.isArray(inner)) {
    const entries = inner.map(([key, item]: [Typed, Typed]) => `${canonical(key, bags)}=${canonical(item, bags)}`);
    return `map{${entries.sort().join()}}`;
  }
  if (kind === "double") return `double ${Object.is(Number(inner), -0) ? "-0" : Number(inner)}`;
  // An optional's inside is null or a value of this form.
  if (kind === "optional") return `optional ${inner === null ? "none" : canonical(inner as Typed, bags)}`;
  return JSON.stringify(value);
}
