import { describe, expect, test } from "vitest";
import { Invalid } from "../../src/attribute/value.ts";
import { judge } from "../../src/engine/decide.ts";
import { type Condition, Conditions, describe as wordsFor } from "../../src/snapshot/conditions.ts";
import type { LinkedRule } from "../../src/snapshot/linked.ts";
import { type Random, randomNumbers } from "../random.ts";
import { type GeneratedPolicy, type GeneratedRequest, randomPolicies, randomRequest } from "./generated.ts";
import { frameFor, type LinkedSet, linkSet, nameOfSlot } from "./linked.ts";
import { foundIn, ifTrue, said, unlessFalse } from "./said.ts";

/** In parts, so that none takes long; 100,000 pairs of a rule set and a request together. */
const PARTS = [1, 2, 3, 4, 5];
const SETS = 200;
/** A busy machine may take its time. */
const PATIENCE_MS = 120_000;
const REQUESTS_PER_SET = 100;

interface Told {
  readonly rule: LinkedRule;
  readonly condition: Condition;
}

/** What trying every rule in order says: the table of semantics.md section 1, and nothing else. */
function inOrder(rules: readonly LinkedRule[], request: GeneratedRequest, unmatched: "deny" | "allow"): string {
  const conditions = new Conditions(frameFor(request));
  const told = rules
    .filter(({ shadow }) => !shadow)
    .map((rule): Told => ({ rule, condition: conditions.of(rule.policy, rule.when) }));
  const denies = told.filter(({ rule }) => rule.effect === "deny");
  const allows = told.filter(({ rule }) => rule.effect === "allow");
  const deny = denies.find(({ condition }) => condition === true);
  if (deny) return shown("denied", "rule", deny.rule, "");
  const unsure = denies.find(({ condition }) => condition !== false);
  if (unsure) return shown("undecided", "deny-error", unsure.rule, words(unsure.condition));
  const allow = allows.find(({ condition }) => condition === true);
  if (allow) return shown("allowed", "rule", allow.rule, "");
  const failed = allows.find(({ condition }) => condition instanceof Invalid);
  if (failed) return shown("undecided", "allow-error", failed.rule, words(failed.condition));
  if (allows.some(({ rule }) => conditions.ofPolicy(rule.policy) !== false)) {
    return shown("denied", "unmatched", undefined, "no allow rule is true");
  }
  return shown(unmatched === "allow" ? "allowed" : "denied", "unmatched", undefined, "no allow rule applies");
}

function byIndex({ indexes }: LinkedSet, request: GeneratedRequest, unmatched: "deny" | "allow"): string {
  const { verdict, reason, by: rule, detail } = judge(indexes, new Conditions(frameFor(request)), unmatched);
  return shown(verdict, reason, rule, detail);
}

function words(condition: Condition): string {
  return typeof condition === "boolean" ? "" : wordsFor(condition);
}

function shown(verdict: string, reason: string, rule: LinkedRule | undefined, detail: string): string {
  return `${verdict} ${reason} ${rule?.reference.rule ?? "-"} ${detail}`;
}

describe("rules that are found by what a request is", () => {
  test.each(PARTS)(
    "say what trying every rule in order says, absent and error included (part %i)",
    (part) => {
      const random = randomNumbers(part);
      const seen = new Map<string, number>();
      let pairs = 0;
      let skipped = 0;
      for (let number = 0; number < SETS; number += 1) {
        const policies = randomPolicies(random);
        const set = linkSet(policies);
        for (let other = 0; other < REQUESTS_PER_SET; other += 1) {
          const request = randomRequest(random);
          const unmatched = random(2) === 0 ? "deny" : "allow";
          const expected = inOrder(set.rules, request, unmatched);
          const got = byIndex(set, request, unmatched);
          if (got !== expected) expect({ policies, request, got }).toEqual({ policies, request, got: expected });
          const [verdict, reason] = expected.split(" ");
          const kind = `${verdict} ${reason}`;
          seen.set(kind, (seen.get(kind) ?? 0) + 1);
          pairs += 1;
          if (skips(set, request)) skipped += 1;
        }
      }
      expect(pairs * PARTS.length).toBeGreaterThanOrEqual(100_000);
      // Each answer there is, often enough to mean something.
      expect([...seen.keys()].sort()).toEqual([
        "allowed rule",
        "allowed unmatched",
        "denied rule",
        "denied unmatched",
        "undecided allow-error",
        "undecided deny-error",
      ]);
      expect(Math.min(...seen.values())).toBeGreaterThan(100);
      expect(skipped).toBeGreaterThan(pairs / 2);
    },
    PATIENCE_MS,
  );

  test("are, of those that are only tried, all that have something to say", () => {
    const random = randomNumbers(12);
    let counted = 0;
    for (let number = 0; number < SETS / 2; number += 1) {
      const { rules, indexes } = linkSet(onlyTried(randomPolicies(random), random));
      const tried = (effect: LinkedRule["effect"]): LinkedRule[] =>
        rules.filter((rule) => rule.shadow && rule.effect === effect);
      for (let other = 0; other < REQUESTS_PER_SET; other += 1) {
        const conditions = new Conditions(frameFor(randomRequest(random)));
        const denies = said(tried("deny"), conditions, unlessFalse);
        expect(said(foundIn(indexes.shadow.denies, conditions), conditions, unlessFalse)).toEqual(denies);
        const allows = said(tried("allow"), conditions, ifTrue);
        expect(said(foundIn(indexes.shadow.allows, conditions), conditions, ifTrue)).toEqual(allows);
        counted += denies.length + allows.length;
      }
    }
    expect(counted).toBeGreaterThan(1_000);
  });

  test("make the same of two requests that are equal on what was referenced", () => {
    const random = randomNumbers(13);
    let compared = 0;
    let different = 0;
    for (let number = 0; number < SETS / 2; number += 1) {
      const policies = randomPolicies(random);
      const set = linkSet(policies);
      for (let other = 0; other < REQUESTS_PER_SET; other += 1) {
        const [first, second] = [randomRequest(random), randomRequest(random)];
        const frame = frameFor(first, true);
        const { verdict, reason, by: rule, detail } = judge(set.indexes, new Conditions(frame), "deny");
        const { references, reusable } = frame.references();
        // As `engine/validity.ts` has it: what could not be decided is not used again.
        if (!reusable || verdict === "undecided") continue;
        const like = likeOn(references, first, second);
        if (like.size !== first.size || [...like].some(([name, value]) => first.get(name) !== value)) different += 1;
        const expected = shown(verdict, reason, rule, detail);
        const got = byIndex(set, like, "deny");
        if (got !== expected) expect({ policies, first, like, got }).toEqual({ policies, first, like, got: expected });
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1_000);
    expect(different).toBeGreaterThan(compared / 2);
  });
});

/** Half of the rules deny, for what is only tried is told apart like everything else where it is much. */
function onlyTried(policies: readonly GeneratedPolicy[], random: Random): readonly GeneratedPolicy[] {
  return policies.map(({ when, rules }) => ({
    when,
    rules: rules.map((rule) => ({ ...rule, shadow: true, effect: random(2) === 0 ? "allow" : "deny" })),
  }));
}

function skips({ indexes }: LinkedSet, request: GeneratedRequest): boolean {
  const conditions = new Conditions(frameFor(request));
  for (const index of [indexes.denies, indexes.allows]) {
    let found = 0;
    for (const _ of foundIn(index, conditions)) found += 1;
    if (found < index.items.length) return true;
  }
  return false;
}

/** The second request, but where an answer depends on it the first one. */
function likeOn(
  references: ReturnType<ReturnType<typeof frameFor>["references"]>["references"],
  first: GeneratedRequest,
  second: GeneratedRequest,
): GeneratedRequest {
  const like = new Map(second);
  for (const { slot, key } of references) {
    const attribute = nameOfSlot(slot);
    const name = key === undefined ? attribute : `${attribute} ${key}`;
    const value = first.get(name);
    if (value === undefined) like.delete(name);
    else like.set(name, value);
    // A key that is there is that of a map that is there.
    if (key !== undefined && value !== undefined) like.set(attribute, true);
  }
  return like;
}
