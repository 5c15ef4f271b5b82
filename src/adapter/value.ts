/**
 * Values as adapters see them: plain data that survives `structuredClone`, so that an adapter may run in another thread without noticing.
 *
 * CEL `int` and `uint` are bigint, `double` is number. Everything else that is an object carries a `type` tag, so a map with a key
 * named `type` can never be mistaken for anything.
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | TimestampValue
  | DurationValue
  | ListValue
  | MapValue;

/** A point in time: nanoseconds since 1970-01-01T00:00:00Z, exact. */
export interface TimestampValue {
  readonly type: "timestamp";
  /** Since the epoch, negative before it. */
  readonly nanos: bigint;
}

/** A length of time in nanoseconds, exact; may be negative. */
export interface DurationValue {
  readonly type: "duration";
  readonly nanos: bigint;
}

/** A list in its own order; its items may be of different types. */
export interface ListValue {
  readonly type: "list";
  readonly items: readonly Value[];
}

/** Keys are bool, int, uint or string, in the order in which they came. Pairs, because a client may send a key named `__proto__`. */
export interface MapValue {
  readonly type: "map";
  readonly entries: readonly (readonly [Value, Value])[];
}
