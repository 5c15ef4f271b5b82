import { ABSENT, type Absent, Invalid, type Outcome } from "../attribute/value.ts";
import type { Evaluate, Frame } from "../expression/frame.ts";
import type { LinkedPolicy } from "./linked.ts";

/** Whether a rule's condition holds: `policy.when && rule.when`, as CEL has it. */
export type Condition = boolean | Absent | Invalid;

/** In plain words, why a condition could not be told. */
export function describe(condition: Absent | Invalid): string {
  return condition === ABSENT ? "an attribute it reads is absent" : condition.reason;
}

/** The conditions of one request; a policy's own is evaluated once, whatever the number of its rules. */
export class Conditions {
  readonly frame: Frame;
  /** Made for the first policy with a condition. */
  #policies: (Condition | undefined)[] | undefined = undefined;

  constructor(frame: Frame) {
    this.frame = frame;
  }

  of(policy: LinkedPolicy, when: Evaluate | undefined): Condition {
    const outer = this.ofPolicy(policy);
    if (when === undefined || outer === false) return outer;
    const inner = toCondition(when(this.frame));
    if (outer === true || inner === false) return inner;
    // Error beats absent; the policy's own comes first.
    return outer instanceof Invalid || inner === true ? outer : inner instanceof Invalid ? inner : ABSENT;
  }

  ofPolicy(policy: LinkedPolicy): Condition {
    if (policy.when === undefined) return true;
    this.#policies ??= [];
    const known = this.#policies[policy.index];
    if (known !== undefined) return known;
    const condition = toCondition(policy.when(this.frame));
    this.#policies[policy.index] = condition;
    return condition;
  }
}

const NOT_BOOL = new Invalid("a condition gave something that is neither true nor false");

/** Types are checked at load; what is `dyn` there may still turn out to be no bool. */
function toCondition(outcome: Outcome): Condition {
  return typeof outcome === "boolean" || outcome === ABSENT || outcome instanceof Invalid ? outcome : NOT_BOOL;
}
