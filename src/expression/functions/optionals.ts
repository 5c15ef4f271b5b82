import { ABSENT, type CelValue, Duration, Optional, type Outcome, Timestamp, Uint } from "../../attribute/value.ts";
import type { Evaluate } from "../frame.ts";
import { invalid, isFailure, isList, isMap, NO_OVERLOAD, NONE } from "../values.ts";
import type { FunctionRow, Operand } from "./function-row.ts";

const NO_VALUE = invalid("optional.none() has no value", "optional none");

/** CEL's optional values: what `a.?b` and `a[?k]` give. */
export const OPTIONALS: readonly FunctionRow[] = [
  {
    name: "optional.of",
    signatures: ["optional.of(V): optional(V)"],
    doc: "An optional that has this value.",
    cost: 1,
    apply: (value) => new Optional(value),
  },
  {
    name: "optional.ofNonZeroValue",
    signatures: ["optional.ofNonZeroValue(V): optional(V)"],
    doc: "An optional that has this value, or none for what is empty, zero, false or null.",
    cost: 1,
    apply: (value) => (isZero(value) ? NONE : new Optional(value)),
  },
  {
    name: "optional.none",
    signatures: ["optional.none(): optional(V)"],
    doc: "An optional without a value.",
    cost: 1,
    apply: () => NONE,
  },
  {
    name: "hasValue",
    signatures: ["optional(V).hasValue(): bool"],
    doc: "Whether an optional has a value.",
    cost: 1,
    apply: (optional) => on(optional, (value) => value !== ABSENT),
  },
  {
    name: "value",
    signatures: ["optional(A).value(): A"],
    doc: "The value of an optional; an error when it has none.",
    cost: 1,
    apply: (optional) => on(optional, (value) => (value === ABSENT ? NO_VALUE : value)),
  },
  {
    name: "orValue",
    signatures: ["optional(V).orValue(V): V"],
    doc: "The value of an optional, or the argument when it has none.",
    cost: 1,
    apply: (optional, fallback) => on(optional, (value) => (value === ABSENT ? fallback : value)),
    selects: true,
    link: ([optional, fallback]) => optional && fallback && fallingBack(optional, fallback, (value) => value),
  },
  {
    name: "or",
    signatures: ["optional(V).or(optional(V)): optional(V)"],
    doc: "The optional itself when it has a value, otherwise the argument.",
    cost: 1,
    apply: (optional, other) => on(optional, (value) => (value === ABSENT ? other : optional)),
    selects: true,
    link: ([optional, fallback]) => optional && fallback && fallingBack(optional, fallback, (_, whole) => whole),
  },
  unwrapping("optional.unwrap", "optional.unwrap(list(optional(V))): list(V)"),
  unwrapping("unwrapOpt", "list(optional(V)).unwrapOpt(): list(V)"),
];

function unwrapping(name: string, signature: string): FunctionRow {
  return {
    name,
    signatures: [signature],
    doc: "The values of those optionals of a list that have one.",
    cost: (list) => list,
    resultSize: (list) => list,
    apply: unwrap,
  };
}

function unwrap(list: CelValue): Outcome {
  if (!isList(list)) return NO_OVERLOAD;
  const values: CelValue[] = [];
  for (const optional of list) {
    if (!(optional instanceof Optional)) return NO_OVERLOAD;
    if (optional.value !== ABSENT) values.push(optional.value);
  }
  return values;
}

/** Go's time begins with the year 1, and that is what its zero is. */
const ZERO_TIME = -62_135_596_800n * 1_000_000_000n;

function isZero(value: CelValue): boolean {
  if (value === null || typeof value !== "object") return !value && !Number.isNaN(value);
  if (value instanceof Uint) return value.value === 0n;
  if (value instanceof Uint8Array) return value.length === 0;
  if (value instanceof Duration) return value.nanos === 0n;
  if (value instanceof Timestamp) return value.nanos === ZERO_TIME;
  return isMap(value) ? value.size === 0 : isList(value) && value.length === 0;
}

function on(optional: CelValue, then: (value: Optional["value"]) => Outcome): Outcome {
  return optional instanceof Optional ? then(optional.value) : NO_OVERLOAD;
}

/** The argument is evaluated only when it is needed. */
function fallingBack(
  optional: Operand,
  fallback: Operand,
  pick: (value: CelValue, whole: Optional) => CelValue,
): Evaluate {
  return (frame) => {
    const outcome = optional.evaluate(frame);
    if (isFailure(outcome)) return outcome;
    if (!(outcome instanceof Optional)) return NO_OVERLOAD;
    const { value } = outcome;
    return value === ABSENT ? fallback.evaluate(frame) : pick(value, outcome);
  };
}
