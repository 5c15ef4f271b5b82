import * as fc from "fast-check";
import { formatType } from "../../src/attribute/type.ts";
import { ABSENT, Invalid, type Outcome } from "../../src/attribute/value.ts";
import type { Scope } from "../../src/expression/compile.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";
import { CEL_GO_BOUNDS } from "../../src/expression/limits.ts";
import { evaluateWithBufbuild } from "./bufbuild.ts";
import { type Dialect, type Expr, expressions, NAMES, REQUESTS, type Type, write } from "./generated.ts";
import { naively } from "./naive-evaluator.ts";
import { readType, sourceOf } from "./oracle.ts";
import { canonical, writeTyped } from "./typed-value.ts";

export const SCOPE: Scope = {
  attributes: new Map([...NAMES].map(([name, { type }]) => [name, readType(type)])),
  definitions: new Map(),
};
const SLOTS = [...NAMES.keys()];

/** What the property is about: an expression, and the type it was made to have. */
export interface Generated {
  readonly type: Type;
  readonly expr: Expr;
}

const TYPES = ["bool", "int", "uint", "double", "string", "dyn", "list(int)", "map(string, int)", "timestamp"] as const;

/** Conditions mostly: what policies are made of. */
export function generated(dialect: Dialect): fc.Arbitrary<Generated> {
  const of = (type: Type): fc.Arbitrary<Generated> => expressions(type, dialect).map((expr) => ({ type, expr }));
  return fc.oneof({ weight: TYPES.length, arbitrary: of("bool") }, ...TYPES.map(of));
}

/** What every attribute is, in each request. */
const NAMED: readonly ReadonlyMap<string, Outcome>[] = REQUESTS.map((request) => {
  const names = new Map<string, Outcome>();
  for (const [name, { values }] of NAMES) names.set(name, values[request] ?? ABSENT);
  return names;
});

/** @returns what we make of an expression in each of the requests. Throws when it does not check, or checks as another type. */
export function ours({ type, expr }: Generated): readonly string[] {
  const options = { lenient: true, bounds: CEL_GO_BOUNDS };
  const compiled = compileExpression(write(expr), SCOPE, "any", options);
  if (!compiled.ok) throw new Error(`does not check: ${compiled.problem.message}`);
  const found = formatType(compiled.plan.type);
  if (found !== type) throw new Error(`is a ${found} and not a ${type}`);
  const evaluate = link(structuredClone(compiled.plan), { slotOf: (name) => SLOTS.indexOf(name) });
  return NAMED.map((names) => {
    const source = sourceOf([...names.values()]);
    const budget = Number.MAX_SAFE_INTEGER;
    return show(evaluate(createFrame({ source, slots: SLOTS.length, derived: [], record: false, budget })));
  });
}

function show(outcome: Outcome): string {
  if (outcome === ABSENT) return "absent";
  return outcome instanceof Invalid ? "error" : canonical(writeTyped(outcome));
}

/** Two ways to evaluate one expression, which must agree about every request. */
export interface Property {
  readonly expressions: fc.Arbitrary<Generated>;
  readonly ours: (one: Generated) => readonly string[];
  readonly theirs: (one: Generated) => readonly string[];
}

const plainly: Property["theirs"] = ({ expr }) => NAMED.map((names) => show(naively(expr, names)));

export const byPlainReading: Property = { expressions: generated("weir"), ours, theirs: plainly };

/** Another engine knows no absence. */
export const byAnotherEngine: Property = {
  expressions: generated("standard"),
  ours: (one) => ours(one).map((outcome) => (outcome === "absent" ? "error" : outcome)),
  theirs: ({ expr }) => {
    const evaluate = evaluateWithBufbuild(write(expr));
    return NAMED.map((names) => show(evaluate(names)));
  },
};
