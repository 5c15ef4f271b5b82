import { ABSENT, Optional } from "../attribute/value.ts";
import type { Evaluate } from "./frame.ts";
import { inside, newVariable, type Surroundings } from "./surroundings.ts";
import type { Tree } from "./tree.ts";
import { isFailure, NO_OVERLOAD, NONE } from "./values.ts";

/** A variable of a comprehension, of `cel.bind` or of `optMap`. */
export function linkLocal(name: string, { variables }: Surroundings): Evaluate {
  const variable = variables.findLast((one) => one.name === name);
  if (variable === undefined) throw new Error(`tree has a variable ${name} outside of what binds it`);
  const { place, late } = variable;
  // Bound before its body runs.
  if (late === undefined) return (frame) => frame.locals[place] ?? null;
  return (frame) => {
    const known = frame.locals[place];
    if (known !== undefined) return known;
    const outcome = late(frame);
    frame.locals[place] = outcome;
    return outcome;
  };
}

/** `cel.bind(variable, value, body)`: absent or an error only where the body reads a variable that is. */
export function linkBind(tree: Tree & { op: "bind" }, around: Surroundings): Evaluate {
  const variable = newVariable(tree.variable, around, around.link(tree.value, around));
  const body = around.link(tree.body, inside(around, variable));
  const { place } = variable;
  return (frame) => {
    // In a loop there is one from the round before.
    frame.locals[place] = undefined;
    return body(frame);
  };
}

/** `operand.optMap(variable, body)`: the body is evaluated only when there is a value. */
export function linkOptionalMap(tree: Tree & { op: "optional-map" }, around: Surroundings): Evaluate {
  const operand = around.link(tree.operand, around);
  const variable = newVariable(tree.variable, around);
  const body = around.link(tree.body, inside(around, variable));
  const { place } = variable;
  const { flat } = tree;
  return (frame) => {
    const optional = operand(frame);
    if (isFailure(optional)) return optional;
    if (!(optional instanceof Optional)) return NO_OVERLOAD;
    if (optional.value === ABSENT) return NONE;
    frame.locals[place] = optional.value;
    const outcome = body(frame);
    // What a body of type dyn turns out to be is looked at where it is used, as anywhere.
    return flat || isFailure(outcome) ? outcome : new Optional(outcome);
  };
}
