import type { CelType } from "../../attribute/type.ts";
import type { CelValue, Outcome } from "../../attribute/value.ts";
import type { Finding } from "../../diagnostics/messages/expression.ts";
import type { Evaluate, Frame } from "../frame.ts";
import type { Guard, Tree } from "../tree.ts";

/**
 * One function or operator, one row: the checker, the linker, the cost estimate and the documentation are derived from it. To add one,
 * add a row to the table it belongs to.
 */
export interface FunctionRow {
  /** As a tree calls it: `startsWith`, `_+_`, `optional.of`. */
  readonly name: string;
  /**
   * Its overloads: `string.startsWith(string): bool`, `size(list(V)): int`, `int + int: int`. Types as `formatType` writes them, but for
   * `timestamp`, `duration`, `ip`, `cidr` and `optional(V)`; a capital letter stands for any type, the same one each time.
   */
  readonly signatures: readonly string[];
  /** One sentence for policy authors. */
  readonly doc: string;
  /**
   * Evaluation steps of one call, charged before it: a number, or a function of how large its arguments are, which must not fall when one
   * of them grows: with the largest possible arguments it is the estimate at load.
   */
  readonly cost: Cost;
  /** How large the result is at most, in units, where it is a text, bytes, a list or a map: without it, as large as all arguments together. */
  readonly resultSize?: Cost;
  /** Between which numbers, both included, its result always is, of a timestamp where it reads those: what is compared beyond is never true. */
  readonly range?: readonly [least: number, most: number];
  /**
   * Arguments are measured with everything inside of them, not only their own elements: for what compares or converts deeply. `lighter`: of
   * two, both as the lighter one, as far as which both are looked at.
   */
  readonly deep?: true | "lighter";
  readonly apply: Apply;
  /** Given values only, it may give ABSENT all the same. */
  readonly mayBeAbsent?: true;
  /** It has an answer for the absence of its first argument; without it, what is absent makes the result absent. Wants a `link`. */
  readonly answersAbsence?: AbsenceAnswer;
  /** Its result is one of its arguments or in one, as it is: who compares the result compares them. */
  readonly selects?: true;
  /** More than two arguments are made one list: `math.greatest(1, 2, 3)`. */
  readonly variadic?: true;
  /** What knowing the number of arguments and the constant ones at link time makes of it; undefined entries are not constant. */
  readonly prepare?: (constants: readonly (CelValue | undefined)[]) => Prepared | undefined;
  /** In place of `apply` where absence of an operand is not absence of the result. */
  readonly link?: (operands: readonly Operand[]) => Evaluate | undefined;
  /** The argument of which something can be told at load when it is constant. */
  readonly checked?: CheckedArgument;
  /** What CEL itself refuses beyond the types, seeing the arguments as they are written: a format text that does not fit what it shows. */
  readonly checkWritten?: (call: WrittenCall) => WrongArgument | undefined;
}

/**
 * Steps for arguments of these sizes, receiver first, 0 for those that are not there. Sizes are in units: 1 for a scalar, 1 and one per 16
 * UTF-16 units of a text or 16 bytes, 1 and one per element of a list or entry of a map.
 */
export type Cost = number | ((a: number, b: number, c: number, d: number) => number);

/** @returns the steps for arguments of these sizes. */
export function stepsOf(cost: Cost, [a = 0, b = 0, c = 0, d = 0]: readonly number[]): number {
  return typeof cost === "number" ? cost : cost(a, b, c, d);
}

/**
 * Called with the values of the arguments, receiver first, null for those its overload does not have; never with absent or error. Types
 * were checked as far as they were known: what is `dyn` may be anything, and gets an error value.
 */
export type Apply = (a: CelValue, b: CelValue, c: CelValue, d: CelValue) => Outcome;

export interface Prepared {
  readonly apply: Apply;
  readonly cost?: Cost;
}

export interface AbsenceAnswer {
  /** As the reads of a plan name it. */
  readonly guard: Guard;
  /** For what looks for its second argument in a map: the key that it finds, by what is written. */
  readonly key?: (written: string) => string;
}

/**
 * A constant argument that can only fail when evaluated is refused at load (`weir eval` evaluates it all the same). A regular expression or
 * glob must be constant in a policy: compiling one takes too long for a request.
 */
export interface CheckedArgument {
  readonly argument: number;
  readonly kind: "regex" | "glob" | "zone";
}

/** A call as it is written, before constants are folded: arguments, receiver first, and what type each node inside of them has. */
export interface WrittenCall {
  readonly args: readonly Tree[];
  readonly typeOf: (tree: Tree) => CelType;
}

export interface WrongArgument {
  /** The node that is wrong: one of the arguments, or in one. */
  readonly at: Tree;
  readonly finding: Finding;
}

/** An argument of a function that decides itself what to evaluate. */
export interface Operand {
  readonly evaluate: Evaluate;
  /** For a map attribute: one key without the whole map. */
  readonly readKey: ((frame: Frame, key: string) => Outcome) | undefined;
  /** Its value where that is known before any request; `evaluate` gives the same. */
  readonly constant?: CelValue;
}
