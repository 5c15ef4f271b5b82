import { ABSENT, type Absent, type CelValue, Invalid, Optional, type Outcome } from "../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import type { Operand } from "./functions/function-row.ts";
import { compact, fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { ENTRIES_PER_UNIT, invalid, isFailure, isList, isMap, lookup, NONE, numeric, OUT_OF_RANGE } from "./values.ts";

const NO_FIELDS = invalid("a field or element of what is neither map nor list", "no such key");
const BAD_INDEX = invalid("a list is indexed by whole numbers", "invalid index type");
const BAD_KEY = invalid("neither a key of a map nor an index of a list", "invalid index type");

/** `operand.field`: of a map attribute the one key is read, without the whole map. */
export function linkSelect(operand: Tree, written: string, around: Surroundings): Evaluate {
  const field = compact(written);
  const slot = mapSlot(operand, around);
  if (slot !== undefined) return (frame) => frame.readKey(slot, field);
  const evaluate = around.link(operand, around);
  return (frame) => {
    const value = evaluate(frame);
    if (isFailure(value)) return value;
    return value instanceof Optional ? through(value, field) : part(value, field);
  };
}

/** `operand.?field` of something that is there: none where it lacks the field, absent where it is absent itself. */
export function linkOptionalKey(operand: Tree, written: string, around: Surroundings): Evaluate {
  const field = compact(written);
  const slot = mapSlot(operand, around);
  if (slot !== undefined) return (frame) => optionalKey(frame, slot, field);
  const whole = around.link(operand, around);
  return (frame) => {
    const value = whole(frame);
    return isFailure(value) ? value : partOf(value, field);
  };
}

function optionalKey(frame: Frame, slot: number, key: string): Outcome {
  const found = frame.readKey(slot, key);
  if (found !== ABSENT) return found instanceof Invalid ? found : new Optional(found);
  return frame.isAbsent(slot) ? ABSENT : NONE;
}

/** `operand[index]` */
export function linkIndex(operand: Tree, index: Tree, around: Surroundings): Evaluate {
  if (index.op === "constant" && index.value.type === "string") return linkSelect(operand, index.value.value, around);
  const { evaluate, readKey } = operandOf(operand, around);
  const linkedIndex = around.link(index, around);
  return (frame) => {
    if (readKey) {
      const key = linkedIndex(frame);
      if (typeof key === "string") return readKey(frame, key);
    }
    const value = evaluate(frame);
    if (value instanceof Invalid || isNone(value)) return value;
    const key = linkedIndex(frame);
    if (isFailure(key)) return key;
    if (value === ABSENT) return ABSENT;
    return searching(frame, value, key) ?? (value instanceof Optional ? through(value, key) : part(value, key));
  };
}

/** `operand[?index]` */
export function linkOptionalIndex(operand: Tree, index: Tree, around: Surroundings): Evaluate {
  if (index.op === "constant" && index.value.type === "string") {
    return linkOptionalKey(operand, index.value.value, around);
  }
  const whole = around.link(operand, around);
  const slot = mapSlot(operand, around);
  const linkedIndex = around.link(index, around);
  return (frame) => {
    if (slot !== undefined) {
      const key = linkedIndex(frame);
      if (typeof key === "string") return optionalKey(frame, slot, key);
    }
    const value = whole(frame);
    if (value instanceof Invalid || isNone(value)) return value;
    const key = linkedIndex(frame);
    if (isFailure(key)) return key;
    return value === ABSENT ? ABSENT : (searching(frame, value, key) ?? partOf(value, key));
  };
}

/** In what is not there nothing is looked for: nobody asks under which key. */
function isNone(value: Outcome): value is Optional {
  return value instanceof Optional && value.value === ABSENT;
}

/** A number may have to be looked for among all keys. @returns the error when the budget has not that much left. */
function searching(frame: Frame, value: CelValue, key: CelValue): Invalid | undefined {
  if (typeof key === "string" || value === null || typeof value !== "object" || !isMap(value)) return undefined;
  return charge(frame, 1 + value.size / ENTRIES_PER_UNIT);
}

/** What a value has under a key or index: absent where a map lacks it, an error where a list is too short. */
function part(value: CelValue, key: CelValue): Outcome {
  if (value === null || typeof value !== "object") return NO_FIELDS;
  if (isMap(value)) return lookup(value, key);
  if (!isList(value)) return NO_FIELDS;
  const index = numeric(key);
  if (index === undefined || !isInt(index)) return BAD_INDEX;
  const element = value[Number(index)];
  return element === undefined ? OUT_OF_RANGE : element;
}

/** Whether a number of any type is one that an int can be. */
function isInt(number: bigint | number): boolean {
  return (typeof number === "bigint" || Number.isInteger(number)) && number >= -INTS && number < INTS;
}

/** Ints from 0. */
const INTS = 2n ** 63n;

/**
 * `a.?b.c`: what follows a `?` is an optional too. What is there and has no fields at all is an error, as the conformance suite wants it;
 * cel-go has none there.
 */
function through({ value }: Optional, key: CelValue): Outcome {
  return asOptional(presentIn(value, key));
}

/** `a.?b`, of what may be an optional itself: none also where there is nothing to look into. */
function partOf(value: CelValue, key: CelValue): Outcome {
  const found = presentIn(value instanceof Optional ? value.value : value, key);
  return found === NO_FIELDS ? NONE : asOptional(found);
}

/** As `part`, but absent for whatever is not there. */
function presentIn(value: CelValue | Absent, key: CelValue): Outcome {
  if (value === ABSENT) return ABSENT;
  // Of a map alone what cannot be a key would be no more than a key that it lacks.
  if (typeof key === "object" && numeric(key) === undefined) return BAD_KEY;
  const found = part(value, key);
  return found === OUT_OF_RANGE ? ABSENT : found;
}

function asOptional(outcome: Outcome): Outcome {
  if (outcome === ABSENT) return NONE;
  return outcome instanceof Invalid ? outcome : new Optional(outcome);
}

/** `request.?method`: an optional of what comes out, none where it is absent. */
export function optionally(evaluate: Evaluate): Evaluate {
  return (frame) => asOptional(evaluate(frame));
}

/** `has(operand.field)`: whether a map has the key; of what is neither map nor list: false. */
export function linkHas(operand: Tree, field: string | undefined, around: Surroundings): Evaluate {
  if (operand.op === "attribute" && field === undefined) {
    const slot = around.scope.slotOf(operand.name);
    return (frame) => frame.isPresent(slot);
  }
  const slot = mapSlot(operand, around);
  if (slot !== undefined && field !== undefined) return (frame) => hasKey(frame, slot, field);
  const whole = around.link(operand, around);
  return (frame) => {
    const value = whole(frame);
    if (isFailure(value) || field === undefined) return isFailure(value) ? value : true;
    const found = presentIn(value instanceof Optional ? value.value : value, field);
    return found instanceof Invalid && found !== NO_FIELDS ? found : !isFailure(found);
  };
}

/** False when the map lacks the key, absent when there is no map. */
export function hasKey(frame: Frame, slot: number, key: string): Outcome {
  const found = frame.readKey(slot, key);
  if (found instanceof Invalid || found !== ABSENT) return found instanceof Invalid ? found : true;
  // A map that cannot be taken whole, because another of its values is no text, is there all the same.
  return frame.isAbsent(slot) ? ABSENT : false;
}

/** A map attribute can be asked for one key. */
export function operandOf(tree: Tree, around: Surroundings): Operand {
  const evaluate = around.link(tree, around);
  const slot = mapSlot(tree, around);
  const readKey = slot === undefined ? undefined : (frame: Frame, key: string) => frame.readKey(slot, key);
  return tree.op === "constant" ? { evaluate, readKey, constant: fromLiteral(tree.value) } : { evaluate, readKey };
}

/** The slot of a map attribute. */
export function mapSlot(tree: Tree, { scope }: Surroundings): number | undefined {
  return tree.op === "attribute" && tree.type.kind === "map" ? scope.slotOf(tree.name) : undefined;
}
