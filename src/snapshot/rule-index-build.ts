import type { ConditionTests, Subject, Test } from "../expression/condition-tests.ts";
import type { Evaluate } from "../expression/frame.ts";
import { addAffix, newAffixTree } from "./affix-tree.ts";
import type { LinkedPolicy } from "./linked.ts";
import { GONE } from "./merged-positions.ts";
import type { BranchTest, IndexBranch, IndexChild, IndexNode, IndexPart, PlacedPart, Untold } from "./rule-index.ts";
import { RuleIndex } from "./rule-index.ts";

/** So few rules are evaluated as fast as they are told apart. */
const FEW_RULES = 4;
/** Texts that are looked at while one index is built, as often as they are: what is not told apart by then is evaluated in order. */
const MAX_WORK_PER_RULE = 50;
const MIN_WORK = 100_000;
/** Texts of all rules together; beyond, tests of many texts are no longer looked at. */
const MAX_TEXTS = 200_000;
/** Things whose errors are asked for before rules of which nothing else matters are passed by. */
const MAX_FAILURES = 8;
/** Texts that are looked at before others have their turn. */
const STEP = 200;
/** A tree of fewer rules is as soon built as compared. */
const MIN_KEPT = 500;
/** What part of a tree's rules may be gone, or new and beside it, before all are indexed anew. */
const MAX_CHANGED = 1 / 8;

/** What is indexed: what its policy needs is needed as well. */
export interface Indexed {
  readonly policy: LinkedPolicy;
  readonly tests: ConditionTests;
}

/** What an index is of. Items of one policy stand together, and are the same as long as the policy is. */
export interface IndexKind<T extends OfPolicy> {
  readonly indexed: (item: T) => Indexed;
  readonly untold: Untold;
}

type OfPolicy = Pick<Indexed, "policy">;

/** Stops now and then, so that whoever links can do something else in between. */
type Steps<T> = Generator<undefined, T>;

/**
 * @param before the index of an earlier snapshot, of which as much is kept as is worth it. Its rules read attributes by the same numbers.
 * @returns the index of items in authored order.
 */
export function* buildIndex<T extends OfPolicy>(
  items: readonly T[],
  kind: IndexKind<T>,
  before: RuleIndex<T> | undefined,
): Steps<RuleIndex<T>> {
  const kept = before && keptOf(before.base, items);
  if (kept === undefined) return new RuleIndex(items, { part: yield* buildPart(items, kind), places: undefined }, []);
  if (kept.added.length === 0) return new RuleIndex(items, kept.base, []);
  const added = kept.added.flatMap((position) => items[position] ?? []);
  const beside = { part: yield* buildPart(added, kind), places: Int32Array.from(kept.added) };
  return new RuleIndex(items, kept.base, [beside]);
}

function* buildPart<T extends OfPolicy>(items: readonly T[], { indexed, untold }: IndexKind<T>): Steps<IndexPart<T>> {
  const builder = new Builder(untold);
  for (const item of items) if (builder.add(indexed(item))) yield;
  return { items, root: yield* builder.build() };
}

interface Kept<T> {
  readonly base: PlacedPart<T>;
  /** Positions of the items that are not in it, ascending. */
  readonly added: readonly number[];
}

/** @returns whether an index may keep it, and so ask for the conditions of its policies. */
export function isWorthKeeping({ items }: IndexPart<unknown>): boolean {
  return items.length >= MIN_KEPT;
}

/** @returns undefined where too much is different, or in another order: then it is not worth it. */
function keptOf<T extends OfPolicy>(base: IndexPart<T>, items: readonly T[]): Kept<T> | undefined {
  if (!isWorthKeeping(base)) return undefined;
  const runs = runsOf(items);
  const places = new Int32Array(base.items.length).fill(GONE);
  let keeps = 0;
  let last = GONE;
  for (const [policy, { from, length }] of runsOf(base.items)) {
    const now = runs.get(policy);
    if (now === undefined) continue;
    if (now.from < last) return undefined;
    last = now.from;
    for (let index = 0; index < length; index += 1) places[from + index] = now.from + index;
    keeps += length;
    runs.delete(policy);
  }
  const added = [...runs.values()].flatMap(({ from, length }) => Array.from({ length }, (_, index) => from + index));
  const changed = Math.max(base.items.length - keeps, added.length);
  return changed > base.items.length * MAX_CHANGED ? undefined : { base: { part: base, places }, added };
}

interface Run {
  readonly from: number;
  length: number;
}

/** Where the items of each policy stand. */
function runsOf(items: readonly OfPolicy[]): Map<LinkedPolicy, Run> {
  const runs = new Map<LinkedPolicy, Run>();
  let last: LinkedPolicy | undefined;
  let run: Run = { from: 0, length: 0 };
  for (let position = 0; position < items.length; position += 1) {
    const policy = items[position]?.policy;
    if (policy !== undefined && policy !== last) {
      last = policy;
      run = { from: position, length: 0 };
      runs.set(policy, run);
    }
    run.length += 1;
  }
  return runs;
}

/** One way to test one subject. What is not `readonly` is of the node whose rules are being told apart. */
interface Dimension {
  readonly kind: BranchTest["kind"];
  readonly subject: string | LinkedPolicy;
  readonly evaluate: Evaluate;
  readonly keys: Map<string, Key>;
  /** Said something on the way to the node. */
  used: boolean;
  /** How many rules have a test in it. */
  rules: number;
  /** How many others they are told apart from, all together. */
  benefit: number;
  rank: number;
  assigned: number[];
}

/** A text in a dimension, alike. */
interface Key {
  readonly dimension: Dimension;
  readonly text: string;
  /** How many rules need it, or another one of their test. */
  rules: number;
  assigned: number[] | undefined;
}

/** A rule by its tests: for each the keys of which one is needed. */
interface Rule {
  readonly tests: readonly (readonly Key[])[];
  readonly failsBy: readonly Subject[] | undefined;
}

type Building<T> = { -readonly [K in keyof T]: T[K] };

/** A node whose rules may still be told apart, but not in dimensions that said something on the way to it. */
interface Job {
  readonly node: Building<IndexNode>;
  readonly used: readonly Dimension[];
}

class Builder {
  readonly #untold: Untold;
  readonly #rules: Rule[] = [];
  /** By kind and subject; a subject that was linked twice is the same one. */
  readonly #dimensions = new Map<string, Dimension>();
  readonly #known = { equals: newMemory(), prefix: newMemory(), suffix: newMemory(), holds: newMemory() };
  readonly #policies = new Map<LinkedPolicy, Dimension>();
  readonly #bySubject = new Map<Dimension["subject"], Dimension[]>();
  /** First come the nodes near the root: what they tell apart serves most. */
  readonly #jobs: Job[] = [];
  #texts = 0;
  #work = 0;
  #sinceStep = 0;

  constructor(untold: Untold) {
    this.#untold = untold;
  }

  /** @returns whether others should have their turn. */
  add({ policy, tests }: Indexed): boolean {
    const keys: (readonly Key[])[] = [];
    for (const test of policy.tests.needed) this.#addTest(test, keys);
    for (const test of tests.needed) this.#addTest(test, keys);
    if (policy.when !== undefined) keys.push([keyIn(this.#dimensionOf(policy), "")]);
    this.#rules.push({ tests: keys, failsBy: together(policy.tests.failsBy, tests.failsBy) });
    return this.#did(keys.length);
  }

  *build(): Steps<IndexNode> {
    const all = this.#rules.map((_, position) => position);
    const root = this.#node(all, [], undefined);
    const most = Math.max(MIN_WORK, MAX_WORK_PER_RULE * all.length);
    for (let index = 0; index < this.#jobs.length && this.#work < most; index += 1) {
      const job = this.#jobs[index];
      if (job) yield* this.#tellApart(job);
    }
    return root;
  }

  #addTest({ subject, kind, texts }: Test, into: (readonly Key[])[]): void {
    this.#texts += texts.length;
    if (this.#texts > MAX_TEXTS && texts.length > FEW_RULES) return;
    const dimension = this.#known[kind].get(subject) ?? this.#dimensionFor(subject, kind);
    const [text] = texts;
    if (kind === "holds") into.push([keyIn(dimension, "")]);
    else if (texts.length === 1 && text !== undefined) into.push([keyIn(dimension, text)]);
    else into.push(texts.map((one) => keyIn(dimension, one)));
  }

  #dimensionFor(subject: Subject, kind: Test["kind"]): Dimension {
    const name = `${kind} ${subject.key}`;
    const dimension = this.#dimensions.get(name) ?? this.#newDimension(kind, subject.key, subject.evaluate);
    this.#dimensions.set(name, dimension);
    this.#known[kind].set(subject, dimension);
    return dimension;
  }

  #dimensionOf(policy: LinkedPolicy): Dimension {
    const known = this.#policies.get(policy);
    const dimension = known ?? this.#newDimension("policy", policy, () => null);
    if (known === undefined) this.#policies.set(policy, dimension);
    return dimension;
  }

  #newDimension(kind: Dimension["kind"], subject: Dimension["subject"], evaluate: Evaluate): Dimension {
    const keys = new Map<string, Key>();
    const dimension = { kind, subject, evaluate, keys, used: false, rules: 0, benefit: 0, rank: 0, assigned: [] };
    const others = this.#bySubject.get(subject);
    if (others) others.push(dimension);
    else this.#bySubject.set(subject, [dimension]);
    return dimension;
  }

  /** @returns whether it is time for a break. */
  #did(work: number): boolean {
    this.#work += work;
    this.#sinceStep += work;
    if (this.#sinceStep < STEP) return false;
    this.#sinceStep = 0;
    return true;
  }

  /** A node of which all rules are evaluated, until they are told apart. */
  #node(rules: readonly number[], used: readonly Dimension[], failsBy: IndexNode["failsBy"]): IndexNode {
    const node: IndexNode = { rules, branches: NO_BRANCHES, failsBy };
    if (rules.length > FEW_RULES) this.#jobs.push({ node, used });
    return node;
  }

  #child(rules: readonly number[], used: readonly Dimension[]): IndexChild {
    const [only] = rules;
    return only !== undefined && rules.length === 1 ? only : this.#node(rules, used, undefined);
  }

  /** Each rule goes to one branch, or stays. */
  *#tellApart({ node, used }: Job): Steps<void> {
    for (const dimension of used) dimension.used = true;
    const keys = yield* this.#keysOf(node.rules);
    const dimensions = yield* this.#ranked(keys, node.rules.length);
    if (dimensions.length > 0) yield* this.#assign(node, dimensions, used);
    for (const dimension of used) dimension.used = false;
    for (const key of keys) {
      forget(key);
      if (this.#did(1)) yield;
    }
  }

  /** Counts how many rules need which key. @returns the keys that some rule needs. */
  *#keysOf(rules: readonly number[]): Steps<readonly Key[]> {
    const found: Key[] = [];
    for (const position of rules) {
      for (const keys of this.#tests(position)) {
        const dimension = keys[0]?.dimension;
        if (dimension === undefined || dimension.used) continue;
        dimension.rules += 1;
        for (const key of keys) {
          if (key.rules === 0) found.push(key);
          key.rules += 1;
        }
        if (this.#did(keys.length)) yield;
      }
    }
    return found;
  }

  /** @returns the dimensions in which keys are, those first that tell most rules apart. */
  *#ranked(keys: readonly Key[], rules: number): Steps<readonly Dimension[]> {
    const dimensions = new Set<Dimension>();
    for (const { dimension, rules: under } of keys) {
      dimensions.add(dimension);
      dimension.benefit += under * (rules - (isYesOrNo(dimension) ? under / 2 : under));
      if (this.#did(1)) yield;
    }
    const sorted = [...dimensions].sort((a, b) => b.benefit - a.benefit);
    for (const [rank, dimension] of sorted.entries()) dimension.rank = rank;
    return sorted;
  }

  *#assign(node: Building<IndexNode>, dimensions: readonly Dimension[], used: readonly Dimension[]): Steps<void> {
    const rest: number[] = [];
    for (const position of node.rules) {
      (bestDimension(this.#tests(position))?.assigned ?? rest).push(position);
      if (this.#did(1)) yield;
    }
    const branches: IndexBranch[] = [];
    for (const dimension of dimensions) {
      if (dimension.assigned.length >= FEW_RULES) branches.push(yield* this.#branch(dimension, used));
      else rest.push(...dimension.assigned);
    }
    node.branches = branches;
    node.rules = rest.sort((a, b) => a - b);
  }

  *#branch(dimension: Dimension, used: readonly Dimension[]): Steps<IndexBranch> {
    const { assigned, subject } = dimension;
    const keys: Key[] = [];
    for (const position of assigned) {
      const needed = this.#tests(position).find(([key]) => key?.dimension === dimension) ?? [];
      for (const key of needed) {
        if (key.assigned === undefined) keys.push(key);
        key.assigned ??= [];
        if (key.assigned.at(-1) !== position) key.assigned.push(position);
      }
      if (this.#did(needed.length)) yield;
    }
    const test = yield* this.#test(dimension, keys, [...used, dimension]);
    return { test, unknown: yield* this.#unknown(assigned, [...used, ...(this.#bySubject.get(subject) ?? [])]) };
  }

  *#test({ kind, subject, evaluate }: Dimension, keys: readonly Key[], used: readonly Dimension[]): Steps<BranchTest> {
    const table = new Map<string, IndexChild>();
    const tree = newAffixTree<IndexChild>();
    let longest = 0;
    for (const { text, assigned } of keys) {
      const child = this.#child(assigned ?? [], used);
      if (kind === "prefix" || kind === "suffix") addAffix(tree, text, kind, child);
      else table.set(text, child);
      longest = Math.max(longest, text.length);
      if (this.#did(1)) yield;
    }
    if (kind === "equals") return { kind, evaluate, table, longest };
    if (kind === "prefix" || kind === "suffix") return { kind, evaluate, tree };
    const then = table.get("") ?? NOTHING;
    return typeof subject === "string" ? { kind: "holds", evaluate, then } : { kind: "policy", policy: subject, then };
  }

  /** Where rules go whose test says neither yes nor no. */
  *#unknown(rules: readonly number[], used: readonly Dimension[]): Steps<readonly IndexChild[]> {
    switch (this.#untold) {
      case "is nothing":
        return [];
      case "counts":
        return [this.#child(rules, used)];
      case "counts as error": {
        const { sure, open, failsBy } = yield* this.#failures(rules);
        if (sure.length === 0 || failsBy.size > MAX_FAILURES) return [this.#child(rules, used)];
        const passedBy = this.#node(sure, used, [...failsBy]);
        return open.length > 0 ? [passedBy, this.#child(open, used)] : [passedBy];
      }
    }
  }

  /** Parts the rules of which it is known what makes them errors from the others. */
  *#failures(rules: readonly number[]): Steps<{ sure: number[]; open: number[]; failsBy: Set<Evaluate> }> {
    const parts = { sure: [] as number[], open: [] as number[], failsBy: new Set<Evaluate>() };
    let before: readonly Subject[] | undefined;
    for (const position of rules) {
      const failsBy = this.#rules[position]?.failsBy;
      (failsBy ? parts.sure : parts.open).push(position);
      // Most rules fail by the same things as the one before.
      if (failsBy !== before) for (const { evaluate } of failsBy ?? []) parts.failsBy.add(evaluate);
      before = failsBy;
      if (this.#did(1)) yield;
    }
    return parts;
  }

  #tests(position: number): Rule["tests"] {
    return this.#rules[position]?.tests ?? [];
  }
}

const NO_BRANCHES: readonly IndexBranch[] = [];
const NOTHING: IndexNode = { rules: [], branches: NO_BRANCHES, failsBy: undefined };

function newMemory(): Map<Subject, Dimension> {
  return new Map();
}

function keyIn(dimension: Dimension, text: string): Key {
  let key = dimension.keys.get(text);
  if (key === undefined) {
    key = { dimension, text, rules: 0, assigned: undefined };
    dimension.keys.set(text, key);
  }
  return key;
}

function together(
  a: readonly Subject[] | undefined,
  b: readonly Subject[] | undefined,
): readonly Subject[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a.length === 0 ? b : b.length === 0 ? a : [...a, ...b];
}

function isYesOrNo({ kind }: Dimension): boolean {
  return kind === "holds" || kind === "policy";
}

/** How many rules a rule is found together with, itself included: those of its fullest key; where a test only holds or not, half of all. */
function company(keys: readonly Key[]): number {
  const [first] = keys;
  if (first === undefined) return 0;
  if (isYesOrNo(first.dimension)) return first.rules / 2;
  let most = 0;
  for (const key of keys) most = Math.max(most, key.rules);
  return most;
}

/**
 * Of the tests that tell a rule apart about as well as its best one, that which helps most rules: each dimension more is one more look-up
 * for every request.
 */
function bestDimension(tests: Rule["tests"]): Dimension | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (const keys of tests) if (isWorthALook(keys)) least = Math.min(least, company(keys));
  const enough = Math.max(FEW_RULES, 2 * least);
  let best: Dimension | undefined;
  for (const keys of tests) {
    const dimension = keys[0]?.dimension;
    if (dimension === undefined || !isWorthALook(keys) || company(keys) > enough) continue;
    if (best === undefined || dimension.rank < best.rank) best = dimension;
  }
  return best;
}

/** Not where so few rules have a test in the dimension, or it has said something already. */
function isWorthALook([key]: readonly Key[]): boolean {
  return key !== undefined && !key.dimension.used && key.dimension.rules >= FEW_RULES;
}

/** Makes what was counted ready for the next node. */
function forget(key: Key): void {
  const { dimension } = key;
  key.rules = 0;
  key.assigned = undefined;
  dimension.rules = 0;
  dimension.benefit = 0;
  if (dimension.assigned.length > 0) dimension.assigned = [];
}
