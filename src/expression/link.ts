import { ABSENT, type CelValue, Invalid, Optional, type Outcome, Uint } from "../attribute/value.ts";
import type { Evaluate, Frame, LinkScope } from "./frame.ts";
import { charge, type FunctionRow, isFailure, type Operand, type Prepared } from "./functions/function-row.ts";
import { NONE } from "./functions/optionals.ts";
import { functionNamed } from "./functions/registry.ts";
import { linkComprehension } from "./link-comprehension.ts";
import { linkAnd, linkConditional, linkNot, linkOr } from "./link-logic.ts";
import { fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ExpressionPlan, Tree } from "./tree.ts";
import { invalid, isList, isMap, lookup, numeric, OUT_OF_RANGE } from "./values.ts";

/**
 * Makes a closure of a checked expression: once per thread, before the snapshot serves. Nothing is resolved by name, compiled or
 * allocated afterwards that can be before.
 */
export function link(plan: ExpressionPlan, scope: LinkScope): Evaluate {
  return linkNode(plan.tree, { scope, locals: [], link: linkNode });
}

function linkNode(tree: Tree, around: Surroundings): Evaluate {
  switch (tree.op) {
    case "constant": {
      const value = fromLiteral(tree.value);
      return () => value;
    }
    case "attribute": {
      const slot = around.scope.slotOf(tree.name);
      return (frame) => frame.read(slot);
    }
    case "local":
      return linkLocal(tree.name, around);
    case "select":
      return linkKey(tree.operand, tree.field, around);
    case "optional-select":
      return optionally(linkKey(tree.operand, tree.field, around));
    case "index":
      return linkIndex(tree.operand, tree.index, around);
    case "optional-index":
      // An index beyond the list is none here, where it is an error otherwise.
      return optionally(linkIndex(tree.operand, tree.index, around, ABSENT));
    case "optional":
      return optionally(linkNode(tree.operand, around));
    case "has":
      return linkHas(tree.operand, tree.field, around);
    case "and":
      return linkAnd(tree.operands, around);
    case "or":
      return linkOr(tree.operands, around);
    case "not":
      return linkNot(tree.operand, around);
    case "conditional":
      return linkConditional(tree, around);
    case "list":
      return linkList(tree.elements, around);
    case "map":
      return linkMap(tree.entries, around);
    case "call":
      return linkCall(tree, around);
    case "comprehension":
      return linkComprehension(tree, around);
  }
}

function linkLocal(name: string, { locals }: Surroundings): Evaluate {
  const depth = locals.lastIndexOf(name);
  if (depth < 0) throw new Error(`tree has a variable ${name} outside of its comprehension`);
  // Bound before its body runs.
  return (frame) => frame.locals[depth] ?? null;
}

const NO_FIELDS = invalid("selecting from a value that is no map");
const NO_INDEX = invalid("indexing a value that is neither list nor map");
const NO_SUCH_INDEX = invalid("a list is indexed by int");

/** `operand.field`: of a map attribute the one key is read, without the whole map. */
function linkKey(operand: Tree, field: string, around: Surroundings): Evaluate {
  const whole = operandOf(operand, around);
  if (whole.readKey) {
    const { readKey } = whole;
    return (frame) => readKey(frame, field);
  }
  return (frame) => {
    const value = whole.evaluate(frame);
    return isFailure(value) ? value : select(value, field);
  };
}

/** Through an optional the result is an optional. */
function select(value: CelValue, key: CelValue): Outcome {
  if (value instanceof Optional) {
    if (value.value === ABSENT) return NONE;
    return asOptional(select(value.value, key));
  }
  return isMap(value) ? lookup(value, key) : NO_FIELDS;
}

function linkIndex(operand: Tree, index: Tree, around: Surroundings, beyond: Outcome = OUT_OF_RANGE): Evaluate {
  if (index.op === "constant" && index.value.type === "string") return linkKey(operand, index.value.value, around);
  const whole = operandOf(operand, around);
  const linkedIndex = linkNode(index, around);
  return (frame) => {
    if (whole.readKey) {
      const key = linkedIndex(frame);
      if (typeof key === "string") return whole.readKey(frame, key);
    }
    const value = whole.evaluate(frame);
    if (value instanceof Invalid) return value;
    const key = linkedIndex(frame);
    if (isFailure(key)) return key;
    return value === ABSENT ? ABSENT : at(value, key, beyond);
  };
}

function at(value: CelValue, key: CelValue, beyond: Outcome): Outcome {
  if (value instanceof Optional) return value.value === ABSENT ? NONE : asOptional(at(value.value, key, beyond));
  if (isMap(value)) return lookup(value, key);
  if (value === null || typeof value !== "object" || !isList(value)) return NO_INDEX;
  const index = numeric(key);
  if (index === undefined || (typeof index === "number" && !Number.isInteger(index))) return NO_SUCH_INDEX;
  const element = value[Number(index)];
  return element === undefined ? beyond : element;
}

/** An optional of what comes out, none where it is absent, or has no fields or elements to be asked for. */
function optionally(evaluate: Evaluate): Evaluate {
  return (frame) => {
    const outcome = evaluate(frame);
    return outcome === NO_FIELDS || outcome === NO_INDEX ? NONE : asOptional(outcome);
  };
}

function asOptional(outcome: Outcome): Outcome {
  if (outcome === ABSENT) return NONE;
  return outcome instanceof Invalid || outcome instanceof Optional ? outcome : new Optional(outcome);
}

function linkHas(operand: Tree, field: string | undefined, around: Surroundings): Evaluate {
  if (operand.op === "attribute") {
    const slot = around.scope.slotOf(operand.name);
    if (field === undefined) return (frame) => frame.isPresent(slot);
    if (operand.type.kind === "map") return (frame) => hasKey(frame, slot, field);
  }
  const whole = linkNode(operand, around);
  return (frame) => {
    const value = whole(frame);
    if (isFailure(value)) return value;
    const found = field === undefined ? value : select(value, field);
    if (found instanceof Optional) return found.value !== ABSENT;
    // What is no map has no fields; a list is asked for the wrong kind of thing.
    return found === NO_FIELDS && isList(value) ? NO_INDEX : !isFailure(found);
  };
}

/** False when the map lacks the key, absent when there is no map. */
function hasKey(frame: Frame, slot: number, key: string): Outcome {
  const found = frame.readKey(slot, key);
  if (found instanceof Invalid || found !== ABSENT) return found instanceof Invalid ? found : true;
  // A map that cannot be taken whole, because another of its values is no text, is there all the same.
  return frame.isPresent(slot) === false ? ABSENT : false;
}

function linkList(elements: readonly Tree[], around: Surroundings): Evaluate {
  const linked = elements.map((element) => linkNode(element, around));
  return (frame) => {
    const over = charge(frame, linked.length);
    if (over) return over;
    const list: CelValue[] = [];
    let absent = false;
    for (const evaluate of linked) {
      const value = evaluate(frame);
      if (value instanceof Invalid) return value;
      if (value === ABSENT) absent = true;
      else list.push(value);
    }
    return absent ? ABSENT : list;
  };
}

const BAD_KEY = invalid("a map key is bool, int, uint or string");

function linkMap(entries: readonly (readonly [Tree, Tree])[], around: Surroundings): Evaluate {
  const linked = entries.map(([key, value]) => [linkNode(key, around), linkNode(value, around)] as const);
  return (frame) => {
    const over = charge(frame, linked.length * 2);
    if (over) return over;
    const map = new Map<CelValue, CelValue>();
    let absent = false;
    for (const [evaluateKey, evaluateValue] of linked) {
      const key = evaluateKey(frame);
      if (key instanceof Invalid) return key;
      const value = evaluateValue(frame);
      if (value instanceof Invalid) return value;
      if (key === ABSENT || value === ABSENT) {
        absent = true;
        continue;
      }
      if (!isKey(key)) return BAD_KEY;
      // As in cel-go the last one counts.
      map.set(sameKey(map, key), value);
    }
    return absent ? ABSENT : map;
  };
}

/** A uint is an object: the one that the map has already, where it has it. */
function sameKey(map: ReadonlyMap<CelValue, CelValue>, key: CelValue): CelValue {
  if (!(key instanceof Uint)) return key;
  for (const known of map.keys()) if (known instanceof Uint && known.value === key.value) return known;
  return key;
}

function isKey(value: CelValue): boolean {
  return (
    typeof value === "boolean" ||
    typeof value === "string" ||
    (typeof value !== "number" && numeric(value) !== undefined)
  );
}

/** A map attribute can be asked for one key. */
function operandOf(tree: Tree, around: Surroundings): Operand {
  const evaluate = linkNode(tree, around);
  if (tree.op !== "attribute" || tree.type.kind !== "map") return { evaluate, readKey: undefined };
  const slot = around.scope.slotOf(tree.name);
  return { evaluate, readKey: (frame, key) => frame.readKey(slot, key) };
}

function linkCall(tree: Tree & { op: "call" }, around: Surroundings): Evaluate {
  const row = functionNamed(tree.function);
  if (row === undefined) throw new Error(`tree calls an unknown function ${tree.function}`);
  const own = row.link?.(tree.args.map((arg) => operandOf(arg, around)));
  if (own) return charging(typeof row.cost === "number" ? row.cost : 1, own);
  if (row.name === "_in_") {
    const membership = linkIn(tree.args, around);
    if (membership) return membership;
  }
  const constants = tree.args.map((arg) => (arg.op === "constant" ? fromLiteral(arg.value) : undefined));
  const prepared = row.prepare?.(constants) ?? row;
  return strict(
    prepared,
    prepared.cost ?? row.cost,
    tree.args.map((arg) => linkNode(arg, around)),
  );
}

function charging(steps: number, evaluate: Evaluate): Evaluate {
  return (frame) => charge(frame, steps) ?? evaluate(frame);
}

/** Error if an operand is error, else absent if one is, else the function of their values. */
function strict({ apply }: Prepared, cost: FunctionRow["cost"], args: readonly Evaluate[]): Evaluate {
  const costOf = typeof cost === "number" ? () => cost : cost;
  const [first, second, third] = args;
  if (first === undefined) return (frame) => charge(frame, costOf(null, null, null)) ?? apply(null, null, null);
  if (second === undefined) {
    return (frame) => {
      const a = first(frame);
      if (isFailure(a)) return a;
      return charge(frame, costOf(a, null, null)) ?? apply(a, null, null);
    };
  }
  if (third === undefined) {
    return (frame) => {
      const a = first(frame);
      if (a instanceof Invalid) return a;
      const b = second(frame);
      if (b instanceof Invalid) return b;
      if (a === ABSENT || b === ABSENT) return ABSENT;
      return charge(frame, costOf(a, b, null)) ?? apply(a, b, null);
    };
  }
  return (frame) => {
    const a = first(frame);
    if (a instanceof Invalid) return a;
    const b = second(frame);
    if (b instanceof Invalid) return b;
    const c = third(frame);
    if (c instanceof Invalid) return c;
    if (a === ABSENT || b === ABSENT || c === ABSENT) return ABSENT;
    return charge(frame, costOf(a, b, c)) ?? apply(a, b, c);
  };
}

/** `"k" in map-attribute` reads one key; `x in ["a", "b"]` is one look into a set. */
function linkIn([element, container]: readonly Tree[], around: Surroundings): Evaluate | undefined {
  if (element === undefined || container === undefined) return undefined;
  if (container.op === "attribute" && container.type.kind === "map" && container.type.key.kind === "string") {
    return linkKeyIn(element, around.scope.slotOf(container.name), around);
  }
  const texts = constantTexts(container);
  if (texts === undefined) return undefined;
  const linked = linkNode(element, around);
  return (frame) => {
    const value = linked(frame);
    return isFailure(value) ? value : (charge(frame, 1) ?? (typeof value === "string" && texts.has(value)));
  };
}

function linkKeyIn(element: Tree, slot: number, around: Surroundings): Evaluate {
  const linked = linkNode(element, around);
  return (frame) => {
    const key = linked(frame);
    if (key instanceof Invalid) return key;
    if (typeof key === "string") return charge(frame, 1) ?? hasKey(frame, slot, key);
    const present = frame.isPresent(slot);
    if (present instanceof Invalid) return present;
    // No key of this map is anything but a text.
    return key === ABSENT || !present ? ABSENT : false;
  };
}

/** A constant list of texts only. */
function constantTexts(tree: Tree): ReadonlySet<string> | undefined {
  if (tree.op !== "constant" || tree.value.type !== "list") return undefined;
  const texts = tree.value.items.map((item) => (item.type === "string" ? item.value : undefined));
  return texts.every((text) => text !== undefined) ? new Set(texts) : undefined;
}
