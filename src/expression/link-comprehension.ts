import { ABSENT, type Absent, type CelValue, Invalid, type Outcome } from "../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Comprehension, Tree } from "./tree.ts";
import { asBool, invalid, isFailure, isList, isMap } from "./values.ts";

const NOT_A_RANGE = invalid("neither a list nor a map to walk through");

/** What every macro does is: walk a range, bind each element, and do something with what the body gives. */
interface Loop {
  readonly range: (frame: Frame) => Iterable<CelValue> | Absent | Invalid;
  readonly body: Evaluate;
  readonly where: Evaluate | undefined;
  /** Where the variable stands among the frame's. */
  readonly depth: number;
}

/** `exists` and `all` fold like `||` and `&&`; the other macros pass absence and error on. */
export function linkComprehension(tree: Comprehension, around: Surroundings): Evaluate {
  const inside: Surroundings = { ...around, locals: [...around.locals, tree.variable] };
  const loop: Loop = {
    range: linkRange(tree.range, around),
    body: around.link(tree.body, inside),
    where: tree.where && around.link(tree.where, inside),
    depth: around.locals.length,
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
      return map(loop);
  }
}

/** A map is walked by its keys. */
function linkRange(tree: Tree, around: Surroundings): Loop["range"] {
  if (tree.op === "attribute" && tree.type.kind === "map") {
    const slot = around.scope.slotOf(tree.name);
    return (frame) => {
      const entries = frame.entries(slot);
      return entries === ABSENT || entries instanceof Invalid ? entries : entries.keys();
    };
  }
  const linked = around.link(tree, around);
  return (frame) => {
    const value = linked(frame);
    if (isFailure(value)) return value;
    if (value === null || typeof value !== "object") return NOT_A_RANGE;
    if (isMap(value)) return value.keys();
    return isList(value) ? value : NOT_A_RANGE;
  };
}

function quantifier({ range, body, depth }: Loop, settling: boolean): Evaluate {
  return (frame) => {
    const elements = range(frame);
    if (elements === ABSENT || elements instanceof Invalid) return elements;
    let failure: Absent | Invalid | undefined;
    for (const element of elements) {
      const over = bind(frame, depth, element);
      if (over) return over;
      const outcome = asBool(body(frame));
      if (outcome === settling) return settling;
      if (typeof outcome !== "boolean" && !(failure instanceof Invalid)) failure = outcome;
    }
    return failure ?? !settling;
  };
}

function existsOne({ range, body, depth }: Loop): Evaluate {
  return (frame) => {
    const elements = range(frame);
    if (elements === ABSENT || elements instanceof Invalid) return elements;
    let found = 0;
    let absent = false;
    for (const element of elements) {
      const outcome = bind(frame, depth, element) ?? asBool(body(frame));
      if (outcome instanceof Invalid) return outcome;
      if (outcome === ABSENT) absent = true;
      else if (outcome) found++;
    }
    return absent ? ABSENT : found === 1;
  };
}

function filter({ range, body, depth }: Loop): Evaluate {
  return (frame) => {
    const elements = range(frame);
    if (elements === ABSENT || elements instanceof Invalid) return elements;
    const kept: CelValue[] = [];
    let absent = false;
    for (const element of elements) {
      const outcome = bind(frame, depth, element) ?? asBool(body(frame));
      if (outcome instanceof Invalid) return outcome;
      if (outcome === ABSENT) absent = true;
      else if (outcome) kept.push(element);
    }
    return absent ? ABSENT : kept;
  };
}

function map({ range, body, where, depth }: Loop): Evaluate {
  return (frame) => {
    const elements = range(frame);
    if (elements === ABSENT || elements instanceof Invalid) return elements;
    const mapped: CelValue[] = [];
    let absent = false;
    for (const element of elements) {
      const chosen = bind(frame, depth, element) ?? (where ? asBool(where(frame)) : true);
      if (chosen === false) continue;
      const outcome: Outcome = chosen === true ? body(frame) : chosen;
      if (outcome instanceof Invalid) return outcome;
      if (outcome === ABSENT) absent = true;
      else mapped.push(outcome);
    }
    return absent ? ABSENT : mapped;
  };
}

/** Gives the variable its value for one round. @returns the error when the budget has no round left. */
function bind(frame: Frame, depth: number, element: CelValue): Invalid | undefined {
  frame.locals[depth] = element;
  return charge(frame, 2);
}
