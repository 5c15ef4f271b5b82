import { type CelType, formatType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { checkMacro, type MacroChecker } from "./check-macro.ts";
import { pathOf, type Step } from "./dotted-path.ts";
import { CONDITIONAL, INDEX, NOT, OPTIONAL_INDEX } from "./functions/built-in.ts";
import type { FunctionRow, WrittenCall } from "./functions/function-row.ts";
import { functionNamed, overloadsOf } from "./functions/registry.ts";
import type { Overload } from "./functions/signature.ts";
import { inlined } from "./inline.ts";
import { type Bounds, MAX_TYPE_PARTS } from "./limits.ts";
import { attributeOf, groupMembers, longestAttribute, TYPE_VALUES, unknownCall, unknownPath } from "./names.ts";
import { qualifiedName } from "./parser.ts";
import { type Problem, problem } from "./problem.ts";
import type { Scope } from "./scope.ts";
import type { Call, Select, Syntax } from "./syntax.ts";
import type { Literal, Place, Tree } from "./tree.ts";
import { argumentTypes, callForm, fieldHelp, operatorHelp } from "./type-problems.ts";
import { BOOL, DYN, isSame, literalType, type Type, Unifier } from "./unify.ts";

export type Checked =
  | {
      readonly ok: true;
      readonly tree: Tree;
      readonly type: CelType;
      /** A definition is used that stands for nothing, because it is wrong itself: what follows from its value is not worth saying. */
      readonly opaque: boolean;
    }
  | {
      readonly ok: false;
      readonly problem: Problem;
      /** For those who evaluate what does not check, as CEL allows: what fits nowhere fails when it comes to it. Nothing else may use it. */
      readonly tree: Tree;
    };

/**
 * Gives names their meaning and every part its type, by the rules of CEL as cel-go has them; the leftmost thing that does not fit is the
 * answer.
 *
 * An attribute is a dotted name, not a field of an object: `request.headers.x` is the attribute `request.headers` and the field `x` of it.
 * A variable of a loop comes before an attribute, an attribute before a definition, and a definition before the name of a type.
 */
export function check(syntax: Syntax, text: string, scope: Scope, bounds: Bounds): Checked {
  const checker = new Checker(text, scope, bounds);
  const tree = checker.tree(syntax);
  checker.checkWritten();
  if (checker.problem) return { ok: false, problem: checker.problem, tree };
  return { ok: true, tree, type: checker.typeOf(tree), opaque: checker.opaque };
}

class Checker implements MacroChecker {
  problem: Problem | undefined;
  opaque = false;
  readonly #text: string;
  readonly #scope: Scope;
  readonly #bounds: Bounds;
  readonly unifier = new Unifier();
  readonly #types = new Map<Tree, Type>();
  /** Variables of loops and bindings, innermost last. */
  readonly #locals: { readonly name: string; readonly type: Type }[] = [];
  readonly #written: { readonly row: FunctionRow; readonly args: readonly Tree[] }[] = [];
  #nodes = 0;
  #depth = 0;

  constructor(text: string, scope: Scope, bounds: Bounds) {
    this.#text = text;
    this.#scope = scope;
    this.#bounds = bounds;
  }

  typeOf(tree: Tree): CelType {
    return this.unifier.final(this.#open(tree));
  }

  /** What functions themselves say of their arguments, once every type is known. */
  checkWritten(): void {
    if (this.problem) return;
    const typeOf: WrittenCall["typeOf"] = (tree) => this.typeOf(tree);
    for (const { row, args } of this.#written) {
      const wrong = row.checkWritten?.({ args, typeOf });
      if (wrong) this.fail(wrong.finding, wrong.at.at);
    }
  }

  tree(syntax: Syntax): Tree {
    if (this.#depth >= this.#bounds.levels) return this.fail(messages.tooDeep(this.#bounds.nesting), syntax.at);
    this.#depth++;
    const tree = this.#node(syntax);
    this.#depth--;
    return tree;
  }

  #node(syntax: Syntax): Tree {
    switch (syntax.is) {
      case "literal":
        return this.typed({ op: "constant", value: syntax.value, at: syntax.at }, literalType(syntax.value));
      case "name":
      case "select":
        return this.#path(syntax);
      case "index":
        return this.#index(syntax);
      case "call":
        return this.#call(syntax);
      case "operator":
        return this.#operator(syntax);
      case "and":
      case "or":
        return this.#chain(syntax);
      case "not":
        return this.#not(syntax);
      case "conditional":
        return this.#conditional(syntax);
      case "list":
        return this.#list(syntax);
      case "map":
        return this.#map(syntax);
      case "message":
        return this.fail(messages.noMessages(syntax.name), syntax.at);
      case "has":
        return this.#has(syntax.of, syntax.at);
      case "comprehension":
      case "bind":
      case "optional-map":
      case "sort-by":
        return checkMacro(syntax, this);
    }
  }

  // ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `a`, `a.b.c`, `f(x).b`: a dotted name from its root, or fields of a value. */
  #path(syntax: Syntax & { is: "name" | "select" }): Tree {
    const path = pathOf(syntax);
    const root = path?.[0];
    if (path === undefined || root === undefined) return this.#fieldOf(syntax);
    const local = root.rooted ? undefined : this.#locals.findLast(({ name }) => name === root.name);
    if (local) {
      return this.#fields(this.typed({ op: "local", name: local.name, at: root.at }, local.type), path.slice(1));
    }
    const names = path.map(({ name }) => name);
    const attribute = attributeOf(path, this.#scope);
    if (attribute) return this.#attribute(path, attribute.length, attribute.type);
    if (this.#scope.definitions.has(root.name)) return this.#fields(this.#definition(root), path.slice(1));
    const type = path.some(({ optional }) => optional) ? undefined : TYPE_VALUES.get(names.join("."));
    if (type) {
      const value = { type: "type", name: type.name } as const;
      return this.typed({ op: "constant", value, at: syntax.at }, { kind: "type", of: type.of });
    }
    return this.#unknown(path);
  }

  #localNames(): readonly string[] {
    return this.#locals.map(({ name }) => name);
  }

  #unknown(path: readonly Step[]): Tree {
    const start = path[0]?.at[0] ?? 0;
    if (this.#isSettled(start)) return this.#failing([start, start]);
    const whereabouts = { text: this.#text, scope: this.#scope, variables: this.#localNames() };
    const { finding, at } = unknownPath(path, whereabouts);
    return this.fail(finding, at);
  }

  #attribute(path: readonly Step[], length: number, type: CelType): Tree {
    const named = path.slice(0, length);
    const at = named.at(-1)?.at ?? [0, 0];
    const name = named.map((step) => step.name).join(".");
    const attribute = this.typed({ op: "attribute", name, type, at }, type);
    if (!named.some(({ optional }) => optional)) return this.#fields(attribute, path.slice(length));
    const optional = this.typed({ op: "optional", operand: attribute, at }, { kind: "optional", value: type });
    return this.#fields(optional, path.slice(length));
  }

  /** Written out where it is used, and placed there. */
  #definition({ name, at }: Step): Tree {
    const plan = this.#scope.definitions.get(name)?.plan;
    if (plan === undefined) throw new Error("a definition that is not there");
    // What is too large already is not written out any further, a thousand times.
    if (this.#nodes > this.#bounds.nodes) return this.#failing(at);
    const written = inlined(plan.tree, at);
    this.#nodes += written.nodes;
    if (this.#nodes > this.#bounds.nodes) return this.fail(messages.tooLarge(this.#bounds.nodes), at);
    if (this.#depth + written.depth > this.#bounds.levels) return this.fail(messages.tooDeep(this.#bounds.nesting), at);
    if (plan.type.kind === "dyn" && plan.constant?.type === "null") this.opaque = true;
    return this.typed(written.tree, plan.type);
  }

  #fields(tree: Tree, steps: readonly Step[]): Tree {
    return steps.reduce((operand, step) => this.#field(operand, step.name, step.optional, step.at), tree);
  }

  #fieldOf(syntax: Syntax & { is: "name" | "select" }): Tree {
    if (syntax.is === "name") throw new Error("a name without a path");
    return this.#field(this.tree(syntax.operand), syntax.field, syntax.optional, syntax.at);
  }

  #field(operand: Tree, field: string, optional: boolean, at: Place): Tree {
    const { type, isOptional } = this.#fieldType(operand, at, field);
    const result: Type = isOptional || optional ? { kind: "optional", value: type } : type;
    return this.typed({ op: optional ? "optional-select" : "select", operand, field, at }, result);
  }

  #fieldType(operand: Tree, at: Place, field: string): { readonly type: Type; readonly isOptional: boolean } {
    const whole = this.known(operand);
    const inside = whole.kind === "optional" ? whole.value : whole;
    const isOptional = whole.kind === "optional";
    if (inside.kind === "map") return { type: inside.value, isOptional };
    if (inside.kind === "variable") this.unifier.fit([DYN], [inside]);
    else if (inside.kind !== "dyn") this.fail(messages.noFields(this.words(inside), fieldHelp(field)), at);
    return { type: DYN, isOptional };
  }

  /** Of `has(a.b)` only the last step is asked after; `a.b` may be an attribute itself, or a group of them. */
  #has(of: Select, at: Place): Tree {
    const path = pathOf(of);
    const root = path?.[0];
    const names = path?.map(({ name }) => name) ?? [];
    const isLocal = root !== undefined && !root.rooted && this.#localNames().includes(root.name);
    if (!isLocal && path !== undefined && longestAttribute(names.slice(0, -1), this.#scope) === undefined) {
      const type = this.#scope.attributes.get(names.join("."));
      if (type) return this.typed({ op: "has", operand: this.#attribute(path, path.length, type), at }, BOOL);
      const members = groupMembers(names.join("."), this.#scope);
      if (members.length > 0) return this.#hasGroup(members, at);
      if (!this.#scope.definitions.has(names[0] ?? "")) return this.#unknown(path);
    }
    const operand = this.tree(of.operand);
    this.#fieldType(operand, of.at, of.field);
    return this.typed({ op: "has", operand, field: of.field, at }, BOOL);
  }

  /** A group is there when one of its attributes is. */
  #hasGroup(members: readonly (readonly [string, CelType])[], at: Place): Tree {
    const operands = members.map(([name, type]): Tree => {
      const operand = this.typed({ op: "attribute", name, type, at }, type);
      return this.typed({ op: "has", operand, at }, BOOL);
    });
    return this.typed({ op: "or", operands, at }, BOOL);
  }

  // ── Operators ──────────────────────────────────────────────────────────────────────────────────────────────────

  #chain({ is, operands, at }: Syntax & { is: "and" | "or" }): Tree {
    const trees = operands.map((operand) => this.condition(operand, "each side of `&&` and `||`"));
    return this.typed({ op: is, operands: trees, at }, BOOL);
  }

  condition(syntax: Syntax, where: string): Tree {
    const tree = this.tree(syntax);
    if (!this.unifier.fit([this.known(tree)], [BOOL]))
      this.fail(messages.conditionNeeded(where, this.words(tree)), syntax.at);
    return tree;
  }

  #not({ operand, at }: Syntax & { is: "not" }): Tree {
    const tree = this.tree(operand);
    if (this.resolve(NOT, [tree]) === undefined)
      this.fail(messages.operatorTypes("!", [this.words(tree)], undefined), at);
    return this.typed({ op: "not", operand: tree, at }, BOOL);
  }

  #operator({ name, args, at }: Syntax & { is: "operator" }): Tree {
    const trees = args.map((arg) => this.tree(arg));
    const type = this.resolve(overloadsOf(name), trees);
    if (type === undefined) {
      const types = trees.map((tree) => this.words(tree));
      const sign = name.replaceAll("_", "");
      this.fail(messages.operatorTypes(sign, types, operatorHelp(sign, types)), at);
    }
    return this.typed({ op: "call", function: name, args: trees, at }, type ?? DYN);
  }

  #index({ operand, index, optional, at }: Syntax & { is: "index" }): Tree {
    const container = this.tree(operand);
    const key = this.tree(index);
    const type = this.resolve(optional ? OPTIONAL_INDEX : INDEX, [container, key]);
    if (type)
      return this.typed({ op: optional ? "optional-index" : "index", operand: container, index: key, at }, type);
    const whole = this.known(container);
    const inside = whole.kind === "optional" ? whole.value : whole;
    if (inside.kind === "map")
      return this.fail(messages.indexType(this.words(inside), this.words(inside.key), this.words(key)), index.at);
    if (inside.kind === "list") return this.fail(messages.indexType(this.words(inside), "an int", this.words(key)), at);
    return this.fail(messages.noFields(this.words(container)), at);
  }

  #conditional({ condition, whenTrue, whenFalse, at }: Syntax & { is: "conditional" }): Tree {
    const trees = [this.tree(condition), this.tree(whenTrue), this.tree(whenFalse)] as const;
    const type = this.resolve(CONDITIONAL, trees);
    const [test, yes, no] = trees;
    if (type === undefined) {
      if (!this.unifier.fit([this.known(test)], [BOOL]))
        this.fail(messages.conditionNeeded("this condition", this.words(test)), condition.at);
      else this.fail(messages.branchesDiffer(this.words(yes), this.words(no)), at);
    }
    return this.typed({ op: "conditional", condition: test, whenTrue: yes, whenFalse: no, at }, type ?? DYN);
  }

  #list({ elements, optional, at }: Syntax & { is: "list" }): Tree {
    let type: Type | undefined;
    const trees = elements.map((element, index) => {
      const tree = this.tree(element);
      type = this.unifier.join(type, this.#elementType(tree, optional.includes(index), element.at));
      return tree;
    });
    const marks = optional.length > 0 ? { optional } : {};
    const element = type ?? this.unifier.fresh();
    return this.typed({ op: "list", elements: trees, ...marks, at }, { kind: "list", element });
  }

  #map({ entries, optional, at }: Syntax & { is: "map" }): Tree {
    let keyType: Type | undefined;
    let valueType: Type | undefined;
    const trees = entries.map(([key, value], index) => {
      const pair = [this.tree(key), this.tree(value)] as const;
      keyType = this.unifier.join(keyType, this.#open(pair[0]));
      valueType = this.unifier.join(valueType, this.#elementType(pair[1], optional.includes(index), value.at));
      return pair;
    });
    const marks = optional.length > 0 ? { optional } : {};
    const type: Type = {
      kind: "map",
      key: keyType ?? this.unifier.fresh(),
      value: valueType ?? this.unifier.fresh(),
    };
    return this.typed({ op: "map", entries: trees, ...marks, at }, type);
  }

  /** What stands in a literal; of `?x` the value of the optional. */
  #elementType(tree: Tree, optional: boolean, at: Place): Type {
    const type = this.#open(tree);
    if (!optional) return type;
    if (type.kind === "optional") return type.value;
    if (type.kind !== "dyn") this.fail(messages.optionalNeeded(this.words(type)), at);
    return type;
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #call(call: Call): Tree {
    const { receiver, name, args, named, at } = call;
    const qualified = receiver === undefined ? undefined : qualifiedName(receiver);
    const dotted = qualified === undefined ? undefined : `${qualified}.${name}`;
    if (dotted !== undefined && functionNamed(dotted) !== undefined) {
      return this.#function(dotted, undefined, args, [call.at[0], named[1]], at);
    }
    if (dotted !== undefined && this.#scope.attributes.has(dotted) && functionNamed(name) === undefined)
      return this.fail(messages.attributeCalled(dotted), [call.at[0], named[1]]);
    return this.#function(name, receiver, args, named, at);
  }

  #function(name: string, receiver: Syntax | undefined, args: readonly Syntax[], named: Place, at: Place): Tree {
    const written = receiver === undefined ? args : [receiver, ...args];
    const all = written.map((arg) => this.tree(arg));
    const row = functionNamed(name);
    if (row === undefined && this.#isSettled(named[0])) return this.#failing(at);
    const wrongForm =
      row === undefined ? unknownCall(name, args, named) : callForm(row, receiver !== undefined, args.length);
    if (wrongForm) return this.fail(wrongForm.finding, wrongForm.at ?? named);
    if (row === undefined) throw new Error("a function that is neither known nor unknown");
    const trees = row.variadic && all.length > 2 ? [this.#wrapped(all, at)] : all;
    const isMember = receiver !== undefined;
    const candidates = overloadsOf(name).filter((overload) => overload.isMember === isMember);
    const type = this.resolve(candidates, trees);
    if (type === undefined) {
      const types = trees.map((tree) => this.words(tree));
      const wrong = argumentTypes(name, candidates, types, isMember);
      return this.fail(wrong.finding, wrong.ofReceiver && receiver ? receiver.at : at);
    }
    if (row.checkWritten) this.#written.push({ row, args: trees });
    return this.typed({ op: "call", function: name, args: trees, at }, type);
  }

  #wrapped(elements: readonly Tree[], at: Place): Tree {
    const element = elements.map((tree) => this.known(tree)).reduce((one, other) => this.unifier.join(one, other));
    return this.typed({ op: "list", elements, at }, { kind: "list", element });
  }

  /** The type of a call's result: `dyn` when several overloads fit and say different things. */
  resolve(overloads: readonly Overload[], args: readonly Tree[]): Type | undefined {
    const types = args.map((arg) => this.#open(arg));
    let result: Type | undefined;
    for (const overload of overloads) {
      if (overload.parameters.length !== types.length) continue;
      const { parameters, returns } = this.unifier.instance(overload);
      if (!this.unifier.fit(types, parameters)) continue;
      const type = this.unifier.known(returns);
      if (result === undefined) result = type;
      else if (result.kind !== "dyn" && !isSame(type, result)) result = DYN;
    }
    return result;
  }

  /** What stands where variables are bound. */
  within<T>(names: readonly string[], types: readonly Type[], inside: () => T): T {
    this.#locals.push(...names.map((name, index) => ({ name, type: types[index] ?? DYN })));
    const result = inside();
    this.#locals.length -= names.length;
    return result;
  }

  typed<Node extends Tree>(tree: Node, type: Type): Node {
    this.#nodes++;
    const isTooLarge = this.unifier.isLargerThan(MAX_TYPE_PARTS, type);
    if (isTooLarge) this.#note(messages.typeTooLarge(MAX_TYPE_PARTS), tree.at);
    this.#types.set(tree, isTooLarge ? DYN : type);
    return tree;
  }

  known(tree: Tree): Type {
    return this.unifier.known(this.#open(tree));
  }

  /** With variables, also for what is known by now: it may still become more general. */
  #open(tree: Tree): Type {
    return this.#types.get(tree) ?? DYN;
  }

  words(of: Tree | Type): string {
    return formatType("op" in of ? this.typeOf(of) : this.unifier.final(of));
  }

  /** Keeps the leftmost problem; what takes the node's place fits everywhere, and fails when it is evaluated. */
  fail(finding: messages.Finding, at: Place): Tree {
    this.#note(finding, at);
    return this.#failing(at);
  }

  #note(finding: messages.Finding, at: Place): void {
    if (!this.#isSettled(at[0])) this.problem = problem(finding, at);
  }

  /** Nobody is told of a problem to the right of another: what may have been meant there is not looked for, thousands of times. */
  #isSettled(start: number): boolean {
    return this.problem !== undefined && this.problem.start <= start;
  }

  #failing(at: Place): Tree {
    const [operand, index] = [{ op: "list", elements: [], at } as const, { op: "constant", value: ZERO, at } as const];
    return this.typed({ op: "index", operand, index, at }, DYN);
  }
}

/** There is no first element of no elements. */
const ZERO: Literal = { type: "int", value: 0n };
