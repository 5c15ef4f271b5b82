import { expect, test } from "vitest";
import { Invalid, type Outcome } from "../../src/attribute/value.ts";
import { Conditions } from "../../src/snapshot/conditions.ts";
import type { LinkedRule } from "../../src/snapshot/linked.ts";
import { type Random, randomNumbers } from "../random.ts";
import { type GeneratedPolicy, randomPolicies, randomRequest } from "./generated.ts";
import { EditedSet, frameFor, type LinkedSet } from "./linked.ts";
import { foundIn, ifTrue, said, unlessFalse } from "./said.ts";

/** Enough that a tree of them is worth keeping. */
const POLICIES = 700;
const EDITS = 40;
const REQUESTS = 15;
/** A busy machine may take its time. */
const PATIENCE_MS = 120_000;

test(
  "after each edit the same rules are found as if all were indexed anew, and in the same order",
  () => {
    const random = randomNumbers(21);
    const set = new EditedSet();
    while (set.policies < POLICIES) set.add(set.policies, aPolicy(random));
    let before = set.link().indexes;
    const seen = { kept: 0, anew: 0, found: 0 };
    for (let edit = 0; edit < EDITS; edit += 1) {
      for (let changes = random(20); changes >= 0; changes -= 1) change(set, random);
      const linked = set.link();
      for (const kind of ["denies", "allows"] as const)
        seen[linked.indexes[kind].base === before[kind].base ? "kept" : "anew"] += 1;
      before = linked.indexes;
      for (let request = 0; request < REQUESTS; request += 1) seen.found += agree(linked, random);
    }
    // Both happen, and there is something to be found.
    expect(seen.kept).toBeGreaterThan(EDITS);
    expect(seen.anew).toBeGreaterThan(3);
    expect(seen.found).toBeGreaterThan(EDITS * REQUESTS);
  },
  PATIENCE_MS,
);

test("an edit of one policy among many takes a small part of the work of indexing all", () => {
  const random = randomNumbers(22);
  const set = new EditedSet();
  while (set.policies < POLICIES) set.add(set.policies, aPolicy(random));
  const whole = set.link().turns;
  set.remove(300);
  set.add(300, aPolicy(random));
  expect(set.link().turns).toBeLessThan(whole / 20);
});

test("rules that stand in another order are indexed anew", () => {
  const random = randomNumbers(23);
  const set = new EditedSet();
  const policies = Array.from({ length: POLICIES }, () => aPolicy(random));
  for (const [at, policy] of policies.entries()) set.add(at, policy);
  set.link();
  const last = set.policies - 1;
  set.move(last, 0);
  const linked = set.link();
  for (let request = 0; request < REQUESTS; request += 1) agree(linked, random);
});

function change(set: EditedSet, random: Random): void {
  const at = random(set.policies);
  const kind = random(4);
  if (kind !== 0) set.remove(at);
  if (kind !== 1) set.add(at, aPolicy(random));
}

function aPolicy(random: Random): GeneratedPolicy {
  for (;;) {
    const [policy] = randomPolicies(random);
    if (policy !== undefined && policy.rules.length > 0) return policy;
  }
}

const isError = (outcome: Outcome): boolean => outcome instanceof Invalid;

/** @returns how many rules there are that have something to say. */
function agree({ rules, indexes }: LinkedSet, random: Random): number {
  const conditions = new Conditions(frameFor(randomRequest(random)));
  let all = 0;
  const compare = (
    index: LinkedSet["indexes"]["denies"],
    [effect, shadow]: readonly [LinkedRule["effect"], boolean],
    counts: (outcome: Outcome) => boolean,
  ): void => {
    const meant = rules.filter((rule) => rule.effect === effect && rule.shadow === shadow);
    const expected = said(meant, conditions, counts);
    expect(said(foundIn(index, conditions), conditions, counts)).toEqual(expected);
    all += expected.length;
  };
  compare(indexes.denies, ["deny", false], unlessFalse);
  compare(indexes.allows, ["allow", false], (outcome) => ifTrue(outcome) || isError(outcome));
  compare(indexes.shadow.denies, ["deny", true], unlessFalse);
  compare(indexes.shadow.allows, ["allow", true], ifTrue);
  return all;
}
