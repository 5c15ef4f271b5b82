import { Invalid } from "../attribute/value.ts";
import type { CheckIndexes } from "../snapshot/check-indexes.ts";
import { type Conditions, describe } from "../snapshot/conditions.ts";
import type { LinkedRule } from "../snapshot/linked.ts";
import type { Reason, Verdict } from "./decision.ts";

/** What the allow and deny rules say of one request. */
export interface Judgement {
  readonly verdict: Extract<Verdict, "allowed" | "denied" | "undecided">;
  readonly reason: Extract<Reason, "rule" | "unmatched" | "deny-error" | "allow-error">;
  /** Undefined where no rule decided. */
  readonly rule: LinkedRule | undefined;
  readonly detail: string;
}

/**
 * The table of semantics.md section 1. All applicable policies speak at once: any true deny refuses, a deny that cannot be told refuses as
 * undecided, and only then does an allow count. Shadow rules take no part. Rules that are definitely false are not even found
 * (`snapshot/rule-index.ts`); the others come in authored order.
 */
export function judge(indexes: CheckIndexes, conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  return judgeDenies(indexes, conditions) ?? judgeAllows(indexes, conditions, unmatched);
}

function judgeDenies({ denies }: CheckIndexes, conditions: Conditions): Judgement | undefined {
  let unsure: Judgement | undefined;
  const found = denies.find(conditions);
  for (let rule = found.next(); rule !== undefined; rule = found.next()) {
    const condition = conditions.of(rule.policy, rule.when);
    if (condition === true) return { verdict: "denied", reason: "rule", rule, detail: "" };
    if (condition === false || unsure !== undefined) continue;
    unsure = { verdict: "undecided", reason: "deny-error", rule, detail: describe(condition) };
    found.forgetUntold();
  }
  return unsure;
}

function judgeAllows(indexes: CheckIndexes, conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  let failed: Judgement | undefined;
  const found = indexes.allows.find(conditions);
  for (let rule = found.next(); rule !== undefined; rule = found.next()) {
    const condition = conditions.of(rule.policy, rule.when);
    if (condition === true) return { verdict: "allowed", reason: "rule", rule, detail: "" };
    if (!(condition instanceof Invalid) || failed !== undefined) continue;
    failed = { verdict: "undecided", reason: "allow-error", rule, detail: describe(condition) };
    found.forgetUntold();
  }
  return failed ?? judgeUnmatched(indexes, conditions, unmatched);
}

function judgeUnmatched({ policies }: CheckIndexes, conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  const found = policies.find(conditions);
  for (let one = found.next(); one !== undefined; one = found.next()) {
    if (one.allows && conditions.ofPolicy(one.policy) !== false) return NONE_TRUE;
  }
  return unmatched === "allow" ? UNMATCHED_ALLOWED : UNMATCHED_DENIED;
}

const UNMATCHED = { reason: "unmatched", rule: undefined } as const;
const NONE_TRUE: Judgement = { ...UNMATCHED, verdict: "denied", detail: "no allow rule is true" };
const UNMATCHED_ALLOWED: Judgement = { ...UNMATCHED, verdict: "allowed", detail: "no allow rule applies" };
const UNMATCHED_DENIED: Judgement = { ...UNMATCHED, verdict: "denied", detail: "no allow rule applies" };
