import { readFileSync } from "node:fs";
import { ABSENT, type CelValue, Duration, Invalid, type Outcome, Timestamp, Uint } from "../../src/attribute/value.ts";
import type { CompileOptions, Problem, Scope } from "../../src/expression/compile.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";
import { CEL_GO_BOUNDS, DEFAULT_BUDGET } from "../../src/expression/limits.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";
import { readType, sourceOf } from "./oracle.ts";
import { canonical, writeTyped } from "./typed-value.ts";

/** A line of hostile.txt. */
export interface Hostile {
  readonly section: string;
  /** As it is written in the file. */
  readonly written: string;
  readonly text: string;
  readonly must: Must;
}

export type Must =
  | { readonly be: "refused" | "stopped" | "anything" }
  /** `always`: not even refused, where a policy's bounds are lifted. */
  | { readonly be: "value"; readonly value: string; readonly always: boolean };

export function hostileExpressions(): readonly Hostile[] {
  let section = "";
  const found: Hostile[] = [];
  for (const line of readFileSync(new URL("hostile.txt", import.meta.url), "utf8").split("\n")) {
    if (line.startsWith("## ")) section = line.slice(3);
    const bar = line.indexOf(" | ");
    if (bar < 0 || line.startsWith("#")) continue;
    const written = line.slice(bar + 3);
    found.push({ section, written, text: repeated(written), must: readMust(line.slice(0, bar)) });
  }
  return found;
}

/** `«text»3` is the text three times. */
function repeated(written: string): string {
  return written.replace(/«([^»]*)»(\d+)/g, (_, text: string, times: string) => text.repeat(Number(times)));
}

function readMust(written: string): Must {
  if (written === "refused" || written === "stopped") return { be: written };
  if (written === "any") return { be: "anything" };
  const always = written.startsWith("works ");
  return { be: "value", value: canonical(JSON.parse(always ? written.slice(6) : written)), always };
}

const LONG = 65_536;
const MANY = 100_000;

/** A request larger than any that a policy should have to see; short names, for expressions of 4 KiB. */
const ATTRIBUTES: Readonly<Record<string, readonly [type: string, value: Outcome]>> = {
  s: ["string", `${"a".repeat(LONG)}!`],
  t: ["string", "x,y,".repeat(LONG / 4)],
  u: ["string", "é😀ß".repeat(LONG / 4)],
  j: ["string", "[".repeat(LONG)],
  k: ["string", `[${'{"a": [1, 2.5, "x", null]}, '.repeat(2_000)}1]`],
  b: ["bytes", new Uint8Array(LONG).fill(97)],
  n: ["int", 1n],
  no: ["bool", false],
  li: ["list(int)", numbers(3_000)],
  ls: ["list(string)", numbers(1_000).map((number) => `${"some-group-or-other-".repeat(3)}${number}`)],
  d: ["dyn", numbers(3_000)],
  m: ["map(string,string)", new Map(numbers(1_000).map((number) => [`key-${number}`, `value-${number}`.repeat(4)]))],
  h: ["map(string,string)", new Map([["x-list", '"a,b", c,'.repeat(LONG / 10)]])],
  c: ["map(string,dyn)", claims()],
  mu: ["map(uint,int)", new Map(numbers(MANY).map((number) => [new Uint(number), number]))],
  mm: ["map(string,int)", new Map(numbers(MANY).map((number) => [`key-${number}`, number]))],
  deep: ["dyn", nested(10_000)],
  time: ["timestamp", new Timestamp(1_700_000_000_123_456_789n)],
  dur: ["duration", new Duration(90_000_000_000n)],
};

function numbers(count: number): readonly bigint[] {
  return Array.from({ length: count }, (_, index) => BigInt(index));
}

/** Deep, and wide. */
function claims(): CelValue {
  const inner = nested(490);
  const wide = numbers(200).map((number): [CelValue, CelValue] => [`claim-${number}`, "v".repeat(100)]);
  return new Map<CelValue, CelValue>([["a", inner], ...wide]);
}

/** Deeper than any stack. */
function nested(levels: number): CelValue {
  let inner: CelValue = 1n;
  for (let depth = 0; depth < levels; depth++) inner = new Map<CelValue, CelValue>([["a", inner]]);
  return inner;
}

const ALONE: Scope = {
  attributes: new Map(Object.entries(ATTRIBUTES).map(([name, [type]]) => [name, readType(type)])),
  definitions: new Map(),
};

function defined(text: string): ExpressionPlan {
  const compiled = compileExpression(text, ALONE, "any");
  if (!compiled.ok) throw new Error(compiled.problem.message);
  return compiled.plan;
}

/** `large` is one of a thousand parts. */
const SCOPE: Scope = {
  ...ALONE,
  definitions: new Map([["large", { plan: defined(`n == 1${" || n + 1 == 1".repeat(250)}`) }]]),
};
const SLOTS = Object.keys(ATTRIBUTES);
const LINK_SCOPE = { slotOf: (name: string): number => SLOTS.indexOf(name) };
const SOURCE = sourceOf(Object.values(ATTRIBUTES).map(([, value]) => value));

/** As a policy has it, or as `weir eval --limits cel-go` does: without a policy's bounds, and nothing refused for what it may cost. */
export type Mode = "policy" | "eval";

const OPTIONS: Readonly<Record<Mode, CompileOptions>> = {
  policy: {},
  eval: { lenient: true, bounds: CEL_GO_BOUNDS },
};

export type Ended =
  | { readonly how: "refused"; readonly problem: Problem }
  | { readonly how: "failed"; readonly reason: string; readonly steps: number }
  /** `written`: as the tests compare values; only conditions are. */
  | { readonly how: "value"; readonly written: string; readonly steps: number };

export interface Times {
  loadMs: number;
  runMs: number;
}

/** Loads and evaluates it, with the whole budget of a request. `times` is told how long both took. */
export function tryOut(text: string, mode: Mode, times: Times = { loadMs: 0, runMs: 0 }): Ended {
  const start = performance.now();
  const compiled = compileExpression(text, SCOPE, "any", OPTIONS[mode]);
  const evaluate = compiled.ok ? link(compiled.plan, LINK_SCOPE) : undefined;
  const loaded = performance.now();
  times.loadMs = loaded - start;
  if (!compiled.ok) return { how: "refused", problem: compiled.problem };
  if (!evaluate) throw new Error("what compiles is linked");
  const frame = createFrame({ source: SOURCE, slots: SLOTS.length, derived: [], record: false });
  const outcome = evaluate(frame);
  times.runMs = performance.now() - loaded;
  const steps = DEFAULT_BUDGET - frame.budget;
  if (outcome === ABSENT) return { how: "failed", reason: "absent", steps };
  if (outcome instanceof Invalid) return { how: "failed", reason: outcome.reason, steps };
  return { how: "value", written: typeof outcome === "boolean" ? canonical(writeTyped(outcome)) : "", steps };
}
