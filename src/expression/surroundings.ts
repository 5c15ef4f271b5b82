import type { Evaluate, LinkScope } from "./frame.ts";
import type { Tree } from "./tree.ts";

/** What linking a node needs to know of what stands around it. */
export interface Surroundings {
  readonly scope: LinkScope;
  /** What was bound around it, outermost first. */
  readonly variables: readonly Variable[];
  /** How many variables the expression has bound so far: each has a place of its own among the frame's. */
  readonly bound: Counter;
  /** Links a node inside of this one. */
  readonly link: (tree: Tree, around: Surroundings) => Evaluate;
  /** Whether several nodes may become one closure: not where each of them is looked at. */
  readonly joining: boolean;
}

export interface Variable {
  readonly name: string;
  readonly place: number;
  /** Gives the value where the variable is read first; without it the value is there before. */
  readonly late?: Evaluate;
}

export interface Counter {
  count: number;
}

/**
 * @returns a new variable. No two of an expression share a place: a value that is evaluated where it is first read, in the middle of a
 * loop, has loops of its own.
 */
export function newVariable(name: string, around: Surroundings, late?: Evaluate): Variable {
  const place = around.bound.count++;
  return late === undefined ? { name, place } : { name, place, late };
}

/** @returns what stands around a node inside of which these can be read; they hide others of the same name. */
export function inside(around: Surroundings, ...variables: readonly Variable[]): Surroundings {
  return { ...around, variables: [...around.variables, ...variables] };
}
