import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT, Invalid, type Outcome } from "../attribute/value.ts";
import { createFrame } from "./frame.ts";
import { DEFAULT_BUDGET, MAX_COPIED_WEIGHT } from "./limits.ts";
import { link } from "./link.ts";
import { fromLiteral, toLiteral } from "./literal.ts";
import type { Literal, Place, Tree } from "./tree.ts";
import { type Inner, mapChildren } from "./tree-walk.ts";
import { COST_LIMIT, weightOf } from "./values.ts";

/** Something constant that can only fail: worth a warning where it stands. */
export interface ConstantFailure {
  readonly tree: Tree;
  readonly reason: string;
}

/** A condition that is the same for every request, and is not written as `true` or `false`. */
export interface ConstantCondition {
  readonly at: Place;
  readonly value: boolean;
}

export interface Folded {
  readonly tree: Tree;
  /** The outermost of them. */
  readonly conditions: readonly ConstantCondition[];
  readonly failures: readonly ConstantFailure[];
}

/**
 * Evaluates at load what does not depend on the request: `timestamp("…")`, lists of constants, `1h + 30m`; and what a constant settles:
 * `x || true` is true. What fails stays as it is and fails at request time, unless nobody asks for it.
 */
export function fold(tree: Tree): Folded {
  const failures: ConstantFailure[] = [];
  const folder = new Folder(failures);
  return { tree: folder.fold(tree, 0).tree, failures, conditions: folder.conditions };
}

/** A folded node, and the outermost comprehension whose variable it needs: CLOSED for none, OPEN when it reads the request. */
interface Part {
  readonly tree: Tree;
  readonly needs: number;
}

type Constant = Tree & { readonly op: "constant" };

const CLOSED = Number.POSITIVE_INFINITY;
const OPEN = -1;

class Folder {
  conditions: ConstantCondition[] = [];
  readonly #failures: ConstantFailure[];
  /** Steps left for constants. */
  #budget = DEFAULT_BUDGET;
  /** Of each variable in scope the depth at which it was bound, or the constant that it stands for. */
  readonly #locals = new Map<string, number | Constant>();

  constructor(failures: ConstantFailure[]) {
    this.#failures = failures;
  }

  fold(tree: Tree, depth: number): Part {
    const part = this.#children(tree, depth);
    if (part.tree.op === "constant") return part;
    const settled = settle(part.tree);
    if (settled) this.#note(settled, part.tree.at);
    if (settled) return { tree: settled, needs: settled.op === "constant" ? CLOSED : part.needs };
    return part.needs === CLOSED ? this.#evaluate(part.tree) : part;
  }

  /** The node with its children folded. */
  #children(tree: Tree, depth: number): Part {
    switch (tree.op) {
      case "constant":
        return { tree, needs: CLOSED };
      case "attribute":
        return { tree, needs: OPEN };
      case "local":
        return this.#local(tree);
      case "comprehension":
        return this.#comprehension(tree, depth);
      case "bind":
        return this.#bind(tree, depth);
      case "optional-map":
        return this.#optionalMap(tree, depth);
      default:
        return this.#node(tree, depth);
    }
  }

  #local(tree: Tree & { op: "local" }): Part {
    const known = this.#locals.get(tree.name) ?? OPEN;
    return typeof known === "number" ? { tree, needs: known } : { tree: { ...known, at: tree.at }, needs: CLOSED };
  }

  #node(tree: Inner, depth: number): Part {
    let needs = CLOSED;
    const child = (inner: Tree): Tree => {
      const part = this.fold(inner, depth);
      needs = Math.min(needs, part.needs);
      return part.tree;
    };
    const folded = mapChildren(tree, child);
    return { tree: folded, needs };
  }

  #comprehension(tree: Tree & { op: "comprehension" }, depth: number): Part {
    const range = this.fold(tree.range, depth);
    const variables = tree.second === undefined ? [tree.variable] : [tree.variable, tree.second];
    const { where } = tree;
    const folded = this.#inside(variables, depth, where === undefined ? [tree.body] : [tree.body, where]);
    const [body = tree.body, chosen] = folded.trees;
    const needs = Math.min(range.needs, folded.needs);
    return { tree: { ...tree, range: range.tree, body, ...(chosen ? { where: chosen } : {}) }, needs };
  }

  /** `cel.bind(x, 1, body)` is its body, with 1 in the place of x. What is large stays one: it would be written out as often as it is read. */
  #bind(tree: Tree & { op: "bind" }, depth: number): Part {
    const value = this.fold(tree.value, depth);
    const constant = value.tree.op === "constant" && isSmall(value.tree.value) ? value.tree : undefined;
    const folded = this.#inside([tree.variable], depth, [tree.body], constant);
    const [body = tree.body] = folded.trees;
    if (constant) return { tree: body, needs: folded.needs };
    return { tree: { ...tree, value: value.tree, body }, needs: Math.min(value.needs, folded.needs) };
  }

  #optionalMap(tree: Tree & { op: "optional-map" }, depth: number): Part {
    const operand = this.fold(tree.operand, depth);
    const folded = this.#inside([tree.variable], depth, [tree.body]);
    const [body = tree.body] = folded.trees;
    return { tree: { ...tree, operand: operand.tree, body }, needs: Math.min(operand.needs, folded.needs) };
  }

  /** What stands where variables are bound. What only needs those needs nothing from outside. */
  #inside(
    variables: readonly string[],
    depth: number,
    trees: readonly Tree[],
    constant?: Constant,
  ): { readonly trees: readonly Tree[]; readonly needs: number } {
    const outer = variables.map((name) => this.#locals.get(name));
    for (const name of variables) this.#locals.set(name, constant ?? depth);
    const parts = trees.map((tree) => this.fold(tree, depth + 1));
    for (const [index, name] of variables.entries()) {
      const before = outer[index];
      if (before === undefined) this.#locals.delete(name);
      else this.#locals.set(name, before);
    }
    const needs = Math.min(...parts.map((part) => part.needs));
    return { trees: parts.map((part) => part.tree), needs: needs >= depth ? CLOSED : needs };
  }

  /** What holds a constant condition and is one itself says it for both. */
  #note(folded: Tree, at: Place): void {
    if (folded.op !== "constant" || folded.value.type !== "bool") return;
    this.conditions = this.conditions.filter((inner) => !isWithin(inner.at, at));
    this.conditions.push({ at, value: folded.value.value });
  }

  #evaluate(tree: Tree): Part {
    const all = this.#budget === DEFAULT_BUDGET;
    const outcome = this.#outcomeOf(tree);
    if (outcome instanceof Invalid) {
      // What did not end because others took its time does not fail for that.
      if (all || outcome !== COST_LIMIT) this.#failures.push({ tree, reason: outcome.reason });
      // What holds it is not tried: it would fail the same way, or takes as long again.
      return { tree, needs: OPEN };
    }
    const literal = outcome === ABSENT ? undefined : toLiteral(outcome);
    if (literal === undefined) return { tree, needs: CLOSED };
    const folded: Tree = { op: "constant", value: literal, at: tree.at };
    this.#note(folded, tree.at);
    return { tree: folded, needs: CLOSED };
  }

  /** All constants together may take what one request may: loading is somebody's time too. */
  #outcomeOf(tree: Tree): Outcome {
    const plan = { text: "", type: { kind: "dyn" }, tree, reads: [], total: false } as const;
    const frame = createFrame({ source: NOTHING, slots: 0, derived: [], record: false, budget: this.#budget });
    const outcome = link(plan, NO_SLOTS)(frame);
    this.#budget = frame.budget;
    return outcome;
  }
}

function isSmall(literal: Literal): boolean {
  return weightOf(fromLiteral(literal), MAX_COPIED_WEIGHT) <= MAX_COPIED_WEIGHT;
}

function isWithin(inner: Place, outer: Place): boolean {
  return inner[0] >= outer[0] && inner[1] <= outer[1];
}

const NOTHING: AttributeSource = { read: () => ABSENT, readKey: () => ABSENT, entries: () => ABSENT };
const NO_SLOTS = {
  slotOf(name: string): number {
    throw new Error(`a constant reads ${name}`);
  },
};

/** What a constant operand decides whatever the others are. */
function settle(tree: Tree): Tree | undefined {
  if (tree.op === "and" || tree.op === "or") {
    const settling = tree.op === "or";
    return tree.operands.some((operand) => isConstantBool(operand, settling))
      ? { op: "constant", value: { type: "bool", value: settling }, at: tree.at }
      : undefined;
  }
  if (tree.op !== "conditional") return undefined;
  if (isConstantBool(tree.condition, true)) return tree.whenTrue;
  return isConstantBool(tree.condition, false) ? tree.whenFalse : undefined;
}

function isConstantBool(tree: Tree, value: boolean): boolean {
  return tree.op === "constant" && tree.value.type === "bool" && tree.value.value === value;
}
