import { ABSENT, type CelValue, Invalid, Optional, type Outcome } from "../attribute/value.ts";
import type { Evaluate, Frame } from "./frame.ts";
import type { Operand } from "./functions/function-row.ts";
import { NONE } from "./functions/optionals.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { invalid, isFailure, isList, isMap, lookup, numeric, OUT_OF_RANGE } from "./values.ts";

const NO_FIELDS = invalid("selecting from a value that is no map");
const NO_INDEX = invalid("indexing a value that is neither list nor map");
const NO_SUCH_INDEX = invalid("a list is indexed by int");

/** `operand.field`: of a map attribute the one key is read, without the whole map. */
export function linkKey(operand: Tree, field: string, around: Surroundings): Evaluate {
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

export function linkIndex(operand: Tree, index: Tree, around: Surroundings, beyond: Outcome = OUT_OF_RANGE): Evaluate {
  if (index.op === "constant" && index.value.type === "string") return linkKey(operand, index.value.value, around);
  const whole = operandOf(operand, around);
  const linkedIndex = around.link(index, around);
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
export function optionally(evaluate: Evaluate): Evaluate {
  return (frame) => {
    const outcome = evaluate(frame);
    return outcome === NO_FIELDS || outcome === NO_INDEX ? NONE : asOptional(outcome);
  };
}

function asOptional(outcome: Outcome): Outcome {
  if (outcome === ABSENT) return NONE;
  return outcome instanceof Invalid || outcome instanceof Optional ? outcome : new Optional(outcome);
}

export function linkHas(operand: Tree, field: string | undefined, around: Surroundings): Evaluate {
  if (operand.op === "attribute") {
    const slot = around.scope.slotOf(operand.name);
    if (field === undefined) return (frame) => frame.isPresent(slot);
    if (operand.type.kind === "map") return (frame) => hasKey(frame, slot, field);
  }
  const whole = around.link(operand, around);
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
export function hasKey(frame: Frame, slot: number, key: string): Outcome {
  const found = frame.readKey(slot, key);
  if (found instanceof Invalid || found !== ABSENT) return found instanceof Invalid ? found : true;
  // A map that cannot be taken whole, because another of its values is no text, is there all the same.
  return frame.isPresent(slot) === false ? ABSENT : false;
}

/** A map attribute can be asked for one key. */
export function operandOf(tree: Tree, around: Surroundings): Operand {
  const evaluate = around.link(tree, around);
  if (tree.op !== "attribute" || tree.type.kind !== "map") return { evaluate, readKey: undefined };
  const slot = around.scope.slotOf(tree.name);
  return { evaluate, readKey: (frame, key) => frame.readKey(slot, key) };
}
