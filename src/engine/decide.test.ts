import { describe, expect, test } from "vitest";
import { ABSENT, Invalid, type Outcome } from "../attribute/value.ts";
import type { ConditionTests } from "../expression/condition-tests.ts";
import type { Frame } from "../expression/frame.ts";
import { buildIndexes, type CheckIndexes } from "../snapshot/check-indexes.ts";
import { Conditions } from "../snapshot/conditions.ts";
import type { LinkedPolicy, LinkedRule } from "../snapshot/linked.ts";
import { judge } from "./decide.ts";

/**
 * The table of semantics.md section 1, as a user could read it. A rule is written `deny:true`; a policy's `when` stands before a slash:
 * `false/allow:true`. The outcome is `verdict reason` and, where a rule decided, its number in the list from 0.
 */
const TABLE: readonly (readonly [rules: string, outcome: string, why: string])[] = [
  ["deny:true", "denied rule 0", "a deny that is true refuses"],
  ["deny:false deny:true deny:true", "denied rule 1", "by the first true one"],
  ["allow:true deny:true", "denied rule 1", "whatever an allow says"],
  ["deny:absent deny:true", "denied rule 1", "a true deny beats one that cannot be told, wherever it stands"],
  ["deny:error allow:true", "undecided deny-error 0", "a deny in error may have meant this request"],
  ["deny:absent allow:true", "undecided deny-error 0", "and so may one that is absent"],
  ["deny:false deny:absent deny:error allow:true", "undecided deny-error 1", "named by the first such"],
  ["deny:false allow:true", "allowed rule 1", "all denies false: an allow counts"],
  ["allow:false allow:true allow:true", "allowed rule 1", "by the first true one"],
  ["allow:error allow:true", "allowed rule 1", "a true allow beats one in error"],
  ["allow:absent allow:true", "allowed rule 1", "and one that is absent"],
  ["allow:error allow:false", "undecided allow-error 0", "none true, some error: we cannot tell"],
  ["allow:absent allow:error", "undecided allow-error 1", "absence is not error"],
  ["allow:absent", "denied unmatched", "an absent allow is a plain no"],
  ["allow:false", "denied unmatched", "so is a false one"],
  ["true/allow:false false/allow:true", "denied unmatched", "a policy that is definitely elsewhere does not help"],
  ["absent/allow:true", "denied unmatched", "a policy that may be meant applies"],
  ["error/allow:true", "undecided allow-error 0", "error passes through the policy's when"],
  ["error/deny:false allow:true", "allowed rule 1", "false settles &&, from either side"],
  ["absent/deny:true allow:true", "undecided deny-error 0", "a deny of a policy that may be meant cannot be told"],
  ["false/deny:error allow:true", "allowed rule 1", "a policy that is elsewhere refuses nobody"],
  ["false/allow:true", "none applies", "nothing applies"],
  ["deny:false", "none applies", "a deny that is false is no yes"],
  ["", "none applies", "no rule at all"],
  ["shadow-deny:true allow:true", "allowed rule 1", "shadow rules take no part"],
  ["shadow-allow:true", "none applies", "neither way"],
];

describe("the verdict table", () => {
  for (const [rules, outcome, why] of TABLE) {
    test(`${rules || "no rules"} → ${outcome}: ${why}`, () => {
      for (const unmatched of ["deny", "allow"] as const) {
        const expected =
          outcome === "none applies" ? `${unmatched === "deny" ? "denied" : "allowed"} unmatched` : outcome;
        expect(verdictOf(rules, unmatched)).toBe(expected);
      }
    });
  }
});

test("a policy's condition is evaluated once for all its rules", () => {
  let evaluations = 0;
  const shared = policy(0, () => {
    evaluations += 1;
    return true;
  });
  const rules = [rule("deny", shared, false), rule("deny", shared, false), rule("allow", shared, true)];
  expect(judge(indexesOf(rules), new Conditions(FRAME), "deny").verdict).toBe("allowed");
  expect(evaluations).toBe(1);
});

test("a rule of a policy that is definitely elsewhere is not evaluated", () => {
  const elsewhere = policy(0, () => false);
  const read = (): Outcome => {
    throw new Error("read a request that is none of its business");
  };
  const rules: LinkedRule[] = [{ ...rule("deny", elsewhere, true), when: read }];
  expect(judge(indexesOf(rules), new Conditions(FRAME), "allow").verdict).toBe("allowed");
});

test("a dyn condition that turns out to be no bool is an error, not a yes", () => {
  const rules = [{ ...rule("allow", policy(0, undefined), true), when: () => "true" }];
  expect(judge(indexesOf(rules), new Conditions(FRAME), "allow")).toMatchObject({
    verdict: "undecided",
    reason: "allow-error",
  });
});

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  true: true,
  false: false,
  absent: ABSENT,
  error: new Invalid("broken"),
};

function verdictOf(text: string, unmatched: "deny" | "allow"): string {
  const rules = text.split(" ").filter(Boolean).map(parse);
  const { verdict, reason, by: decided } = judge(indexesOf(rules), new Conditions(FRAME), unmatched);
  return [verdict, reason, ...(decided ? [rules.indexOf(decided)] : [])].join(" ");
}

function parse(text: string, index: number): LinkedRule {
  const {
    when,
    kind = "",
    condition = "",
  } = /^(?:(?<when>\w+)\/)?(?<kind>[\w-]+):(?<condition>\w+)$/u.exec(text)?.groups ?? {};
  const of = policy(index, when === undefined ? undefined : () => OUTCOMES[when] ?? null);
  const made = rule(kind.endsWith("deny") ? "deny" : "allow", of, OUTCOMES[condition] ?? null);
  return { ...made, shadow: kind.startsWith("shadow") };
}

function policy(index: number, when: (() => Outcome) | undefined): LinkedPolicy {
  const plan = {
    name: `p${index}`,
    file: "p.yaml",
    doors: [],
    cache: { forMs: 0, uses: 0 },
    verdictRules: [],
    asks: [],
    changes: [],
    limits: [],
    reports: [],
  };
  return { plan, index, when, tests: NOTHING_KNOWN };
}

function rule(effect: "allow" | "deny", of: LinkedPolicy, condition: Outcome): LinkedRule {
  const reference = { rule: `${of.plan.name}/${effect}`, file: "p.yaml", line: 1 };
  return {
    policy: of,
    effect,
    reference,
    when: () => condition,
    tests: NOTHING_KNOWN,
    shadow: false,
    respond: undefined,
  };
}

const NOTHING_KNOWN: ConditionTests = { needed: [], failsBy: undefined };

function indexesOf(rules: readonly LinkedRule[]): CheckIndexes {
  const steps = buildIndexes({ rules, asks: [], changes: [], limits: [] });
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

const FRAME: Frame = {
  read: () => ABSENT,
  readKey: () => ABSENT,
  isPresent: () => false,
  isAbsent: () => true,
  entries: () => ABSENT,
  locals: [],
  remembered: new Map(),
  budget: 1000,
};
