import { ABSENT, type Absent, Invalid, type Outcome } from "../attribute/value.ts";
import type { Evaluate, Frame } from "../expression/frame.ts";
import type { LinkedPolicy, LinkedRule } from "../snapshot/snapshot.ts";
import type { Reason, Verdict } from "./decision.ts";

/** Whether a rule's condition holds: `policy.when && rule.when`, as CEL has it. */
export type Condition = boolean | Absent | Invalid;

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
  return unsure && { verdict: "undecided", reason: "deny-error", rule: unsure.rule, detail: describe(unsure.condition) };
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
  if (failed) return { verdict: "undecided", reason: "allow-error", rule: failed.rule, detail: describe(failed.condition) };
  if (applies) return { verdict: "denied", reason: "unmatched", rule: undefined, detail: "no allow rule is true" };
  const verdict = unmatched === "allow" ? "allowed" : "denied";
  return { verdict, reason: "unmatched", rule: undefined, detail: "no allow rule applies" };
}

/** In plain words, why a condition could not be told. */
export function describe(condition: Absent | Invalid): string {
  return condition === ABSENT ? "an attribute it reads is absent" : condition.reason;
}

/** The conditions of one request; a policy's own is evaluated once, whatever the number of its rules. */
export class Conditions {
  readonly #frame: Frame;
  readonly #policies: (Condition | undefined)[] = [];

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  of(policy: LinkedPolicy, when: Evaluate | undefined): Condition {
    const outer = this.ofPolicy(policy);
    if (when === undefined || outer === false) return outer;
    const inner = toCondition(when(this.#frame));
    if (outer === true || inner === false) return inner;
    // Error beats absent; the policy's own comes first.
    return outer instanceof Invalid || inner === true ? outer : inner instanceof Invalid ? inner : ABSENT;
  }

  ofPolicy(policy: LinkedPolicy): Condition {
    const known = this.#policies[policy.index];
    if (known !== undefined) return known;
    const condition = policy.when === undefined ? true : toCondition(policy.when(this.#frame));
    this.#policies[policy.index] = condition;
    return condition;
  }
}

const NOT_BOOL = new Invalid("a condition gave something that is neither true nor false");

/** Types are checked at load; what is `dyn` there may still turn out to be no bool. */
function toCondition(outcome: Outcome): Condition {
  return typeof outcome === "boolean" || outcome === ABSENT || outcome instanceof Invalid ? outcome : NOT_BOOL;
}
