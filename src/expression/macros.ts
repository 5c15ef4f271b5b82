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
  /** An expression that is true, as the page shows it. */
  readonly example: string;
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

function quantifier(name: Macro, doc: string, example: string): MacroRow {
  const forms = [`range.${name}(x, condition)`, `range.${name}(k, v, condition)`];
  return { name, forms, doc, example, expand: { to: "comprehension", macro: name, arguments: EITHER } };
}

function transformation(
  name: "transformList" | "transformMap" | "transformMapEntry",
  doc: string,
  example: string,
): MacroRow {
  const forms = [`range.${name}(k, v, value)`, `range.${name}(k, v, only if, value)`];
  return { name, forms, doc, example, expand: { to: "comprehension", macro: name, arguments: TRANSFORM } };
}

export const MACROS: readonly MacroRow[] = [
  {
    name: "has",
    forms: ["has(a.b)"],
    doc: "Whether `a` has `b`; absent when `a` is.",
    example: "has(request.headers.host)",
    expand: { to: "has" },
  },
  quantifier("all", "Whether the condition holds for each element; true for none.", "[1, 2].all(x, x > 0)"),
  quantifier("exists", "Whether it holds for at least one.", 'request.headers.exists(k, v, k.startsWith("x-"))'),
  quantifier("exists_one", "Whether it holds for exactly one.", "[1, 2].exists_one(x, x > 1)"),
  {
    name: "existsOne",
    forms: ["range.existsOne(k, v, condition)"],
    doc: "The same; as in cel-go only with two variables.",
    example: "[5, 6].existsOne(i, v, v == i + 5) == false",
    expand: { to: "comprehension", macro: "exists_one", arguments: new Map([[3, TWO]]) },
  },
  {
    name: "filter",
    forms: ["range.filter(x, condition)"],
    doc: "The elements for which it holds, as a list.",
    example: "[1, 2, 3].filter(x, x > 1) == [2, 3]",
    expand: { to: "comprehension", macro: "filter", arguments: new Map([[2, ONE]]) },
  },
  {
    name: "map",
    forms: ["range.map(x, value)", "range.map(x, only if, value)"],
    doc: "A list of what the value is for each element.",
    example: "[1, 2].map(x, x * 2) == [2, 4]",
    expand: {
      to: "comprehension",
      macro: "map",
      arguments: new Map([
        [2, ONE],
        [3, { ...ONE, where: true }],
      ]),
    },
  },
  transformation(
    "transformList",
    "A list of what the value is for each element.",
    "[5, 6].transformList(i, v, i > 0, v * 10) == [60]",
  ),
  transformation(
    "transformMap",
    "A map of what the value is, under the same keys.",
    '{"a": 1}.transformMap(k, v, v + 1) == {"a": 2}',
  ),
  transformation(
    "transformMapEntry",
    "A map of the entries of the maps that the value is; a key may come only once.",
    '["a", "b"].transformMapEntry(i, v, {v: i}) == {"a": 0, "b": 1}',
  ),
  {
    name: "sortBy",
    forms: ["list.sortBy(x, key)"],
    doc: "The list, in the order of the keys.",
    example: '["bb", "a"].sortBy(x, x.size()) == ["a", "bb"]',
    expand: { to: "sort-by" },
  },
  {
    name: "cel.bind",
    forms: ["cel.bind(name, value, expression)"],
    doc: "The expression, in which the name is the value; it is evaluated once, when it is needed.",
    example: 'cel.bind(user, request.headers["x-user"], user != "" && user != "root")',
    expand: { to: "bind" },
  },
  {
    name: "optMap",
    forms: ["optional.optMap(x, value)"],
    doc: "The optional of what the value is for the value of this one; none of none.",
    example: 'request.headers[?"x-user"].optMap(x, x.size()).orValue(0) < 50',
    expand: { to: "optional-map", flat: false },
  },
  {
    name: "optFlatMap",
    forms: ["optional.optFlatMap(x, optional)"],
    doc: "The same for an expression that is an optional itself.",
    example: 'request.headers[?"x-ids"].optFlatMap(x, x.split(",").last()).hasValue() == false',
    expand: { to: "optional-map", flat: true },
  },
];

const BY_NAME: ReadonlyMap<string, MacroRow> = new Map(MACROS.map((row) => [row.name, row]));

/** @returns the macro of a name, with a dot where it is called on one. */
export function macroNamed(name: string): MacroRow | undefined {
  return BY_NAME.get(name);
}
