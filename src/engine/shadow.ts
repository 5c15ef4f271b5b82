import type { CheckAnswer, QuotaAnswer } from "../adapter/templates.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";
import type { LinkedAsk, LinkedLimit, LinkedRule } from "../snapshot/linked.ts";
import { askOne } from "./asks.ts";
import { makeCharge } from "./charge.ts";
import type { Verdict } from "./decision.ts";
import { beyondTheCall, type Run } from "./run.ts";

/** Told what a shadow rule would have made of a request. */
export type CountShadow = (rule: string, verdict: Verdict, enforced: Verdict) => void;

/**
 * Evaluates the shadow rules of one decided request: counted beside the enforced verdict, never enforced, never waited for. A rule that
 * has nothing to say (a deny that is false, an allow that is not true) is not counted.
 */
export function watchShadows(run: Run, count: CountShadow): void {
  const { input, ruling } = run;
  // Nothing was asked of any rule.
  if (input.refused || ruling.reason === "incomplete") return;
  if (!input.quotaOnly) shadowRules(run, count);
  // What comes after a refusal would not have been reached.
  if (run.refused) return;
  if (!input.quotaOnly) shadowAsks(run, count);
  shadowLimits(run, count);
}

function shadowRules(run: Run, count: CountShadow): void {
  const { denies, allows } = run.program.indexes.shadow;
  const found = denies.find(run.conditions);
  for (let rule = found.next(); rule !== undefined; rule = found.next()) countRule(rule, run, count);
  const others = allows.find(run.conditions);
  for (let rule = others.next(); rule !== undefined; rule = others.next()) countRule(rule, run, count);
}

function countRule(rule: LinkedRule, run: Run, count: CountShadow): void {
  const verdict = shadowRule(rule, run);
  if (verdict) count(rule.reference.rule, verdict, run.ruling.verdict);
}

function shadowAsks(run: Run, count: CountShadow): void {
  const enforced = run.ruling.verdict;
  const found = run.program.indexes.shadow.asks.find(run.conditions);
  for (let ask = found.next(); ask !== undefined; ask = found.next()) {
    const { rule } = ask.plan.reference;
    shadowAsk(ask, run, (verdict) => count(rule, verdict, enforced));
  }
}

function shadowLimits(run: Run, count: CountShadow): void {
  const enforced = run.ruling.verdict;
  const found = run.program.indexes.shadow.limits.find(run.conditions);
  for (let limit = found.next(); limit !== undefined; limit = found.next()) {
    const { rule } = limit.plan.reference;
    shadowLimit(limit, run, (verdict) => count(rule, verdict, enforced));
  }
}

function shadowRule({ policy, when, effect }: LinkedRule, run: Run): Verdict | undefined {
  const condition = run.conditions.of(policy, when);
  const { verdict, reason } = run.ruling;
  if (effect === "deny") {
    if (typeof condition === "boolean") return condition ? "denied" : undefined;
    // A deny that is true says no, whatever another cannot tell.
    return verdict === "denied" && reason === "rule" ? "denied" : "undecided";
  }
  if (condition !== true) return undefined;
  // An allow helps where nothing else allowed; it never overrides a deny or a limit.
  return reason === "unmatched" || reason === "allow-error" ? "allowed" : verdict;
}

function shadowAsk(ask: LinkedAsk, run: Run, count: (verdict: Verdict) => void): void {
  const condition = run.conditions.of(ask.policy, ask.when);
  if (condition === false) return;
  const value = condition === true ? ask.value(run.frame) : ABSENT;
  if (value === ABSENT || value instanceof Invalid) count("undecided");
  else whenAnswered(askOne(ask, value, run, beyondTheCall()), (answer) => count(verdictOfAnswer(answer, ask)));
}

function verdictOfAnswer(answer: CheckAnswer, ask: LinkedAsk): Verdict {
  switch (answer.kind) {
    case "no-objection":
      return "allowed";
    case "objection":
      return "denied";
    case "unavailable":
      return ask.plan.onUnavailable === "deny" ? "undecided" : "allowed";
  }
}

/** A shadow limit keeps its own counter, so that it can be tried before it is enforced. */
function shadowLimit(limit: LinkedLimit, run: Run, count: (verdict: Verdict) => void): void {
  const named = run.input.quotas.find((quota) => quota.name === limit.plan.reference.rule);
  if (limit.plan.onRequest && named === undefined) return;
  const made = makeCharge(limit, named, run);
  switch (made.kind) {
    case "not-applicable":
      return;
    case "free":
      count("allowed");
      return;
    case "error":
      count("undecided");
      return;
    case "too-large":
      count("limited");
      return;
    case "charge": {
      const request = { operation: "charge", charges: [made.charge], deduplicationId: "" } as const;
      const answer = run.snapshot.handlers.quota(limit.plan.handler).charge(request, beyondTheCall());
      whenAnswered(answer, (settled) => count(verdictOfCharge(settled, limit)));
    }
  }
}

function verdictOfCharge(answer: QuotaAnswer, limit: LinkedLimit): Verdict {
  switch (answer.kind) {
    case "granted":
      return "allowed";
    case "refused":
      return "limited";
    case "unavailable":
      return answer.cause === "full" || limit.plan.onUnavailable === "deny" ? "undecided" : "allowed";
  }
}

/** INVARIANT: handlers never reject, so nothing is left unhandled. */
function whenAnswered<T>(answer: T | Promise<T>, then: (answer: T) => void): void {
  if (answer instanceof Promise) void answer.then(then);
  else then(answer);
}
