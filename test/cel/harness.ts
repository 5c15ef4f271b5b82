import type { AttributeSource } from "../../src/attribute/source.ts";
import { type AttributeType, type CelType, parseType } from "../../src/attribute/type.ts";
import { ABSENT, Invalid, type Outcome } from "../../src/attribute/value.ts";
import { VOCABULARY } from "../../src/attribute/vocabulary.ts";
import type { CompileOptions, Definition, Problem, Scope } from "../../src/expression/compile.ts";
import type { Frame, FrameInput } from "../../src/expression/frame.ts";
import { compileExpression, compileTemplate, createFrame, link, linkTemplate } from "../../src/expression/index.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";

/** Attributes by name; what is not named is absent. */
export type Request = Readonly<Record<string, Outcome>>;

/** Weir's vocabulary, and four conditions that are exactly what they are called. */
const TYPES: ReadonlyMap<string, CelType> = new Map([
  ...VOCABULARY.map((row) => [row.name, parseType(row.type)] as const),
  ...["yes", "no", "gone", "broken"].map((name) => [`it.is.${name}`, parseType("bool")] as const),
  ...(["int", "uint", "double", "bytes", "duration", "dyn", "list(string)", "map(string, dyn)"] as const).map(
    (type: AttributeType) => [`any.${type.replace(/\W.*/, "")}`, parseType(type)] as const,
  ),
]);

const CONDITIONS: Request = { "it.is.yes": true, "it.is.no": false, "it.is.broken": new Invalid("broken") };

const NAMES = [...TYPES.keys()];

export function scopeWith(definitions: Readonly<Record<string, ExpressionPlan>> = {}): Scope {
  const entries = Object.entries(definitions).map(([name, plan]): [string, Definition] => [name, { plan }]);
  return { attributes: TYPES, definitions: new Map(entries) };
}

export const slots = { slotOf: (name: string): number => NAMES.indexOf(name) };

/** A plan, or a failed test that shows what is wrong with the expression. */
export function plan(text: string, scope: Scope = scopeWith(), options: CompileOptions = {}): ExpressionPlan {
  const compiled = compileExpression(text, scope, "any", options);
  if (!compiled.ok) throw new Error(`${text}: ${compiled.problem.message}`);
  return compiled.plan;
}

export function problemOf(
  text: string,
  expected: Parameters<typeof compileExpression>[2] = "any",
  scope: Scope = scopeWith(),
): Problem {
  const compiled = compileExpression(text, scope, expected);
  if (compiled.ok) throw new Error(`${text}: nothing is wrong with it`);
  return compiled.problem;
}

/** The code, and the text that is underlined. */
export function underlined(text: string, found: Problem): string {
  return `${found.code} ${text.slice(found.start, found.end)}`;
}

export function sourceOf(request: Request): AttributeSource {
  const values = new Map(Object.entries({ ...CONDITIONS, ...request }));
  const read = (slot: number): Outcome => {
    const value = values.get(NAMES[slot] ?? "");
    return value === undefined ? ABSENT : value;
  };
  const ofMap = (slot: number): Extract<Outcome, ReadonlyMap<unknown, unknown>> | undefined => {
    const value = read(slot);
    return value instanceof Map ? value : undefined;
  };
  return {
    read,
    readKey: (slot, key) => {
      const found = ofMap(slot)?.get(key);
      return found === undefined ? ABSENT : found;
    },
    entries: (slot) => ofMap(slot) ?? ABSENT,
  };
}

export function frameOf(request: Request = {}, options: Partial<FrameInput> = {}): ReturnType<typeof createFrame> {
  return createFrame({ source: sourceOf(request), slots: NAMES.length, derived: [], record: false, ...options });
}

export function evaluate(text: string, request: Request = {}, frame: Frame = frameOf(request)): Outcome {
  return link(plan(text), slots)(frame);
}

export function render(text: string, request: Request = {}): Outcome {
  const compiled = compileTemplate(text, scopeWith());
  if (!compiled.ok) throw new Error(`${text}: ${compiled.problem.message}`);
  return linkTemplate(compiled.plan, slots)(frameOf(request));
}

/** As tables write them: `true`, `"a"`, `12`, `absent`, `error`. */
export function show(outcome: Outcome): string {
  if (outcome === ABSENT) return "absent";
  if (outcome instanceof Invalid) return "error";
  return JSON.stringify(outcome, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value));
}
