import type { CelType } from "../attribute/type.ts";
import type { ExpressionPlan } from "./tree.ts";

/** What names mean where an expression stands. */
export interface Scope {
  /** Every attribute that may be read here, by full dotted name. */
  readonly attributes: ReadonlyMap<string, CelType>;
  /** `define:` names of the policy, already compiled. */
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Names that are defined only further down: what uses them here is told so. */
  readonly later?: ReadonlySet<string>;
}

export interface Definition {
  readonly plan: ExpressionPlan;
}
