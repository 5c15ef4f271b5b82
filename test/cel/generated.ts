import * as fc from "fast-check";
import {
  ABSENT,
  type CelValue,
  Duration,
  Invalid,
  Optional,
  type Outcome,
  Timestamp,
  Uint,
} from "../../src/attribute/value.ts";

/** A generated expression: its own tree, so that neither our parser nor our linker has to be believed. */
export type Expr =
  | { readonly op: "literal"; readonly text: string; readonly value: CelValue }
  | { readonly op: "name"; readonly name: string }
  /** By the names of `ROWS`: `_+_`, `-_`, `size`, `.startsWith`; `_?_:_`, `_[_]` and `[_]` (a list) too. */
  | { readonly op: "call"; readonly name: string; readonly args: readonly Expr[] }
  | { readonly op: "field"; readonly name: "." | ".?" | "has"; readonly of: Expr; readonly field: string }
  | { readonly op: "map"; readonly entries: readonly (readonly [Expr, Expr])[] }
  | {
      readonly op: "macro";
      readonly name: Macro;
      readonly of: Expr;
      readonly variables: readonly string[];
      readonly where?: Expr;
      readonly body: Expr;
    }
  | { readonly op: "bind"; readonly variable: string; readonly value: Expr; readonly body: Expr };

export type Macro = "all" | "exists" | "exists_one" | "map" | "filter" | "transformList" | "transformMap" | "optMap";

export type Type =
  | "bool"
  | "int"
  | "uint"
  | "double"
  | "string"
  | "bytes"
  | "timestamp"
  | "duration"
  | "dyn"
  | "list(int)"
  | "list(string)"
  | "map(string, int)"
  | "optional(int)";

/** Who is asked: `weir` alone knows absence, errors as attributes, optionals, two variables, and functions of its own. */
export type Dialect = "weir" | "standard";

interface Name {
  readonly type: Type;
  /** One for each request. */
  readonly values: readonly Outcome[];
  readonly dialect?: "weir";
}

const BROKEN = new Invalid("broken");
const nothing: readonly Outcome[] = [ABSENT, ABSENT, ABSENT];
const bytes = (...of: number[]): Uint8Array => Uint8Array.from(of);

/** Attributes, some of them with dots in their names, in three requests. */
export const NAMES: ReadonlyMap<string, Name> = new Map<string, Name>([
  ["flag", { type: "bool", values: [true, false, true] }],
  ["off", { type: "bool", values: [false, ABSENT, true] }],
  ["noflag", { type: "bool", values: nothing }],
  ["badflag", { type: "bool", values: [BROKEN, BROKEN, false], dialect: "weir" }],
  ["i", { type: "int", values: [1n, -7n, 9223372036854775807n] }],
  ["req.size", { type: "int", values: [3n, ABSENT, 0n] }],
  ["noint", { type: "int", values: nothing }],
  ["badint", { type: "int", values: [BROKEN, 2n, BROKEN], dialect: "weir" }],
  ["u", { type: "uint", values: [new Uint(1n), new Uint(18446744073709551615n), ABSENT] }],
  ["d", { type: "double", values: [1.5, -0, Number.NaN] }],
  ["s", { type: "string", values: ["a", "", "é😀"] }],
  ["req.name", { type: "string", values: ["12", ABSENT, "ab"] }],
  ["badtext", { type: "string", values: [BROKEN, "x", BROKEN], dialect: "weir" }],
  ["b", { type: "bytes", values: [bytes(97), bytes(), bytes(255, 0)] }],
  ["t", { type: "timestamp", values: [new Timestamp(1_709_210_096_789_000_000n), new Timestamp(0n), ABSENT] }],
  ["w", { type: "duration", values: [new Duration(90_000_000_000n), new Duration(-1n), new Duration(0n)] }],
  ["x", { type: "dyn", values: [1n, "a", ABSENT] }],
  ["y", { type: "dyn", values: [true, 1, [1n]] }],
  ["li", { type: "list(int)", values: [[1n, 2n, 3n], [], [-1n, 9223372036854775807n]] }],
  ["noli", { type: "list(int)", values: nothing }],
  ["req.groups", { type: "list(string)", values: [["a", "ops"], [""], ABSENT] }],
  [
    "m",
    {
      type: "map(string, int)",
      values: [
        map([["a", 1n]]),
        map([]),
        map([
          ["constructor", 2n],
          ["__proto__", 3n],
        ]),
      ],
    },
  ],
  ["nomap", { type: "map(string, int)", values: nothing, dialect: "weir" }],
  ["badmap", { type: "map(string, int)", values: [BROKEN, map([["a", 5n]]), BROKEN], dialect: "weir" }],
]);

export const REQUESTS = [0, 1, 2] as const;

function map(entries: readonly (readonly [string, bigint])[]): ReadonlyMap<string, bigint> {
  return new Map(entries);
}

const LITERALS: Readonly<Record<Type, readonly (readonly [text: string, value: CelValue])[]>> = {
  bool: [
    ["true", true],
    ["false", false],
  ],
  int: [
    ...(
      ["0", "1", "-1", "2", "7", "0x1F", "9223372036854775807", "-9223372036854775808", "9007199254740993"] as const
    ).map((text) => [text, BigInt(text)] as const),
  ],
  uint: [
    ["0u", new Uint(0n)],
    ["1u", new Uint(1n)],
    ["18446744073709551615u", new Uint(18446744073709551615n)],
  ],
  double: [
    ["0.0", 0],
    ["1.0", 1],
    ["-1.5", -1.5],
    ["0.1", 0.1],
    ["1e300", 1e300],
    ["2e-7", 2e-7],
  ],
  string: [
    ['""', ""],
    ["'a'", "a"],
    ['"ab"', "ab"],
    ['"12"', "12"],
    ['"-3"', "-3"],
    ['"é"', "é"],
    ['r"\\d"', "\\d"],
    ['"\\U0001F600"', "😀"],
    ['"constructor"', "constructor"],
    ['"true"', "true"],
  ],
  bytes: [
    ['b""', bytes()],
    ["b'a'", bytes(97)],
    ['b"\\xff"', bytes(255)],
    ['b"é"', bytes(0xc3, 0xa9)],
  ],
  timestamp: [
    ['timestamp("2024-02-29T12:34:56.789Z")', new Timestamp(1_709_210_096_789_000_000n)],
    ['timestamp("1970-01-01T00:00:00Z")', new Timestamp(0n)],
  ],
  duration: [
    ['duration("1s")', new Duration(10n ** 9n)],
    ['duration("-1.5h")', new Duration(-5_400n * 10n ** 9n)],
  ],
  dyn: [
    ["dyn(1)", 1n],
    ['dyn("a")', "a"],
    ["dyn(1.0)", 1],
    ["dyn(1u)", new Uint(1n)],
    ["dyn(false)", false],
  ],
  "list(int)": [
    ["[1, 2]", [1n, 2n]],
    ["[7]", [7n]],
  ],
  "list(string)": [
    ['["a", "b", "ab"]', ["a", "b", "ab"]],
    ["['ops']", ["ops"]],
  ],
  "map(string, int)": [
    [
      '{"a": 1, "b": 2}',
      map([
        ["a", 1n],
        ["b", 2n],
      ]),
    ],
    ['{"constructor": 0}', map([["constructor", 0n]])],
  ],
  // `optional.none()` alone could be of any type.
  "optional(int)": [
    ["optional.of(1)", new Optional(1n)],
    ["[0][?1]", new Optional(ABSENT)],
  ],
};

/** What an operator or function makes of what: result, name, arguments. A receiver comes first. */
type Row = readonly [result: Type, name: string, ...args: Type[]];

const EQUAL: readonly Type[] = [
  ...(["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn"] as const),
  ...(["list(int)", "list(string)", "map(string, int)"] as const),
];
const ORDERED: readonly Type[] = ["bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "dyn"];
const NUMBERS: readonly Type[] = ["int", "uint", "double"];

const STANDARD: readonly Row[] = [
  ...EQUAL.flatMap((type): Row[] => [
    ["bool", "_==_", type, type],
    ["bool", "_!=_", type, type],
  ]),
  ...ORDERED.flatMap((type) => ["_<_", "_<=_", "_>_", "_>=_"].map((name): Row => ["bool", name, type, type])),
  ...NUMBERS.flatMap((a) => NUMBERS.filter((b) => a !== b).map((b): Row => ["bool", "_<_", a, b])),
  ...NUMBERS.flatMap((type) => ["_+_", "_-_", "_*_"].map((name): Row => [type, name, type, type])),
  ["int", "_/_", "int", "int"],
  ["double", "_/_", "double", "double"],
  ["double", "-_", "double"],
  ...(["string", "bytes", "list(int)", "list(string)", "duration"] as const).map(
    (type): Row => [type, "_+_", type, type],
  ),
  ["timestamp", "_+_", "timestamp", "duration"],
  ["timestamp", "_-_", "timestamp", "duration"],
  ["duration", "_-_", "timestamp", "timestamp"],
  ["duration", "_-_", "duration", "duration"],
  ["dyn", "_+_", "dyn", "dyn"],
  ["bool", "_&&_", "bool", "bool"],
  ["bool", "_||_", "bool", "bool"],
  ["bool", "!_", "bool"],
  ["bool", "_&&_", "bool", "bool"],
  ["bool", "_||_", "bool", "bool"],
  ["bool", "_in_", "int", "list(int)"],
  ["bool", "_in_", "string", "list(string)"],
  ["bool", "_in_", "string", "map(string, int)"],
  ["bool", ".startsWith", "string", "string"],
  ["bool", ".endsWith", "string", "string"],
  ["bool", ".contains", "string", "string"],
  ...(["string", "bytes", "list(int)", "list(string)", "map(string, int)"] as const).map(
    (type): Row => ["int", "size", type],
  ),
  ["int", "_[_]", "list(int)", "int"],
  ["string", "_[_]", "list(string)", "int"],
  ["int", "_[_]", "map(string, int)", "string"],
  ["int", "int", "uint"],
  ["int", "int", "double"],
  ["uint", "uint", "int"],
  ["uint", "uint", "double"],
  ["double", "double", "int"],
  ["double", "double", "uint"],
  ["bytes", "bytes", "string"],
  ...(["int", "uint", "bool", "bytes"] as const).map((type): Row => ["string", "string", type]),
  ["list(int)", "[_]", "int"],
  ["list(int)", "[_]", "int", "int"],
  ["list(string)", "[_]", "string", "string"],
  ...(["int", "string", "bool", "list(int)", "map(string, int)"] as const).map((type): Row => ["dyn", "dyn", type]),
  ...(["bool", "int", "uint", "double", "string", "list(int)", "dyn"] as const).map(
    (t): Row => [t, "_?_:_", "bool", t, t],
  ),
];

/**
 * What Weir alone has, and where `@bufbuild/cel` is wrong or not as cel-go: remainders by -1, large dividends, the smallest int negated
 * twice, `int("")`, a NaN that is compared with what is no number.
 */
const OURS: readonly Row[] = [
  ["dyn", "dyn", "double"],
  ["int", "-_", "int"],
  ["int", "_%_", "int", "int"],
  ["uint", "_%_", "uint", "uint"],
  ["uint", "_/_", "uint", "uint"],
  ["int", "int", "string"],
  ["string", "string", "double"],
  ["int", ".orDefault", "int", "int"],
  ["string", ".orDefault", "string", "string"],
  ["bool", ".orDefault", "bool", "bool"],
  ["map(string, int)", ".orDefault", "map(string, int)", "map(string, int)"],
  ["int", ".get", "map(string, int)", "string", "int"],
  ["optional(int)", "optional.of", "int"],
  ["optional(int)", "_[?_]", "list(int)", "int"],
  ["optional(int)", "_[?_]", "map(string, int)", "string"],
  ["optional(int)", "_?_:_", "bool", "optional(int)", "optional(int)"],
  ["optional(int)", ".or", "optional(int)", "optional(int)"],
  ["int", ".orValue", "optional(int)", "int"],
  ["int", ".value", "optional(int)"],
  ["bool", ".hasValue", "optional(int)"],
  ["bool", "_==_", "optional(int)", "optional(int)"],
  ["duration", "_?_:_", "bool", "duration", "duration"],
];

/** A macro: what it gives, what it walks through, the types of its variables, and of its body. */
type MacroRow = readonly [result: Type, name: Macro, of: Type, variables: readonly Type[], body: Type, where?: "where"];

const QUANTIFIERS = ["all", "exists", "exists_one"] as const;

const STANDARD_MACROS: readonly MacroRow[] = [
  ...QUANTIFIERS.flatMap((name): MacroRow[] => [
    ["bool", name, "list(int)", ["int"], "bool"],
    ["bool", name, "list(string)", ["string"], "bool"],
    ["bool", name, "map(string, int)", ["string"], "bool"],
  ]),
  ["list(int)", "filter", "list(int)", ["int"], "bool"],
  ["list(string)", "filter", "list(string)", ["string"], "bool"],
  ["list(int)", "map", "list(int)", ["int"], "int"],
  ["list(string)", "map", "list(int)", ["int"], "string"],
  ["list(int)", "map", "list(int)", ["int"], "int", "where"],
  ["list(int)", "map", "list(string)", ["string"], "int", "where"],
];

const OUR_MACROS: readonly MacroRow[] = [
  ...QUANTIFIERS.flatMap((name): MacroRow[] => [
    ["bool", name, "list(string)", ["int", "string"], "bool"],
    ["bool", name, "map(string, int)", ["string", "int"], "bool"],
  ]),
  ["list(int)", "transformList", "map(string, int)", ["string", "int"], "int"],
  ["list(int)", "transformList", "list(int)", ["int", "int"], "int", "where"],
  ["map(string, int)", "transformMap", "map(string, int)", ["string", "int"], "int"],
  ["map(string, int)", "transformMap", "map(string, int)", ["string", "int"], "int", "where"],
  ["optional(int)", "optMap", "optional(int)", ["int"], "int"],
];

const FIELDS = ["a", "b", "constructor"] as const;
/** Operators within operators. */
const DEPTH = 4;
/** Variables within variables. */
const MAX_LOCALS = 3;
const MAX_TEXT = 3000;

/** @returns expressions of the type, over NAMES, each of which type-checks. */
export function expressions(type: Type, dialect: Dialect): fc.Arbitrary<Expr> {
  return new Generator(dialect).of(type, DEPTH, []).filter((expr) => write(expr).length < MAX_TEXT);
}

interface Local {
  readonly name: string;
  readonly type: Type;
}

class Generator {
  readonly #dialect: Dialect;
  readonly #rows: ReadonlyMap<Type, readonly Row[]>;
  readonly #macros: readonly MacroRow[];
  /** One arbitrary for a type, depth and variables: they are far fewer than the trees. */
  readonly #made = new Map<string, fc.Arbitrary<Expr>>();

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
    const ours = dialect === "weir";
    this.#rows = Map.groupBy(ours ? [...STANDARD, ...OURS] : STANDARD, ([result]) => result);
    this.#macros = ours ? [...STANDARD_MACROS, ...OUR_MACROS] : STANDARD_MACROS;
  }

  of(type: Type, depth: number, locals: readonly Local[]): fc.Arbitrary<Expr> {
    const key = `${type} ${depth} ${locals.map((local) => local.type)}`;
    const known = this.#made.get(key);
    if (known) return known;
    const made = depth === 0 ? this.#leaf(type, locals) : this.#inner(type, depth, locals);
    this.#made.set(key, made);
    return made;
  }

  #leaf(type: Type, locals: readonly Local[]): fc.Arbitrary<Expr> {
    const names = [...NAMES].filter(([, one]) => one.type === type && (one.dialect ?? this.#dialect) === this.#dialect);
    const variables = locals.filter((local) => local.type === type).map((local) => local.name);
    const all: Expr[] = [
      ...LITERALS[type].map(([text, value]): Expr => ({ op: "literal", text, value })),
      ...[...names.map(([name]) => name), ...variables, ...variables].map((name): Expr => ({ op: "name", name })),
    ];
    return fc.constantFrom(...all);
  }

  #inner(type: Type, depth: number, locals: readonly Local[]): fc.Arbitrary<Expr> {
    const below = (of: Type): fc.Arbitrary<Expr> => this.of(of, depth - 1, locals);
    const calls = (this.#rows.get(type) ?? []).map(([, name, ...args]) =>
      fc.tuple(...args.map(below)).map((made): Expr => ({ op: "call", name, args: made })),
    );
    const leaf = this.#leaf(type, locals);
    const inner = [...calls, ...this.#fields(type, below), ...this.#loops(type, depth, locals)];
    const several = (of: readonly fc.Arbitrary<Expr>[], weight: number) =>
      of.length > 0 ? [{ weight, arbitrary: fc.oneof(...of) }] : [];
    return fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: leaf }, ...several(inner, 4));
  }

  #fields(type: Type, below: (of: Type) => fc.Arbitrary<Expr>): fc.Arbitrary<Expr>[] {
    const field = (name: "." | ".?" | "has") =>
      fc
        .tuple(below("map(string, int)"), fc.constantFrom(...FIELDS))
        .map(([of, field]): Expr => ({ op: "field", name, of, field }));
    if (type === "int") return [field(".")];
    if (type === "bool") return [field("has")];
    if (type === "optional(int)" && this.#dialect === "weir") return [field(".?")];
    if (type !== "map(string, int)") return [];
    const entries = fc.tuple(fc.tuple(below("string"), below("int")));
    return [entries.map((made): Expr => ({ op: "map", entries: made }))];
  }

  #loops(type: Type, depth: number, locals: readonly Local[]): fc.Arbitrary<Expr>[] {
    if (locals.length + 2 > MAX_LOCALS) return [];
    const loops = this.#macros
      .filter(([result]) => result === type)
      .map(([, name, range, types, body, where]) => {
        const bound = types.map((one, index): Local => ({ name: `v${locals.length + index}`, type: one }));
        const variables = bound.map((local) => local.name);
        const inside = [...locals, ...bound];
        const of = this.of(range, depth - 1, locals);
        const parts = fc.tuple(of, this.of(body, depth - 1, inside), this.of("bool", depth - 1, inside));
        return parts.map(([of, body, condition]): Expr => {
          const base = { op: "macro", name, of, variables, body } as const;
          return where ? { ...base, where: condition } : base;
        });
      });
    return this.#dialect === "weir" ? [...loops, this.#bind(type, depth, locals)] : loops;
  }

  #bind(type: Type, depth: number, locals: readonly Local[]): fc.Arbitrary<Expr> {
    const variable = `v${locals.length}`;
    const body = this.of(type, depth - 1, [...locals, { name: variable, type: "int" }]);
    return fc
      .tuple(this.of("int", depth - 1, locals), body)
      .map(([value, body]): Expr => ({ op: "bind", variable, value, body }));
  }
}

/** How tightly an expression holds together, as the grammar has it. */
const MEMBER = 8;
const UNARY = 7;
const LEVELS: Readonly<Record<string, number>> = {
  "_?_:_": 1,
  "_||_": 2,
  "_&&_": 3,
  ...Object.fromEntries(["_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_in_"].map((name) => [name, 4])),
  ...Object.fromEntries(["_+_", "_-_"].map((name) => [name, 5])),
  ...Object.fromEntries(["_*_", "_/_", "_%_"].map((name) => [name, 6])),
  "!_": UNARY,
  "-_": UNARY,
};

/** As an author would write it, with no more parentheses than needed. */
export function write(expr: Expr): string {
  switch (expr.op) {
    case "literal":
      return expr.text;
    case "name":
      return expr.name;
    case "field":
      return expr.name === "has"
        ? `has(${at(expr.of, MEMBER)}.${expr.field})`
        : `${at(expr.of, MEMBER)}${expr.name}${expr.field}`;
    case "map":
      return `{${expr.entries.map(([key, value]) => `${write(key)}: ${write(value)}`).join(", ")}}`;
    case "macro": {
      const parts = [...expr.variables, ...(expr.where ? [write(expr.where)] : []), write(expr.body)];
      return `${at(expr.of, MEMBER)}.${expr.name}(${parts.join(", ")})`;
    }
    case "bind":
      return `cel.bind(${expr.variable}, ${write(expr.value)}, ${write(expr.body)})`;
    case "call":
      return writeCall(expr.name, expr.args);
  }
}

function writeCall(name: string, args: readonly Expr[]): string {
  const level = LEVELS[name] ?? MEMBER;
  const [a, b, c] = args;
  if (name === "[_]") return `[${args.map(write).join(", ")}]`;
  if (a && b && c && name === "_?_:_") return `${at(a, level + 1)} ? ${at(b, level + 1)} : ${at(c, level)}`;
  if (a && b && name.startsWith("_[")) return `${at(a, MEMBER)}${name.replace("_", "").replace("_", write(b))}`;
  if (a && b && name.startsWith("_")) return `${at(a, level)} ${name.slice(1, -1)} ${at(b, level + 1)}`;
  // Two signs in a row would be one operator of two.
  if (a && name.endsWith("_")) return `${name.slice(0, -1)}${at(a, MEMBER)}`;
  if (a && name.startsWith(".")) return `${at(a, MEMBER)}${name}(${args.slice(1).map(write).join(", ")})`;
  return `${name}(${args.map(write).join(", ")})`;
}

/** In parentheses where it holds together less tightly than its place needs. */
function at(expr: Expr, level: number): string {
  const own =
    expr.op === "call"
      ? (LEVELS[expr.name] ?? MEMBER)
      : expr.op === "literal" && expr.text.startsWith("-")
        ? UNARY
        : MEMBER;
  return own < level ? `(${write(expr)})` : write(expr);
}
