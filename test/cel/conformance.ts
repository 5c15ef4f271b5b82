import { getConformanceSuite, type IncrementalTestSuite } from "@bufbuild/cel-spec/testdata/tests.js";
import { type CelType, formatType } from "../../src/attribute/type.ts";
import { ABSENT, type CelValue, Invalid } from "../../src/attribute/value.ts";
import { check } from "../../src/expression/check.ts";
import type { Scope } from "../../src/expression/compile.ts";
import { fold } from "../../src/expression/fold.ts";
import { compileExpression, createFrame, link } from "../../src/expression/index.ts";
import { CEL_GO_BOUNDS } from "../../src/expression/limits.ts";
import { parse } from "../../src/expression/parser.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";
import { writeBlocks } from "./conformance-block.ts";
import { readType, readValue } from "./conformance-values.ts";
import { sourceOf } from "./oracle.ts";
import { canonical, writeTyped } from "./typed-value.ts";

/** One test of Google's suite, in our terms. */
export interface ConformanceTest {
  /** `section/group/name`. */
  readonly name: string;
  readonly section: string;
  readonly e: string;
  /** To be evaluated without being type-checked. */
  readonly unchecked: boolean;
  readonly names: ReadonlyMap<string, { readonly type: CelType; readonly value: CelValue | undefined }>;
  readonly expected: Expected;
}

type Expected =
  | { readonly kind: "error" }
  | { readonly kind: "value"; readonly value: CelValue; readonly type?: CelType }
  | { readonly kind: "type"; readonly type: CelType };

/** A test that needs what Weir does not have. */
export interface SkippedTest {
  readonly name: string;
  readonly section: string;
  readonly kind: "value" | "error";
  readonly why: SkipReason;
}

export type SkipReason = "protobuf messages and enums" | "functions and types declared by the test";

type Original = IncrementalTestSuite["tests"][number]["original"];
/** The suites are named by hand: what a test is called must say where it is. */
interface Named {
  readonly name: string;
  readonly section: string;
  readonly test: Original;
}

/** @returns every test of the suite, those that can be expressed and those that cannot. */
export function conformanceTests(): { readonly tests: ConformanceTest[]; readonly skipped: SkippedTest[] } {
  const tests: ConformanceTest[] = [];
  const skipped: SkippedTest[] = [];
  for (const named of numbered(
    getConformanceSuite().suites.flatMap((suite) => flatten(suite, suite.name, suite.name)),
  )) {
    const read = readTest(named);
    if (typeof read !== "string") tests.push(read);
    else skipped.push({ name: named.name, section: named.section, kind: kindOf(named.test), why: read });
  }
  return { tests, skipped };
}

function flatten(suite: IncrementalTestSuite, section: string, path: string): readonly Named[] {
  const own = suite.tests.map(({ name, original }) => ({ name: `${path}/${name}`, section, test: original }));
  return [...own, ...suite.suites.flatMap((inner) => flatten(inner, section, `${path}/${inner.name}`))];
}

/** The suite gives some names twice. */
function numbered(all: readonly Named[]): readonly Named[] {
  const seen = new Map<string, number>();
  return all.map((one) => {
    const times = (seen.get(one.name) ?? 0) + 1;
    seen.set(one.name, times);
    return times === 1 ? one : { ...one, name: `${one.name} (${times})` };
  });
}

/** As the issue counts: what has no expectation at all expects `true`, and what has only a type counts with the values. */
function kindOf({ resultMatcher }: Original): "value" | "error" {
  return resultMatcher.case === "evalError" || resultMatcher.case === "anyEvalErrors" ? "error" : "value";
}

/** Names of messages and enums in the text, whatever the container makes of them, and what reads their extensions. */
const MESSAGES =
  /\b(Nested)?TestAllTypes\b|\bTestRequired\b|\b(Global|Nested)Enum\b|\bgoogle\s*\.\s*protobuf\s*\.\s*(?!Timestamp\b|Duration\b)|\bcel\s*\.\s*expr\b|\bproto\.(get|has)Ext\b|\b[A-Z]\w*Value\s*\{|\bValue\s*\{/;

function readTest({ name, section, test }: Named): ConformanceTest | SkipReason {
  if (MESSAGES.test(test.expr)) return "protobuf messages and enums";
  const names = new Map<string, { type: CelType; value: CelValue | undefined }>();
  for (const { name, declKind } of test.typeEnv) {
    if (declKind.case !== "ident") return "functions and types declared by the test";
    const type = readType(declKind.value.type);
    if (!type) return "protobuf messages and enums";
    names.set(name, { type, value: undefined });
  }
  for (const [name, { kind }] of Object.entries(test.bindings)) {
    const value = kind.case === "value" ? readValue(kind.value) : undefined;
    if (value === undefined) return "protobuf messages and enums";
    names.set(name, { type: names.get(name)?.type ?? { kind: "dyn" }, value });
  }
  const expected = readExpected(test);
  if (!expected) return "protobuf messages and enums";
  return { name, section, e: writeBlocks(test.expr), unchecked: test.disableCheck, names, expected };
}

function readExpected({ resultMatcher, checkOnly }: Original): Expected | undefined {
  switch (resultMatcher.case) {
    case "evalError":
    case "anyEvalErrors":
      return { kind: "error" };
    case "value": {
      const value = readValue(resultMatcher.value);
      return value === undefined ? undefined : { kind: "value", value };
    }
    case "typedResult": {
      const type = readType(resultMatcher.value.deducedType);
      const value = resultMatcher.value.result && readValue(resultMatcher.value.result);
      if (type && checkOnly) return { kind: "type", type };
      return type && value !== undefined ? { kind: "value", value, type } : undefined;
    }
    default:
      return { kind: "value", value: true };
  }
}

/**
 * @returns what is wrong with our answer; undefined when it is the expected one. An expression that is refused is an error, also one that
 * only a policy may not have: whoever writes it is told.
 */
export function judge(test: ConformanceTest): string | undefined {
  const { expected, names, e } = test;
  if (expected.kind === "error" && !compileExpression(e, scopeOf(names), "any").ok) return undefined;
  const compiled = compile(test);
  if (!compiled.ok) return expected.kind === "error" ? undefined : `refused: ${compiled.problem.message}`;
  if (expected.kind !== "error" && expected.type) {
    const [ours, theirs] = [formatType(compiled.plan.type), formatType(expected.type)];
    if (ours !== theirs) return `is of type ${ours}, expected ${theirs}`;
  }
  return expected.kind === "type" ? undefined : judgeValue(compiled.plan, names, expected);
}

const OPTIONS = { lenient: true, bounds: CEL_GO_BOUNDS };

function scopeOf(names: ConformanceTest["names"]): Scope {
  return { attributes: new Map([...names].map(([name, { type }]) => [name, type])), definitions: new Map() };
}

function compile({ e, names, unchecked }: ConformanceTest): ReturnType<typeof compileExpression> {
  const scope = scopeOf(names);
  const compiled = compileExpression(e, scope, "any", OPTIONS);
  if (compiled.ok || !unchecked || compiled.stage === "parse") return compiled;
  const parsed = parse(e, CEL_GO_BOUNDS);
  const checked = parsed.ok ? check(parsed.syntax, e, scope, CEL_GO_BOUNDS) : undefined;
  if (!checked) return compiled;
  const plan: ExpressionPlan = {
    text: e,
    type: { kind: "dyn" },
    tree: fold(checked.tree).tree,
    reads: [],
    total: false,
  };
  return { ok: true, plan, warnings: [] };
}

function judgeValue(
  plan: ExpressionPlan,
  names: ConformanceTest["names"],
  expected: Exclude<Expected, { kind: "type" }>,
): string | undefined {
  const source = sourceOf([...names.values()].map(({ value }) => (value === undefined ? ABSENT : value)));
  const slots = [...names.keys()];
  const evaluate = link(structuredClone(plan), { slotOf: (name) => slots.indexOf(name) });
  const outcome = evaluate(createFrame({ source, slots: slots.length, derived: [], record: false }));
  const theirs = expected.kind === "error" ? "an error" : canonical(writeTyped(expected.value));
  if (outcome === ABSENT || outcome instanceof Invalid) {
    const ours = outcome === ABSENT ? "absent" : `the error: ${outcome.reason}`;
    return expected.kind === "error" ? undefined : `is ${ours}, expected ${theirs}`;
  }
  const ours = canonical(writeTyped(outcome));
  return ours === theirs ? undefined : `is ${ours}, expected ${theirs}`;
}

/** Tests that pass, of how many, as the issue counts them. */
export interface Counts {
  readonly value: { passed: number; of: number };
  readonly error: { passed: number; of: number };
}

export function countsOf(tests: readonly ConformanceTest[], failed: ReadonlySet<string>): Counts {
  const counts: Counts = { value: { passed: 0, of: 0 }, error: { passed: 0, of: 0 } };
  for (const { name, expected } of tests) {
    const count = expected.kind === "error" ? counts.error : counts.value;
    count.of++;
    if (!failed.has(name)) count.passed++;
  }
  return counts;
}
