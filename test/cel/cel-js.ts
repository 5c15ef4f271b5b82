import { Environment } from "@marcbachmann/cel-js";
import * as fc from "fast-check";
import { type Expr, expressions, NAMES, type Type } from "./generated.ts";

/** `@marcbachmann/cel-js` as a parser and checker, over the names of generated.ts: another one, by other people. */
const ENVIRONMENT = createEnvironment();

function createEnvironment(): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false });
  for (const [name, { type }] of NAMES) environment.registerVariable(underscored(name), typeName(type));
  return environment;
}

function typeName(type: string): string {
  return type
    .replaceAll("(", "<")
    .replaceAll(")", ">")
    .replace("timestamp", "google.protobuf.Timestamp")
    .replace("duration", "google.protobuf.Duration");
}

/** It takes a name with a dot for a field of a message. */
function underscored(text: string): string {
  return text.replace(/\breq\./g, "req_");
}

/** @returns what it has against an expression; undefined when it parses and checks. */
export function refusedByCelJs(text: string): string | undefined {
  try {
    const { valid, error } = ENVIRONMENT.parse(underscored(text)).check();
    return valid ? undefined : String(error);
  } catch (error) {
    return String(error);
  }
}

/** Expressions of which a part is replaced by another of any type: most of them make no sense. */
export function mistakenExpressions(): fc.Arbitrary<Expr> {
  const any = fc.oneof(...TYPES.map((type) => expressions(type, "standard")));
  return fc.tuple(any, any, fc.nat(30)).map(([whole, part, at]) => replaced(whole, part, at));
}

const TYPES: readonly Type[] = [
  ...(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn"] as const),
  ...(["list(int)", "list(string)", "map(string, int)"] as const),
];

const COMPARISON = /^_(==|!=|<|<=|>|>=|in)_$/;

/** @returns whether a comparison stands left of another without parentheses: `a == b < c`, which it reads as `a == (b < c)`. */
export function comparesComparisons(expr: Expr): boolean {
  let found = false;
  walk(expr, (one) => {
    const left = one.op === "call" && COMPARISON.test(one.name) ? one.args[0] : undefined;
    found ||= left?.op === "call" && COMPARISON.test(left.name);
    return one;
  });
  return found;
}

/** The whole with its part number `at` (counted from 0, around and around) replaced. */
function replaced(whole: Expr, part: Expr, at: number): Expr {
  let count = 0;
  walk(whole, (one) => {
    count++;
    return one;
  });
  let index = 0;
  return walk(whole, (one) => (index++ === at % count ? part : one));
}

/** A copy in which every node is what `change` makes of it, from the leaves up. */
function walk(expr: Expr, change: (expr: Expr) => Expr): Expr {
  const inner = (one: Expr): Expr => walk(one, change);
  switch (expr.op) {
    case "call":
      return change({ ...expr, args: expr.args.map(inner) });
    case "field":
      return change({ ...expr, of: inner(expr.of) });
    case "map":
      return change({ ...expr, entries: expr.entries.map(([key, value]) => [inner(key), inner(value)] as const) });
    case "macro": {
      const where = expr.where ? { where: inner(expr.where) } : {};
      return change({ ...expr, of: inner(expr.of), ...where, body: inner(expr.body) });
    }
    case "bind":
      return change({ ...expr, value: inner(expr.value), body: inner(expr.body) });
    default:
      return change(expr);
  }
}
