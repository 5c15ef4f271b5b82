/** Every bound of this room, by name. What is bounded at load is refused there; what is bounded at request time gives an error value. */

/** UTF-8 bytes of one expression. */
export const MAX_EXPRESSION_BYTES = 4096;
/** Brackets within brackets, and runs of `!` and `-`. Chains of `||` and `&&` are not nesting. */
export const MAX_NESTING = 64;
/** What bounds an expression before it is read: its length, and how deeply it is nested. */
export interface Bounds {
  readonly bytes: number;
  readonly nesting: number;
}

export const POLICY_BOUNDS: Bounds = { bytes: MAX_EXPRESSION_BYTES, nesting: MAX_NESTING };
/** As cel-go has them by default; its length is in code points, which are at most four bytes each. */
export const CEL_GO_BOUNDS: Bounds = { bytes: 400_000, nesting: 250 };
/** Elements of one list or map literal. */
export const MAX_LITERAL_ENTRIES = 1000;
/** Nodes of a checked tree once its definitions are written out. */
export const MAX_TREE_NODES = 10_000;
/** Levels of a checked tree once its definitions are written out: what a closure may need of the stack. */
export const MAX_TREE_DEPTH = 250;
/** Instructions of a compiled regular expression. */
export const MAX_PATTERN_PROGRAM = 5_000;
/** Evaluation steps of one request, all of its expressions together; one takes some 50 ns, so that a check ends within about 5 ms. */
export const DEFAULT_BUDGET = 100_000;
/** Derived attributes that need each other, counted at request time: a longer chain is an error rather than a deep stack. */
export const MAX_DERIVATION_DEPTH = 16;
/** Characters of an expression that a message repeats. */
export const MAX_QUOTED = 60;
