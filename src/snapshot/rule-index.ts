import { ABSENT, type Absent, Invalid, type Outcome } from "../attribute/value.ts";
import type { Evaluate, Frame } from "../expression/frame.ts";
import { type AffixNode, nextAffix } from "./affix-tree.ts";
import type { Conditions } from "./conditions.ts";
import type { LinkedPolicy } from "./linked.ts";
import { GONE, MergedPositions, NO_POSITION, type Places } from "./merged-positions.ts";

/**
 * Finds the rules that may have something to say about a request, without trying all of them.
 *
 * Of each condition, `policy.when && rule.when`, it is known which tests it needs (`expression/condition-tests.ts`): that an attribute or
 * the key of a map equals one of some texts, begins or ends with one. The index is a tree. A node has branches, and each of its rules
 * stands in one branch (or in none: then it is evaluated whenever the node is reached). A branch reads one subject once and goes on with
 * the rules for which that says yes, found in a table; for all the others their test, and so their condition, is definitely false. Rules
 * that are still many are told apart by another test in the node below.
 *
 * A subject that is absent or an error says neither yes nor no. All rules of the branch may still be absent or errors then, though none
 * can be true, and they stand a second time in another node, by their other tests (`unknown`). What that is worth differs (`Untold`). For
 * denies each such rule counts, until the first is found: whoever looks says so (`forgetUntold`). For allows absence is nothing; only
 * errors count, and where nothing that could make one of the rules an error is one, the whole node is passed by (`failsBy`).
 *
 * What is found is evaluated like any rule: the index decides nothing, it only leaves out what is definitely false. It reads through the
 * frame, so that what it reads is among an answer's references.
 *
 * A tree takes far longer to build than an edit changes of it. So the tree of an earlier snapshot stays in use while most of its rules are the
 * same: rules that are gone are passed over in it, and those that are new stand in a small tree beside it.
 */
export class RuleIndex<T> {
  /** In authored order. */
  readonly items: readonly T[];
  /** What was built when all rules were last indexed in one go; some of them may be gone. */
  readonly base: IndexPart<T>;
  readonly #parts: readonly PlacedPart<T>[];
  readonly #everything: readonly number[];
  readonly #found: Found<T>;

  /** `buildIndex` makes them. */
  constructor(items: readonly T[], base: PlacedPart<T>, others: readonly PlacedPart<T>[]) {
    this.items = items;
    this.base = base.part;
    this.#parts = [base, ...others];
    this.#everything = items.map((_, position) => position);
    this.#found = new Found(items);
  }

  /** @returns what is not definitely false of this request, and perhaps more. What was found before is forgotten. */
  find(conditions: Conditions): Found<T> {
    const found = this.#found;
    found.begin();
    for (let index = 0; index < this.#parts.length; index += 1) {
      const placed = this.#parts[index];
      if (placed === undefined) break;
      found.from(placed.places);
      visit(placed.part.root, Told.YES, conditions, found);
    }
    found.end();
    return found;
  }

  /** @returns all there is, in the same way. */
  all(): Found<T> {
    const found = this.#found;
    found.begin();
    found.from(undefined);
    found.addAll(this.#everything, Told.YES);
    found.end();
    return found;
  }
}

/** Rules that were indexed in one go, by their positions among themselves. */
export interface IndexPart<T> {
  readonly items: readonly T[];
  readonly root: IndexNode;
}

export interface PlacedPart<T> {
  readonly part: IndexPart<T>;
  /** Where its rules stand among all; undefined where they are all. */
  readonly places: Places | undefined;
}

/** What a rule is worth whose condition is not definitely false and cannot be true: everything, only if it is an error, or nothing. */
export type Untold = "counts" | "counts as error" | "is nothing";

/** Where several rules go on together; a rule by itself is its position. */
export type IndexChild = number | IndexNode;

export interface IndexNode {
  /** Rules to be evaluated, ascending. */
  readonly rules: readonly number[];
  readonly branches: readonly IndexBranch[];
  /** None of its rules is an error unless one of these is; undefined where that is not known or does not matter. */
  readonly failsBy: readonly Evaluate[] | undefined;
}

export interface IndexBranch {
  readonly test: BranchTest;
  /** For the rules that the test leaves open; none where they are nothing. */
  readonly unknown: readonly IndexChild[];
}

/** One way to tell the rules of a branch apart. */
export type BranchTest =
  | {
      readonly kind: "equals";
      readonly evaluate: Evaluate;
      readonly table: ReadonlyMap<string, IndexChild>;
      /** UTF-16 units of the longest text of the table: looking up a text takes as long as it is. */
      readonly longest: number;
    }
  | { readonly kind: "prefix" | "suffix"; readonly evaluate: Evaluate; readonly tree: AffixNode<IndexChild> }
  | { readonly kind: "holds"; readonly evaluate: Evaluate; readonly then: IndexChild }
  /** The condition of the policy in which all rules of the branch stand. */
  | { readonly kind: "policy"; readonly policy: LinkedPolicy; readonly then: IndexChild };

/** What all tests on the way to a node said. */
const Told = { YES: 0, ABSENT: 1, ERROR: 2 } as const;
type Told = (typeof Told)[keyof typeof Told];

function visit<T>(child: IndexChild, told: Told, conditions: Conditions, found: Found<T>): void {
  if (typeof child === "number") {
    found.add(child, told);
    return;
  }
  if (told === Told.ABSENT && child.failsBy !== undefined && !anyFails(child.failsBy, conditions.frame)) return;
  if (child.rules.length > 0) found.addAll(child.rules, told);
  const { branches } = child;
  for (let index = 0; index < branches.length; index += 1) {
    const branch = branches[index];
    if (branch !== undefined) takeBranch(branch, told, conditions, found);
  }
}

function anyFails(subjects: readonly Evaluate[], frame: Frame): boolean {
  for (const evaluate of subjects) if (evaluate(frame) instanceof Invalid) return true;
  return false;
}

function takeBranch<T>(branch: IndexBranch, told: Told, conditions: Conditions, found: Found<T>): void {
  const { test } = branch;
  switch (test.kind) {
    case "equals": {
      const value = test.evaluate(conditions.frame);
      if (typeof value !== "string") {
        takeUnknown(branch, value, told, conditions, found);
        return;
      }
      const child = value.length <= test.longest ? test.table.get(value) : undefined;
      if (child !== undefined) visit(child, told, conditions, found);
      return;
    }
    case "prefix":
    case "suffix": {
      const value = test.evaluate(conditions.frame);
      if (typeof value !== "string") {
        takeUnknown(branch, value, told, conditions, found);
        return;
      }
      let at = 0;
      for (let node = nextAffix(test.tree, value, at, test.kind); node !== undefined; ) {
        if (node.held !== undefined) visit(node.held, told, conditions, found);
        at += node.label.length;
        node = nextAffix(node, value, at, test.kind);
      }
      return;
    }
    case "holds":
    case "policy": {
      const value = test.kind === "policy" ? conditions.ofPolicy(test.policy) : test.evaluate(conditions.frame);
      if (value === true) visit(test.then, told, conditions, found);
      else if (value !== false) takeUnknown(branch, value, told, conditions, found);
      return;
    }
  }
}

function takeUnknown<T>(
  { unknown }: IndexBranch,
  outcome: Outcome | Absent,
  told: Told,
  conditions: Conditions,
  found: Found<T>,
): void {
  const worst = outcome !== ABSENT || told === Told.ERROR ? Told.ERROR : Told.ABSENT;
  for (let index = 0; index < unknown.length; index += 1) {
    const child = unknown[index];
    if (child !== undefined) visit(child, worst, conditions, found);
  }
}

/**
 * What an index found, in authored order. INVARIANT: there is one of these per index, used again for each request: whoever takes rules from
 * it does so in one go, before anybody else looks into the index.
 */
export class Found<T> {
  readonly #items: readonly T[];
  readonly #certain = new MergedPositions();
  /** Of rules that cannot be true. */
  readonly #untold = new MergedPositions();
  #places: Places | undefined;

  constructor(items: readonly T[]) {
    this.#items = items;
  }

  begin(): void {
    this.#certain.clear();
    this.#untold.clear();
  }

  /** What is added from here on are positions in a part whose rules stand there now. */
  from(places: Places | undefined): void {
    this.#places = places;
  }

  add(position: number, told: Told): void {
    const place = this.#places === undefined ? position : (this.#places[position] ?? GONE);
    if (place === GONE) return;
    if (told === Told.YES) this.#certain.add(place);
    else this.#untold.add(place);
  }

  addAll(positions: readonly number[], told: Told): void {
    if (told === Told.YES) this.#certain.addAll(positions, this.#places);
    else this.#untold.addAll(positions, this.#places);
  }

  end(): void {
    this.#certain.sort();
    this.#untold.sort();
  }

  /** @returns the next one, undefined when there are no more. */
  next(): T | undefined {
    const position = Math.min(this.#certain.first(), this.#untold.first());
    if (position === NO_POSITION) return undefined;
    this.#certain.skip(position);
    this.#untold.skip(position);
    return this.#items[position];
  }

  /** From here on only rules that may be true are of interest. */
  forgetUntold(): void {
    this.#untold.clear();
  }
}
