/** Every bound of this room, by name. What is bounded at load is refused there; what is bounded at request time gives an error value. */

/** UTF-8 bytes of one expression. */
export const MAX_EXPRESSION_BYTES = 4096;
/** Brackets within brackets, and runs of `!` and `-`. Chains of `||` and `&&` are not nesting. */
export const MAX_NESTING = 64;
/** Elements of one list or map literal. */
const MAX_LITERAL_ENTRIES = 1000;
/** Nodes of a checked tree once its definitions are written out. */
const MAX_TREE_NODES = 10_000;
/** Levels of a checked tree once its definitions are written out: what a closure may need of the stack. */
const MAX_TREE_DEPTH = 250;

/** Types that one type is made of: a map of maps of maps can double with each level. */
export const MAX_TYPE_PARTS = 500;

/** What bounds an expression when it is read. */
export interface Bounds {
  readonly length: number;
  readonly unit: "bytes" | "code points";
  /** Expressions within brackets within brackets; runs of `!` and `-`. */
  readonly nesting: number;
  /** Levels of operators and operands: a chain of `+` is deep without brackets. */
  readonly levels: number;
  /** Entries of one list or map literal. */
  readonly entries: number;
  /** Nodes once definitions are written out. */
  readonly nodes: number;
}

export const POLICY_BOUNDS: Bounds = {
  length: MAX_EXPRESSION_BYTES,
  unit: "bytes",
  nesting: MAX_NESTING,
  levels: MAX_TREE_DEPTH,
  entries: MAX_LITERAL_ENTRIES,
  nodes: MAX_TREE_NODES,
};

/** As cel-go 0.33 has them by default: 250 levels of recursion, of which the whole expression is one and an operand another. */
export const CEL_GO_BOUNDS: Bounds = {
  length: 100_000,
  unit: "code points",
  nesting: 249,
  levels: 251,
  entries: 100_000,
  nodes: 100_000,
};

/** Instructions of a compiled regular expression. */
export const MAX_PATTERN_PROGRAM = 5_000;
/** Steps that compiling one pattern may take, and all patterns of one policy's expression together, some 20 ns each. */
export const MAX_PATTERN_STEPS = 500_000;
/** The same of an expression that is no policy's, about what is told without compiling. */
export const MAX_LENIENT_PATTERN_STEPS = 3_000_000;
/** Groups within groups of a pattern that is made a table; deeper ones are left to the general engine. */
export const MAX_PATTERN_NESTING = 50;
/** Nodes of a pattern that is made a table, once its repetitions are written out. */
export const MAX_PATTERN_NODES = 1_000;
/** Entries of a pattern's table, two bytes each; and steps that making it may take, some 50 ns each. */
export const MAX_PATTERN_CELLS = 32_768;
export const MAX_PATTERN_WORK = 20_000;
/** Characters and instructions of a pattern that only the request knows; patterns that a call remembers of those. */
export const MAX_REQUEST_PATTERN = 1_000;
export const MAX_REMEMBERED_PATTERNS = 16;
/**
 * Evaluation steps of one request, all of its expressions together; one takes some 50 ns, and 80 at the worst that was found, so that a check
 * ends within 5 ms (`node test/cel/hostile-times.ts`).
 */
export const DEFAULT_BUDGET = 60_000;
/** Weight of a constant that is written out wherever the variable is read that `cel.bind` has for it. */
export const MAX_COPIED_WEIGHT = 64;
/** Values within each other that an operator or function walks through; a door brings far fewer. */
export const MAX_VALUE_DEPTH = 500;
/**
 * How large what an attribute holds is assumed to be when an expression's cost is estimated at load: UTF-16 units of a text, bytes, entries
 * of a list or map. A request may bring more; its budget stops what takes too long.
 */
export const ASSUMED_CHARACTERS = 256;
export const ASSUMED_BYTES = 512;
export const ASSUMED_ENTRIES = 64;
/** Derived attributes that need each other, counted at request time: a longer chain is an error rather than a deep stack. */
export const MAX_DERIVATION_DEPTH = 16;
/** Characters of an expression that a message repeats. */
export const MAX_QUOTED = 60;
/** Decimals of `%.3f` and `%.3e` in a format text; what cel-go allows. */
export const MAX_FORMAT_PRECISION = 100;
/** Elements that `lists.range` makes, as in cel-go; each is charged, so that a request's budget ends sooner. */
export const MAX_RANGE = 1_000_000;
/** Lists and objects within each other in a JSON text that an expression reads. */
export const MAX_JSON_DEPTH = 250;
/** Sub-expressions that the trace of one evaluation holds; a loop may have many rounds. */
export const MAX_TRACE_STEPS = 1_000;
