import { Invalid } from "../attribute/value.ts";
import type { CheckIndexes } from "../snapshot/check-indexes.ts";
import { type Conditions, describe } from "../snapshot/conditions.ts";
import type { LinkedRespond, LinkedRule } from "../snapshot/linked.ts";
import type { RuleReference } from "../snapshot/plan.ts";
import type { Reason, Verdict } from "./decision.ts";
import type { Ruling } from "./run.ts";

type Judged = Extract<Verdict, "allowed" | "denied" | "undecided">;
type Why = Extract<Reason, "rule" | "unmatched" | "deny-error" | "allow-error">;

/** What the allow and deny rules say of one request. */
export class Judgement implements Ruling {
  readonly verdict: Judged;
  readonly reason: Why;
  /** Undefined where no rule decided. */
  readonly by: LinkedRule | undefined;
  readonly detail: string;

  constructor(verdict: Judged, reason: Why, by: LinkedRule | undefined, detail: string) {
    this.verdict = verdict;
    this.reason = reason;
    this.by = by;
    this.detail = detail;
  }

  get rule(): RuleReference | undefined {
    return this.by?.reference;
  }

  /** Only a deny that is true answers in its own words: an undecided request is told nothing about our inside. */
  get respond(): LinkedRespond | undefined {
    return this.verdict === "denied" ? this.by?.respond : undefined;
  }
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
    if (condition === true) return new Judgement("denied", "rule", rule, "");
    if (condition === false || unsure !== undefined) continue;
    unsure = new Judgement("undecided", "deny-error", rule, describe(condition));
    found.forgetUntold();
  }
  return unsure;
}

function judgeAllows(indexes: CheckIndexes, conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  let failed: Judgement | undefined;
  const found = indexes.allows.find(conditions);
  for (let rule = found.next(); rule !== undefined; rule = found.next()) {
    const condition = conditions.of(rule.policy, rule.when);
    if (condition === true) return new Judgement("allowed", "rule", rule, "");
    if (!(condition instanceof Invalid) || failed !== undefined) continue;
    failed = new Judgement("undecided", "allow-error", rule, describe(condition));
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

const NONE_TRUE = new Judgement("denied", "unmatched", undefined, "no allow rule is true");
const UNMATCHED_ALLOWED = new Judgement("allowed", "unmatched", undefined, "no allow rule applies");
const UNMATCHED_DENIED = new Judgement("denied", "unmatched", undefined, "no allow rule applies");
