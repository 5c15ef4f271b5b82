import type { CelType } from "../attribute/type.ts";

/**
 * A checked expression as plain data: no functions, survives `structuredClone`. This is what a Plan holds; `link` makes closures of it.
 * `at` is the place in the expression's text, [start, end) in UTF-16 units, for tracing and run-time errors; what a definition brought
 * along has the place of its use.
 */
export type Tree =
  | { readonly op: "constant"; readonly value: Literal; readonly at: Place }
  | { readonly op: "attribute"; readonly name: string; readonly type: CelType; readonly at: Place }
  | { readonly op: "local"; readonly name: string; readonly at: Place }
  | { readonly op: "select"; readonly operand: Tree; readonly field: string; readonly at: Place }
  | { readonly op: "optional-select"; readonly operand: Tree; readonly field: string; readonly at: Place }
  | { readonly op: "index"; readonly operand: Tree; readonly index: Tree; readonly at: Place }
  | { readonly op: "optional-index"; readonly operand: Tree; readonly index: Tree; readonly at: Place }
  /** `request.?method`: the attribute as an optional, none where it is absent. */
  | { readonly op: "optional"; readonly operand: Tree; readonly at: Place }
  /** `has(operand.field)`. For `has(request.method)`, an attribute, `field` is left out. */
  | { readonly op: "has"; readonly operand: Tree; readonly field?: string; readonly at: Place }
  /** A whole chain: `a || b || c` has three operands, so that long chains are wide and not deep. */
  | { readonly op: "and" | "or"; readonly operands: readonly Tree[]; readonly at: Place }
  | { readonly op: "not"; readonly operand: Tree; readonly at: Place }
  | {
      readonly op: "conditional";
      readonly condition: Tree;
      readonly whenTrue: Tree;
      readonly whenFalse: Tree;
      readonly at: Place;
    }
  /** `optional`: which elements were written `?x`: an optional, whose value is an element where it has one. */
  | {
      readonly op: "list";
      readonly elements: readonly Tree[];
      readonly optional?: readonly number[];
      readonly at: Place;
    }
  /** `optional`: which entries were written `?key: x`. */
  | {
      readonly op: "map";
      readonly entries: readonly (readonly [Tree, Tree])[];
      readonly optional?: readonly number[];
      readonly at: Place;
    }
  /** An operator or function of the registry, by its overload-free name: `_+_`, `startsWith`, `get`. A receiver is the first argument. */
  | { readonly op: "call"; readonly function: string; readonly args: readonly Tree[]; readonly at: Place }
  /** `cel.bind(variable, value, body)`: the value is evaluated when the body first reads it, and once. */
  | {
      readonly op: "bind";
      readonly variable: string;
      readonly value: Tree;
      readonly body: Tree;
      readonly at: Place;
    }
  /** `operand.optMap(variable, body)`, and with `flat` `optFlatMap`, whose body is an optional itself. */
  | {
      readonly op: "optional-map";
      readonly operand: Tree;
      readonly variable: string;
      readonly body: Tree;
      readonly flat: boolean;
      readonly at: Place;
    }
  | Comprehension;

export interface Comprehension {
  readonly op: "comprehension";
  readonly macro: Macro;
  readonly range: Tree;
  /** The element, or the key of a map; with `second` the index of a list. */
  readonly variable: string;
  /** The element of a list, or the value under the key: `m.all(k, v, …)`. */
  readonly second?: string;
  /** `map(x, p, t)`, and so for the transforming ones: only elements for which it is true. */
  readonly where?: Tree;
  readonly body: Tree;
  readonly at: Place;
}

/** `transform…` have two variables; `map` and `filter` have one; the others may have either. */
export type Macro =
  | "all"
  | "exists"
  | "exists_one"
  | "map"
  | "filter"
  | "transformList"
  | "transformMap"
  | "transformMapEntry";

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
  /** As `string()` shows it. */
  | { readonly type: "ip" | "cidr"; readonly text: string }
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
  /**
   * Whether it is never absent, whatever is absent in the request (it may still be an error): then an attribute derived by it is always
   * supplied. Told from the tree alone: what only the request or a door knows (that a map always has a key, say) does not count.
   */
  readonly total: boolean;
}

/** One place where an expression reads an attribute. */
export interface AttributeRead {
  readonly attribute: string;
  /** A constant map key: `request.headers["x-user"]`, `.get("x-user", "")`, `claims.sub`; in lower case for `.values`. */
  readonly key?: string;
  /**
   * `plain`: absence of the attribute or key makes the expression absent. `guarded`: read through `has`, `in`, `.get`, `.values`,
   * `.orDefault` or `?`, which have an answer for absence.
   */
  readonly mode: "plain" | "guarded";
  /** What guards it; left out of a plain read. `in` and `?` do not excuse reading what a door never supplies, the others do. */
  readonly guard?: Guard;
  /** The read is the operand of `==` or `!=` (or of `in` a list): duplicates of a header arrive joined by commas. */
  readonly compared: boolean;
  /** Place in the text of the expression that was compiled (of the definition's use, where it is read through one). */
  readonly at: Place;
}

export type Guard = "has" | "in" | "get" | "values" | "orDefault" | "?";

/** Text with `${CEL}`: literal pieces and expressions, in order. Plain data. */
export interface TemplatePlan {
  readonly text: string;
  readonly parts: readonly (string | ExpressionPlan)[];
  /** As those of its expressions, with places in the template's text. */
  readonly reads: readonly AttributeRead[];
}
