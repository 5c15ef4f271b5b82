import { ABSENT, type CelValue, Invalid } from "../attribute/value.ts";
import { charge, type Evaluate } from "./frame.ts";
import { type Apply, type Cost, type FunctionRow, stepsOf } from "./functions/function-row.ts";
import { functionNamed } from "./functions/registry.ts";
import { hasKey, operandOf } from "./link-access.ts";
import { linkWithConstant } from "./link-constant.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { isFailure, lighterOf, sizeOf, weightOf } from "./values.ts";

/** An operator or function of the registry. */
export function linkCall(tree: Tree & { op: "call" }, around: Surroundings): Evaluate {
  const row = functionNamed(tree.function);
  if (row === undefined) throw new Error(`tree calls an unknown function ${tree.function}`);
  const quick = linkWithConstant(tree, around) ?? (tree.function === "_in_" ? linkKeyIn(tree.args, around) : undefined);
  if (quick) return quick;
  // Once: what is linked twice at each level of a nest takes time without end.
  const operands = tree.args.map((arg) => operandOf(arg, around));
  const own = row.link?.(operands);
  if (own) return charging(typeof row.cost === "number" ? row.cost : 1, own);
  const constants = operands.map(({ constant }) => constant);
  const prepared = row.prepare?.(constants);
  const call: Call = { apply: prepared?.apply ?? row.apply, cost: prepared?.cost ?? row.cost, measure: measureOf(row) };
  const args = operands.map(({ evaluate }) => evaluate);
  const [first, second] = args;
  if (row.deep === "lighter" && first && second) return onTheLighter(call, first, second);
  return strict(call, constants, args);
}

function charging(steps: number, evaluate: Evaluate): Evaluate {
  return (frame) => charge(frame, steps) ?? evaluate(frame);
}

/** What is called, and how it is paid for: before it is done. */
interface Call {
  readonly apply: Apply;
  readonly cost: Cost;
  /** Without end beyond `most`: nothing is walked through that cannot be paid for. */
  readonly measure: (value: CelValue, most?: number) => number;
}

function measureOf({ deep }: FunctionRow): Call["measure"] {
  return deep ? weightOf : sizeOf;
}

/** Error if an operand is error, else absent if one is, else the function of their values. */
function strict(call: Call, constants: readonly (CelValue | undefined)[], args: readonly Evaluate[]): Evaluate {
  const [first, second] = args;
  if (first === undefined)
    return (frame) => charge(frame, stepsOf(call.cost, [])) ?? call.apply(null, null, null, null);
  if (second === undefined) return onOne(call, first);
  if (args.length > 2) return onMany(call, args);
  const [left, right] = constants;
  if (right !== undefined) return onOne(withRight(call, right), first);
  return left === undefined ? onTwo(call, first, second) : onOne(withLeft(call, left), second);
}

function onOne({ apply, cost, measure }: Call, first: Evaluate): Evaluate {
  if (typeof cost === "number") {
    return (frame) => {
      const a = first(frame);
      return isFailure(a) ? a : (charge(frame, cost) ?? apply(a, null, null, null));
    };
  }
  return (frame) => {
    const a = first(frame);
    return isFailure(a) ? a : (charge(frame, cost(measure(a, frame.budget), 0, 0, 0)) ?? apply(a, null, null, null));
  };
}

function onTwo({ apply, cost, measure }: Call, first: Evaluate, second: Evaluate): Evaluate {
  return (frame) => {
    const a = first(frame);
    if (a instanceof Invalid) return a;
    const b = second(frame);
    if (b instanceof Invalid) return b;
    if (a === ABSENT || b === ABSENT) return ABSENT;
    if (typeof cost === "number") return charge(frame, cost) ?? apply(a, b, null, null);
    const { budget } = frame;
    return charge(frame, cost(measure(a, budget), measure(b, budget), 0, 0)) ?? apply(a, b, null, null);
  };
}

/** Two values of which only as much is looked at as the lighter one has. */
function onTheLighter({ apply, cost }: Call, first: Evaluate, second: Evaluate): Evaluate {
  return (frame) => {
    const a = first(frame);
    if (a instanceof Invalid) return a;
    const b = second(frame);
    if (b instanceof Invalid) return b;
    if (a === ABSENT || b === ABSENT) return ABSENT;
    const weight = lighterOf(a, b, frame.budget);
    return charge(frame, stepsOf(cost, [weight, weight])) ?? apply(a, b, null, null);
  };
}

/** The call with its second argument known: it is measured once. */
function withRight({ apply, cost, measure }: Call, right: CelValue): Call {
  const size = measure(right);
  return {
    apply: (a) => apply(a, right, null, null),
    cost: typeof cost === "number" ? cost : (a) => cost(a, size, 0, 0),
    measure,
  };
}

function withLeft({ apply, cost, measure }: Call, left: CelValue): Call {
  const size = measure(left);
  return {
    apply: (b) => apply(left, b, null, null),
    cost: typeof cost === "number" ? cost : (b) => cost(size, b, 0, 0),
    measure,
  };
}

function onMany({ apply, cost, measure }: Call, args: readonly Evaluate[]): Evaluate {
  return (frame) => {
    const values: CelValue[] = [];
    let absent = false;
    for (const arg of args) {
      const value = arg(frame);
      if (value instanceof Invalid) return value;
      if (value === ABSENT) absent = true;
      else values.push(value);
    }
    if (absent) return ABSENT;
    const [a = null, b = null, c = null, d = null] = values;
    const { budget } = frame;
    const sizes = values.map((value) => measure(value, budget));
    return charge(frame, stepsOf(cost, sizes)) ?? apply(a, b, c, d);
  };
}

/** `"k" in map-attribute` reads one key. */
function linkKeyIn([element, container]: readonly Tree[], around: Surroundings): Evaluate | undefined {
  if (element === undefined || container?.op !== "attribute") return undefined;
  if (container.type.kind !== "map" || container.type.key.kind !== "string") return undefined;
  const slot = around.scope.slotOf(container.name);
  const linked = around.link(element, around);
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
