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
import { isList, isMap } from "./values.ts";

/**
 * A set of values by CEL's equality, in time linear in their size: NaN is never in it. Only where `==` rounds an integer beyond 2^53 to
 * compare it with a double are the two told apart here, for `==` also tells apart the integers that are equal to one double.
 */
export class ValueSet {
  /** Texts, which most values are, need no other form. */
  readonly #texts = new Set<string>();
  readonly #others = new Set<string>();

  constructor(values: CelList = []) {
    for (const value of values) this.add(value);
  }

  /** @returns whether it was not there before. */
  add(value: CelValue): boolean {
    const isText = typeof value === "string";
    const identity = isText ? value : identityOf(value);
    if (identity === undefined) return true;
    const identities = isText ? this.#texts : this.#others;
    const before = identities.size;
    return identities.add(identity).size > before;
  }

  has(value: CelValue): boolean {
    if (typeof value === "string") return this.#texts.has(value);
    const identity = identityOf(value);
    return identity !== undefined && this.#others.has(identity);
  }
}

/**
 * @returns a text that two values share exactly when they are equal, as a `ValueSet` has it; undefined for what equals nothing, not even
 * itself: NaN, and what holds one.
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
  if (isList(value)) return ofList(value);
  if (isMap(value)) return ofMap(value);
  if (value instanceof Uint) return `#${value.value}`;
  if (value instanceof Timestamp) return `@${value.nanos}`;
  if (value instanceof Duration) return `~${value.nanos}`;
  if (value instanceof Uint8Array)
    return `b${Buffer.from(value.buffer, value.byteOffset, value.length).toString("hex")}`;
  if (value instanceof TypeValue) return `y${value.name}`;
  if (value instanceof IpAddress) return ofAddress(value);
  if (value instanceof Cidr) return `${ofAddress(value.address)}/${value.prefix}`;
  return value instanceof Optional ? ofOptional(value) : undefined;
}

function ofList(list: CelList): string | undefined {
  let text = "[";
  for (const element of list) {
    const identity = identityOf(element);
    if (identity === undefined) return undefined;
    text += `${identity},`;
  }
  return `${text}]`;
}

/** In an order that does not depend on how the map was made. */
function ofMap(map: CelMap): string | undefined {
  const entries: string[] = [];
  for (const [key, value] of map) {
    const identity = identityOf(value);
    if (identity === undefined) return undefined;
    entries.push(`${identityOf(key)}=${identity};`);
  }
  return `{${entries.sort().join("")}}`;
}

function ofAddress({ family, bits }: IpAddress): string {
  return `${family}.${bits}`;
}

function ofOptional({ value }: Optional): string | undefined {
  if (value === ABSENT) return "?";
  const inner = identityOf(value);
  return inner === undefined ? undefined : `?${inner}`;
}
