import type { CelType } from "../attribute/type.ts";

/**
 * A checked expression as plain data: no functions, survives `structuredClone`. This is what a Plan holds; `link` makes closures of it.
 * `at` is the place in the expression's text, [start, end) in UTF-16 units, for tracing and run-time errors.
 */
export type Tree =
  | { readonly op: "constant"; readonly value: Literal; readonly at: Place }
  | { readonly op: "attribute"; readonly name: string; readonly at: Place }
  | { readonly op: "local"; readonly name: string; readonly at: Place }
  | { readonly op: "select"; readonly operand: Tree; readonly field: string; readonly at: Place }
  | { readonly op: "optional-select"; readonly operand: Tree; readonly field: string; readonly at: Place }
  | { readonly op: "index"; readonly operand: Tree; readonly index: Tree; readonly at: Place }
  | { readonly op: "optional-index"; readonly operand: Tree; readonly index: Tree; readonly at: Place }
  /** `has(operand.field)`. For `has(request.method)`, an attribute, `field` is left out. */
  | { readonly op: "has"; readonly operand: Tree; readonly field?: string; readonly at: Place }
  | { readonly op: "and" | "or"; readonly left: Tree; readonly right: Tree; readonly at: Place }
  | { readonly op: "not"; readonly operand: Tree; readonly at: Place }
  | { readonly op: "conditional"; readonly condition: Tree; readonly then: Tree; readonly otherwise: Tree; readonly at: Place }
  | { readonly op: "list"; readonly elements: readonly Tree[]; readonly at: Place }
  | { readonly op: "map"; readonly entries: readonly (readonly [Tree, Tree])[]; readonly at: Place }
  /** An operator or function of the registry, by its overload-free name: `_+_`, `startsWith`, `get`. A receiver is the first argument. */
  | { readonly op: "call"; readonly function: string; readonly args: readonly Tree[]; readonly at: Place }
  | {
      readonly op: "comprehension";
      readonly macro: "all" | "exists" | "exists_one" | "map" | "filter";
      readonly range: Tree;
      readonly variable: string;
      /** `map(x, p, t)`: only elements for which it is true. */
      readonly where?: Tree;
      readonly body: Tree;
      readonly at: Place;
    };

export type Place = readonly [start: number, end: number];

/** Constants as plain data: what CelValue cannot be across threads. */
export type Literal =
  | { readonly type: "null" }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "int" | "uint"; readonly value: bigint }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "bytes"; readonly value: Uint8Array }
  | { readonly type: "timestamp" | "duration"; readonly nanos: bigint }
  | { readonly type: "type"; readonly name: string }
  | { readonly type: "list"; readonly items: readonly Literal[] }
  | { readonly type: "map"; readonly entries: readonly (readonly [Literal, Literal])[] };

/** An expression that was parsed and type-checked. Plain data. */
export interface ExpressionPlan {
  readonly text: string;
  readonly type: CelType;
  readonly tree: Tree;
  /** Every attribute it may read, through definitions too. Derived attributes stand as themselves. */
  readonly reads: readonly AttributeRead[];
  /** Its value where it does not depend on the request. */
  readonly constant?: Literal;
  /** Whether it has a value whatever is absent (total): then an attribute derived by it is always supplied. */
  readonly total: boolean;
}

/** One place where an expression reads an attribute. */
export interface AttributeRead {
  readonly attribute: string;
  /** A constant map key: `request.headers["x-user"]`, `.get("x-user", "")`, `claims.sub`. */
  readonly key?: string;
  /**
   * `plain`: absence of the attribute or key makes the expression absent. `guarded`: read through `has`, `in`, `.get`, `.values`,
   * `.orDefault` or `?`, which have an answer for absence.
   */
  readonly mode: "plain" | "guarded";
  /** The read is the operand of `==` or `!=` (or of `in` a list): duplicates of a header arrive joined by commas. */
  readonly compared: boolean;
  /** Place in the text of the expression that was compiled (of the definition's use, where it is read through one). */
  readonly at: Place;
}

/** Text with `${CEL}`: literal pieces and expressions, in order. Plain data. */
export interface TemplatePlan {
  readonly text: string;
  readonly parts: readonly (string | ExpressionPlan)[];
  readonly reads: readonly AttributeRead[];
}
