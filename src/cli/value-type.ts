import type { CelType } from "../attribute/type.ts";
import { ABSENT, type CelValue, Optional } from "../attribute/value.ts";
import { isList, isMap, typeName } from "../expression/index.ts";

/** @returns whether a value is one of the type, with everything inside of it. */
export function isOfType(value: CelValue, type: CelType): boolean {
  switch (type.kind) {
    case "dyn":
      return true;
    case "list":
      return isList(value) && value.every((item) => isOfType(item, type.element));
    case "map":
      return isMap(value) && [...value].every(([key, item]) => isOfType(key, type.key) && isOfType(item, type.value));
    case "optional":
      return value instanceof Optional && (value.value === ABSENT || isOfType(value.value, type.value));
    default:
      return typeName(value) === (NAMES[type.kind] ?? type.kind);
  }
}

/** Of kinds that `type(x)` calls otherwise. */
const NAMES: Readonly<Partial<Record<CelType["kind"], string>>> = {
  null: "null_type",
  timestamp: "google.protobuf.Timestamp",
  duration: "google.protobuf.Duration",
  ip: "net.IP",
  cidr: "net.CIDR",
};
