import { NO_TESTS } from "../expression/index.ts";
import type { CheckRules, LinkedAsk, LinkedChange, LinkedLimit, LinkedPolicy, LinkedRule } from "./linked.ts";
import type { RuleIndex } from "./rule-index.ts";
import { buildIndex, type Indexed } from "./rule-index-build.ts";

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

/** Stops now and then, so that whoever links can do something else in between. */
export function* buildIndexes({ rules, asks, changes, limits }: CheckRules): Generator<undefined, CheckIndexes> {
  const isRule = (effect: LinkedRule["effect"], shadow: boolean): readonly LinkedRule[] =>
    rules.filter((rule) => rule.effect === effect && rule.shadow === shadow);
  return {
    denies: yield* buildIndex(isRule("deny", false), itself, "counts"),
    // Absent is as good as false for an allow.
    allows: yield* buildIndex(isRule("allow", false), itself, "counts as error"),
    asks: yield* buildIndex(asks.filter(isEnforced), itself, "counts"),
    limits: yield* buildIndex(
      limits.filter((one) => isEnforced(one) && !one.plan.onRequest),
      itself,
      "counts",
    ),
    changes: yield* buildIndex(changes.filter(isEnforced), byPolicy, "counts"),
    policies: yield* buildIndex(participants(rules, [...asks, ...changes, ...limits]), byPolicy, "counts"),
    shadow: {
      denies: yield* buildIndex(isRule("deny", true), itself, "counts"),
      // An allow that is tried and not true has nothing to say.
      allows: yield* buildIndex(isRule("allow", true), itself, "is nothing"),
      asks: yield* buildIndex(asks.filter(isTried), itself, "counts"),
      limits: yield* buildIndex(limits.filter(isTried), itself, "counts"),
    },
  };
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

function itself<T extends Indexed>(rule: T): Indexed {
  return rule;
}

function byPolicy({ policy }: { readonly policy: LinkedPolicy }): Indexed {
  return { policy, tests: NO_TESTS };
}
