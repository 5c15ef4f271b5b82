import type { CelType } from "../attribute/type.ts";
import type { ExpressionPlan, TemplatePlan } from "./tree.ts";

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

/**
 * Something wrong with, or worth saying about, an expression. Offsets are UTF-16 units of the expression's text; the caller turns them
 * into a Span. `code` is one of the P12xx codes of `diagnostics/messages/expression.ts`.
 */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly start: number;
  readonly end: number;
}

export type Compiled<T> =
  | { readonly ok: true; readonly plan: T; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problem: Problem };

/** What the place needs: the kinds of result that fit. `number` is int, uint or double. */
export type Expected = "bool" | "number" | "int" | "string" | "any";

export type CompileExpression = (text: string, scope: Scope, expected: Expected) => Compiled<ExpressionPlan>;
export type CompileTemplate = (text: string, scope: Scope) => Compiled<TemplatePlan>;
