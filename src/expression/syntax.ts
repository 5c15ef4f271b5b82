import type { Literal, Macro, Place } from "./tree.ts";

/** An expression as it is written: names mean nothing yet, and nothing has a type. Macros are told from calls. */
export type Syntax =
  | { readonly is: "literal"; readonly value: Literal; readonly at: Place }
  /** `rooted`: written with a dot before it, so that no variable of a loop is meant. */
  | { readonly is: "name"; readonly name: string; readonly rooted: boolean; readonly at: Place }
  | Select
  | {
      readonly is: "index";
      readonly operand: Syntax;
      readonly index: Syntax;
      readonly optional: boolean;
      readonly at: Place;
    }
  | Call
  | {
      readonly is: "operator";
      readonly name: string;
      readonly args: readonly Syntax[];
      readonly at: Place;
    }
  /** A whole chain: long ones are wide, not deep. */
  | { readonly is: "and" | "or"; readonly operands: readonly Syntax[]; readonly at: Place }
  | { readonly is: "not"; readonly operand: Syntax; readonly at: Place }
  | {
      readonly is: "conditional";
      readonly condition: Syntax;
      readonly whenTrue: Syntax;
      readonly whenFalse: Syntax;
      readonly at: Place;
    }
  | {
      readonly is: "list";
      readonly elements: readonly Syntax[];
      readonly optional: readonly number[];
      readonly at: Place;
    }
  | {
      readonly is: "map";
      readonly entries: readonly (readonly [Syntax, Syntax])[];
      readonly optional: readonly number[];
      readonly at: Place;
    }
  /** `Type{field: value}`, which makes a message of a protocol: Weir has none. */
  | { readonly is: "message"; readonly name: string; readonly at: Place }
  | { readonly is: "has"; readonly of: Select; readonly at: Place }
  | {
      readonly is: "comprehension";
      readonly macro: Macro;
      readonly range: Syntax;
      readonly variable: string;
      readonly second?: string;
      readonly where?: Syntax;
      readonly body: Syntax;
      readonly at: Place;
    }
  | {
      readonly is: "bind";
      readonly variable: string;
      readonly value: Syntax;
      readonly body: Syntax;
      readonly at: Place;
    }
  | {
      readonly is: "optional-map";
      readonly flat: boolean;
      readonly operand: Syntax;
      readonly variable: string;
      readonly body: Syntax;
      readonly at: Place;
    }
  | {
      readonly is: "sort-by";
      readonly list: Syntax;
      readonly variable: string;
      readonly key: Syntax;
      readonly at: Place;
    };

export interface Select {
  readonly is: "select";
  readonly operand: Syntax;
  readonly field: string;
  /** Reached by `.?`. */
  readonly optional: boolean;
  readonly at: Place;
}

export interface Call {
  readonly is: "call";
  readonly name: string;
  /** What it is called on: `a` in `a.f()`, which may turn out to be the beginning of the function's name. */
  readonly receiver?: Syntax;
  readonly args: readonly Syntax[];
  /** Where the name stands. */
  readonly named: Place;
  readonly at: Place;
}
