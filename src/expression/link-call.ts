import { ABSENT, type CelValue, Invalid, type Outcome } from "../attribute/value.ts";
import { charge, type Evaluate, type Frame } from "./frame.ts";
import type { Apply, Cost, FunctionRow, Prepared } from "./functions/function-row.ts";
import { functionNamed } from "./functions/registry.ts";
import { hasKey, operandOf } from "./link-access.ts";
import { fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { isFailure, sizeOf, weightOf } from "./values.ts";

/** An operator or function of the registry. */
export function linkCall(tree: Tree & { op: "call" }, around: Surroundings): Evaluate {
  const row = functionNamed(tree.function);
  if (row === undefined) throw new Error(`tree calls an unknown function ${tree.function}`);
  const own = row.link?.(tree.args.map((arg) => operandOf(arg, around)));
  if (own) return charging(typeof row.cost === "number" ? row.cost : 1, own);
  const quick = row.name === "_in_" ? linkIn(tree.args, around) : linkEquality(row.name, tree.args, around);
  if (quick) return quick;
  const constants = tree.args.map((arg) => (arg.op === "constant" ? fromLiteral(arg.value) : undefined));
  const prepared = row.prepare?.(constants) ?? row;
  return strict(
    prepared,
    { ...row, cost: prepared.cost ?? row.cost },
    tree.args.map((arg) => around.link(arg, around)),
  );
}

function charging(steps: number, evaluate: Evaluate): Evaluate {
  return (frame) => charge(frame, steps) ?? evaluate(frame);
}

/** Error if an operand is error, else absent if one is, else the function of their values. */
function strict(
  { apply }: Prepared,
  { cost, deep }: Pick<FunctionRow, "cost" | "deep">,
  args: readonly Evaluate[],
): Evaluate {
  const call = charged(apply, cost, deep ? weightOf : sizeOf);
  const [first, second, ...others] = args;
  if (first === undefined) return (frame) => call(frame, null, null, null, null);
  if (second === undefined) {
    return (frame) => {
      const a = first(frame);
      return isFailure(a) ? a : call(frame, a, null, null, null);
    };
  }
  if (others.length > 0) return strictOnMany(call, [first, second, ...others]);
  return (frame) => {
    const a = first(frame);
    if (a instanceof Invalid) return a;
    const b = second(frame);
    if (b instanceof Invalid) return b;
    return a === ABSENT || b === ABSENT ? ABSENT : call(frame, a, b, null, null);
  };
}

function strictOnMany(call: Call, args: readonly Evaluate[]): Evaluate {
  return (frame) => {
    const values: CelValue[] = [];
    let absent = false;
    for (const arg of args) {
      const value = arg(frame);
      if (value instanceof Invalid) return value;
      if (value === ABSENT) absent = true;
      else values.push(value);
    }
    const [a = null, b = null, c = null, d = null] = values;
    return absent ? ABSENT : call(frame, a, b, c, d);
  };
}

type Call = (frame: Frame, a: CelValue, b: CelValue, c: CelValue, d: CelValue) => Outcome;

/** Pays for the call before it is made. */
function charged(apply: Apply, cost: Cost, measure: (value: CelValue) => number): Call {
  if (typeof cost === "number") return (frame, a, b, c, d) => charge(frame, cost) ?? apply(a, b, c, d);
  return (frame, a, b, c, d) =>
    charge(frame, cost(measure(a), measure(b), measure(c), measure(d))) ?? apply(a, b, c, d);
}

/** `"k" in map-attribute` reads one key; `x in ["a", "b"]` is one look into a set. */
function linkIn([element, container]: readonly Tree[], around: Surroundings): Evaluate | undefined {
  if (element === undefined || container === undefined) return undefined;
  if (container.op === "attribute" && container.type.kind === "map" && container.type.key.kind === "string") {
    return linkKeyIn(element, around.scope.slotOf(container.name), around);
  }
  const texts = constantTexts(container);
  if (texts === undefined) return undefined;
  const linked = around.link(element, around);
  return (frame) => {
    const value = linked(frame);
    return isFailure(value) ? value : (charge(frame, 1) ?? (typeof value === "string" && texts.has(value)));
  };
}

function linkKeyIn(element: Tree, slot: number, around: Surroundings): Evaluate {
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

/** A constant list of texts only. */
function constantTexts(tree: Tree): ReadonlySet<string> | undefined {
  if (tree.op !== "constant" || tree.value.type !== "list") return undefined;
  const texts = tree.value.items.map((item) => (item.type === "string" ? item.value : undefined));
  return texts.every((text) => text !== undefined) ? new Set(texts) : undefined;
}

/** Comparing with a constant text, which most rules do: without weighing what is compared. */
function linkEquality(name: string, args: readonly Tree[], around: Surroundings): Evaluate | undefined {
  if (name !== "_==_" && name !== "_!=_") return undefined;
  const constant = args.findIndex((arg) => arg.op === "constant" && arg.value.type === "string");
  const text = args[constant];
  const other = args[1 - constant];
  if (other === undefined || text?.op !== "constant" || text.value.type !== "string") return undefined;
  const { value } = text.value;
  const linked = around.link(other, around);
  const whenEqual = name === "_==_";
  return (frame) => {
    const outcome = linked(frame);
    // A text equals nothing but a text.
    return isFailure(outcome) ? outcome : (outcome === value) === whenEqual;
  };
}
