import {
  ABSENT,
  type Absent,
  type CelList,
  type CelMap,
  type CelValue,
  Cidr,
  Duration,
  type ErrorCategory,
  Invalid,
  IpAddress,
  Optional,
  type Outcome,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import { DEFAULT_BUDGET, MAX_VALUE_DEPTH } from "./limits.ts";

/** CEL's own ideas of values: kinds, equality across types, order, and looking up in maps. */

/** @returns a shared error value: failing must not cost an allocation. */
export function invalid(reason: string, category: ErrorCategory): Invalid {
  return Object.freeze(new Invalid(reason, category));
}

export const COST_LIMIT = invalid("cost limit", "cost limit");
export const NO_OVERLOAD = invalid("no such operation for values of these types", "no such overload");
const NOT_BOOL = invalid("not a bool where true or false is needed", "no such overload");
export const OVERFLOW = invalid("integer overflow", "overflow");
export const OUT_OF_RANGE = invalid("index out of range", "index out of range");
export const NOT_UTF8 = invalid("not UTF-8", "invalid utf-8");

/** `optional.none()`. */
export const NONE = Object.freeze(new Optional(ABSENT));

/** @returns whether there is no value: absent or error. */
export function isFailure(outcome: Outcome): outcome is Absent | Invalid {
  return outcome === ABSENT || outcome instanceof Invalid;
}

/** A condition: what is `dyn` at load may turn out to be no bool. */
export function asBool(outcome: Outcome): boolean | Absent | Invalid {
  return typeof outcome === "boolean" || isFailure(outcome) ? outcome : NOT_BOOL;
}

/** `readonly` arrays are not narrowed by Array.isArray. */
export function isList(value: CelValue): value is CelList {
  return Array.isArray(value);
}

export function isMap(value: CelValue): value is CelMap {
  return value instanceof Map;
}

/** @returns the name of a value's type as CEL's `type(x)` shows it. */
export function typeName(value: CelValue): string {
  switch (typeof value) {
    case "boolean":
      return "bool";
    case "bigint":
      return "int";
    case "number":
      return "double";
    case "string":
      return "string";
    default:
      return objectTypeName(value);
  }
}

function objectTypeName(value: CelValue): string {
  if (value === null) return "null_type";
  if (value instanceof Uint) return "uint";
  if (value instanceof Timestamp) return "google.protobuf.Timestamp";
  if (value instanceof Duration) return "google.protobuf.Duration";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof TypeValue) return "type";
  if (value instanceof Optional) return "optional_type";
  if (value instanceof IpAddress) return "net.IP";
  if (value instanceof Cidr) return "net.CIDR";
  return isMap(value) ? "map" : "list";
}

/** CEL equality: numbers by value across int, uint and double, NaN equal to nothing, values of different kinds unequal. */
export function equal(a: CelValue, b: CelValue): boolean {
  // Two NaNs are not `===`, as it should be.
  if (a === b) return !isObject(a) || !holdsNaN(a);
  if (typeof a === "string" || typeof b === "string" || typeof a === "boolean" || a === null || b === null)
    return false;
  const x = numeric(a);
  const y = numeric(b);
  if (x !== undefined || y !== undefined) return x !== undefined && y !== undefined && compareNumbers(x, y) === 0;
  return equalObjects(a, b);
}

function equalObjects(a: CelValue, b: CelValue): boolean {
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof Uint8Array) return b instanceof Uint8Array && compareBytes(a, b) === 0;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional) return b instanceof Optional && equalOptionals(a.value, b.value);
  if (a instanceof IpAddress) return b instanceof IpAddress && a.family === b.family && a.bits === b.bits;
  if (a instanceof Cidr) return b instanceof Cidr && a.prefix === b.prefix && equalObjects(a.address, b.address);
  if (isList(a)) return isList(b) && a.length === b.length && a.every((item, index) => equalAt(item, b[index]));
  return isMap(a) && isMap(b) && a.size === b.size && equalMaps(a, b);
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  let numbers: ReadonlyMap<bigint, CelValue> | undefined;
  for (const [key, value] of a) {
    let other = orAbsent(b.get(key));
    const number = other === ABSENT ? numeric(key) : undefined;
    if (typeof number === "bigint") {
      // A uint is found by its number: in a map of its own, for large maps of uints must not be searched again and again.
      numbers ??= byNumber(b);
      other = orAbsent(numbers.get(number));
    }
    if (other === ABSENT || !equal(value, other)) return false;
  }
  return true;
}

function byNumber(map: CelMap): ReadonlyMap<bigint, CelValue> {
  const numbers = new Map<bigint, CelValue>();
  for (const [key, value] of map) {
    // Whoever looks for an int has looked for it already.
    if (key instanceof Uint) numbers.set(key.value, value);
    else if (typeof key === "bigint" && !numbers.has(key)) numbers.set(key, value);
  }
  return numbers;
}

function equalAt(a: CelValue, b: CelValue | undefined): boolean {
  return b !== undefined && equal(a, b);
}

function equalOptionals(a: CelValue | Absent, b: CelValue | Absent): boolean {
  return a === ABSENT || b === ABSENT ? a === b : equal(a, b);
}

/** A list that holds NaN is not equal to itself. */
function holdsNaN(value: CelValue): boolean {
  if (typeof value === "number") return Number.isNaN(value);
  if (isList(value)) return value.some(holdsNaN);
  return isMap(value) && [...value.values()].some(holdsNaN);
}

function isObject(value: CelValue): boolean {
  return typeof value === "object" && value !== null;
}

/** @returns a number comparable with any other by value, undefined for what is no number. */
export function numeric(value: CelValue): bigint | number | undefined {
  if (typeof value === "bigint" || typeof value === "number") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** @returns the number of an int or uint, undefined for what is neither. */
export function wholeNumber(value: CelValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  return value instanceof Uint ? value.value : undefined;
}

/** @returns below, at or above 0 where the values have an order; NaN for a comparison with NaN; undefined where there is none. */
export function compare(a: CelValue, b: CelValue): number | undefined {
  if (typeof a === "string") return typeof b === "string" ? compareStrings(a, b) : undefined;
  const x = numeric(a);
  const y = numeric(b);
  if (x !== undefined && y !== undefined) return compareNumbers(x, y);
  if (typeof a === "boolean") return typeof b === "boolean" ? Number(a) - Number(b) : undefined;
  if (a instanceof Timestamp) return b instanceof Timestamp ? compareNumbers(a.nanos, b.nanos) : undefined;
  if (a instanceof Duration) return b instanceof Duration ? compareNumbers(a.nanos, b.nanos) : undefined;
  if (a instanceof Uint8Array) return b instanceof Uint8Array ? compareBytes(a, b) : undefined;
  return undefined;
}

/** Of a whole number and a double the whole one is made a double first, rounded where it is large: so CEL's own tests have it. */
function compareNumbers(a: bigint | number, b: bigint | number): number {
  if (typeof a !== typeof b) return compareNumbers(Number(a), Number(b));
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number.NaN;
}

/** By code points: JavaScript's own order puts what is beyond U+FFFF before U+E000. */
function compareStrings(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  for (let index = 0; index < end; index++) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x !== y)
      return isSurrogate(x) === isSurrogate(y) ? x - y : Number(isSurrogate(x)) - Number(isSurrogate(y)) || x - y;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/**
 * @returns what a map has under a key, ABSENT when nothing. Numeric keys are found by value, whatever their kind: `{1: "a"}[1u]`.
 */
export function lookup(map: CelMap, key: CelValue): CelValue | Absent {
  if (typeof key === "string" || typeof key === "boolean") return orAbsent(map.get(key));
  const wanted = numeric(key);
  if (wanted === undefined || (typeof wanted === "number" && !Number.isInteger(wanted))) return ABSENT;
  const number = BigInt(wanted);
  // A map may have 1 and 1u: a uint means its own kind first.
  const own = key instanceof Uint ? lookupUint(map, number) : ABSENT;
  if (own !== ABSENT) return own;
  const found = map.get(number);
  return found === undefined && !(key instanceof Uint) ? lookupUint(map, number) : orAbsent(found);
}

/** null is a value. */
function orAbsent(value: CelValue | undefined): CelValue | Absent {
  return value === undefined ? ABSENT : value;
}

/** Keys of kind uint are objects, so that they are compared one by one. */
function lookupUint(map: CelMap, wanted: bigint): CelValue | Absent {
  for (const key of map.keys()) {
    if (key instanceof Uint && key.value === wanted) return orAbsent(map.get(key));
  }
  return ABSENT;
}

/** UTF-16 units of a text, or bytes, that are one step's work. */
export const CHARACTERS_PER_UNIT = 16;
/** Keys of a map that are compared in one step. */
export const ENTRIES_PER_UNIT = 2;

/** @returns how large a value is, in units: 1, and one for each 16 characters, element or entry. */
export function sizeOf(value: CelValue): number {
  if (typeof value === "string") return 1 + value.length / CHARACTERS_PER_UNIT;
  if (typeof value !== "object" || value === null) return 1;
  if (value instanceof Uint8Array) return 1 + value.length / CHARACTERS_PER_UNIT;
  if (isList(value)) return 1 + value.length;
  return isMap(value) ? 1 + value.size : 1;
}

/**
 * @returns how large a value is with everything inside of it, in units: what walking through it costs. Infinite beyond `most`, where weighing
 * ends: a list that holds another twice, which holds another twice, is far larger than what it took to make. Infinite also for what is
 * nested deeper than whoever walks through it has a stack for.
 */
export function weightOf(value: CelValue, most = DEFAULT_BUDGET): number {
  const weight = weighed(value, 0, most, 0);
  // What holds nothing is as large as it is.
  return weight > most && weight !== sizeOf(value) ? Number.POSITIVE_INFINITY : weight;
}

/** How much further each value is weighed while neither has ended: few rounds, and little done twice. */
const WEIGHING_STEP = 32;

/**
 * @returns the weight of the lighter of two values, for which the heavier is not walked through; 1 for those whose sizes tell them apart.
 * Infinite as `weightOf` has it.
 */
export function lighterOf(a: CelValue, b: CelValue, most = DEFAULT_BUDGET): number {
  if (isList(a) && isList(b) && a.length !== b.length) return 1;
  if (a instanceof Map && b instanceof Map && a.size !== b.size) return 1;
  for (let next = WEIGHING_STEP; ; next *= WEIGHING_STEP) {
    const far = Math.min(next, most);
    const weight = weighed(a, 0, far, 0);
    if (weight <= far) return weight;
    const other = a === b ? weight : weighed(b, 0, far, 0);
    if (other <= far) return other;
    if (far === most) return Number.POSITIVE_INFINITY;
  }
}

/**
 * The weight of a value and of what was weighed before it, as far as `most`: more than that for what has more, or is nested too deeply.
 * @param depth how many values it is inside of
 */
function weighed(value: CelValue, before: number, most: number, depth: number): number {
  let sum = before + 1;
  if (sum > most) return sum;
  if (value instanceof Optional) return value.value === ABSENT ? sum : weighedInside(value.value, before, most, depth);
  if (isList(value)) {
    // Each element weighs something.
    if (sum + value.length > most) return sum + value.length;
    for (const item of value) {
      sum = weighedInside(item, sum, most, depth);
      if (sum > most) break;
    }
    return sum;
  }
  if (!isMap(value)) return before + sizeOf(value);
  if (sum + 2 * value.size > most) return sum + 2 * value.size;
  for (const [key, item] of value) {
    sum = weighedInside(item, weighed(key, sum, most, depth), most, depth);
    if (sum > most) break;
  }
  return sum;
}

function weighedInside(value: CelValue, before: number, most: number, depth: number): number {
  return depth < MAX_VALUE_DEPTH ? weighed(value, before, most, depth + 1) : Number.POSITIVE_INFINITY;
}
