import type { Syntax } from "./syntax.ts";
import type { Place } from "./tree.ts";

/** One step of a dotted name. */
export interface Step {
  readonly name: string;
  /** Reached by `.?`. */
  readonly optional: boolean;
  /** Written with a dot before it. */
  readonly rooted: boolean;
  /** From the root to the end of this step. */
  readonly at: Place;
}

/** @returns the steps of a dotted name, undefined for fields of anything else than a name. */
export function pathOf(syntax: Syntax): readonly Step[] | undefined {
  const steps: Step[] = [];
  let current = syntax;
  for (; current.is === "select"; current = current.operand) {
    steps.push({ name: current.field, optional: current.optional, rooted: false, at: current.at });
  }
  if (current.is !== "name") return undefined;
  steps.push({ name: current.name, optional: false, rooted: current.rooted, at: current.at });
  return steps.reverse();
}
