import {
  ABSENT,
  type Absent,
  type CelList,
  type CelMap,
  type CelValue,
  Invalid,
  type Outcome,
} from "../attribute/value.ts";
import { constantTest, predicate } from "./constant-test.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import { mapSlot } from "./link-access.ts";
import { MapBuilder } from "./link-literal.ts";
import { listingSteps, roundSteps } from "./loop-steps.ts";
import { inside, newVariable, type Surroundings } from "./surroundings.ts";
import type { Comprehension, Tree } from "./tree.ts";
import { asBool, invalid, isFailure, isList, isMap } from "./values.ts";

const NOT_A_RANGE = invalid("neither a list nor a map to walk through", "no such overload");

/** What every macro does is: walk a range, bind each element, and do something with what the body gives. */
interface Loop {
  readonly range: (frame: Frame) => CelList | CelMap | Absent | Invalid;
  readonly body: Evaluate;
  readonly where: Evaluate | undefined;
  /** Where the variables stand among the frame's. */
  readonly first: number;
  readonly second: number | undefined;
  /** What a round takes besides the calls in it. */
  readonly steps: number;
}

/** `exists` and `all` fold like `||` and `&&`; the other macros pass absence and error on. */
export function linkComprehension(tree: Comprehension, around: Surroundings): Evaluate {
  const range = linkRange(tree.range, around);
  const steps = roundSteps(tree);
  const holds = around.joining ? elementTest(tree) : undefined;
  if (holds) return elementQuantifier(range, holds, tree.macro === "exists", steps);
  const first = newVariable(tree.variable, around);
  const second = tree.second === undefined ? undefined : newVariable(tree.second, around);
  const within = inside(around, first, ...(second ? [second] : []));
  const loop: Loop = {
    range,
    body: around.link(tree.body, within),
    where: tree.where && around.link(tree.where, within),
    first: first.place,
    second: second?.place,
    steps,
  };
  switch (tree.macro) {
    case "exists":
      return quantifier(loop, true);
    case "all":
      return quantifier(loop, false);
    case "exists_one":
      return existsOne(loop);
    case "filter":
      return filter(loop);
    case "map":
    case "transformList":
      return transformList(loop);
    case "transformMap":
      return transformMap(loop, (builder, key, value) => builder.add(key, value));
    case "transformMapEntry":
      return transformMap(loop, (builder, _, entries) => builder.addAll(entries));
  }
}

/** @returns what `exists` or `all` ask of each element, where that is no more than a comparison with constants: `list.exists(x, x == "a")`. */
function elementTest({ macro, variable, second, body }: Comprehension): ((value: CelValue) => boolean) | undefined {
  if ((macro !== "exists" && macro !== "all") || second !== undefined) return undefined;
  const test = constantTest(body);
  return test?.subject.op === "local" && test.subject.name === variable ? predicate(test) : undefined;
}

function linkRange(tree: Tree, around: Surroundings): Loop["range"] {
  const slot = mapSlot(tree, around);
  if (slot !== undefined) return (frame) => frame.entries(slot);
  const linked = around.link(tree, around);
  return (frame) => {
    const value = linked(frame);
    if (isFailure(value)) return value;
    if (value === null || typeof value !== "object") return NOT_A_RANGE;
    return isMap(value) || isList(value) ? value : NOT_A_RANGE;
  };
}

/** @returns what is walked through: the elements of a list, or the keys of a map, which are listed first, and paid for, whatever is asked of them. */
function itemsOf(frame: Frame, range: CelList | CelMap): CelList | Invalid {
  return isList(range) ? range : (charge(frame, listingSteps(range.size)) ?? [...range.keys()]);
}

/** Gives the variables their values for one round. @returns the error when the budget has no round left. */
function bind(
  frame: Frame,
  { first, second, steps }: Loop,
  range: CelList | CelMap,
  item: CelValue,
  round: number,
): Invalid | undefined {
  const { locals } = frame;
  if (second === undefined) {
    locals[first] = item;
  } else if (isList(range)) {
    locals[first] = BigInt(round);
    locals[second] = item;
  } else {
    locals[first] = item;
    locals[second] = range.get(item) ?? null;
  }
  return charge(frame, steps);
}

/** Without a variable: nothing looks at it but the test. */
function elementQuantifier(
  range: Loop["range"],
  holds: (value: CelValue) => boolean,
  settling: boolean,
  steps: number,
): Evaluate {
  return (frame) => {
    const whole = range(frame);
    if (whole === ABSENT || whole instanceof Invalid) return whole;
    const items = itemsOf(frame, whole);
    if (items instanceof Invalid) return items;
    for (let round = 0; round < items.length; round++) {
      const over = charge(frame, steps);
      if (over) return over;
      // No list has holes; null is a value.
      if (holds(items[round] ?? null) === settling) return settling;
    }
    return !settling;
  };
}

function quantifier(loop: Loop, settling: boolean): Evaluate {
  const { range, body } = loop;
  return (frame) => {
    const whole = range(frame);
    if (whole === ABSENT || whole instanceof Invalid) return whole;
    const items = itemsOf(frame, whole);
    if (items instanceof Invalid) return items;
    let failure: Absent | Invalid | undefined;
    for (let round = 0; round < items.length; round++) {
      const over = bind(frame, loop, whole, items[round] ?? null, round);
      if (over) return over;
      const outcome = asBool(body(frame));
      if (outcome === settling) return settling;
      if (typeof outcome !== "boolean" && !(failure instanceof Invalid)) failure = outcome;
    }
    return failure ?? !settling;
  };
}

function existsOne(loop: Loop): Evaluate {
  const { range, body } = loop;
  return (frame) => {
    const whole = range(frame);
    if (whole === ABSENT || whole instanceof Invalid) return whole;
    const items = itemsOf(frame, whole);
    if (items instanceof Invalid) return items;
    let found = 0;
    let absent = false;
    for (let round = 0; round < items.length; round++) {
      const item = items[round] ?? null;
      const outcome = bind(frame, loop, whole, item, round) ?? asBool(body(frame));
      if (outcome instanceof Invalid) return outcome;
      if (outcome === ABSENT) absent = true;
      else if (outcome) found++;
    }
    return absent ? ABSENT : found === 1;
  };
}

function filter(loop: Loop): Evaluate {
  const { range, body } = loop;
  return (frame) => {
    const whole = range(frame);
    if (whole === ABSENT || whole instanceof Invalid) return whole;
    const items = itemsOf(frame, whole);
    if (items instanceof Invalid) return items;
    const kept: CelValue[] = [];
    let absent = false;
    for (let round = 0; round < items.length; round++) {
      const item = items[round] ?? null;
      const outcome = bind(frame, loop, whole, item, round) ?? asBool(body(frame));
      if (outcome instanceof Invalid) return outcome;
      if (outcome === ABSENT) absent = true;
      else if (outcome) kept.push(item);
    }
    return absent ? ABSENT : kept;
  };
}

/** `map` and `transformList`. */
function transformList(loop: Loop): Evaluate {
  return transforming(loop, () => {
    const list: CelValue[] = [];
    return { add: (_, value) => void list.push(value), result: list };
  });
}

function transformMap(
  loop: Loop,
  add: (builder: MapBuilder, key: CelValue, value: CelValue) => Invalid | undefined,
): Evaluate {
  return transforming(loop, () => {
    const builder = new MapBuilder();
    return { add: (key, value) => add(builder, key, value), result: builder.map };
  });
}

/** Where the results of the rounds are gathered. */
interface Gathered {
  readonly add: (key: CelValue, value: CelValue) => Invalid | undefined;
  readonly result: CelValue;
}

function transforming(loop: Loop, gather: () => Gathered): Evaluate {
  const { range, body, where } = loop;
  return (frame) => {
    const whole = range(frame);
    if (whole === ABSENT || whole instanceof Invalid) return whole;
    const items = itemsOf(frame, whole);
    if (items instanceof Invalid) return items;
    const { add, result } = gather();
    let absent = false;
    for (let round = 0; round < items.length; round++) {
      const item = items[round] ?? null;
      const chosen = bind(frame, loop, whole, item, round) ?? (where ? asBool(where(frame)) : true);
      if (chosen === false) continue;
      const outcome: Outcome = chosen === true ? body(frame) : chosen;
      if (outcome instanceof Invalid) return outcome;
      const wrong = outcome === ABSENT ? undefined : add(isList(whole) ? BigInt(round) : item, outcome);
      if (wrong) return wrong;
      absent ||= outcome === ABSENT;
    }
    return absent ? ABSENT : result;
  };
}
