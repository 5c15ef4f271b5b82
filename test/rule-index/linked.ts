import { VOCABULARY } from "../../src/attribute/vocabulary.ts";
import { NO_TESTS, Subjects, testsOf } from "../../src/expression/condition-tests.ts";
import type { RequestFrame } from "../../src/expression/frame.ts";
import { createFrame, link } from "../../src/expression/index.ts";
import { buildIndexes, type CheckIndexes } from "../../src/snapshot/check-indexes.ts";
import type { LinkedConditional, LinkedPolicy, LinkedRule } from "../../src/snapshot/linked.ts";
import { plan, slots } from "../cel/harness.ts";
import { type GeneratedPolicy, type GeneratedRequest, sourceOf } from "./generated.ts";

/** Every name that the harness knows, by slot. */
const NAMES: readonly string[] = namesBySlot();

export interface LinkedSet {
  /** In authored order. */
  readonly rules: readonly LinkedRule[];
  readonly indexes: CheckIndexes;
}

/** Links policies as a snapshot does, but for their being written in files. `count` is told of every evaluation of a rule's own condition. */
export function linkSet(policies: readonly GeneratedPolicy[], count: () => void = () => undefined): LinkedSet {
  const subjects = new Subjects(slots);
  const condition = (text: string | undefined, counted: boolean): Pick<LinkedConditional, "when" | "tests"> => {
    if (text === undefined) return { when: undefined, tests: NO_TESTS };
    const compiled = plan(text);
    const evaluate = link(compiled, slots);
    const tests = testsOf(compiled, subjects);
    if (!counted) return { when: evaluate, tests };
    return {
      when: (frame) => {
        count();
        return evaluate(frame);
      },
      tests,
    };
  };
  const rules = policies.flatMap(({ when, rules: written }, index) => {
    const head = { name: `p${index}`, file: "p.yaml", doors: [], cache: { forMs: 0, uses: 0 } };
    const policy: LinkedPolicy = { plan: head, index, ...condition(when, false) };
    return written.map((rule, number): LinkedRule => {
      const reference = { rule: `p${index}/r${number}`, file: "p.yaml", line: number };
      const { effect, shadow } = rule;
      return { policy, effect, shadow, reference, respond: undefined, ...condition(rule.when, true) };
    });
  });
  return { rules, indexes: indexesOf(rules) };
}

function indexesOf(rules: readonly LinkedRule[]): CheckIndexes {
  const steps = buildIndexes({ rules, asks: [], changes: [], limits: [] });
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

export function frameFor(request: GeneratedRequest, record = false): RequestFrame {
  const source = sourceOf(request, NAMES);
  return createFrame({ source, slots: NAMES.length, derived: [], record });
}

export function nameOfSlot(slot: number): string {
  return NAMES[slot] ?? "";
}

function namesBySlot(): string[] {
  const names: string[] = [];
  const own = ["it.is.yes", "it.is.no", "it.is.gone", "it.is.broken"];
  const any = ["int", "uint", "double", "bytes", "duration", "dyn", "list", "map"].map((type) => `any.${type}`);
  for (const name of [...VOCABULARY.map((row) => row.name), ...own, ...any]) names[slots.slotOf(name)] = name;
  return names;
}
