import type { Macro } from "./tree.ts";

/**
 * The macros of the language: calls that bind variables or look at names, which are part of the syntax and not functions. One row each;
 * the parser and docs/cel.md are derived from them. A call with another number of arguments is no macro.
 */
export interface MacroRow {
  /** What is called: `exists`, or with the name it is called on, `cel.bind`. */
  readonly name: string;
  /** As people write it. */
  readonly forms: readonly string[];
  readonly doc: string;
  readonly expand: Expansion;
}

/** What the parser makes of a macro. */
export type Expansion =
  | { readonly to: "has" }
  | { readonly to: "bind" }
  | { readonly to: "sort-by" }
  | { readonly to: "optional-map"; readonly flat: boolean }
  | {
      readonly to: "comprehension";
      readonly macro: Macro;
      /** By how many arguments a form has. */
      readonly arguments: ReadonlyMap<number, LoopForm>;
    };

/** How a form of a comprehension reads its arguments. */
export interface LoopForm {
  readonly variables: 1 | 2;
  /** Whether the argument before the last one is a condition. */
  readonly where: boolean;
}

const ONE: LoopForm = { variables: 1, where: false };
const TWO: LoopForm = { variables: 2, where: false };
const EITHER: ReadonlyMap<number, LoopForm> = new Map([
  [2, ONE],
  [3, TWO],
]);
const TRANSFORM: ReadonlyMap<number, LoopForm> = new Map([
  [3, TWO],
  [4, { ...TWO, where: true }],
]);

function quantifier(name: Macro, doc: string): MacroRow {
  const forms = [`range.${name}(x, condition)`, `range.${name}(k, v, condition)`];
  return { name, forms, doc, expand: { to: "comprehension", macro: name, arguments: EITHER } };
}

function transformation(name: "transformList" | "transformMap" | "transformMapEntry", doc: string): MacroRow {
  const forms = [`range.${name}(k, v, value)`, `range.${name}(k, v, only if, value)`];
  return { name, forms, doc, expand: { to: "comprehension", macro: name, arguments: TRANSFORM } };
}

export const MACROS: readonly MacroRow[] = [
  {
    name: "has",
    forms: ["has(a.b)"],
    doc: "Whether `a` has `b`; absent when `a` is.",
    expand: { to: "has" },
  },
  quantifier("all", "Whether the condition holds for each element; true for none."),
  quantifier("exists", "Whether it holds for at least one."),
  quantifier("exists_one", "Whether it holds for exactly one."),
  {
    name: "existsOne",
    forms: ["range.existsOne(k, v, condition)"],
    doc: "The same; as in cel-go only with two variables.",
    expand: { to: "comprehension", macro: "exists_one", arguments: new Map([[3, TWO]]) },
  },
  {
    name: "filter",
    forms: ["range.filter(x, condition)"],
    doc: "The elements for which it holds, as a list.",
    expand: { to: "comprehension", macro: "filter", arguments: new Map([[2, ONE]]) },
  },
  {
    name: "map",
    forms: ["range.map(x, value)", "range.map(x, only if, value)"],
    doc: "A list of what the value is for each element.",
    expand: {
      to: "comprehension",
      macro: "map",
      arguments: new Map([
        [2, ONE],
        [3, { ...ONE, where: true }],
      ]),
    },
  },
  transformation("transformList", "A list of what the value is for each element."),
  transformation("transformMap", "A map of what the value is, under the same keys."),
  transformation("transformMapEntry", "A map of the entries of the maps that the value is; a key may come only once."),
  {
    name: "sortBy",
    forms: ["list.sortBy(x, key)"],
    doc: "The list, in the order of the keys.",
    expand: { to: "sort-by" },
  },
  {
    name: "cel.bind",
    forms: ["cel.bind(name, value, expression)"],
    doc: "The expression, in which the name is the value; it is evaluated once, when it is needed.",
    expand: { to: "bind" },
  },
  {
    name: "optMap",
    forms: ["optional.optMap(x, value)"],
    doc: "The optional of what the value is for the value of this one; none of none.",
    expand: { to: "optional-map", flat: false },
  },
  {
    name: "optFlatMap",
    forms: ["optional.optFlatMap(x, optional)"],
    doc: "The same for an expression that is an optional itself.",
    expand: { to: "optional-map", flat: true },
  },
];

const BY_NAME: ReadonlyMap<string, MacroRow> = new Map(MACROS.map((row) => [row.name, row]));

/** @returns the macro of a name, with a dot where it is called on one. */
export function macroNamed(name: string): MacroRow | undefined {
  return BY_NAME.get(name);
}
