import { type Absent, Invalid } from "../attribute/value.ts";
import { type Conditions, describe } from "../snapshot/conditions.ts";
import type { LinkedRule } from "../snapshot/snapshot.ts";
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
 * undecided, and only then does an allow count. Shadow rules take no part.
 */
export function judge(rules: readonly LinkedRule[], conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  return judgeDenies(rules, conditions) ?? judgeAllows(rules, conditions, unmatched);
}

function judgeDenies(rules: readonly LinkedRule[], conditions: Conditions): Judgement | undefined {
  let unsure: { rule: LinkedRule; condition: Absent | Invalid } | undefined;
  for (const rule of rules) {
    if (rule.effect !== "deny" || rule.shadow) continue;
    const condition = conditions.of(rule.policy, rule.when);
    if (condition === true) return { verdict: "denied", reason: "rule", rule, detail: "" };
    if (condition !== false) unsure ??= { rule, condition };
  }
  return (
    unsure && { verdict: "undecided", reason: "deny-error", rule: unsure.rule, detail: describe(unsure.condition) }
  );
}

function judgeAllows(rules: readonly LinkedRule[], conditions: Conditions, unmatched: "deny" | "allow"): Judgement {
  let failed: { rule: LinkedRule; condition: Invalid } | undefined;
  let applies = false;
  for (const rule of rules) {
    if (rule.effect !== "allow" || rule.shadow) continue;
    const condition = conditions.of(rule.policy, rule.when);
    if (condition === true) return { verdict: "allowed", reason: "rule", rule, detail: "" };
    if (condition instanceof Invalid) failed ??= { rule, condition };
    applies ||= conditions.ofPolicy(rule.policy) !== false;
  }
  if (failed)
    return { verdict: "undecided", reason: "allow-error", rule: failed.rule, detail: describe(failed.condition) };
  if (applies) return { verdict: "denied", reason: "unmatched", rule: undefined, detail: "no allow rule is true" };
  const verdict = unmatched === "allow" ? "allowed" : "denied";
  return { verdict, reason: "unmatched", rule: undefined, detail: "no allow rule applies" };
}
