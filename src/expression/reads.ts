import type { AbsenceAnswer } from "./functions/function-row.ts";
import { functionNamed } from "./functions/registry.ts";
import type { AttributeRead, Guard, Place, Tree } from "./tree.ts";

/** @returns every place where a tree reads an attribute, in the order of the text. */
export function readsOf(tree: Tree): readonly AttributeRead[] {
  const collector = new Collector();
  collector.visit(tree, PLAIN);
  return collector.reads;
}

/** What stands around a read: who answers for its absence, and whether its value is compared. */
interface Around {
  readonly guard: Guard | undefined;
  readonly compared: boolean;
}

const PLAIN: Around = { guard: undefined, compared: false };

class Collector {
  readonly reads: AttributeRead[] = [];

  visit(tree: Tree, around: Around): void {
    switch (tree.op) {
      case "constant":
      case "local":
        break;
      case "attribute":
        this.#read(tree.name, undefined, around, tree.at);
        break;
      case "select":
        this.#key(tree.operand, tree.field, around, tree.at);
        break;
      case "optional-select":
        this.#key(tree.operand, tree.field, guarded("?", around), tree.at);
        break;
      case "index":
        this.#index(tree.operand, tree.index, around, tree.at);
        break;
      case "optional-index":
        this.#index(tree.operand, tree.index, guarded("?", around), tree.at);
        break;
      case "optional":
        this.visit(tree.operand, guarded("?", around));
        break;
      case "has":
        this.#has(tree.operand, tree.field, around, tree.at);
        break;
      case "conditional":
        this.visit(tree.condition, { ...around, compared: false });
        this.visit(tree.whenTrue, around);
        this.visit(tree.whenFalse, around);
        break;
      case "call":
        this.#call(tree, around);
        break;
      case "bind":
        // What guards the variable where it is read does not reach its value.
        this.#each([tree.value], PLAIN);
        this.visit(tree.body, around);
        break;
      case "optional-map":
        this.#each([tree.operand, tree.body], around);
        break;
      case "comprehension":
        this.#each([tree.range, ...(tree.where ? [tree.where] : []), tree.body], around);
        break;
      case "and":
      case "or":
        this.#each(tree.operands, around);
        break;
      case "not":
        this.visit(tree.operand, { ...around, compared: false });
        break;
      case "list":
        this.#each(tree.elements, around);
        break;
      case "map":
        this.#each(tree.entries.flat(), around);
        break;
    }
  }

  #each(trees: readonly Tree[], around: Around): void {
    for (const tree of trees) this.visit(tree, { ...around, compared: false });
  }

  #index(operand: Tree, index: Tree, around: Around, at: Place): void {
    const key = constantText(index);
    if (key !== undefined) {
      this.#key(operand, key, around, at);
    } else {
      this.visit(operand, around);
      this.visit(index, { ...around, compared: false });
    }
  }

  /** Of an attribute the key is what is read; deeper in, the outermost key is. */
  #key(operand: Tree, key: string, around: Around, at: Place): void {
    if (operand.op === "attribute") {
      this.#read(operand.name, key, around, at);
    } else if (operand.op === "optional" && operand.operand.op === "attribute") {
      this.#read(operand.operand.name, key, guarded("?", around), at);
    } else {
      this.visit(operand, around);
    }
  }

  /** Only the last step of `has(a.b.c)` is asked after: when `b` is absent, so is the answer. */
  #has(operand: Tree, field: string | undefined, around: Around, at: Place): void {
    if (operand.op === "attribute") this.#read(operand.name, field, { ...guarded("has", around), compared: false }, at);
    else this.visit(operand, { ...around, compared: false });
  }

  #call({ function: name, args, at }: Tree & { op: "call" }, around: Around): void {
    const row = functionNamed(name);
    const isComparison = name === "_==_" || name === "_!=_";
    const inside = { ...around, compared: isComparison || (around.compared && row?.selects === true) };
    if (name === "_in_") this.#in(args, around, at);
    else if (row?.answersAbsence) this.#answered(args, row.answersAbsence, inside, at);
    else for (const arg of args) this.visit(arg, inside);
  }

  #in([element, container]: readonly Tree[], around: Around, at: Place): void {
    if (element === undefined || container === undefined) return;
    const isMap = container.op === "attribute" && container.type.kind !== "list";
    this.visit(element, { ...around, compared: !isMap });
    if (isMap) this.#read(container.name, constantText(element), guarded("in", around), at);
    else this.visit(container, { ...around, compared: false });
  }

  /** The first argument is guarded; of an attribute it may be one key of it, which the second argument is. */
  #answered([first, ...others]: readonly Tree[], { guard, key }: AbsenceAnswer, around: Around, at: Place): void {
    if (first === undefined) return;
    const [second] = others;
    const written = second && constantText(second);
    const inside = guarded(guard, around);
    if (key === undefined || first.op !== "attribute") this.visit(first, inside);
    else this.#read(first.name, written === undefined ? undefined : key(written), inside, at);
    for (const other of others) this.visit(other, key && other === second ? { ...around, compared: false } : around);
  }

  #read(attribute: string, key: string | undefined, { guard, compared }: Around, at: Place): void {
    this.reads.push({
      attribute,
      ...(key === undefined ? {} : { key }),
      mode: guard === undefined ? "plain" : "guarded",
      ...(guard === undefined ? {} : { guard }),
      compared,
      at,
    });
  }
}

/** The outermost guard counts: it answers for everything inside of it. */
function guarded(guard: Guard, around: Around): Around {
  return { ...around, guard: strongest(around.guard, guard) };
}

/** Of two guards the one that excuses more: `in` and `?` do not excuse reading what a door never supplies. */
function strongest(outer: Guard | undefined, inner: Guard): Guard {
  return outer === undefined || outer === "in" || outer === "?" ? inner : outer;
}

function constantText(tree: Tree): string | undefined {
  return tree.op === "constant" && tree.value.type === "string" ? tree.value.value : undefined;
}

/** Tells whether an attribute is there in every request. */
export type IsThere = (attribute: string) => boolean;

/**
 * @returns whether a tree can be absent for some request. Told from the tree alone: an attribute can, a key of a map can, and whatever
 * passes absence on; `has` of an attribute, `.get`, `.values`, `.orDefault` and optionals end it. That something is an error does not
 * count.
 * @param isThere attributes that are known never to be absent; without it none is
 */
export function mayBeAbsent(tree: Tree, isThere: IsThere = () => false): boolean {
  const within = (inner: Tree): boolean => mayBeAbsent(inner, isThere);
  switch (tree.op) {
    case "constant":
    case "local":
    case "optional":
      return false;
    case "attribute":
      return !isThere(tree.name);
    case "select":
      return true;
    case "optional-select":
      return within(tree.operand);
    case "index":
      return true;
    case "optional-index":
      return within(tree.operand) || within(tree.index);
    case "has":
      return tree.field !== undefined && within(tree.operand);
    case "and":
    case "or":
      return tree.operands.some(within);
    case "not":
      return within(tree.operand);
    case "conditional":
      return within(tree.condition) || within(tree.whenTrue) || within(tree.whenFalse);
    case "list":
      return tree.elements.some(within);
    case "map":
      return tree.entries.flat().some(within);
    case "bind":
      // The value counts where the body reads it.
      return within(tree.value) || within(tree.body);
    case "optional-map":
      return within(tree.operand) || within(tree.body);
    case "comprehension":
      return within(tree.range) || (tree.where !== undefined && within(tree.where)) || within(tree.body);
    case "call":
      return callMayBeAbsent(tree.function, tree.args, within);
  }
}

/** What answers for the absence of what it is called on does not answer for that of its other arguments. */
function callMayBeAbsent(name: string, args: readonly Tree[], within: (tree: Tree) => boolean): boolean {
  const row = functionNamed(name);
  if (row?.mayBeAbsent) return true;
  const [first, ...others] = args;
  const answer = row?.answersAbsence;
  if (first === undefined || answer === undefined) return args.some(within);
  // A key is absent whether the map is or not.
  return others.some(within) && (answer.key !== undefined || within(first));
}
