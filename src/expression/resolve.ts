import type { CelType } from "../attribute/type.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { mendCall, mendSum, type Node, pin, pinAfter } from "./cel-js.ts";
import { functionNamed, signaturesOf } from "./functions/registry.ts";
import { inlined } from "./inline.ts";
import { MAX_TREE_DEPTH, MAX_TREE_NODES } from "./limits.ts";
import { formsOf, longestAttribute, MACROS, nearestFunction, TYPE_VALUES, unknownName } from "./names.ts";
import { type Problem, problem } from "./problem.ts";
import { literalOf } from "./read-literal.ts";
import type { Scope } from "./scope.ts";
import type { Comprehension, Literal, Macro, Place, Tree } from "./tree.ts";

export type Resolved =
  | {
      readonly ok: true;
      readonly tree: Tree;
      /** It uses a definition that did not compile: nothing more is said of what follows from that. */
      readonly opaque: boolean;
    }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Makes our tree of the parser's: each name becomes an attribute, a definition written out, a variable or a function. Tells the type
 * checker what type each name has, by pinning it to the parser's node.
 */
export function resolve(root: Node, text: string, scope: Scope): Resolved {
  const resolver = new Resolver(text, scope);
  const tree = resolver.tree(root);
  const found = resolver.problem;
  return found === undefined ? { ok: true, tree, opaque: resolver.opaque } : { ok: false, problem: found };
}

type OperatorNode = NodeOf<"==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "+" | "-" | "*" | "/" | "%">;

const RELATIONS: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "in"]);

type NodeOf<Op extends Node["op"]> = Extract<Node, { op: Op }>;

class Resolver {
  /** The leftmost mistake. */
  problem: Problem | undefined;
  opaque = false;
  readonly #text: string;
  readonly #scope: Scope;
  readonly #variables: string[] = [];
  #nodes = 0;
  #depth = 0;

  constructor(text: string, scope: Scope) {
    this.#text = text;
    this.#scope = scope;
  }

  tree(node: Node): Tree {
    const at = [node.start, node.end] as const;
    if (++this.#nodes > MAX_TREE_NODES) return this.#fail(messages.tooLarge(MAX_TREE_NODES), at);
    if (this.#depth >= MAX_TREE_DEPTH) return this.#fail(messages.tooDeep(MAX_TREE_DEPTH), at);
    this.#depth++;
    const tree = this.#node(node, at);
    this.#depth--;
    return tree;
  }

  #node(node: Node, at: Place): Tree {
    switch (node.op) {
      case "value":
        return this.#literal(node, at, false);
      case "id":
      case ".":
      case ".?":
        return this.#path(node, at);
      case "[]":
        return { op: "index", operand: this.tree(node.args[0]), index: this.tree(node.args[1]), at };
      case "[?]":
        return { op: "optional-index", operand: this.tree(node.args[0]), index: this.tree(node.args[1]), at };
      case "call":
        return this.#globalCall(node, at);
      case "rcall":
        mendCall(node);
        return this.#memberCall(node, at);
      case "list":
        return { op: "list", elements: node.args.map((element) => this.tree(element)), at };
      case "map":
        return { op: "map", entries: node.args.map(([key, value]) => [this.tree(key), this.tree(value)] as const), at };
      case "?:": {
        const [condition, whenTrue, whenFalse] = node.args;
        return {
          op: "conditional",
          condition: this.tree(condition),
          whenTrue: this.tree(whenTrue),
          whenFalse: this.tree(whenFalse),
          at,
        };
      }
      case "||":
      case "&&":
        return {
          op: node.op === "||" ? "or" : "and",
          operands: chainOf(node).map((operand) => this.tree(operand)),
          at,
        };
      case "!_":
        return { op: "not", operand: this.tree(node.args), at };
      case "-_":
        return this.#negation(node, at);
      default:
        return this.#operator(node, at);
    }
  }

  #operator(node: OperatorNode, at: Place): Tree {
    const [left, right] = node.args;
    if (node.op === "+") mendSum(node, left, right);
    if ((node.op === "==" || node.op === "!=") && RELATIONS.has(right.op) && !this.#isInParentheses(left, right)) {
      // The parser binds `<` and `in` closer than `==`; in CEL all comparisons are read from left to right.
      return this.#fail(messages.mixedComparisons(node.op, right.op), at);
    }
    return { op: "call", function: `_${node.op}_`, args: [this.tree(left), this.tree(right)], at };
  }

  #isInParentheses(left: Node, right: Node): boolean {
    return this.#text.slice(left.end, right.start).includes("(");
  }

  #literal(node: NodeOf<"value">, at: Place, negated: boolean): Tree {
    const literal = literalOf(node.args, this.#text.slice(...at), negated);
    if (literal.ok) return { op: "constant", value: literal.value, at };
    return this.#fail(literal.finding, at);
  }

  /** `-9223372036854775808` is a number, though 9223372036854775808 is none. */
  #negation(node: NodeOf<"-_">, at: Place): Tree {
    const operand: Node = node.args;
    if (operand.op === "value" && (typeof operand.args === "bigint" || typeof operand.args === "number")) {
      return this.#literal(operand, at, true);
    }
    return { op: "call", function: "-_", args: [this.tree(operand)], at };
  }

  // ── Names ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** `a`, `a.b.c`, `f(x).b`: a dotted name from its root, or fields of a value. */
  #path(node: Node, at: Place): Tree {
    const path = pathOf(node);
    if (path === undefined) return this.#field(node, at);
    const [root] = path;
    if (root === undefined || this.#variables.includes(root.name)) return this.#local(node, path, at);
    const names = path.map((step) => step.name);
    const attribute = longestAttribute(names, this.#scope);
    if (attribute !== undefined) return this.#attribute(path, attribute.length, attribute.type);
    const definition = this.#scope.definitions.get(root.name);
    if (definition !== undefined) return this.#definition(path);
    const typeName = path.some((step) => step.optional) ? undefined : TYPE_VALUES.get(names.join("."));
    if (typeName !== undefined) {
      pin(node, { kind: "type", of: { kind: "dyn" } });
      return { op: "constant", value: { type: "type", name: typeName }, at };
    }
    return this.#unknown(path);
  }

  #field(node: Node, at: Place): Tree {
    if (node.op !== "." && node.op !== ".?") return this.#fail(messages.notReadable(node.op), at);
    const [operand, field] = node.args;
    return { op: node.op === "." ? "select" : "optional-select", operand: this.tree(operand), field, at };
  }

  #local(node: Node, path: readonly Step[], at: Place): Tree {
    return node.op === "id" ? { op: "local", name: path[0]?.name ?? "", at } : this.#field(node, at);
  }

  #attribute(path: readonly Step[], length: number, type: CelType): Tree {
    const named = path.slice(0, length);
    const last = named.at(-1)?.node;
    if (last === undefined) throw new Error("an attribute without a name");
    const at = [last.start, last.end] as const;
    const name = named.map((step) => step.name).join(".");
    const attribute: Tree = { op: "attribute", name, type, at };
    const optional = named.some((step) => step.optional);
    pin(last, optional ? { kind: "optional", value: type } : type);
    return this.#fields(optional ? { op: "optional", operand: attribute, at } : attribute, path.slice(length));
  }

  /** Written out where it is used, and placed there. */
  #definition(path: readonly Step[]): Tree {
    const [root, ...fields] = path;
    const plan = root && this.#scope.definitions.get(root.name)?.plan;
    if (root === undefined || plan === undefined) throw new Error("a definition that is not there");
    const at = [root.node.start, root.node.end] as const;
    const written = inlined(plan.tree, at);
    this.#nodes += written.nodes;
    if (this.#nodes > MAX_TREE_NODES) return this.#fail(messages.tooLarge(MAX_TREE_NODES), at);
    if (this.#depth + written.depth > MAX_TREE_DEPTH) return this.#fail(messages.tooDeep(MAX_TREE_DEPTH), at);
    if (plan.type.kind === "dyn" && plan.constant?.type === "null") this.opaque = true;
    pin(root.node, plan.type);
    return this.#fields(written.tree, fields);
  }

  #fields(tree: Tree, steps: readonly Step[]): Tree {
    return steps.reduce<Tree>(
      (operand, { name, optional, node }) => ({
        op: optional ? "optional-select" : "select",
        operand,
        field: name,
        at: [node.start, node.end],
      }),
      tree,
    );
  }

  #unknown(path: readonly Step[]): Tree {
    const dashed = dashedKey(this.#text, path[0]?.node.start ?? 0, this.#scope);
    if (dashed) return this.#fail(messages.dashInKey(dashed.map, dashed.key), dashed.place);
    const name = path[0]?.name ?? "";
    if (this.#scope.later?.has(name)) {
      return this.#fail(messages.definedBelow(name), [path[0]?.node.start ?? 0, path[0]?.node.end ?? 0]);
    }
    const { finding, length } = unknownName(
      path.map((step) => step.name),
      this.#scope,
      this.#variables,
    );
    const first = path[0]?.node;
    const last = path[length - 1]?.node;
    return this.#fail(finding, [first?.start ?? 0, last?.end ?? 0]);
  }

  // ── Calls ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #globalCall(node: NodeOf<"call">, at: Place): Tree {
    const [name, args] = node.args;
    const place = [node.start, node.start + name.length] as const;
    if (name === "has") return this.#has(node, args, at);
    return this.#call(name, undefined, args, place, at);
  }

  #memberCall(node: NodeOf<"rcall">, at: Place): Tree {
    const [name, receiver, args] = node.args;
    const place = this.#nameAfter(receiver, name);
    const macro = MACROS.find((one) => one === name);
    if (macro !== undefined) return this.#comprehension(macro, receiver, args, place, at);
    const path = pathOf(receiver);
    const dotted = path === undefined ? "" : `${path.map((step) => step.name).join(".")}.${name}`;
    // `optional.of(x)` is a function whose name has a dot.
    if (functionNamed(dotted) !== undefined && !this.#variables.includes(path?.[0]?.name ?? "")) {
      return this.#call(dotted, undefined, args, [receiver.start, place[1]], at);
    }
    return this.#call(name, receiver, args, place, at);
  }

  #call(name: string, receiver: Node | undefined, args: readonly Node[], place: Place, at: Place): Tree {
    const called =
      receiver === undefined
        ? undefined
        : pathOf(receiver)
            ?.map((step) => step.name)
            .concat(name)
            .join(".");
    if (receiver !== undefined && called !== undefined && this.#scope.attributes.has(called))
      return this.#fail(messages.attributeCalled(called), [receiver.start, place[1]]);
    const finding = callProblem(name, receiver !== undefined, args.length);
    // What it is called on comes first in the text.
    const trees = (receiver === undefined ? args : [receiver, ...args]).map((arg) => this.tree(arg));
    if (finding) return this.#fail(finding, place);
    return { op: "call", function: name, args: trees, at };
  }

  #has(node: Node, [argument, ...others]: readonly Node[], at: Place): Tree {
    if (others[0] !== undefined) return this.#fail(messages.hasNeedsPath(true), [others[0].start, others[0].end]);
    if (argument === undefined || (argument.op !== "." && argument.op !== "id")) {
      return this.#fail(messages.hasNeedsPath(false), argument === undefined ? at : [argument.start, argument.end]);
    }
    const asked = this.tree(argument);
    if (asked.op === "attribute") {
      pin(node, { kind: "bool" });
      return { op: "has", operand: asked, at };
    }
    if (asked.op !== "select" || argument.op !== ".")
      return this.#fail(messages.hasNeedsPath(false), [argument.start, argument.end]);
    pinAfter(node, argument.args[0], { kind: "bool" });
    return { op: "has", operand: asked.operand, field: asked.field, at };
  }

  #comprehension(macro: Macro, receiver: Node, args: readonly Node[], place: Place, at: Place): Tree {
    const range = this.tree(receiver);
    const [variable, ...bodies] = args;
    if (bodies.length !== 1 && !(macro === "map" && bodies.length === 2)) {
      return this.#fail(messages.argumentCount(macro, args.length, [`list.${macro}(x, …)`]), place);
    }
    if (variable?.op !== "id") {
      return this.#fail(
        messages.variableNeeded(macro),
        variable === undefined ? place : [variable.start, variable.end],
      );
    }
    this.#variables.push(variable.args);
    const [first, second] = bodies.map((body) => this.tree(body));
    this.#variables.pop();
    if (first === undefined) throw new Error("a macro without a body");
    const base: Omit<Comprehension, "body"> = { op: "comprehension", macro, range, variable: variable.args, at };
    return second === undefined ? { ...base, body: first } : { ...base, where: first, body: second };
  }

  /** Where a method's name stands: the parser keeps only where the call begins and ends. */
  #nameAfter(receiver: Node, name: string): Place {
    const gap = /^(?:[\s)]|\/\/[^\n]*\n)*\.(?:\s|\/\/[^\n]*\n)*/.exec(this.#text.slice(receiver.end))?.[0].length ?? 0;
    const start = receiver.end + gap;
    return [start, start + name.length];
  }

  /** Keeps the leftmost problem; what takes the node's place is never seen. */
  #fail(finding: messages.Finding, at: Place): Tree {
    if (this.problem === undefined || at[0] < this.problem.start) this.problem = problem(finding, at);
    return { op: "constant", value: NOTHING, at };
  }
}

const NOTHING: Literal = { type: "null" };

interface Step {
  readonly name: string;
  /** Reached by `.?`. */
  readonly optional: boolean;
  /** The node that this step ends. */
  readonly node: Node;
}

/** @returns the steps of a dotted name, undefined for fields of anything else than a name. */
function pathOf(node: Node): readonly Step[] | undefined {
  const steps: Step[] = [];
  let current = node;
  while (current.op === "." || current.op === ".?") {
    steps.push({ name: current.args[1], optional: current.op === ".?", node: current });
    current = current.args[0];
  }
  if (current.op !== "id") return undefined;
  return [...steps, { name: current.args, optional: false, node: current }].reverse();
}

/** The operands of a whole chain of one operator, in order; without recursion, for chains are long. */
function chainOf(node: NodeOf<"||"> | NodeOf<"&&">): readonly Node[] {
  const operands: Node[] = [];
  const open: Node[] = [node];
  for (let current = open.pop(); current !== undefined; current = open.pop()) {
    if (current.op === node.op) open.push(current.args[1], current.args[0]);
    else operands.push(current);
  }
  return operands;
}

/** `request.headers.x-user`: the name at `at` is what is left of a key with dashes. */
function dashedKey(
  text: string,
  at: number,
  scope: Scope,
): { readonly map: string; readonly key: string; readonly place: Place } | undefined {
  const before = /(?<![\w.])([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\.([A-Za-z_]\w*(?:-\w+)*)-$/.exec(text.slice(0, at));
  const [, map, begun] = before ?? [];
  if (before === null || map === undefined || begun === undefined) return undefined;
  if (longestAttribute(map.split("."), scope)?.type.kind !== "map") return undefined;
  const rest = /^\w+(?:-\w+)*/.exec(text.slice(at))?.[0] ?? "";
  return { map, key: `${begun}-${rest}`, place: [before.index, at + rest.length] };
}

/** What is wrong with a call, its arguments' types aside. */
function callProblem(name: string, isMember: boolean, args: number): messages.Finding | undefined {
  const row = functionNamed(name);
  const signatures = row === undefined ? [] : signaturesOf(row);
  if (signatures.length === 0) return messages.unknownFunction(name, nearestFunction(name));
  const sameForm = signatures.filter((signature) => (signature.receiver !== undefined) === isMember);
  if (sameForm.length === 0) return messages.otherForm(name, formsOf(name)[0] ?? name);
  if (sameForm.some((signature) => signature.parameters.length === args)) return undefined;
  return messages.argumentCount(name, args, formsOf(name));
}
