import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/load.ts";
import type { Definition, Scope } from "../expression/compile.ts";
import type { ExpressionPlan, Literal } from "../expression/tree.ts";
import type { AuthoredDefinition, AuthoredPolicy, Constant } from "../policy/authored.ts";
import type { Attributes } from "./attributes.ts";
import type { Compiler } from "./compiler.ts";

/** @returns what names mean in a policy: the folder's attributes and the policy's own `define:`, each usable in those below it. */
export function scopeOf(policy: AuthoredPolicy, attributes: Attributes, compiler: Compiler): Scope {
  const definitions = new Map<string, Definition>();
  const scope: Scope = { attributes: attributes.types, definitions };
  const roots = new Set([...attributes.types.keys()].map((name) => name.split(".", 1)[0]));
  const later = new Set(policy.define.map((definition) => definition.name.value));
  for (const definition of policy.define) {
    if (roots.has(definition.name.value)) {
      compiler.add(messages.definitionShadowsAttribute(definition.name.span, definition.name.value));
      continue;
    }
    later.delete(definition.name.value);
    const plan = planOf(definition, { ...scope, later }, compiler);
    // A definition that failed stands as `dyn`: its users are not wrong about the name.
    definitions.set(definition.name.value, { plan: plan ?? unknownPlan(definition) });
  }
  return scope;
}

function planOf(definition: AuthoredDefinition, scope: Scope, compiler: Compiler): ExpressionPlan | undefined {
  return definition.kind === "expression"
    ? compiler.expression(definition.expression, scope, "any")
    : constantPlan(definition.name.value, definition.value);
}

function unknownPlan(definition: AuthoredDefinition): ExpressionPlan {
  return { ...constantPlan(definition.name.value, null), type: { kind: "dyn" } };
}

function constantPlan(text: string, value: Constant): ExpressionPlan {
  const literal = literalOf(value);
  const tree = { op: "constant", value: literal, at: [0, 0] } as const;
  return { text, type: typeOf(literal), tree, reads: [], constant: literal, total: true };
}

function literalOf(value: Constant): Literal {
  if (value === null) return { type: "null" };
  switch (typeof value) {
    case "boolean":
      return { type: "bool", value };
    case "bigint":
      return { type: "int", value };
    case "number":
      return { type: "double", value };
    case "string":
      return { type: "string", value };
    default:
      return isList(value)
        ? { type: "list", items: value.map(literalOf) }
        : {
            type: "map",
            entries: Object.entries(value).map(([key, entry]) => [{ type: "string", value: key }, literalOf(entry)]),
          };
  }
}

function isList(value: readonly Constant[] | { readonly [key: string]: Constant }): value is readonly Constant[] {
  return Array.isArray(value);
}

/** The type of a constant; elements of several types make it `dyn`. */
function typeOf(literal: Literal): CelType {
  switch (literal.type) {
    case "list":
      return { kind: "list", element: common(literal.items.map(typeOf)) };
    case "map":
      return { kind: "map", key: { kind: "string" }, value: common(literal.entries.map(([, value]) => typeOf(value))) };
    case "type":
      return { kind: "type", of: { kind: "dyn" } };
    default:
      return { kind: literal.type };
  }
}

function common(types: readonly CelType[]): CelType {
  const [first, ...others] = types;
  if (first === undefined) return { kind: "dyn" };
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : { kind: "dyn" };
}
