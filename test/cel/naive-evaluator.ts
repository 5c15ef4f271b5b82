import {
  ABSENT,
  type CelValue,
  Duration,
  Invalid,
  Optional,
  type Outcome,
  Timestamp,
  Uint,
} from "../../src/attribute/value.ts";
import type { Expr } from "./generated.ts";

/**
 * The plainest reading of docs and specification: walks a generated tree, evaluates everything there is, and only then looks at what it
 * got. Shares nothing with src/expression but the classes of values. Slow, and to be read.
 */
export type Names = ReadonlyMap<string, Outcome>;

type Args = readonly CelValue[];

const WRONG = new Invalid("no such operation");

export function naively(expr: Expr, names: Names): Outcome {
  switch (expr.op) {
    case "literal":
      return expr.value;
    case "name":
      return outcomeOf(names.get(expr.name));
    case "bind":
      return naively(expr.body, new Map(names).set(expr.variable, naively(expr.value, names)));
    case "map":
      return strictly(
        expr.entries.flat(),
        names,
        (all) => new Map(expr.entries.map((_, i) => [at(all, 2 * i), at(all, 2 * i + 1)])),
      );
    case "field":
      return strictly([expr.of], names, ([of]) => field(expr.name, orNull(of), expr.field));
    case "macro":
      return macro(expr, names);
    case "call":
      return call(expr.name, expr.args, names);
  }
}

function outcomeOf(outcome: Outcome | undefined): Outcome {
  return outcome === undefined ? ABSENT : outcome;
}

function orNull(value: CelValue | undefined): CelValue {
  return value === undefined ? null : value;
}

function at(values: Args, index: number): CelValue {
  return orNull(values[index]);
}

/** Error if an operand is error, else absent if one is. */
function strictly(operands: readonly Expr[], names: Names, of: (values: Args) => Outcome): Outcome {
  return together(
    operands.map((operand): Outcome => naively(operand, names)),
    of,
  );
}

function together(outcomes: readonly Outcome[], of: (values: Args) => Outcome): Outcome {
  const error = outcomes.find((outcome) => outcome instanceof Invalid);
  if (error) return error;
  const values = outcomes.flatMap((outcome) => (outcome === ABSENT || outcome instanceof Invalid ? [] : [outcome]));
  return values.length < outcomes.length ? ABSENT : of(values);
}

function field(name: "." | ".?" | "has", of: CelValue, key: string): Outcome {
  if (!(of instanceof Map)) return WRONG;
  if (name === "has") return of.has(key);
  const value = of.has(key) ? of.get(key) : ABSENT;
  return name === "." ? value : new Optional(value);
}

/** What a condition is: anything else than these is an error. */
function truth(outcome: Outcome): boolean | typeof ABSENT | Invalid {
  return typeof outcome === "boolean" || outcome === ABSENT || outcome instanceof Invalid ? outcome : WRONG;
}

/** One value settles it, from whatever place. */
function settle(outcomes: readonly Outcome[], settling: boolean): Outcome {
  const truths = outcomes.map((outcome): Outcome => truth(outcome));
  return truths.includes(settling) ? settling : together(truths, () => !settling);
}

function macro(expr: Expr & { op: "macro" }, names: Names): Outcome {
  const of = naively(expr.of, names);
  if (of === ABSENT || of instanceof Invalid) return of;
  if (of instanceof Optional) {
    const [variable = ""] = expr.variables;
    if (of.value === ABSENT) return of;
    return together(
      [naively(expr.body, new Map(names).set(variable, of.value))],
      ([value]) => new Optional(orNull(value)),
    );
  }
  const entries: readonly (readonly [CelValue, CelValue])[] =
    of instanceof Map ? [...of] : list(of).map((item, i) => [BigInt(i), item]);
  const rounds = entries.map(([key, value]) => round(expr, of instanceof Map, key, value, names));
  const bodies = rounds.map(({ body }): Outcome => body);
  switch (expr.name) {
    case "all":
      return settle(bodies, false);
    case "exists":
      return settle(bodies, true);
    case "exists_one":
      return together(
        bodies.map((body): Outcome => truth(body)),
        (all) => all.filter((one) => one === true).length === 1,
      );
    case "filter":
      return together(
        bodies.map((body): Outcome => truth(body)),
        (all) => rounds.filter((_, i) => all[i] === true).map(({ item }) => item),
      );
    default: {
      // What the condition leaves out is not looked at; a condition that is no condition is an outcome like that of a body.
      const kept = rounds.filter(({ where }) => where !== false);
      const outcomes = kept.map(({ where, body }): Outcome => (where === true ? body : where));
      return together(outcomes, (all) =>
        expr.name === "transformMap" ? new Map(kept.map(({ key }, i) => [key, at(all, i)])) : all,
      );
    }
  }
}

/** What one element makes of the condition, where there is one, and of the body. */
interface Round {
  readonly key: CelValue;
  readonly item: CelValue;
  readonly where: Outcome;
  readonly body: Outcome;
}

function round(expr: Expr & { op: "macro" }, ofMap: boolean, key: CelValue, value: CelValue, names: Names): Round {
  const [first = "", second] = expr.variables;
  const item = ofMap ? key : value;
  const within = new Map(names).set(first, second === undefined ? item : key);
  if (second !== undefined) within.set(second, value);
  const where = expr.where ? truth(naively(expr.where, within)) : true;
  return { key, item, where, body: naively(expr.body, within) };
}

/** Operators and functions for which absence or error of an operand is not that of the result; then all others. */
function call(name: string, args: readonly Expr[], names: Names): Outcome {
  const outcomes = args.map((arg): Outcome => naively(arg, names));
  const [a, b, c] = outcomes;
  switch (name) {
    case "_&&_":
      return settle(outcomes, false);
    case "_||_":
      return settle(outcomes, true);
    case "_?_:_": {
      const condition = truth(outcomeOf(a));
      return typeof condition === "boolean" ? outcomeOf(condition ? b : c) : condition;
    }
    case ".orDefault":
      return a === ABSENT ? outcomeOf(b) : outcomeOf(a);
    case ".orValue":
      return together([outcomeOf(a)], ([of]) =>
        of instanceof Optional ? (of.value === ABSENT ? outcomeOf(b) : of.value) : WRONG,
      );
    case ".or":
      return together([outcomeOf(a)], ([of]) =>
        of instanceof Optional ? (of.value === ABSENT ? outcomeOf(b) : of) : WRONG,
      );
    case ".get":
      return get(outcomeOf(a), outcomeOf(b), outcomeOf(c));
    default:
      return together(outcomes, (values) => apply(name, values));
  }
}

/** An absent map is like an empty one. */
function get(of: Outcome, key: Outcome, fallback: Outcome): Outcome {
  return together([of === ABSENT ? new Map() : of, key], ([map, wanted]) => {
    if (!(map instanceof Map)) return WRONG;
    return map.has(wanted) ? map.get(wanted) : fallback;
  });
}

function apply(name: string, values: Args): Outcome {
  const [a, b] = [orNull(values[0]), orNull(values[1])];
  switch (name) {
    case "_==_":
      return same(a, b);
    case "_!=_":
      return !same(a, b);
    case "_<_":
      return ordered(a, b, (order) => order < 0);
    case "_<=_":
      return ordered(a, b, (order) => order <= 0);
    case "_>_":
      return ordered(a, b, (order) => order > 0);
    case "_>=_":
      return ordered(a, b, (order) => order >= 0);
    case "_in_":
      return b instanceof Map ? b.has(a) : list(b).some((item) => same(a, item));
    case "!_":
      return typeof a === "boolean" ? !a : WRONG;
    case "-_":
      return typeof a === "number" ? -a : typeof a === "bigint" ? int(-a) : WRONG;
    case "[_]":
      return values;
    case "_[_]":
      return b instanceof Uint || typeof b === "bigint" || typeof b === "string" ? element(a, b) : WRONG;
    case "_[?_]": {
      const found = element(a, b);
      return new Optional(found instanceof Invalid ? ABSENT : found);
    }
    case "dyn":
      return a;
    case "optional.of":
      return new Optional(a);
    case ".value":
      return a instanceof Optional && a.value !== ABSENT ? a.value : WRONG;
    case ".hasValue":
      return a instanceof Optional ? a.value !== ABSENT : WRONG;
    case "size":
      return size(a);
    case ".startsWith":
      return typeof a === "string" && typeof b === "string" ? a.slice(0, b.length) === b : WRONG;
    case ".endsWith":
      return typeof a === "string" && typeof b === "string" ? b === "" || a.slice(-b.length) === b : WRONG;
    case ".contains":
      return typeof a === "string" && typeof b === "string" ? a.split(b).length > 1 || b === "" || a === b : WRONG;
    default:
      return /^_._$/.test(name) ? arithmetic(name.slice(1, -1), a, b) : convert(name, a);
  }
}

function list(value: CelValue): readonly CelValue[] {
  return Array.isArray(value) ? value : [];
}

function element(of: CelValue, key: CelValue): Outcome {
  if (of instanceof Map) return of.has(key) ? of.get(key) : ABSENT;
  const items = list(of);
  return typeof key === "bigint" && key >= 0n && key < BigInt(items.length) ? at(items, Number(key)) : WRONG;
}

function size(value: CelValue): Outcome {
  if (typeof value === "string") return BigInt([...value].length);
  if (value instanceof Uint8Array) return BigInt(value.length);
  return BigInt(value instanceof Map ? value.size : list(value).length);
}

/** Numbers of two kinds are compared as doubles, as cel-go does it; those of one kind exactly. */
function number(value: CelValue, other: CelValue): bigint | number | undefined {
  const whole = value instanceof Uint ? value.value : value;
  if (typeof whole !== "bigint" && typeof whole !== "number") return undefined;
  return typeof other === "number" ? Number(whole) : whole;
}

/** Below, at or above 0; undefined for what has no order, NaN among numbers included. */
function order(a: CelValue, b: CelValue): number | undefined {
  const [x, y] = [number(a, b), number(b, a)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : x === y ? 0 : undefined;
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (a instanceof Timestamp && b instanceof Timestamp) return order(a.nanos, b.nanos);
  if (a instanceof Duration && b instanceof Duration) return order(a.nanos, b.nanos);
  return undefined;
}

function ordered(a: CelValue, b: CelValue, is: (order: number) => boolean): Outcome {
  const found = order(a, b);
  if (found !== undefined) return is(found);
  // NaN is neither below nor above anything that has an order.
  return (Number.isNaN(a) || order(a, a) !== undefined) && (Number.isNaN(a) || Number.isNaN(b)) ? false : WRONG;
}

function same(a: CelValue, b: CelValue): boolean {
  if (a instanceof Optional && b instanceof Optional) {
    return a.value === ABSENT || b.value === ABSENT ? a.value === b.value : same(a.value, b.value);
  }
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => same(item, b[i]));
  if (a instanceof Map && b instanceof Map) {
    return a.size === b.size && [...a].every(([key, value]) => b.has(key) && same(value, b.get(key)));
  }
  return a === null || b === null ? a === b : order(a, b) === 0;
}

function int(value: bigint): Outcome {
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : WRONG;
}

function uint(value: bigint): Outcome {
  return value >= 0n && value < 2n ** 64n ? new Uint(value) : WRONG;
}

function duration(nanos: bigint): Outcome {
  return int(nanos) === nanos ? new Duration(nanos) : WRONG;
}

/** Years 1 to 9999. */
function timestamp(nanos: bigint): Outcome {
  return nanos >= -62_135_596_800n * 10n ** 9n && nanos < 253_402_300_800n * 10n ** 9n ? new Timestamp(nanos) : WRONG;
}

function arithmetic(sign: string, a: CelValue, b: CelValue): Outcome {
  if (typeof a === "bigint" && typeof b === "bigint") return whole(sign, a, b, int);
  if (a instanceof Uint && b instanceof Uint) return whole(sign, a.value, b.value, uint);
  if (typeof a === "number" && typeof b === "number") {
    return sign === "+" ? a + b : sign === "-" ? a - b : sign === "*" ? a * b : sign === "/" ? a / b : WRONG;
  }
  if (a instanceof Duration && b instanceof Timestamp && sign === "+") return timestamp(b.nanos + a.nanos);
  if (sign !== "+" && sign !== "-") return WRONG;
  const signed = (nanos: bigint): bigint => (sign === "+" ? nanos : -nanos);
  if (b instanceof Duration && a instanceof Timestamp) return timestamp(a.nanos + signed(b.nanos));
  if (b instanceof Duration && a instanceof Duration) return duration(a.nanos + signed(b.nanos));
  if (a instanceof Timestamp && b instanceof Timestamp && sign === "-") return duration(a.nanos - b.nanos);
  if (sign === "-") return WRONG;
  if (typeof a === "string" && typeof b === "string") return `${a}${b}`;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Uint8Array.of(...a, ...b);
  return Array.isArray(a) && Array.isArray(b) ? [...list(a), ...list(b)] : WRONG;
}

function whole(sign: string, a: bigint, b: bigint, make: (value: bigint) => Outcome): Outcome {
  if (sign === "+" || sign === "-" || sign === "*") return make(sign === "+" ? a + b : sign === "-" ? a - b : a * b);
  // The quotient of the smallest int by -1 does not fit, and its remainder is refused with it.
  if (b === 0n || make(a / b) === WRONG) return WRONG;
  return make(sign === "/" ? a / b : a % b);
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function convert(to: string, value: CelValue): Outcome {
  switch (to) {
    case "bytes":
      return typeof value === "string" ? new Uint8Array(Buffer.from(value)) : WRONG;
    case "double":
      return typeof value === "bigint" ? Number(value) : value instanceof Uint ? Number(value.value) : WRONG;
    case "int":
    case "uint": {
      const make = to === "int" ? int : uint;
      if (typeof value === "number") {
        // The bounds themselves are refused: near them a double does not tell what it stands for.
        return Number.isFinite(value) && (to === "int" ? value > -(2 ** 63) : value >= 0)
          ? make(BigInt(Math.trunc(value)))
          : WRONG;
      }
      if (typeof value === "string") return /^[+-]?[0-9]+$/.test(value) ? make(BigInt(value)) : WRONG;
      return value instanceof Uint ? make(value.value) : typeof value === "bigint" ? make(value) : WRONG;
    }
    case "string":
      return text(value);
    default:
      throw new Error(`the naive evaluator has no ${to}`);
  }
}

function text(value: CelValue): Outcome {
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof Uint) return String(value.value);
  if (typeof value === "number") return numberText(value);
  if (!(value instanceof Uint8Array)) return WRONG;
  try {
    return UTF8.decode(value);
  } catch (error) {
    if (error instanceof TypeError) return WRONG;
    throw error;
  }
}

/** The shortest digits that read back as the same number, with an exponent of two digits where it is below -4 or above 5. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  if (Object.is(value, -0)) return "-0";
  const [digits = "", exponent = ""] = value.toExponential().split("e");
  const size = Number(exponent);
  if (size < -4 || size > 5) return `${digits}e${exponent[0]}${String(Math.abs(size)).padStart(2, "0")}`;
  return size < 0 ? value.toFixed(digits.replace(/\D/g, "").length - 1 - size) : String(value);
}
