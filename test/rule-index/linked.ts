import { VOCABULARY } from "../../src/attribute/vocabulary.ts";
import { NO_TESTS, Subjects, testsOf } from "../../src/expression/condition-tests.ts";
import type { Evaluate, LinkScope, RequestFrame } from "../../src/expression/frame.ts";
import { createFrame, link, SharedParts } from "../../src/expression/index.ts";
import type { ExpressionPlan } from "../../src/expression/tree.ts";
import { buildIndexes, type CheckIndexes } from "../../src/snapshot/check-indexes.ts";
import type { LinkedConditional, LinkedPolicy, LinkedRule } from "../../src/snapshot/linked.ts";
import { plan, slots } from "../cel/harness.ts";
import { type GeneratedPolicy, type GeneratedRequest, sourceOf } from "./generated.ts";

/** Every name that the harness knows, by slot. */
const NAMES: readonly string[] = namesBySlot();

export interface LinkedSet {
  /** In authored order, each linked for itself: to be tried one by one. */
  readonly rules: readonly LinkedRule[];
  /** Of the same rules, linked with what they have in common. */
  readonly indexes: CheckIndexes;
}

/** Links policies as a snapshot does, but for their being written in files. `count` is told of every evaluation of a rule's own condition. */
export function linkSet(policies: readonly GeneratedPolicy[], count: () => void = () => undefined): LinkedSet {
  const { alone, shared } = linkers(count);
  return { rules: alone.rules(policies), indexes: indexesOf(shared.rules(policies)).indexes };
}

/** Rule sets that follow one another as snapshots do: what stays the same is not linked again, and indexes keep what they can. */
export class EditedSet {
  readonly #linkers = linkers(() => undefined);
  readonly #policies: Pick<LinkedSet, "rules">[] = [];
  readonly #shared = new Map<Pick<LinkedSet, "rules">, readonly LinkedRule[]>();
  #number = 0;
  #indexes: CheckIndexes | undefined;

  get policies(): number {
    return this.#policies.length;
  }

  add(at: number, policy: GeneratedPolicy): void {
    const { alone, shared } = this.#linkers;
    const added = { rules: alone.policy(policy, this.#number) };
    this.#shared.set(added, shared.policy(policy, this.#number));
    this.#policies.splice(at, 0, added);
    this.#number += 1;
  }

  remove(at: number): void {
    for (const removed of this.#policies.splice(at, 1)) this.#shared.delete(removed);
  }

  move(from: number, to: number): void {
    this.#policies.splice(to, 0, ...this.#policies.splice(from, 1));
  }

  /** @returns the set as it is now, and how often whoever builds its indexes gave others their turn. */
  link(): LinkedSet & { readonly turns: number } {
    const shared = this.#policies.flatMap((policy) => this.#shared.get(policy) ?? []);
    const { indexes, turns } = indexesOf(shared, this.#indexes);
    this.#indexes = indexes;
    return { rules: this.#policies.flatMap(({ rules }) => rules), indexes, turns };
  }
}

function linkers(count: () => void): { readonly alone: Linker; readonly shared: Linker } {
  const plans = new Map<string, ExpressionPlan>();
  const planOf = (text: string): ExpressionPlan => {
    const known = plans.get(text) ?? plan(text);
    plans.set(text, known);
    return known;
  };
  const alone = new Linker(planOf, slots, () => undefined);
  const shared = new Linker(planOf, { ...slots, shared: new SharedParts() }, count);
  return { alone, shared };
}

class Linker {
  readonly #planOf: (text: string) => ExpressionPlan;
  readonly #scope: LinkScope;
  readonly #subjects: Subjects;
  readonly #count: () => void;

  constructor(planOf: (text: string) => ExpressionPlan, scope: LinkScope, count: () => void) {
    this.#planOf = planOf;
    this.#scope = scope;
    this.#subjects = new Subjects(scope);
    this.#count = count;
  }

  rules(policies: readonly GeneratedPolicy[]): readonly LinkedRule[] {
    return policies.flatMap((policy, index) => this.policy(policy, index));
  }

  policy({ when, rules }: GeneratedPolicy, index: number): readonly LinkedRule[] {
    const head = { name: `p${index}`, file: "p.yaml", doors: [], cache: { forMs: 0, uses: 0 } };
    const policy: LinkedPolicy = { plan: head, index, ...this.#condition(when, () => undefined) };
    return rules.map((rule, number): LinkedRule => {
      const reference = { rule: `p${index}/r${number}`, file: "p.yaml", line: number };
      const { effect, shadow } = rule;
      return { policy, effect, shadow, reference, respond: undefined, ...this.#condition(rule.when, this.#count) };
    });
  }

  #condition(text: string | undefined, count: () => void): Pick<LinkedConditional, "when" | "tests"> {
    if (text === undefined) return { when: undefined, tests: NO_TESTS };
    const compiled = this.#planOf(text);
    const evaluate = link(compiled, this.#scope);
    const when: Evaluate = (frame) => {
      count();
      return evaluate(frame);
    };
    return { when, tests: testsOf(compiled, this.#subjects) };
  }
}

function indexesOf(
  rules: readonly LinkedRule[],
  before?: CheckIndexes,
): { readonly indexes: CheckIndexes; readonly turns: number } {
  const steps = buildIndexes({ rules, asks: [], changes: [], limits: [] }, before);
  let turns = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done) return { indexes: step.value, turns };
    turns += 1;
  }
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
