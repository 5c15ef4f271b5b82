import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { constantArgumentProblem } from "./constant-arguments.ts";
import { type Folded, fold } from "./fold.ts";
import { MAX_NESTING } from "./limits.ts";
import { problem, quoted } from "./problem.ts";
import { mayBeAbsent, readsOf } from "./reads.ts";
import { resolve } from "./resolve.ts";
import { parse } from "./syntax.ts";
import type { ExpressionPlan } from "./tree.ts";
import { keyProblem, resultProblem, typeProblem } from "./types.ts";

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

/**
 * Reads, checks and plans an expression: the first thing wrong with it is the answer, at its place. Never throws for what a person wrote.
 */
export function compileExpression(text: string, scope: Scope, expected: Expected): Compiled<ExpressionPlan> {
  try {
    return steps(text, scope, expected);
  } catch (error) {
    // Nesting is bounded in several places; the stack of whoever called us is not ours to know.
    if (error instanceof RangeError) return failed(problem(messages.tooDeep(MAX_NESTING), [0, text.length]));
    throw error;
  }
}

/** The order in which an expression is looked at. */
function steps(text: string, scope: Scope, expected: Expected): Compiled<ExpressionPlan> {
  const parsed = parse(text);
  if (!parsed.ok) return parsed;
  const resolved = resolve(parsed.root, text, scope);
  if (!resolved.ok) return resolved;
  const checked = parsed.check();
  if (!checked.ok) return failed(typeProblem(checked.failure, text));
  const wrongType = keyProblem(parsed.root) ?? resultProblem(checked.type, expected, text);
  if (wrongType) return failed(wrongType);
  const folded = fold(resolved.tree);
  const wrongConstant = constantArgumentProblem(folded.tree);
  if (wrongConstant) return failed(wrongConstant);
  const warnings = resolved.opaque ? [] : failureWarnings(folded, text);
  return { ok: true, plan: planOf(text, checked.type, folded), warnings };
}

function failed(found: Problem): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: found };
}

function failureWarnings({ failures }: Folded, text: string): readonly Problem[] {
  return failures.map(({ tree, reason }) =>
    problem(messages.alwaysFails(quoted(text.slice(...tree.at)), reason), tree.at),
  );
}

function planOf(text: string, type: CelType, { tree }: Folded): ExpressionPlan {
  const constant = tree.op === "constant" ? { constant: tree.value } : {};
  return { text, type, tree, reads: readsOf(tree), ...constant, total: !mayBeAbsent(tree) };
}
