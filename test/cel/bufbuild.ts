import {
  type CelInput,
  type CelResult,
  celEnv,
  celMap,
  celUint,
  isCelError,
  isCelMap,
  isCelUint,
  parse,
  plan,
} from "@bufbuild/cel";
import { create, isMessage } from "@bufbuild/protobuf";
import { isReflectMessage } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { ABSENT, type CelValue, Duration, Invalid, type Outcome, Timestamp, Uint } from "../../src/attribute/value.ts";

/**
 * Expressions as `@bufbuild/cel` evaluates them: another engine, by other people. It knows no absence: what fails is an error.
 * Its own mistakes are kept out by what is generated in the dialect "standard": no null, no `%` by -1, no years before 1970, no names that
 * begin with `true`, no map that is absent.
 */
const ENVIRONMENT = celEnv();
const NANOS = 1_000_000_000n;

export function evaluateWithBufbuild(text: string): (names: ReadonlyMap<string, Outcome>) => Outcome {
  const evaluate = plan(ENVIRONMENT, parse(text));
  return (names) => {
    const bindings: Record<string, CelInput> = Object.create(null);
    for (const [name, value] of names) {
      if (value !== ABSENT && !(value instanceof Invalid)) bindings[name] = toTheirs(value);
    }
    const result = evaluate(bindings);
    return isCelError(result) ? new Invalid(result.message) : toOurs(result);
  };
}

function toTheirs(value: CelValue): CelInput {
  if (value instanceof Uint) return celUint(value.value);
  if (value instanceof Timestamp) return create(TimestampSchema, partsOf(value.nanos));
  if (value instanceof Duration) return create(DurationSchema, partsOf(value.nanos));
  if (Array.isArray(value)) return value.map(toTheirs);
  // Keys of generated maps are texts.
  if (value instanceof Map) return celMap(new Map([...value].map(([key, item]) => [String(key), toTheirs(item)])));
  return value as CelInput;
}

/** A duration's two parts have one sign, a timestamp's nanoseconds none. */
function partsOf(nanos: bigint): { readonly seconds: bigint; readonly nanos: number } {
  return { seconds: nanos / NANOS, nanos: Number(nanos % NANOS) };
}

function toOurs(value: Exclude<CelResult, Error>): CelValue {
  if (isCelUint(value)) return new Uint(value.value);
  if (isCelMap(value))
    return new Map([...value].map(([key, item]) => [isCelUint(key) ? new Uint(key.value) : key, toOurs(item)]));
  if (isReflectMessage(value)) {
    const { message } = value;
    if (isMessage(message, TimestampSchema)) return new Timestamp(message.seconds * NANOS + BigInt(message.nanos));
    if (isMessage(message, DurationSchema)) return new Duration(message.seconds * NANOS + BigInt(message.nanos));
    throw new Error(`a message ${message.$typeName}`);
  }
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  if (Symbol.iterator in value) return [...value].map(toOurs);
  throw new Error("a type as a value is not generated");
}
