import { NO_TESTS } from "../expression/index.ts";
import type { CheckRules, LinkedAsk, LinkedChange, LinkedLimit, LinkedPolicy, LinkedRule } from "./linked.ts";
import type { RuleIndex } from "./rule-index.ts";
import { buildIndex, type Indexed, isWorthKeeping } from "./rule-index-build.ts";

/** The rules of one door by what they are for: each index is asked by one step, and left alone where that step is not reached. */
export interface CheckIndexes {
  readonly denies: RuleIndex<LinkedRule>;
  readonly allows: RuleIndex<LinkedRule>;
  readonly asks: RuleIndex<LinkedAsk>;
  /** Those that are charged without being named. */
  readonly limits: RuleIndex<LinkedLimit>;
  /** By the conditions of their policies: that one applies is enough for a header to be ours. */
  readonly changes: RuleIndex<LinkedChange>;
  /** Policies with rules that are not only tried, by their conditions. */
  readonly policies: RuleIndex<Participant>;
  readonly shadow: {
    readonly denies: RuleIndex<LinkedRule>;
    readonly allows: RuleIndex<LinkedRule>;
    readonly asks: RuleIndex<LinkedAsk>;
    readonly limits: RuleIndex<LinkedLimit>;
  };
}

export interface Participant {
  readonly policy: LinkedPolicy;
  /** It has an allow rule: where it applies, a request is not simply unmatched. */
  readonly allows: boolean;
}

/**
 * Stops now and then, so that whoever links can do something else in between.
 * @param before those of an earlier snapshot whose attributes have the same numbers.
 */
export function* buildIndexes(
  { rules, asks, changes, limits }: CheckRules,
  before?: CheckIndexes,
): Generator<undefined, CheckIndexes> {
  const isRule = (effect: LinkedRule["effect"], shadow: boolean): readonly LinkedRule[] =>
    rules.filter((rule) => rule.effect === effect && rule.shadow === shadow);
  return {
    denies: yield* buildIndex(isRule("deny", false), COUNTS, before?.denies),
    allows: yield* buildIndex(isRule("allow", false), ALLOWS, before?.allows),
    asks: yield* buildIndex(asks.filter(isEnforced), COUNTS, before?.asks),
    limits: yield* buildIndex(
      limits.filter((one) => isEnforced(one) && !one.plan.onRequest),
      COUNTS,
      before?.limits,
    ),
    changes: yield* buildIndex(changes.filter(isEnforced), BY_POLICY, before?.changes),
    policies: yield* buildIndex(participants(rules, [...asks, ...changes, ...limits]), BY_POLICY, before?.policies),
    shadow: {
      denies: yield* buildIndex(isRule("deny", true), COUNTS, before?.shadow.denies),
      allows: yield* buildIndex(isRule("allow", true), TRIED_ALLOWS, before?.shadow.allows),
      asks: yield* buildIndex(asks.filter(isTried), COUNTS, before?.shadow.asks),
      limits: yield* buildIndex(limits.filter(isTried), COUNTS, before?.shadow.limits),
    },
  };
}

/** @returns every policy for whose condition a search may ask in what is kept, though it is gone. */
export function* keptPolicies({ shadow, ...enforced }: CheckIndexes): Generator<LinkedPolicy> {
  for (const { base } of [...Object.values(enforced), ...Object.values(shadow)]) {
    if (isWorthKeeping(base)) for (const { policy } of base.items) yield policy;
  }
}

type Planned = LinkedAsk | LinkedChange | LinkedLimit;

function participants(rules: readonly LinkedRule[], planned: readonly Planned[]): readonly Participant[] {
  const allows = new Map<LinkedPolicy, boolean>();
  for (const { policy, effect, shadow } of rules) {
    if (!shadow) allows.set(policy, effect === "allow" || allows.get(policy) === true);
  }
  for (const rule of planned) if (isEnforced(rule)) allows.set(rule.policy, allows.get(rule.policy) === true);
  return [...allows].map(([policy, allowing]) => ({ policy, allows: allowing }));
}

function isEnforced({ plan }: Planned): boolean {
  return !plan.shadow;
}

function isTried({ plan }: Planned): boolean {
  return plan.shadow;
}

const COUNTS = { indexed: itself, untold: "counts" } as const;
/** Absent is as good as false for an allow. */
const ALLOWS = { indexed: itself, untold: "counts as error" } as const;
/** An allow that is tried and not true has nothing to say. */
const TRIED_ALLOWS = { indexed: itself, untold: "is nothing" } as const;
const BY_POLICY = { indexed: byPolicy, untold: "counts" } as const;

function itself(rule: Indexed): Indexed {
  return rule;
}

function byPolicy({ policy }: { readonly policy: LinkedPolicy }): Indexed {
  return { policy, tests: NO_TESTS };
}
