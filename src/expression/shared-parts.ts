import type { Outcome } from "../attribute/value.ts";
import type { Evaluate, LinkScope, SharedLinks } from "./frame.ts";
import { functionNamed } from "./functions/registry.ts";
import type { Literal, Tree } from "./tree.ts";

/** Parts that are known at once; what comes then is linked for itself. */
const MAX_PARTS = 10_000;
/** Nodes of a part; a larger one is evaluated each time, though what is in it may be shared. */
const MAX_NODES = 64;
/** Steps of a call that are more than remembering what it gave. */
const DEAR_STEPS = 4;

/**
 * Calls that several expressions of a snapshot have in common, linked once and evaluated once for each request: patterns that are matched,
 * headers that are split, parts of principals. Most calls stand in one expression only, and nothing is remembered of those.
 *
 * It goes by the numbers of slots and not by the names of attributes, so that it may serve one snapshot after the other.
 */
export class SharedParts implements SharedLinks {
  readonly #parts = new Map<string, Part>();

  link(tree: Tree, scope: LinkScope, linkAlone: (tree: Tree) => Evaluate): Evaluate | undefined {
    const key = isDear(tree) ? keyOf(tree, scope) : undefined;
    if (key === undefined) return undefined;
    const known = this.#parts.get(key);
    if (known) {
      known.isShared = true;
      return known.evaluate;
    }
    if (this.isFull) return undefined;
    const part = newPart(linkAlone(tree));
    this.#parts.set(key, part);
    return part.evaluate;
  }

  /** It learns nothing new: time for another one. */
  get isFull(): boolean {
    return this.#parts.size >= MAX_PARTS;
  }
}

interface Part {
  readonly evaluate: Evaluate;
  /** Stands in more than one place: only then is it worth remembering. */
  isShared: boolean;
}

function newPart(alone: Evaluate): Part {
  const part: Part = {
    isShared: false,
    evaluate: (frame): Outcome => {
      if (!part.isShared) return alone(frame);
      const known = frame.remembered.get(part);
      if (known !== undefined) return known;
      const outcome = alone(frame);
      frame.remembered.set(part, outcome);
      return outcome;
    },
  };
  return part;
}

/** Operators and comparisons take no longer than it takes to remember them. */
const CHEAP: ReadonlySet<string> = new Set(["startsWith", "endsWith", "get", "orDefault", "orValue", "dyn"]);

function isDear(tree: Tree): boolean {
  if (tree.op !== "call" || tree.function.startsWith("_") || CHEAP.has(tree.function)) return false;
  const cost = functionNamed(tree.function)?.cost;
  return typeof cost === "function" || (cost !== undefined && cost >= DEAR_STEPS);
}

/** @returns the same for what is written in the same way; undefined for what is large, or has variables. */
function keyOf(tree: Tree, scope: LinkScope): string | undefined {
  const writer = new Writer(scope);
  writer.node(tree);
  return writer.isWhole ? writer.text : undefined;
}

type Text = Tree & { readonly op: "constant"; readonly value: { readonly type: "string" } };

function isText(tree: Tree): tree is Text {
  return tree.op === "constant" && tree.value.type === "string";
}

class Writer {
  text = "";
  isWhole = true;
  readonly #scope: LinkScope;
  #nodes = 0;

  constructor(scope: LinkScope) {
    this.#scope = scope;
  }

  node(tree: Tree): void {
    if (!this.#count()) return;
    switch (tree.op) {
      case "constant":
        this.#literal(tree.value);
        break;
      case "attribute":
        // How a key of it is read depends on whether it is known to be a map.
        this.text += `${tree.type.kind} ${this.#scope.slotOf(tree.name)} `;
        break;
      case "select":
        this.#open(`[${JSON.stringify(tree.field)}]`, [tree.operand]);
        break;
      case "optional-select":
        this.#open(`[?${JSON.stringify(tree.field)}]`, [tree.operand]);
        break;
      case "has":
        this.#open(`has ${JSON.stringify(tree.field ?? 0)}`, [tree.operand]);
        break;
      case "index":
        if (isText(tree.index)) this.#open(`[${JSON.stringify(tree.index.value.value)}]`, [tree.operand]);
        else this.#open("[]", [tree.operand, tree.index]);
        break;
      case "optional-index":
        this.#open("[?]", [tree.operand, tree.index]);
        break;
      case "optional":
      case "not":
        this.#open(tree.op, [tree.operand]);
        break;
      case "and":
      case "or":
        this.#open(tree.op, tree.operands);
        break;
      case "conditional":
        this.#open("?", [tree.condition, tree.whenTrue, tree.whenFalse]);
        break;
      case "call":
        this.#open(tree.function, tree.args);
        break;
      case "list":
        if (tree.optional) this.isWhole = false;
        else this.#open("list", tree.elements);
        break;
      case "map":
      case "local":
      case "bind":
      case "optional-map":
      case "comprehension":
        // Variables have their places in the one expression in which they are bound.
        this.isWhole = false;
    }
  }

  #open(name: string, inside: readonly Tree[]): void {
    this.text += `${name}(`;
    for (const tree of inside) if (this.isWhole) this.node(tree);
    this.text += ")";
  }

  #literal(literal: Literal): void {
    switch (literal.type) {
      case "null":
        this.text += "null ";
        break;
      case "bool":
      case "int":
      case "uint":
        this.text += `${literal.type} ${literal.value} `;
        break;
      case "double":
        this.text += `double ${Object.is(literal.value, -0) ? "-0" : literal.value} `;
        break;
      case "string":
        this.text += JSON.stringify(literal.value);
        break;
      case "timestamp":
      case "duration":
        this.text += `${literal.type} ${literal.nanos} `;
        break;
      case "list":
        this.text += "[";
        for (const item of literal.items) if (this.#count()) this.#literal(item);
        this.text += "]";
        break;
      default:
        this.isWhole = false;
    }
  }

  /** @returns whether to go on. */
  #count(): boolean {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) this.isWhole = false;
    return this.isWhole;
  }
}
