import { type Type, Type_PrimitiveType, Type_WellKnownType } from "@bufbuild/cel-spec/cel/expr/checked_pb.js";
import type { Value } from "@bufbuild/cel-spec/cel/expr/value_pb.js";
import { type Any, anyUnpack, DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import type { CelType } from "../../src/attribute/type.ts";
import { type CelValue, Duration, Timestamp, TypeValue, Uint } from "../../src/attribute/value.ts";

/** The conformance suite's own messages for values and types as ours; undefined for what Weir has no idea of: messages, enums, wrappers. */

const NANOS = 1_000_000_000n;

export function readValue({ kind }: Value): CelValue | undefined {
  switch (kind.case) {
    case "nullValue":
      return null;
    case "boolValue":
    case "doubleValue":
    case "stringValue":
    case "bytesValue":
      return kind.value;
    case "int64Value":
      return BigInt(kind.value);
    case "uint64Value":
      return new Uint(BigInt(kind.value));
    case "typeValue":
      return new TypeValue(kind.value);
    case "objectValue":
      return readAny(kind.value);
    case "listValue":
      return allOrNone(kind.value.values.map(readValue));
    case "mapValue": {
      const keys = allOrNone(kind.value.entries.map(({ key }) => key && readValue(key)));
      const values = allOrNone(kind.value.entries.map(({ value }) => value && readValue(value)));
      return keys && values && new Map(keys.map((key, index) => [key, values[index] ?? null]));
    }
    default:
      return undefined;
  }
}

function readAny(any: Any): CelValue | undefined {
  const timestamp = anyUnpack(any, TimestampSchema);
  if (timestamp) return new Timestamp(BigInt(timestamp.seconds) * NANOS + BigInt(timestamp.nanos));
  const duration = anyUnpack(any, DurationSchema);
  return duration && new Duration(BigInt(duration.seconds) * NANOS + BigInt(duration.nanos));
}

function allOrNone<T>(items: readonly (T | undefined)[]): readonly T[] | undefined {
  const there = items.filter((item) => item !== undefined);
  return there.length === items.length ? there : undefined;
}

const PRIMITIVES: ReadonlyMap<Type_PrimitiveType, CelType> = new Map([
  [Type_PrimitiveType.BOOL, { kind: "bool" }],
  [Type_PrimitiveType.INT64, { kind: "int" }],
  [Type_PrimitiveType.UINT64, { kind: "uint" }],
  [Type_PrimitiveType.DOUBLE, { kind: "double" }],
  [Type_PrimitiveType.STRING, { kind: "string" }],
  [Type_PrimitiveType.BYTES, { kind: "bytes" }],
]);

/** Two messages that are values of their own in CEL. */
const MESSAGES: ReadonlyMap<string, CelType> = new Map([
  ["google.protobuf.Timestamp", { kind: "timestamp" }],
  ["google.protobuf.Duration", { kind: "duration" }],
]);

const WELL_KNOWN: ReadonlyMap<Type_WellKnownType, CelType> = new Map([
  [Type_WellKnownType.ANY, { kind: "dyn" }],
  [Type_WellKnownType.TIMESTAMP, { kind: "timestamp" }],
  [Type_WellKnownType.DURATION, { kind: "duration" }],
]);

export function readType(type: Type | undefined): CelType | undefined {
  const kind = type?.typeKind;
  switch (kind?.case) {
    case "dyn":
      return { kind: "dyn" };
    case "null":
      return { kind: "null" };
    case "primitive":
      return PRIMITIVES.get(kind.value);
    case "wellKnown":
      return WELL_KNOWN.get(kind.value);
    case "messageType":
      return MESSAGES.get(kind.value);
    case "listType": {
      const element = readType(kind.value.elemType);
      return element && { kind: "list", element };
    }
    case "mapType": {
      const key = readType(kind.value.keyType);
      const value = readType(kind.value.valueType);
      return key && value && { kind: "map", key, value };
    }
    case "type": {
      const of = readType(kind.value);
      return of && { kind: "type", of };
    }
    case "abstractType": {
      const value = readType(kind.value.parameterTypes[0]);
      return kind.value.name === "optional_type" && value ? { kind: "optional", value } : undefined;
    }
    default:
      return undefined;
  }
}
