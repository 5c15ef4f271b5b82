import {
  ABSENT,
  type CelValue,
  Cidr,
  Duration,
  Invalid,
  IpAddress,
  Optional,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import type { Evaluate, Frame } from "../expression/frame.ts";

/**
 * The name of a limit's counter for one request: the limit and the values of `by`, each with its type and length, so that no two different
 * tuples share a key. An absent value is a bucket of its own, and not that of "".
 *
 * @returns Invalid when a value of `by` is an error.
 */
export function bucketKey(
  limit: string,
  by: readonly { readonly name: string; readonly evaluate: Evaluate }[],
  frame: Frame,
): string | Invalid {
  let key = part("l", limit);
  for (const { name, evaluate } of by) {
    const value = evaluate(frame);
    if (value instanceof Invalid) return value;
    key += part("n", name) + (value === ABSENT ? "-" : typed(value));
  }
  return key;
}

function part(tag: string, text: string): string {
  return `${tag}${text.length}:${text}`;
}

function typed(value: CelValue): string {
  switch (typeof value) {
    case "string":
      return part("s", value);
    case "bigint":
      return part("i", value.toString());
    case "number":
      return part("d", value.toString());
    case "boolean":
      return value ? "t" : "f";
    default:
      return value === null ? "0" : typedObject(value);
  }
}

function typedObject(value: Exclude<CelValue, null | string | bigint | number | boolean>): string {
  if (value instanceof Uint) return part("u", value.value.toString());
  if (value instanceof Uint8Array) return part("b", Buffer.from(value).toString("base64"));
  if (value instanceof Timestamp) return part("T", value.nanos.toString());
  if (value instanceof Duration) return part("D", value.nanos.toString());
  if (value instanceof TypeValue) return part("y", value.name);
  if (value instanceof Optional) return value.value === ABSENT ? "o-" : `o${typed(value.value)}`;
  if (value instanceof IpAddress) return part("i", `${value.family} ${value.bits}`);
  if (value instanceof Cidr) return part("c", `${value.address.family} ${value.address.bits} ${value.prefix}`);
  if (value instanceof Map)
    return part(
      "m",
      [...value]
        .map(([key, entry]) => typed(key) + typed(entry))
        .sort()
        .join(""),
    );
  return part("a", [...listItems(value)].map(typed).join(""));
}

/** What is left of CelValue is a list; a ReadonlyMap that is no Map does not exist at run time. */
function listItems(value: readonly CelValue[] | ReadonlyMap<CelValue, CelValue>): Iterable<CelValue> {
  return value.values();
}
