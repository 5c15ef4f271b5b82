import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { check } from "./check.ts";
import { constantArgumentProblem, patternsProblem } from "./constant-arguments.ts";
import { estimate } from "./cost.ts";
import { deadConditions } from "./dead-conditions.ts";
import { duplicateKeyProblem } from "./duplicate-keys.ts";
import { type Folded, fold } from "./fold.ts";
import { type Bounds, DEFAULT_BUDGET, MAX_NESTING, POLICY_BOUNDS } from "./limits.ts";
import { parse } from "./parser.ts";
import { type Compiled, type Expected, type Problem, problem, quoted } from "./problem.ts";
import { mayBeAbsent, readsOf } from "./reads.ts";
import type { Scope } from "./scope.ts";
import type { ExpressionPlan, Tree } from "./tree.ts";
import { resultProblem } from "./type-problems.ts";

export type { Compiled, Expected, Problem } from "./problem.ts";
export type { Definition, Scope } from "./scope.ts";

export interface CompileOptions {
  /** Other bounds than a policy's: those of cel-go, to compare with it. */
  readonly bounds?: Bounds;
  /**
   * What types allow and can only fail when evaluated (a constant that is no regular expression, a pattern that only the request knows, an
   * expression that may cost too much) is left to fail then, as CEL has it, and not refused. Never for a policy.
   */
  readonly lenient?: boolean;
  /** Constant parts are evaluated each time, so that a trace shows what is in them. */
  readonly unfolded?: boolean;
}

/**
 * Reads, checks and plans an expression: the first thing wrong with it is the answer, at its place. Never throws for what a person wrote.
 */
export function compileExpression(
  text: string,
  scope: Scope,
  expected: Expected,
  options: CompileOptions = {},
): Compiled<ExpressionPlan> {
  try {
    return steps(text, scope, expected, options);
  } catch (error) {
    // Nesting is bounded in several places; the stack of whoever called us is not ours to know.
    if (error instanceof RangeError) return failed(problem(messages.tooDeep(MAX_NESTING), [0, text.length]));
    throw error;
  }
}

/** The order in which an expression is looked at. */
function steps(text: string, scope: Scope, expected: Expected, options: CompileOptions): Compiled<ExpressionPlan> {
  const bounds = options.bounds ?? POLICY_BOUNDS;
  const parsed = parse(text, bounds);
  if (!parsed.ok) return { ok: false, stage: "parse", problem: parsed.problem };
  const checked = check(parsed.syntax, text, scope, bounds);
  if (!checked.ok) return failed(checked.problem);
  const wrongType = resultProblem(checked.type, expected, text);
  if (wrongType) return failed(wrongType);
  const folded = fold(checked.tree);
  const wrongConstant = options.lenient
    ? patternsProblem(folded.tree)
    : (constantArgumentProblem(folded.tree) ?? duplicateKeyProblem(checked.tree, text));
  if (wrongConstant) return failed(wrongConstant);
  const dear = options.lenient ? undefined : costProblem(folded.tree);
  if (dear) return failed(dear);
  const warnings = checked.opaque ? [] : warningsAbout(folded, text);
  const plan = planOf(text, checked.type, folded);
  return { ok: true, plan: options.unfolded ? { ...plan, tree: checked.tree } : plan, warnings };
}

/** An expression is refused that could take more than a whole request has. */
function costProblem(tree: Tree): Problem | undefined {
  const { steps, tooDear } = estimate(tree, DEFAULT_BUDGET);
  return tooDear && problem(messages.tooCostly(steps, DEFAULT_BUDGET), tooDear.at);
}

function failed(found: Problem): { readonly ok: false; readonly stage: "check"; readonly problem: Problem } {
  return { ok: false, stage: "check", problem: found };
}

/** What is allowed and will not be what was meant. */
function warningsAbout({ tree, failures, conditions }: Folded, text: string): readonly Problem[] {
  return [
    ...failures.map((one) =>
      problem(messages.alwaysFails(quoted(text.slice(...one.tree.at)), one.reason), one.tree.at),
    ),
    ...conditions.map(({ at, value }) => problem(messages.alwaysIs(quoted(text.slice(...at)), value), at)),
    ...deadConditions(tree, text),
  ];
}

function planOf(text: string, type: CelType, { tree }: Folded): ExpressionPlan {
  const constant = tree.op === "constant" ? { constant: tree.value } : {};
  return { text, type, tree, reads: readsOf(tree), ...constant, total: !mayBeAbsent(tree) };
}
