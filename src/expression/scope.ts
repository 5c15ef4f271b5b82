import type { CelType } from "../attribute/type.ts";
import type { ExpressionPlan } from "./tree.ts";

/** What names mean where an expression stands. */
export interface Scope {
  /** Every attribute that may be read here, by full dotted name. */
  readonly attributes: ReadonlyMap<string, CelType>;
  /** `define:` names of the policy, already compiled. */
  readonly definitions: ReadonlyMap<string, Definition>;
}

export interface Definition {
  readonly plan: ExpressionPlan;
}
