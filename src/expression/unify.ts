import type { CelType, SimpleKind } from "../attribute/type.ts";
import type { Overload, SignatureType } from "./functions/signature.ts";
import type { Literal } from "./tree.ts";

/**
 * Types while an expression is checked: those of CEL, and variables for what is not known yet (the elements of `[]`, the parameters of an
 * overload). The rules are those of cel-go's checker, which decide what type-checks: `dyn` fits everything, `null` fits times and
 * everything opaque, and a variable becomes the more general of the types that it meets.
 */
export type Type =
  | { readonly kind: SimpleKind }
  | { readonly kind: "list"; readonly element: Type }
  | { readonly kind: "map"; readonly key: Type; readonly value: Type }
  | { readonly kind: "optional"; readonly value: Type }
  | { readonly kind: "type"; readonly of: Type }
  | { readonly kind: "variable"; readonly id: number };

export const DYN: Type = { kind: "dyn" };
export const BOOL: Type = { kind: "bool" };
export const INT: Type = { kind: "int" };

/** What the variables of one expression stand for. */
export class Unifier {
  readonly #known = new Map<number, Type>();
  /** What was known of the variables that the attempt under way has changed, in order. */
  #trail: (readonly [id: number, before: Type | undefined])[] = [];
  #variables = 0;

  fresh(): Type {
    return { kind: "variable", id: this.#variables++ };
  }

  /** Whether a value of one type can stand where another is needed, all of them at once; what variables are then known to be is kept only if so. */
  fit(types: readonly Type[], needed: readonly Type[]): boolean {
    this.#trail = [];
    for (let index = 0; index < types.length; index++) {
      if (!this.#fits(types[index] ?? DYN, needed[index] ?? DYN)) return this.#giveUp();
    }
    return true;
  }

  #giveUp(): false {
    for (const [id, before] of this.#trail.reverse()) {
      if (before === undefined) this.#known.delete(id);
      else this.#known.set(id, before);
    }
    return false;
  }

  #learn(id: number, type: Type): void {
    this.#trail.push([id, this.#known.get(id)]);
    this.#known.set(id, type);
  }

  /** The type of a list's elements, or of what else holds both. */
  join(one: Type | undefined, other: Type): Type {
    if (one === undefined) return other;
    return this.fit([one], [other]) ? moreGeneral(one, other) : DYN;
  }

  /** What a value is as a map; undefined when it can be none. */
  asMap(type: Type): Type | undefined {
    const map: Type = { kind: "map", key: this.fresh(), value: this.fresh() };
    return this.fit([type], [map]) ? this.known(map) : undefined;
  }

  /** The type of what is of a type, and otherwise `optional.none()`; undefined when nothing can be both. */
  orNone(type: Type): Type | undefined {
    const either = this.fresh();
    const none: Type = { kind: "optional", value: this.fresh() };
    return this.fit([type, none], [either, either]) ? this.known(either) : undefined;
  }

  /** An overload's types, with variables of its own in place of its parameters. */
  instance({ parameters, returns, concrete }: Overload): {
    readonly parameters: readonly Type[];
    readonly returns: Type;
  } {
    if (concrete) return concrete;
    const known = new Map<string, Type>();
    const instantiated = (type: SignatureType): Type => this.#instantiated(type, known);
    return { parameters: parameters.map(instantiated), returns: instantiated(returns) };
  }

  #instantiated(type: SignatureType, parameters: Map<string, Type>): Type {
    if (type.kind === "parameter") {
      const variable = parameters.get(type.name) ?? this.fresh();
      parameters.set(type.name, variable);
      return variable;
    }
    return mapInside(type, (inner) => this.#instantiated(inner, parameters));
  }

  /** Whether a type, with what is known of its variables, is made of more than so many: found out without looking at more of them. */
  isLargerThan(most: number, type: Type): boolean {
    const open: Type[] = [type];
    for (let parts = 0, next = open.pop(); next !== undefined; next = open.pop()) {
      const known = next.kind === "variable" ? (this.#known.get(next.id) ?? next) : next;
      if (known !== next) open.push(known);
      else if (++parts > most) return true;
      else open.push(...inside(known));
    }
    return false;
  }

  /** The type with what is known of its variables. */
  known(type: Type): Type {
    if (isSimple(type)) return type;
    if (type.kind !== "variable") return mapInside(type, (inner) => this.known(inner));
    const known = this.#known.get(type.id);
    return known === undefined ? type : this.known(known);
  }

  /** The same, and `dyn` for what never became known. */
  final(type: Type): CelType {
    const known = type.kind === "variable" ? this.known(type) : type;
    if (known.kind === "variable") return { kind: "dyn" };
    return mapInside(known, (inner) => this.final(inner));
  }

  #fits(type: Type, needed: Type): boolean {
    if (needed.kind === "variable") {
      const verdict = this.#substitute(type, needed);
      if (verdict !== "no, and nothing is known") return verdict === "yes";
    }
    if (type.kind === "variable") return this.#substitute(needed, type) === "yes";
    if (type.kind === "dyn" || needed.kind === "dyn") return true;
    if (type.kind === "null") return isNullable(needed);
    if (needed.kind === "null") return isNullable(type);
    if (type.kind !== needed.kind) return false;
    // Types as values fit each other, whatever they are, unless one is not known yet.
    if (type.kind === "type" && !this.#isOpen(type) && !this.#isOpen(needed)) return true;
    return inside(type).every((part, index) => this.#fits(part, inside(needed)[index] ?? DYN));
  }

  /** Whether a variable may stand for a type, and from then on does. */
  #substitute(type: Type, variable: Type & { kind: "variable" }): "yes" | "no" | "no, and nothing is known" {
    if (type.kind === "variable" && type.id === variable.id) return "yes";
    const known = this.#known.get(variable.id);
    if (known === undefined) {
      if (this.#occurs(variable, type)) return "no, and nothing is known";
      this.#learn(variable.id, type);
      return "yes";
    }
    if (isSame(type, known)) return "yes";
    if (!this.#fits(type, known)) return "no";
    const general = moreGeneral(type, known);
    if (!this.#occurs(variable, general)) this.#learn(variable.id, general);
    return "yes";
  }

  /** Whether something in a type is not known. */
  #isOpen(type: Type): boolean {
    const known = this.known(type);
    return known.kind === "variable" || inside(known).some((part) => this.#isOpen(part));
  }

  #occurs(variable: Type & { kind: "variable" }, type: Type): boolean {
    if (type.kind !== "variable") return inside(type).some((part) => this.#occurs(variable, part));
    if (type.id === variable.id) return true;
    const known = this.#known.get(type.id);
    return known !== undefined && this.#occurs(variable, known);
  }
}

/** A type that is not made of others, nor a variable. */
function isSimple(type: { readonly kind: string }): boolean {
  const { kind } = type;
  return kind !== "variable" && kind !== "list" && kind !== "map" && kind !== "optional" && kind !== "type";
}

/** The legacy of protocol messages, whose fields may be null. */
function isNullable(type: Type): boolean {
  return ["null", "timestamp", "duration", "optional", "ip", "cidr"].includes(type.kind);
}

/** The types that a type is made of. */
function inside(type: Type): readonly Type[] {
  switch (type.kind) {
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "optional":
      return [type.value];
    case "type":
      return [type.of];
    default:
      return [];
  }
}

/** A type around types of another sort. */
type Shape<Inner> =
  | { readonly kind: SimpleKind }
  | { readonly kind: "list"; readonly element: Inner }
  | { readonly kind: "map"; readonly key: Inner; readonly value: Inner }
  | { readonly kind: "optional"; readonly value: Inner }
  | { readonly kind: "type"; readonly of: Inner };

/** The same kind of type around what its parts become. */
function mapInside<From, To>(type: Shape<From>, become: (inner: From) => To): Shape<To> {
  switch (type.kind) {
    case "list":
      return { kind: "list", element: become(type.element) };
    case "map":
      return { kind: "map", key: become(type.key), value: become(type.value) };
    case "optional":
      return { kind: "optional", value: become(type.value) };
    case "type":
      return { kind: "type", of: become(type.of) };
    default:
      return type;
  }
}

function moreGeneral(one: Type, other: Type): Type {
  return isLessSpecific(one, other) ? one : other;
}

function isLessSpecific(one: Type, other: Type): boolean {
  if (one.kind === "dyn" || one.kind === "variable") return true;
  if (other.kind === "dyn" || other.kind === "variable" || one.kind !== other.kind) return false;
  return inside(one).every((part, index) => isLessSpecific(part, inside(other)[index] ?? DYN));
}

/** @returns whether two types are the same, variables by name. */
export function isSame(one: Type, other: Type): boolean {
  if (one === other) return true;
  if (one.kind !== other.kind) return false;
  if (one.kind === "variable") return other.kind === "variable" && one.id === other.id;
  return inside(one).every((part, index) => isSame(part, inside(other)[index] ?? DYN));
}

/** @returns the type of what is written as a literal. */
export function literalType(literal: Literal): Type {
  switch (literal.type) {
    case "null":
    case "bool":
    case "int":
    case "uint":
    case "double":
    case "string":
    case "bytes":
      return { kind: literal.type };
    default:
      throw new Error(`no literal is written like a ${literal.type}`);
  }
}
