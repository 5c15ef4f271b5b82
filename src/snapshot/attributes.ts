import { type CelType, formatType, parseType } from "../attribute/type.ts";
import { type AttributeRow, prefixConflict, type Supply, type Trust, VOCABULARY } from "../attribute/vocabulary.ts";
import * as messages from "../diagnostics/messages/load.ts";
import type { Scope } from "../expression/compile.ts";
import type { AttributeRead, ExpressionPlan } from "../expression/tree.ts";
import type { AuthoredAttribute, AuthoredDerivation, AuthoredRoot, DoorName } from "../policy/authored.ts";
import type { Compiler } from "./compiler.ts";

/** The attributes of one folder: Weir's vocabulary, what `attributes.yaml` adds, and what it derives. */
export interface Attributes {
  readonly types: ReadonlyMap<string, CelType>;
  readonly derived: ReadonlyMap<string, ExpressionPlan>;
  /** What a door says of an attribute; a derived one is as good as what it is derived from. */
  supply(attribute: string, door: DoorName): Supply;
  trust(attribute: string, door: DoorName): Trust;
  /** Whether a caller of the native API can say the attribute in a Check. */
  mayBring(attribute: string): boolean;
  /** The reads that stand behind a read: those of the derivation where the attribute is derived, itself otherwise. */
  behind(read: AttributeRead): readonly AttributeRead[];
}

type Row = Pick<AttributeRow, "name" | "doors" | "workedOutFrom">;

const NO_DEFINITIONS: Scope["definitions"] = new Map();

export function resolveAttributes(root: AuthoredRoot, compiler: Compiler): Attributes {
  const rows = new Map<string, Row>(VOCABULARY.map((row) => [row.name, row]));
  const types = new Map<string, CelType>(VOCABULARY.map((row) => [row.name, parseType(row.type)]));
  declare(root.attributes, rows, types, compiler);
  const derived = derive(root.derivations, types, compiler);
  // A derivation that failed has its own error; whoever reads it is right to count on it.
  for (const { name } of root.derivations) {
    if (!rows.has(name.value) && !derived.has(name.value)) rows.set(name.value, alwaysThere(name.value));
  }
  const required = new Set((root.settings.doors.weir?.requires ?? []).map((name) => name.value));
  return attributesOf(rows, types, derived, required);
}

/** Adds what `attributes.yaml` declares. */
function declare(
  declared: readonly AuthoredAttribute[],
  rows: Map<string, Row>,
  types: Map<string, CelType>,
  compiler: Compiler,
): void {
  const seen = new Set<string>();
  for (const attribute of declared) {
    const name = attribute.name.value;
    // The second of one name was told as such, and one without a name too.
    if (seen.has(name) || name === "") continue;
    seen.add(name);
    const conflict = rows.has(name) ? undefined : prefixConflict(name, rows.keys());
    if (rows.has(name)) {
      compiler.add(messages.attributeExists(attribute.name.span, name));
    } else if (conflict !== undefined) {
      compiler.add(messages.attributePrefix(attribute.name.span, name, conflict));
    } else {
      const elsewhere = attribute.doors.filter((door) => door.value !== "weir");
      compiler.add(...elsewhere.map((door) => messages.undeclarableDoor(door.span, name, door.value)));
      rows.set(name, { name, doors: suppliedBy(attribute) });
      types.set(name, parseType(attribute.type));
    }
  }
}

function alwaysThere(name: string): Row {
  const on = { supply: "always", trust: "proxy" } as const;
  return { name, doors: { weir: on, "ext-authz": on, "ext-authz-tcp": on, "access-log": on, decision: on } };
}

function suppliedBy(attribute: AuthoredAttribute): AttributeRow["doors"] {
  const named = new Set(attribute.doors.map((door) => door.value));
  // Whoever calls us says what a declared attribute is: the proxy's word, never the client's.
  const on = (door: DoorName) => ({
    supply: named.has(door) ? ("sometimes" as const) : ("never" as const),
    trust: "proxy" as const,
  });
  return {
    weir: on("weir"),
    "ext-authz": on("ext-authz"),
    "ext-authz-tcp": on("ext-authz-tcp"),
    "access-log": on("access-log"),
    decision: { supply: "sometimes", trust: "proxy" },
  };
}

/** Compiles derivations in an order in which each finds its types; those that need each other are errors. */
function derive(
  derivations: readonly AuthoredDerivation[],
  types: Map<string, CelType>,
  compiler: Compiler,
): Map<string, ExpressionPlan> {
  const derived = new Map<string, ExpressionPlan>();
  const { ordered, circular } = inOrder(derivations, compiler);
  // What needs itself has its own error; whoever reads it is right about the name.
  for (const name of circular) if (!types.has(name)) types.set(name, { kind: "dyn" });
  for (const derivation of ordered) {
    const name = derivation.name.value;
    if (circular.has(name)) continue;
    const conflict = types.has(name) ? undefined : prefixConflict(name, types.keys());
    if (conflict !== undefined) {
      compiler.add(messages.attributePrefix(derivation.name.span, name, conflict));
      continue;
    }
    const plan = compiler.expression(derivation.expression, { attributes: types, definitions: NO_DEFINITIONS }, "any");
    const declared = types.get(name);
    if (plan === undefined) {
      // Its readers are right about the name: only the first mistake is reported.
      types.set(name, declared ?? { kind: "dyn" });
    } else if (declared !== undefined && formatType(declared) !== formatType(plan.type) && plan.type.kind !== "dyn") {
      const span = derivation.expression.locate(0, derivation.expression.text.length);
      compiler.add(messages.derivedType(span, name, formatType(declared), formatType(plan.type)));
    } else {
      types.set(name, declared ?? plan.type);
      derived.set(name, plan);
    }
  }
  return derived;
}

/** Orders derivations so that each stands after those it mentions; a mention is the name as a whole word in its text. */
function inOrder(
  derivations: readonly AuthoredDerivation[],
  compiler: Compiler,
): { readonly ordered: readonly AuthoredDerivation[]; readonly circular: ReadonlySet<string> } {
  const ordered: AuthoredDerivation[] = [];
  const circular = new Set<string>();
  const state = new Map<AuthoredDerivation, "visiting" | "done">();
  const visit = (derivation: AuthoredDerivation, path: readonly AuthoredDerivation[]): void => {
    if (state.get(derivation) === "done") return;
    if (state.get(derivation) === "visiting") {
      const names = [...path.slice(path.indexOf(derivation)), derivation].map((one) => one.name.value);
      compiler.add(messages.cycle(derivation.name.span, names));
      for (const name of names) circular.add(name);
      return;
    }
    state.set(derivation, "visiting");
    for (const other of derivations) {
      // Its own name inside a derivation is the door's value: not a cycle.
      if (other !== derivation && mentions(derivation.expression.text, other.name.value))
        visit(other, [...path, derivation]);
    }
    state.set(derivation, "done");
    ordered.push(derivation);
  };
  for (const derivation of derivations) visit(derivation, []);
  return { ordered, circular };
}

function mentions(text: string, name: string): boolean {
  const pattern = new RegExp(`(?<![\\w.])${name.replaceAll(".", "\\s*\\.\\s*")}(?![\\w])`, "u");
  return pattern.test(text);
}

function attributesOf(
  rows: ReadonlyMap<string, Row>,
  types: ReadonlyMap<string, CelType>,
  derived: ReadonlyMap<string, ExpressionPlan>,
  required: ReadonlySet<string>,
): Attributes {
  const ofDoor = (attribute: string, door: DoorName): Supply => {
    const row = rows.get(attribute);
    const isRequired = required.has(attribute) || (row?.workedOutFrom !== undefined && required.has(row.workedOutFrom));
    return door === "weir" && isRequired ? "always" : (row?.doors[door].supply ?? "never");
  };
  const supply = (attribute: string, door: DoorName): Supply => {
    const plan = derived.get(attribute);
    if (plan === undefined) return ofDoor(attribute, door);
    // The access log has of a derived attribute what its decision carried.
    if (door === "access-log") return "sometimes";
    if (plan.total) return "always";
    return worst(plan.reads.filter(mayMakeAbsent).map((read) => supplyOfRead(read, attribute, door)));
  };
  const supplyOfRead = (read: AttributeRead, within: string, door: DoorName): Supply => {
    const of = read.attribute === within ? ofDoor(within, door) : supply(read.attribute, door);
    return of === "always" && read.key !== undefined && read.mode === "plain" ? "sometimes" : of;
  };
  const behind = (read: AttributeRead): readonly AttributeRead[] => {
    const plan = derived.get(read.attribute);
    return plan === undefined
      ? [read]
      : plan.reads.flatMap((inner) => (inner.attribute === read.attribute ? [inner] : behind(inner)));
  };
  const trust = (attribute: string, door: DoorName): Trust => rows.get(attribute)?.doors[door].trust ?? "client";
  const mayBring = (attribute: string): boolean =>
    derived.has(attribute) || (rows.get(attribute)?.doors.weir.supply ?? "never") !== "never";
  return { types, derived, supply, trust, mayBring, behind };
}

/** `in`, `?` and `has` of a key have an answer for a missing key, and none for a missing map. */
function mayMakeAbsent({ mode, guard, key }: AttributeRead): boolean {
  return mode === "plain" || guard === "in" || guard === "?" || (guard === "has" && key !== undefined);
}

function worst(supplies: readonly Supply[]): Supply {
  if (supplies.includes("never")) return "never";
  return supplies.includes("sometimes") ? "sometimes" : "always";
}
