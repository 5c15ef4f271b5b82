import { ABSENT, type CelValue, Invalid, Uint } from "../attribute/value.ts";
import { charge, type Evaluate, type LinkScope } from "./frame.ts";
import { linkHas, linkIndex, linkKey, optionally } from "./link-access.ts";
import { linkCall } from "./link-call.ts";
import { linkComprehension } from "./link-comprehension.ts";
import { linkAnd, linkConditional, linkNot, linkOr } from "./link-logic.ts";
import { fromLiteral } from "./literal.ts";
import type { Surroundings } from "./surroundings.ts";
import type { ExpressionPlan, Tree } from "./tree.ts";
import { invalid, numeric } from "./values.ts";

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
