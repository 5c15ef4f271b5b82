/** A CEL value at request time. Maps are always `Map`: an own key `constructor` or `__proto__` is a key like any other. */
export type CelValue =
  | null
  | boolean
  | bigint
  | Uint
  | number
  | string
  | Uint8Array
  | Timestamp
  | Duration
  | CelList
  | CelMap
  | TypeValue
  | Optional
  | IpAddress
  | Cidr;

export type CelList = readonly CelValue[];
export type CelMap = ReadonlyMap<CelValue, CelValue>;

/** This request does not have it. Not an error, not `null`, not `""`. */
export const ABSENT: unique symbol = Symbol("absent");
export type Absent = typeof ABSENT;

/** It was there, or was asked for, and could not be made sense of: bytes that are not UTF-8, overflow, a bad conversion, a cost limit. */
export class Invalid {
  /** In plain words, for explain and debug logs; never sent to the refused client. */
  readonly reason: string;
  /** For programs (`weir eval --batch`). What doors say of attributes has no category of its own. */
  readonly category: ErrorCategory;
  constructor(reason: string, category: ErrorCategory = "other") {
    this.reason = reason;
    this.category = category;
  }
}

/** Kinds of errors, in words that do not depend on who evaluates. */
export type ErrorCategory =
  | "no such key"
  | "no such overload"
  | "invalid conversion"
  | "overflow"
  | "index out of range"
  | "invalid index type"
  | "divide by zero"
  | "modulus by zero"
  | "invalid time"
  | "invalid utf-8"
  | "invalid argument"
  | "invalid regex"
  | "invalid base64"
  | "invalid json"
  | "NaN not ordered"
  | "optional none"
  | "duplicate key"
  | "cost limit"
  | "other";

/** What reading an attribute or evaluating an expression gives: a value, absent, or error. Never an exception. */
export type Outcome = CelValue | Absent | Invalid;

/** CEL `uint`; a class because CEL tells `1` and `1u` apart where the type is `dyn`. */
export class Uint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

/** Nanoseconds since 1970-01-01T00:00:00Z. */
export class Timestamp {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** Nanoseconds; may be negative. */
export class Duration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value: the result of CEL's `type(x)`. */
export class TypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** CEL's optional: `value` is ABSENT for `optional.none()`. */
export class Optional {
  readonly value: CelValue | Absent;
  constructor(value: CelValue | Absent) {
    this.value = value;
  }
}

/** An IP address: CEL's `net.IP`. IPv4 in IPv6 (`::ffff:1.2.3.4`) is none. */
export class IpAddress {
  readonly family: 4 | 6;
  /** 32 or 128 bits, the first octet highest. */
  readonly bits: bigint;
  constructor(family: 4 | 6, bits: bigint) {
    this.family = family;
    this.bits = bits;
  }
}

/** A network in CIDR notation: CEL's `net.CIDR`. The address keeps the bits beyond the prefix, as written. */
export class Cidr {
  readonly address: IpAddress;
  /** Bits of the prefix: 0 to 32, or to 128. */
  readonly prefix: number;
  constructor(address: IpAddress, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }
}
