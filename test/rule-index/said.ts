import type { Outcome } from "../../src/attribute/value.ts";
import type { Conditions } from "../../src/snapshot/conditions.ts";
import type { LinkedRule } from "../../src/snapshot/linked.ts";
import type { RuleIndex } from "../../src/snapshot/rule-index.ts";

/** What a list of rules has in the order in which it is asked, by each rule and what its condition is. */
export function said(
  rules: Iterable<LinkedRule>,
  conditions: Conditions,
  counts: (outcome: Outcome) => boolean,
): string[] {
  const all: string[] = [];
  for (const { policy, when, reference } of rules) {
    const condition = conditions.of(policy, when);
    if (counts(condition)) all.push(`${reference.rule} ${String(condition)}`);
  }
  return all;
}

export function* foundIn(index: RuleIndex<LinkedRule>, conditions: Conditions): Generator<LinkedRule> {
  const found = index.find(conditions);
  for (let rule = found.next(); rule !== undefined; rule = found.next()) yield rule;
}

export const unlessFalse = (outcome: Outcome): boolean => outcome !== false;
export const ifTrue = (outcome: Outcome): boolean => outcome === true;
