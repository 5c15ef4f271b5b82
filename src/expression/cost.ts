import type { CelType } from "../attribute/type.ts";
import type { CelValue } from "../attribute/value.ts";
import type { Cost, FunctionRow } from "./functions/function-row.ts";
import { functionNamed, overloadsOf } from "./functions/registry.ts";
import type { Overload, SignatureType } from "./functions/signature.ts";
import { ASSUMED_BYTES, ASSUMED_CHARACTERS, ASSUMED_ENTRIES } from "./limits.ts";

import { roundSteps } from "./link-comprehension.ts";
import { fromLiteral } from "./literal.ts";
import type { Comprehension, Tree } from "./tree.ts";
import { CHARACTERS_PER_UNIT, ENTRIES_PER_UNIT, isList, isMap, sizeOf } from "./values.ts";

/** What an expression may cost at most. */
export interface Estimate {
  /** Evaluation steps, for attributes as large as they are assumed to be. */
  readonly steps: number;
  /** The smallest part that costs more than the limit by itself; undefined when nothing does. */
  readonly tooDear: Tree | undefined;
}

/**
 * Tells at load what an expression may cost, from the same rows that its evaluation is charged by, for attributes as large as they are
 * assumed to be at most (`ASSUMED_…` in limits.ts). A request may bring larger ones; there its budget ends the evaluation.
 */
export function estimate(tree: Tree, limit: number): Estimate {
  const estimator = new Estimator(limit);
  const { steps, size } = estimator.of(tree, new Map());
  // Whoever asked takes the value as it is, with everything in it.
  return { steps: steps + Math.ceil(weightOf(size)), tooDear: estimator.tooDear };
}

/** @returns the steps of one call, for the smallest arguments and for those that are as large as they are assumed to be. */
export function assumedCost(row: FunctionRow): { readonly least: number; readonly most: number } {
  const costs = overloadsOf(row.name).map(({ parameters }) => {
    const sizes = parameters.map(sizeOfParameter).map((size) => (row.deep ? weightOf(size) : size.units));
    const smallest = sizes.map(() => 1);
    return { least: Math.ceil(priced(row.cost, smallest)), most: Math.ceil(priced(row.cost, sizes)) };
  });
  return { least: Math.min(...costs.map(({ least }) => least)), most: Math.max(...costs.map(({ most }) => most)) };
}

/** How large a value may be: its size in units, and that of what is in it. Keys and values of a map are not told apart. */
interface Size {
  readonly units: number;
  readonly inside?: Size;
}

/** What evaluating a node takes, and how large its value may be. */
interface Price {
  readonly steps: number;
  readonly size: Size;
}

const SCALAR: Size = { units: 1 };
const TEXT: Size = { units: 1 + ASSUMED_CHARACTERS / CHARACTERS_PER_UNIT };
const BYTES: Size = { units: 1 + ASSUMED_BYTES / CHARACTERS_PER_UNIT };
/** Where the type is not known: a list of texts is the largest of what is usual. */
const ANYTHING: Size = { units: 1 + ASSUMED_ENTRIES, inside: TEXT };

type Locals = ReadonlyMap<string, Size>;

class Estimator {
  tooDear: Tree | undefined;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(tree: Tree, locals: Locals): Price {
    const price = this.#node(tree, locals);
    // Parts come before what they are part of: the first one is the smallest.
    if (price.steps > this.#limit) this.tooDear ??= tree;
    return price;
  }

  #node(tree: Tree, locals: Locals): Price {
    switch (tree.op) {
      case "constant":
        return { steps: 0, size: sizeOfValue(fromLiteral(tree.value)) };
      case "attribute":
        return { steps: 0, size: sizeOfType(tree.type) };
      case "local":
        return { steps: 0, size: locals.get(tree.name) ?? ANYTHING };
      case "select":
      case "optional-select": {
        const operand = this.of(tree.operand, locals);
        return { steps: operand.steps + lookUp(operand.size), size: operand.size.inside ?? ANYTHING };
      }
      case "index":
      case "optional-index": {
        const operand = this.of(tree.operand, locals);
        const index = this.of(tree.index, locals);
        return { steps: operand.steps + index.steps + lookUp(operand.size), size: operand.size.inside ?? ANYTHING };
      }
      case "optional":
        return this.of(tree.operand, locals);
      case "has":
      case "not":
        return { steps: this.of(tree.operand, locals).steps, size: SCALAR };
      case "and":
      case "or":
        return { steps: this.#all(tree.operands, locals).steps + tree.operands.length, size: SCALAR };
      case "conditional":
        return this.#conditional(tree, locals);
      case "list":
        return this.#literal(tree.elements, tree.elements.length, locals);
      case "map":
        return this.#literal(tree.entries.flat(), tree.entries.length, locals);
      case "call":
        return this.#call(tree, locals);
      case "bind": {
        const value = this.of(tree.value, locals);
        const body = this.of(tree.body, new Map([...locals, [tree.variable, value.size]]));
        return { steps: value.steps + body.steps, size: body.size };
      }
      case "optional-map": {
        const operand = this.of(tree.operand, locals);
        const body = this.of(tree.body, new Map([...locals, [tree.variable, operand.size]]));
        return { steps: operand.steps + body.steps, size: body.size };
      }
      case "comprehension":
        return this.#comprehension(tree, locals);
    }
  }

  #all(trees: readonly Tree[], locals: Locals): { readonly steps: number; readonly sizes: readonly Size[] } {
    const prices = trees.map((tree) => this.of(tree, locals));
    return { steps: prices.reduce((sum, { steps }) => sum + steps, 0), sizes: prices.map(({ size }) => size) };
  }

  #conditional(tree: Tree & { op: "conditional" }, locals: Locals): Price {
    const condition = this.of(tree.condition, locals);
    const yes = this.of(tree.whenTrue, locals);
    const no = this.of(tree.whenFalse, locals);
    return { steps: condition.steps + Math.max(yes.steps, no.steps), size: larger(yes.size, no.size) };
  }

  #literal(parts: readonly Tree[], entries: number, locals: Locals): Price {
    const { steps, sizes } = this.#all(parts, locals);
    return { steps: steps + parts.length, size: container(entries, sizes.reduce(larger, SCALAR)) };
  }

  #call({ function: name, args }: Tree & { op: "call" }, locals: Locals): Price {
    const row = functionNamed(name);
    if (row === undefined) throw new Error(`tree calls an unknown function ${name}`);
    const { steps, sizes } = this.#all(args, locals);
    const constants = args.map((arg) => (arg.op === "constant" ? fromLiteral(arg.value) : undefined));
    const prepared =
      args.some((arg) => arg.op === "constant") || args.length === 1 ? row.prepare?.(constants) : undefined;
    const measured = sizes.map((size) => (row.deep ? weightOf(size) : size.units));
    const units = row.resultSize === undefined ? sum(measured) : priced(row.resultSize, measured);
    const isDecoded = row.resultSize !== undefined;
    const returns = overloadsOf(name)
      .filter(({ parameters }) => parameters.length === args.length)
      .map((overload) => resultSize(overload, units, sizes, isDecoded));
    return {
      steps: steps + Math.ceil(priced(prepared?.cost ?? row.cost, measured)),
      size: returns.reduce(larger, SCALAR),
    };
  }

  #comprehension(tree: Comprehension, locals: Locals): Price {
    const { macro, range, variable, second, where, body } = tree;
    const walked = this.of(range, locals);
    const rounds = Math.max(0, walked.size.units - 1);
    const element = walked.size.inside ?? SCALAR;
    const bound: (readonly [string, Size])[] = [[variable, element]];
    if (second !== undefined) bound.push([second, element]);
    const inside = new Map([...locals, ...bound]);
    const each = this.of(body, inside);
    const chosen = where === undefined ? 0 : this.of(where, inside).steps;
    const steps = walked.steps + rounds * (roundSteps(tree) + chosen + each.steps);
    switch (macro) {
      case "all":
      case "exists":
      case "exists_one":
        return { steps, size: SCALAR };
      case "filter":
        return { steps, size: container(rounds, element) };
      case "map":
      case "transformList":
        return { steps, size: container(rounds, each.size) };
      case "transformMap":
        return { steps, size: container(rounds, larger(element, each.size)) };
      case "transformMapEntry":
        return { steps, size: container(rounds * (each.size.units - 1), each.size.inside ?? SCALAR) };
    }
  }
}

/** A key is found at once, but for kinds of keys that are looked for. */
function lookUp({ units }: Size): number {
  return 1 + units / ENTRIES_PER_UNIT;
}

function priced(cost: Cost, [a = 0, b = 0, c = 0, d = 0]: readonly number[]): number {
  return typeof cost === "number" ? cost : cost(a, b, c, d);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function container(entries: number, inside: Size): Size {
  return { units: 1 + entries, inside };
}

function larger(one: Size, other: Size): Size {
  const units = Math.max(one.units, other.units);
  if (one.inside === undefined || other.inside === undefined) {
    const inside = one.inside ?? other.inside;
    return inside === undefined ? { units } : { units, inside };
  }
  return { units, inside: larger(one.inside, other.inside) };
}

/** With everything inside, as `weightOf` of a value: an entry of a map is two values. */
function weightOf({ units, inside }: Size): number {
  return inside === undefined ? units : units + 2 * (units - 1) * weightOf(inside);
}

function sizeOfValue(value: CelValue): Size {
  const units = sizeOf(value);
  if (isList(value)) return { units, inside: value.map(sizeOfValue).reduce(larger, SCALAR) };
  if (!isMap(value)) return { units };
  return { units, inside: [...value].flat().map(sizeOfValue).reduce(larger, SCALAR) };
}

function sizeOfType(type: CelType): Size {
  switch (type.kind) {
    case "string":
      return TEXT;
    case "bytes":
      return BYTES;
    case "list":
      return container(ASSUMED_ENTRIES, sizeOfType(type.element));
    case "map":
      return container(ASSUMED_ENTRIES, larger(sizeOfType(type.key), sizeOfType(type.value)));
    case "optional":
      return sizeOfType(type.value);
    case "dyn":
      return ANYTHING;
    default:
      return SCALAR;
  }
}

function sizeOfParameter(type: SignatureType): Size {
  switch (type.kind) {
    case "parameter":
      return TEXT;
    case "list":
      return container(ASSUMED_ENTRIES, sizeOfParameter(type.element));
    case "map":
      return container(ASSUMED_ENTRIES, larger(sizeOfParameter(type.key), sizeOfParameter(type.value)));
    case "optional":
      return sizeOfParameter(type.value);
    case "type":
      return SCALAR;
    default:
      return sizeOfType(type);
  }
}

/** How large what a call gives may be, by the types of its overload; `units` at its outermost. */
function resultSize({ parameters, returns }: Overload, units: number, args: readonly Size[], isDecoded: boolean): Size {
  const bound = new Map<string, Size>();
  for (const [index, parameter] of parameters.entries()) bindParameters(parameter, args[index] ?? SCALAR, bound);
  const mixed = args.flatMap(levels).reduce(larger, SCALAR);
  const build = (type: SignatureType, isOutermost: boolean): Size => {
    switch (type.kind) {
      case "string":
      case "bytes":
        return { units: isOutermost ? units : mixed.units };
      case "list":
        return { units: isOutermost ? units : mixed.units, inside: build(type.element, false) };
      case "map":
        return {
          units: isOutermost ? units : mixed.units,
          inside: larger(build(type.key, false), build(type.value, false)),
        };
      case "optional":
        return build(type.value, isOutermost);
      case "parameter":
        return bound.get(type.name) ?? mixed;
      case "dyn":
        return isDecoded ? { units, inside: { units, inside: { units } } } : mixed;
      default:
        return SCALAR;
    }
  };
  return build(returns, true);
}

/** What the parameters of an overload stand for. */
function bindParameters(type: SignatureType, size: Size, bound: Map<string, Size>): void {
  if (type.kind === "parameter") {
    const known = bound.get(type.name);
    bound.set(type.name, known === undefined ? size : larger(known, size));
  } else if (type.kind === "optional") {
    bindParameters(type.value, size, bound);
  } else if (type.kind === "list") {
    bindParameters(type.element, size.inside ?? SCALAR, bound);
  } else if (type.kind === "map") {
    bindParameters(type.key, size.inside ?? SCALAR, bound);
    bindParameters(type.value, size.inside ?? SCALAR, bound);
  }
}

/** A size and those of what is in it, each by itself. */
function levels(size: Size): readonly Size[] {
  return size.inside === undefined ? [size] : [size, ...levels(size.inside)];
}
