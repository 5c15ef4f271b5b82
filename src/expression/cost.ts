import type { CelType } from "../attribute/type.ts";
import type { CelValue } from "../attribute/value.ts";
import { type Cost, type FunctionRow, stepsOf } from "./functions/function-row.ts";
import { functionNamed, overloadsOf } from "./functions/registry.ts";
import type { Overload, SignatureType } from "./functions/signature.ts";
import { ASSUMED_BYTES, ASSUMED_CHARACTERS, ASSUMED_ENTRIES } from "./limits.ts";
import { LIST_STEPS, MAP_STEPS } from "./link-literal.ts";
import { fromLiteral } from "./literal.ts";
import { listingSteps, roundSteps } from "./loop-steps.ts";
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

/** What policies have for patterns, which must be constants there: what others cost is of no interest. */
export const ORDINARY_PATTERNS = { regex: "^/api/v[0-9]+/", glob: "/api/*/orders" } as const;

/** @returns the steps of one call, for the smallest arguments and for those that are as large as they are assumed to be. */
export function assumedCost(row: FunctionRow): { readonly least: number; readonly most: number } {
  const { checked } = row;
  const pattern = checked && checked.kind !== "zone" ? ORDINARY_PATTERNS[checked.kind] : undefined;
  const costs = overloadsOf(row.name).map(({ parameters }) => {
    const sizes = parameters.map(sizeOfParameter).map((size) => (row.deep ? weightOf(size) : size.units));
    const smallest = sizes.map(() => 1);
    const constants = parameters.map((_, index) => (index === checked?.argument ? pattern : undefined));
    const prepared = row.prepare?.(constants)?.cost ?? row.cost;
    const dearest = pattern === undefined ? row.cost : prepared;
    return { least: Math.ceil(stepsOf(prepared, smallest)), most: Math.ceil(stepsOf(dearest, sizes)) };
  });
  return { least: Math.min(...costs.map(({ least }) => least)), most: Math.max(...costs.map(({ most }) => most)) };
}

/** How large a value may be. */
interface Size {
  /** Of the value itself. */
  readonly units: number;
  /** Of what is in it: the largest element, key or value. */
  readonly inside?: Size;
  /** A map: each of its entries is two values. */
  readonly isMap?: true;
  /** With everything in it, where less is known than the product of the others. */
  readonly weight?: number;
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
        return this.#literal(tree.elements, (inside) => listOf(tree.elements.length, inside), locals, LIST_STEPS);
      case "map":
        return this.#literal(tree.entries.flat(), (inside) => mapOf(tree.entries.length, inside), locals, MAP_STEPS);
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

  #literal(parts: readonly Tree[], around: (inside: Size) => Size, locals: Locals, making: number): Price {
    const { steps, sizes } = this.#all(parts, locals);
    return { steps: steps + making + parts.length, size: around(sizes.reduce(larger, SCALAR)) };
  }

  #call({ function: name, args }: Tree & { op: "call" }, locals: Locals): Price {
    const row = functionNamed(name);
    if (row === undefined) throw new Error(`tree calls an unknown function ${name}`);
    const { steps, sizes } = this.#all(args, locals);
    const cost = preparedCost(row, args) ?? row.cost;
    const prices = overloadsOf(name)
      .filter(({ parameters }) => parameters.length === args.length)
      .map((overload) => priceOf(row, cost, overload, sizes));
    return {
      steps: steps + Math.ceil(Math.max(0, ...prices.map((price) => price.steps))),
      size: prices.map(({ size }) => size).reduce(larger, SCALAR),
    };
  }

  #comprehension(tree: Comprehension, locals: Locals): Price {
    const { macro, range, variable, second, where, body } = tree;
    const walked = this.of(range, locals);
    const rounds = Math.max(0, walked.size.units - 1);
    const element = elementOf(walked.size);
    const bound: (readonly [string, Size])[] = [[variable, element]];
    if (second !== undefined) bound.push([second, element]);
    const inside = new Map([...locals, ...bound]);
    const each = this.of(body, inside);
    const chosen = where === undefined ? 0 : this.of(where, inside).steps;
    const listing = walked.size.isMap ? listingSteps(rounds) : 0;
    const steps = walked.steps + listing + rounds * (roundSteps(tree) + chosen + each.steps);
    switch (macro) {
      case "all":
      case "exists":
      case "exists_one":
        return { steps, size: SCALAR };
      case "filter":
        return { steps, size: listOf(rounds, element) };
      case "map":
      case "transformList":
        return { steps, size: listOf(rounds, each.size) };
      case "transformMap":
        return { steps, size: mapOf(rounds, larger(element, each.size)) };
      case "transformMapEntry":
        return { steps, size: mapOf(rounds * (each.size.units - 1), each.size.inside ?? SCALAR) };
    }
  }
}

/** What a call takes of whose arguments some are known at load, where that makes a difference. */
function preparedCost({ prepare }: FunctionRow, args: readonly Tree[]): Cost | undefined {
  if (prepare === undefined) return undefined;
  const isKnown = args.length === 1 || args.some((arg) => arg.op === "constant");
  return isKnown
    ? prepare(args.map((arg) => (arg.op === "constant" ? fromLiteral(arg.value) : undefined)))?.cost
    : undefined;
}

/** What a call takes besides its arguments, and gives, by one of the overloads that it may be. */
function priceOf(row: FunctionRow, cost: Cost, overload: Overload, given: readonly Size[]): Price {
  const sizes = overload.parameters.map((parameter, index) => asParameter(given[index] ?? SCALAR, parameter));
  const measured = sizes.map((size) => (row.deep ? weightOf(size) : size.units));
  const isMade = row.resultSize !== undefined;
  const units = row.resultSize === undefined ? sum(measured) : stepsOf(row.resultSize, measured);
  const size = resultSize(overload, units, sizes, isMade);
  return {
    steps: stepsOf(cost, measured),
    size: row.deep && size.inside ? weighed(size, units, overload, sizes) : size,
  };
}

/** What may be anything is a text where only a text is taken; anything else that is taken is no larger. */
function asParameter(size: Size, { kind }: SignatureType): Size {
  return size === ANYTHING && (kind === "string" || kind === "bytes") ? sizeOfParameter({ kind }) : size;
}

/** Of a list whose parts together are no larger than they were as one text, each is what comes to it. */
function elementOf({ units, inside = SCALAR, weight }: Size): Size {
  if (weight === undefined || inside.inside !== undefined || units <= 1) return inside;
  return { units: Math.min(inside.units, Math.max(1, weight / (units - 1))) };
}

/** A key is found at once, but for kinds of keys that are looked for. */
function lookUp({ units }: Size): number {
  return 1 + units / ENTRIES_PER_UNIT;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function listOf(entries: number, inside: Size): Size {
  return { units: 1 + entries, inside };
}

function mapOf(entries: number, inside: Size): Size {
  return { units: 1 + entries, inside, isMap: true };
}

/** A value of which only is known how large it is with everything in it, and nothing of how that is nested. */
function nested(weight: number): Size {
  return { units: weight, weight, inside: { units: weight, weight, inside: { units: weight, weight } } };
}

function larger(one: Size, other: Size): Size {
  if (covers(one, other)) return one;
  if (covers(other, one)) return other;
  const inside = one.inside && other.inside ? larger(one.inside, other.inside) : (one.inside ?? other.inside);
  const isKnown = one.weight !== undefined || other.weight !== undefined;
  return {
    units: Math.max(one.units, other.units),
    ...(inside ? { inside } : {}),
    ...(one.isMap || other.isMap ? { isMap: true as const } : {}),
    ...(isKnown ? { weight: Math.max(weightOf(one), weightOf(other)) } : {}),
  };
}

/** Whether a value as large as the other may be, which holds nothing, is no larger than one. */
function covers(one: Size, { units, inside, isMap, weight }: Size): boolean {
  return units <= one.units && inside === undefined && !isMap && weight === undefined;
}

/** With everything inside, as `weightOf` of a value. */
function weightOf({ units, inside, isMap, weight }: Size): number {
  if (weight !== undefined) return weight;
  return inside === undefined ? units : units + (units - 1) * weightOf(inside) * (isMap ? 2 : 1);
}

function sizeOfValue(value: CelValue): Size {
  const units = sizeOf(value);
  if (isList(value)) return { units, inside: value.map(sizeOfValue).reduce(larger, SCALAR) };
  if (!isMap(value)) return { units };
  return { units, inside: [...value].flat().map(sizeOfValue).reduce(larger, SCALAR), isMap: true };
}

function sizeOfType(type: CelType): Size {
  switch (type.kind) {
    case "string":
      return TEXT;
    case "bytes":
      return BYTES;
    case "list":
      return listOf(ASSUMED_ENTRIES, sizeOfType(type.element));
    case "map":
      return mapOf(ASSUMED_ENTRIES, larger(sizeOfType(type.key), sizeOfType(type.value)));
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
      return listOf(ASSUMED_ENTRIES, sizeOfParameter(type.element));
    case "map":
      return mapOf(ASSUMED_ENTRIES, larger(sizeOfParameter(type.key), sizeOfParameter(type.value)));
    case "optional":
      return sizeOfParameter(type.value);
    case "type":
      return SCALAR;
    default:
      return sizeOfType(type);
  }
}

/** Types of values that may be large. */
const GROWING: ReadonlySet<SignatureType["kind"]> = new Set([
  ...(["string", "bytes", "list", "map", "optional", "parameter", "dyn"] as const),
]);

/** How large what a call gives may be, by the types of its overload: `units` at its outermost, or in all where it `isMade` and not taken out of an argument. */
function resultSize({ parameters, returns }: Overload, units: number, args: readonly Size[], isMade: boolean): Size {
  if (!GROWING.has(returns.kind)) return SCALAR;
  const bound = new Map<string, Size>();
  for (const [index, parameter] of parameters.entries()) bindParameters(parameter, args[index] ?? SCALAR, bound);
  const mixed = args.flatMap(levels).reduce(larger, SCALAR);
  // A text of a list comes out of a text, or out of a map that holds texts.
  const leaf = args.map(innermost).reduce(larger, SCALAR);
  const build = (type: SignatureType, outermost: number | undefined): Size => {
    const size = outermost ?? mixed.units;
    switch (type.kind) {
      case "string":
      case "bytes":
        return { units: outermost ?? leaf.units };
      case "list":
        return { units: size, inside: build(type.element, undefined) };
      case "map":
        return { units: size, inside: larger(build(type.key, undefined), build(type.value, undefined)), isMap: true };
      case "optional":
        return build(type.value, outermost);
      case "parameter":
        return bound.get(type.name) ?? mixed;
      case "dyn":
        return isMade ? nested(size) : mixed;
      default:
        return SCALAR;
    }
  };
  const isCutUp = returns.kind === "list" && args.every(({ inside }) => inside === undefined);
  if (!isCutUp) return build(returns, units);
  // A text that is cut up has as many parts as a list is assumed to have elements; together they are no larger than it was.
  const parts = Math.min(units, 1 + ASSUMED_ENTRIES);
  return { ...build(returns, parts), weight: 2 * parts + mixed.units };
}

/** What is measured with everything in it says how much the result is in all; a list like the arguments is as long as they are. */
function weighed(size: Size, weight: number, { parameters, returns }: Overload, args: readonly Size[]): Size {
  const alike = parameters.flatMap((type, index) => (isSameType(type, returns) ? [args[index]?.units ?? 0] : []));
  return { ...size, units: alike.length > 0 ? Math.min(size.units, sum(alike)) : size.units, weight };
}

function isSameType(one: SignatureType, other: SignatureType): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
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

/** The size of what is in it and holds nothing. */
function innermost({ inside, ...own }: Size): Size {
  return inside === undefined ? own : innermost(inside);
}

/** A size and those of what is in it, each by itself. */
function levels(size: Size): readonly Size[] {
  return size.inside === undefined ? [size] : [size, ...levels(size.inside)];
}
