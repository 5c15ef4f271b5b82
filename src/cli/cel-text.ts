import { formatCidr, formatIp } from "../attribute/address.ts";
import { formatDuration, formatTimestamp } from "../attribute/json.ts";
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
import { isList, isMap } from "../expression/index.ts";

/** UTF-16 units of a value that are shown: nobody reads more, and one value may hold another a million times. */
const MAX_SHOWN = 1_000_000;

/**
 * @returns a value as one would write it in CEL: `"a"`, `1u`, `[1, 2]`, `duration("1.5s")`; what goes beyond `maxLength` is cut, and an `…`
 * stands in its place.
 */
export function celText(value: CelValue, maxLength: number = MAX_SHOWN): string {
  const writer = new Writer(maxLength);
  writer.value(value);
  return writer.text();
}

class Writer {
  readonly #maxLength: number;
  readonly #pieces: string[] = [];
  #length = 0;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  text(): string {
    const all = this.#pieces.join("");
    return all.length > this.#maxLength ? `${all.slice(0, this.#maxLength).toWellFormed()}…` : all;
  }

  value(value: CelValue): void {
    if (typeof value === "string") this.#put(quoted(this.#cut(value)));
    else if (value instanceof Uint8Array) this.#put(bytesText(value.subarray(0, this.#maxLength + 1)));
    else if (value instanceof Optional) this.#optional(value);
    else if (isMap(value)) this.#map(value);
    else if (isList(value)) this.#list(value);
    else this.#put(scalarText(value));
  }

  #put(piece: string): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  #cut(text: string): string {
    return text.slice(0, this.#maxLength + 1);
  }

  get #isFull(): boolean {
    return this.#length > this.#maxLength;
  }

  #optional({ value }: Optional): void {
    if (value === ABSENT) {
      this.#put("optional.none()");
    } else {
      this.#put("optional.of(");
      this.value(value);
      this.#put(")");
    }
  }

  #list(items: CelList): void {
    this.#put("[");
    for (const [index, item] of items.entries()) {
      if (this.#isFull) return;
      if (index > 0) this.#put(", ");
      this.value(item);
    }
    this.#put("]");
  }

  #map(map: CelMap): void {
    this.#put("{");
    let separator = "";
    for (const [key, item] of map) {
      if (this.#isFull) return;
      this.#put(separator);
      this.value(key);
      this.#put(": ");
      this.value(item);
      separator = ", ";
    }
    this.#put("}");
  }
}

type Scalar = null | boolean | bigint | number | Uint | Timestamp | Duration | TypeValue | IpAddress | Cidr;

function scalarText(value: Scalar): string {
  if (typeof value === "number") return doubleText(value);
  if (value instanceof Uint) return `${value.value}u`;
  if (value instanceof Timestamp) return `timestamp("${formatTimestamp(value.nanos)}")`;
  if (value instanceof Duration) return `duration("${formatDuration(value.nanos)}")`;
  if (value instanceof TypeValue) return value.name;
  if (value instanceof IpAddress) return `ip("${formatIp(value)}")`;
  if (value instanceof Cidr) return `cidr("${formatCidr(value)}")`;
  return String(value);
}

/** Always with a point or exponent: `1` would be an int. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `double("${value}")`;
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** What a terminal would act on, or not show, is escaped. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu;

function quoted(text: string): string {
  const inside = text
    .replace(/["\\]/g, "\\$&")
    .replace(UNSEEN, (character) => SHORT.get(character) ?? escaped(character));
  return `"${inside}"`;
}

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

function escaped(character: string): string {
  const digits = (character.codePointAt(0) ?? 0).toString(16);
  return digits.length > 4 ? `\\U${digits.padStart(8, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** Bytes that are no printable ASCII as `\xff`. */
function bytesText(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    return byte >= 0x20 && byte < 0x7f ? character : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return `b"${text.join("")}"`;
}
