import type { Outcome } from "../attribute/value.ts";
import type { Evaluate, Frame, LinkScope } from "./frame.ts";
import { MAX_TRACE_STEPS } from "./limits.ts";
import { linkNode, paidFor } from "./link.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ExpressionPlan, Place, Tree } from "./tree.ts";

/** What a node of an expression gave in one evaluation, and before it what was evaluated inside of it. */
export interface Trace {
  /** Where the node stands in the expression's text; what a definition brought along stands where it is used. */
  readonly at: Place;
  readonly outcome: Outcome;
  /**
   * In the order in which they were evaluated: what was not needed is not there, and the rounds of a loop follow one another. A constant
   * is no step.
   */
  readonly steps: readonly Trace[];
  /** How many more there were, here and inside, when MAX_TRACE_STEPS had been noted; left out when none. */
  readonly omitted?: number;
}

/**
 * Links an expression so that it tells how it came to its outcome, which is that of `link`. For explaining one request: it costs several
 * times as much. What derives an attribute is not traced.
 */
export function linkTraced(plan: ExpressionPlan, scope: LinkScope): (frame: Frame) => Trace {
  const tracer = new Tracer();
  const link = (tree: Tree, around: Surroundings): Evaluate => {
    const evaluate = linkNode(tree, around);
    return tree.op === "constant" ? evaluate : tracer.noting(tree.at, evaluate);
  };
  const evaluate = link(plan.tree, { scope, variables: [], bound: { count: 0 }, link, joining: false });
  return (frame) => tracer.trace(plan.tree.at, evaluate, frame);
}

/** What is being gathered of one node. */
interface Gathered {
  readonly steps: Trace[];
  omitted: number;
}

class Tracer {
  /** Of the node that is being evaluated. */
  #inside: Gathered = { steps: [], omitted: 0 };
  #left = 0;

  trace(at: Place, evaluate: Evaluate, frame: Frame): Trace {
    this.#inside = { steps: [], omitted: 0 };
    this.#left = MAX_TRACE_STEPS;
    const outcome = paidFor(frame, evaluate(frame));
    return { at, steps: [], ...this.#inside.steps[0], outcome };
  }

  noting(at: Place, evaluate: Evaluate): Evaluate {
    return (frame) => {
      const outside = this.#inside;
      if (this.#left === 0) {
        outside.omitted++;
        return evaluate(frame);
      }
      this.#left--;
      const inside: Gathered = { steps: [], omitted: 0 };
      this.#inside = inside;
      const outcome = evaluate(frame);
      this.#inside = outside;
      const { steps, omitted } = inside;
      outside.steps.push({ at, outcome, steps, ...(omitted > 0 ? { omitted } : {}) });
      return outcome;
    };
  }
}
