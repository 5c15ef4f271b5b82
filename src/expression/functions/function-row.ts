import type { CelValue, Outcome } from "../../attribute/value.ts";
import type { Evaluate, Frame } from "../frame.ts";

/**
 * One function or operator, one row: the checker, the linker and the documentation are derived from it. To add one, add a row to the
 * table it belongs to.
 */
export interface FunctionRow {
  /** As a tree calls it: `startsWith`, `_+_`, `optional.of`. */
  readonly name: string;
  /**
   * Its overloads: `string.startsWith(string): bool`, `size(list<V>): int`, `int + int: int`. Types as the checker writes them; a
   * capital letter stands for any type, the same one each time.
   */
  readonly signatures: readonly string[];
  /** One sentence for policy authors. */
  readonly doc: string;
  /**
   * Evaluation steps of one call: a number, or what it is for these arguments. Charged before the call; an evaluation that has none
   * left is an error.
   */
  readonly cost: number | ((a: CelValue, b: CelValue, c: CelValue) => number);
  readonly apply: Apply;
  /** What knowing the number of arguments and the constant ones at link time makes of it; undefined entries are not constant. */
  readonly prepare?: (constants: readonly (CelValue | undefined)[]) => Prepared | undefined;
  /** In place of `apply` where absence of an operand is not absence of the result. */
  readonly link?: (operands: readonly Operand[]) => Evaluate | undefined;
  /** The argument of which something can be told at load when it is constant. A regex or glob must be: compiling takes too long later. */
  readonly checked?: CheckedArgument;
}

/**
 * Called with the values of the arguments, receiver first, null for those its overload does not have; never with absent or error. Types
 * were checked as far as they were known: what is `dyn` may be anything, and gets an error value.
 */
export type Apply = (a: CelValue, b: CelValue, c: CelValue) => Outcome;

export interface Prepared {
  readonly apply: Apply;
  readonly cost?: FunctionRow["cost"];
}

export interface CheckedArgument {
  readonly argument: number;
  readonly kind: "regex" | "glob" | "zone";
}

/** An argument of a function that decides itself what to evaluate. */
export interface Operand {
  readonly evaluate: Evaluate;
  /** For a map attribute: one key without the whole map. */
  readonly readKey: ((frame: Frame, key: string) => Outcome) | undefined;
}
