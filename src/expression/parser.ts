import * as messages from "../diagnostics/messages/expression.ts";
import type { Bounds } from "./limits.ts";
import { readLiteral } from "./literal-text.ts";
import { type Expansion, macroNamed } from "./macros.ts";
import { firstMistake } from "./mistakes.ts";
import { type Problem, problem } from "./problem.ts";
import { codePoints } from "./strings.ts";
import type { Call, Syntax } from "./syntax.ts";
import { quoteOf, scan, type Token, tokenAt } from "./token.ts";
import type { Place } from "./tree.ts";

export type Parsed = { readonly ok: true; readonly syntax: Syntax } | { readonly ok: false; readonly problem: Problem };

/**
 * Reads an expression, by the grammar of CEL (github.com/google/cel-spec, doc/langdef.md) with optionals and quoted fields. The leftmost
 * thing that is not CEL is the answer, in our own words. Never throws, and is bounded before it begins and in depth.
 */
export function parse(text: string, bounds: Bounds): Parsed {
  const length = bounds.unit === "bytes" ? Buffer.byteLength(text, "utf8") : codePoints(text);
  if (length > bounds.length) return failed(problem(messages.tooLong(length, bounds), [0, text.length]));
  const { tokens } = scan(text);
  if (tokens.length === 0) return failed(problem(messages.empty(), [0, text.length]));
  const parser = new Parser(text, tokens, bounds);
  const syntax = parser.whole();
  // What stands wrong further left explains it better than where the grammar gave up.
  const mistake = firstMistake(tokens, parser.problem?.end);
  const found = mistake ?? parser.problem;
  return found ? failed(found) : { ok: true, syntax };
}

function failed(found: Problem): Parsed {
  return { ok: false, problem: found };
}

/** Operators that are read from left to right, loosest first: what stands on their sides is of the next. */
const LEVELS: readonly ReadonlySet<string>[] = [
  new Set(["==", "!=", "<", "<=", ">", ">=", "in"]),
  new Set(["+", "-"]),
  new Set(["*", "/", "%"]),
];
/** Words of the grammar itself, which name nothing, not even a field. */
const KEYWORDS: ReadonlySet<string> = new Set(["true", "false", "null", "in"]);
/** Kept free by the language; as fields they are fine. */
const RESERVED: ReadonlySet<string> = new Set(
  "as break const continue else for function if import let loop package namespace return var void while".split(" "),
);
const CONSTANTS: ReadonlyMap<string, Syntax & { is: "literal" }> = new Map([
  ["true", { is: "literal", value: { type: "bool", value: true }, at: [0, 0] }],
  ["false", { is: "literal", value: { type: "bool", value: false }, at: [0, 0] }],
  ["null", { is: "literal", value: { type: "null" }, at: [0, 0] }],
]);

class Parser {
  /** The first thing that is wrong; from then on there is only the end. */
  problem: Problem | undefined;
  readonly #tokens: readonly Token[];
  readonly #end: Token;
  readonly #bounds: Bounds;
  /** Where nodes stand with the brackets around them. */
  readonly #bracketed = new Map<Syntax, Place>();
  #at = 0;
  /** Expressions within brackets, and branches within branches. */
  #nesting = -1;
  /** How many levels of nodes stand in each node: chains of `+` or `.` are deep without brackets. */
  readonly #heights = new Map<Syntax, number>();

  constructor(text: string, tokens: readonly Token[], bounds: Bounds) {
    this.#tokens = tokens;
    this.#end = tokenAt(text, text.length);
    this.#bounds = bounds;
  }

  whole(): Syntax {
    const syntax = this.#expression();
    const rest = this.#peek();
    if (rest.kind !== "end") this.#fail(leftOver(rest, this.#tokens[this.#at - 1]), placeOf(rest));
    return syntax;
  }

  // ── Operators, loosest first ───────────────────────────────────────────────────────────────────────────────────

  #expression(): Syntax {
    if (this.#nesting >= this.#bounds.nesting) return this.#tooDeep(this.#peek());
    this.#nesting++;
    const condition = this.#or();
    const syntax = this.#take("?") ? this.#conditional(condition) : condition;
    this.#nesting--;
    return syntax;
  }

  #conditional(condition: Syntax): Syntax {
    const whenTrue = this.#or();
    this.#expect(":");
    const whenFalse = this.#expression();
    const at = this.#around(condition, whenFalse);
    return this.#node({ is: "conditional", condition, whenTrue, whenFalse, at }, condition, whenTrue, whenFalse);
  }

  #or(): Syntax {
    const first = this.#and();
    if (this.#peek().text !== "||") return first;
    const operands: [Syntax, ...Syntax[]] = [first];
    while (this.#take("||")) operands.push(this.#and());
    return this.#chain("or", operands);
  }

  #and(): Syntax {
    const first = this.#leftToRight(0);
    if (this.#peek().text !== "&&") return first;
    const operands: [Syntax, ...Syntax[]] = [first];
    while (this.#take("&&")) operands.push(this.#leftToRight(0));
    return this.#chain("and", operands);
  }

  #chain(is: "and" | "or", operands: readonly [Syntax, ...Syntax[]]): Syntax {
    return this.#node({ is, operands, at: this.#around(operands[0], operands.at(-1) ?? operands[0]) }, ...operands);
  }

  #leftToRight(level: number): Syntax {
    const signs = LEVELS[level];
    if (signs === undefined) return this.#unary();
    let left = this.#leftToRight(level + 1);
    for (let sign = this.#takeOf(signs); sign !== undefined; sign = this.#takeOf(signs)) {
      const right = this.#leftToRight(level + 1);
      const args = [left, right];
      left = this.#node({ is: "operator", name: `_${sign.text}_`, args, at: this.#around(left, right) }, ...args);
    }
    return left;
  }

  /** `!` and `-` come in runs, of which every two cancel out, as in cel-go; one `-` alone before a number belongs to it. */
  #unary(): Syntax {
    const first = this.#peek();
    if ((first.text !== "!" && first.text !== "-") || this.#isNegativeNumber()) return this.#member();
    let run = 0;
    while (this.#peek().text === first.text) {
      this.#at++;
      run++;
    }
    if (run > this.#bounds.nesting) return this.#tooDeep(this.#peek());
    const operand = this.#member();
    if (run % 2 === 0) return operand;
    const at: Place = [first.start, this.#placeOf(operand)[1]];
    if (first.text === "!") return this.#node({ is: "not", operand, at }, operand);
    return this.#node({ is: "operator", name: "-_", args: [operand], at }, operand);
  }

  #isNegativeNumber(): boolean {
    const kind = this.#tokens[this.#at + 1]?.kind;
    return this.#peek().text === "-" && (kind === "int" || kind === "double");
  }

  // ── What is selected, indexed and called ───────────────────────────────────────────────────────────────────────

  #member(): Syntax {
    let operand = this.#primary();
    for (;;) {
      const sign = this.#peek();
      if (sign.kind !== "sign") return operand;
      if (sign.text === ".") operand = this.#afterDot(operand);
      else if (sign.text === "[") operand = this.#index(operand);
      else if (sign.text === "{" && qualifiedName(operand) !== undefined) operand = this.#message(operand);
      else return operand;
    }
  }

  #afterDot(operand: Syntax): Syntax {
    this.#at++;
    const optional = this.#take("?");
    const field = this.#peek();
    if (field.kind === "quoted") {
      this.#at++;
      return this.#select(operand, field.text.slice(1, -1), optional, field);
    }
    if (field.kind !== "word") return this.#due("a name");
    if (KEYWORDS.has(field.text)) return this.#fail(messages.reservedName(field.text), placeOf(field));
    this.#at++;
    if (!optional && this.#take("(")) return this.#call(field, operand);
    return this.#select(operand, field.text, optional, field);
  }

  #select(operand: Syntax, field: string, optional: boolean, end: Token): Syntax {
    return this.#node({ is: "select", operand, field, optional, at: [this.#placeOf(operand)[0], end.end] }, operand);
  }

  #index(operand: Syntax): Syntax {
    this.#at++;
    const optional = this.#take("?");
    const index = this.#expression();
    const end = this.#expect("]");
    return this.#node({ is: "index", operand, index, optional, at: [this.#placeOf(operand)[0], end] }, operand, index);
  }

  #message(operand: Syntax): Syntax {
    this.#at++;
    while (this.problem === undefined && this.#peek().text !== "}") {
      this.#take("?");
      const field = this.#peek();
      if (field.kind !== "word" && field.kind !== "quoted") return this.#due("the name of a field");
      this.#at++;
      this.#expect(":");
      this.#expression();
      if (!this.#take(",")) break;
    }
    const end = this.#expect("}");
    return { is: "message", name: qualifiedName(operand) ?? "", at: [this.#placeOf(operand)[0], end] };
  }

  // ── Values ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #primary(): Syntax {
    const token = this.#peek();
    switch (token.kind) {
      case "int":
      case "uint":
      case "double":
      case "string":
      case "bytes":
        return this.#literal(token, token.start);
      case "word":
        return this.#name(false, token.start);
      case "open":
        return this.#fail(messages.unterminatedText(quoteOf(token)), placeOf(token));
      case "sign":
        return this.#signed(token);
      default:
        return this.#due("a value");
    }
  }

  #literal(token: Token, start: number): Syntax {
    this.#at++;
    const literal = readLiteral(token, start < token.start);
    if (literal.ok) return { is: "literal", value: literal.value, at: [start, token.end] };
    return this.#fail(literal.problem, [start < token.start ? start : literal.problem.start, literal.problem.end]);
  }

  #signed(token: Token): Syntax {
    switch (token.text) {
      case "(": {
        this.#at++;
        const inside = this.#expression();
        this.#bracketed.set(inside, [token.start, this.#expect(")")]);
        return inside;
      }
      case "[":
        return this.#list(token.start);
      case "{":
        return this.#map(token.start);
      case "-": {
        const number = this.#tokens[this.#at + 1];
        if (number === undefined || !this.#isNegativeNumber()) return this.#due("a value");
        this.#at++;
        return this.#literal(number, token.start);
      }
      case ".":
        this.#at++;
        return this.#peek().kind === "word" ? this.#name(true, token.start) : this.#due("a name");
      default:
        return this.#due("a value");
    }
  }

  #name(rooted: boolean, start: number): Syntax {
    const token = this.#peek();
    const constant = CONSTANTS.get(token.text);
    if (constant !== undefined && !rooted) {
      this.#at++;
      return { ...constant, at: placeOf(token) };
    }
    if (KEYWORDS.has(token.text)) return this.#due(rooted ? "a name" : "a value");
    if (RESERVED.has(token.text)) return this.#fail(messages.reservedName(token.text), placeOf(token));
    this.#at++;
    if (this.#take("(")) return this.#call(token, undefined);
    return { is: "name", name: token.text, rooted, at: [start, token.end] };
  }

  #list(start: number): Syntax {
    this.#at++;
    const elements: Syntax[] = [];
    const optional: number[] = [];
    while (this.#more("]", elements.length)) {
      if (this.#take("?")) optional.push(elements.length);
      elements.push(this.#expression());
      if (!this.#take(",")) break;
    }
    if (elements.length === 0) this.#take(",");
    const end = this.#expect("]");
    return this.#node({ is: "list", elements, optional, at: [start, end] }, ...elements);
  }

  #map(start: number): Syntax {
    this.#at++;
    const entries: (readonly [Syntax, Syntax])[] = [];
    const optional: number[] = [];
    while (this.#more("}", entries.length)) {
      if (this.#take("?")) optional.push(entries.length);
      const key = this.#expression();
      this.#expect(":");
      entries.push([key, this.#expression()]);
      if (!this.#take(",")) break;
    }
    if (entries.length === 0) this.#take(",");
    const end = this.#expect("}");
    return this.#node({ is: "map", entries, optional, at: [start, end] }, ...entries.flat());
  }

  /** Whether another entry comes. */
  #more(closing: string, entries: number): boolean {
    const next = this.#peek();
    if (next.kind === "end" || next.text === closing || (next.text === "," && entries === 0)) return false;
    if (entries < this.#bounds.entries) return true;
    this.#fail(messages.tooManyEntries(this.#bounds.entries), placeOf(next));
    return false;
  }

  // ── Calls and macros ───────────────────────────────────────────────────────────────────────────────────────────

  /** Its name and the bracket behind it are read. */
  #call(name: Token, receiver: Syntax | undefined): Syntax {
    const args: Syntax[] = [];
    if (this.#peek().text !== ")") {
      do args.push(this.#expression());
      while (this.#take(","));
    }
    const end = this.#expect(")");
    const at: Place = [receiver ? this.#placeOf(receiver)[0] : name.start, end];
    const call: Call = {
      is: "call",
      name: name.text,
      args,
      named: placeOf(name),
      at,
      ...(receiver ? { receiver } : {}),
    };
    const macro =
      macroNamed(receiver?.is === "name" ? `${receiver.name}.${name.text}` : name.text) ?? macroNamed(name.text);
    const expanded = macro && this.#expand(macro.expand, call);
    return this.#node(expanded ?? call, ...(receiver ? [receiver, ...args] : args));
  }

  /** @returns undefined for a call that has a macro's name and not its form: it may be a function. */
  #expand(expansion: Expansion, call: Call): Syntax | undefined {
    const { receiver, args, name, at } = call;
    const [first, second, third] = args;
    if (expansion.to === "has") {
      if (receiver !== undefined || first === undefined || second !== undefined) return undefined;
      return first.is === "select" && !first.optional
        ? { is: "has", of: first, at }
        : this.#fail(messages.hasNeedsPath(false), first.at);
    }
    if (receiver === undefined || first === undefined || second === undefined) return undefined;
    if (expansion.to === "bind") {
      if (third === undefined || args.length > 3) return undefined;
      return { is: "bind", variable: this.#variable(first, name), value: second, body: third, at };
    }
    if (expansion.to === "comprehension") return this.#loop(expansion, call);
    if (third !== undefined) return undefined;
    const variable = this.#variable(first, name);
    if (expansion.to === "sort-by") return { is: "sort-by", list: receiver, variable, key: second, at };
    return { is: "optional-map", flat: expansion.flat, operand: receiver, variable, body: second, at };
  }

  #loop(expansion: Expansion & { to: "comprehension" }, { receiver, args, name, at }: Call): Syntax | undefined {
    const form = expansion.arguments.get(args.length);
    const [first, second] = args;
    const body = args.at(-1);
    if (form === undefined || receiver === undefined || first === undefined || body === undefined) return undefined;
    const variable = this.#variable(first, name);
    const where = form.where ? { where: args.at(-2) ?? body } : {};
    const base = {
      is: "comprehension",
      macro: expansion.macro,
      range: receiver,
      variable,
      body,
      at,
      ...where,
    } as const;
    if (form.variables === 1 || second === undefined) return base;
    const other = this.#variable(second, name);
    if (other === variable) this.#fail(messages.sameVariable(other), second.at);
    return { ...base, second: other };
  }

  #variable(syntax: Syntax, macro: string): string {
    if (syntax.is === "name" && !syntax.rooted) return syntax.name;
    this.#fail(messages.variableNeeded(macro), syntax.at);
    return "";
  }

  // ── Tokens ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #peek(): Token {
    return this.#tokens[this.#at] ?? this.#end;
  }

  #take(sign: string): boolean {
    const next = this.#peek();
    if (next.kind !== "sign" || next.text !== sign) return false;
    this.#at++;
    return true;
  }

  #takeOf(signs: ReadonlySet<string>): Token | undefined {
    const next = this.#peek();
    if ((next.kind !== "sign" && next.kind !== "word") || !signs.has(next.text)) return undefined;
    this.#at++;
    return next;
  }

  /** @returns where the sign ends. */
  #expect(sign: string): number {
    const next = this.#peek();
    if (this.#take(sign)) return next.end;
    this.#due(`\`${sign}\``);
    return next.end;
  }

  /** Bounds how deep a node is, whatever it consists of. */
  #node<Node extends Syntax>(node: Node, ...parts: readonly Syntax[]): Syntax {
    let height = 1;
    for (const part of parts) height = Math.max(height, 1 + (this.#heights.get(part) ?? 1));
    this.#heights.set(node, height);
    if (height <= this.#bounds.levels) return node;
    return this.#fail(messages.tooDeep(this.#bounds.nesting), [node.at[0], node.at[1]]);
  }

  #around(first: Syntax, last: Syntax): Place {
    return [this.#placeOf(first)[0], this.#placeOf(last)[1]];
  }

  #placeOf(syntax: Syntax): Place {
    return this.#bracketed.get(syntax) ?? syntax.at;
  }

  // ── Mistakes ───────────────────────────────────────────────────────────────────────────────────────────────────

  #due(expected: string): Syntax {
    const found = this.#peek();
    if (found.kind !== "end")
      return this.#fail(messages.unexpectedToken(`\`${found.text}\``, expected), placeOf(found));
    const last = this.#tokens.at(-1)?.end ?? 0;
    // The last character, so that something is underlined.
    return this.#fail(messages.endsEarly(expected), [Math.max(0, last - 1), last]);
  }

  #tooDeep(token: Token): Syntax {
    return this.#fail(messages.tooDeep(this.#bounds.nesting), placeOf(token));
  }

  /** Notes the first mistake and goes to the end; what takes the node's place is never seen. */
  #fail(finding: messages.Finding, at: Place): Syntax {
    this.problem ??= problem(finding, at);
    this.#at = this.#tokens.length;
    return { is: "literal", value: { type: "null" }, at };
  }
}

function placeOf(token: Token): Place {
  return [token.start, token.end];
}

/** @returns `a.b.c` of a name and the fields behind it; undefined for anything else. */
export function qualifiedName(syntax: Syntax): string | undefined {
  if (syntax.is === "name") return syntax.name;
  if (syntax.is !== "select" || syntax.optional) return undefined;
  const operand = qualifiedName(syntax.operand);
  return operand === undefined ? undefined : `${operand}.${syntax.field}`;
}

/** What stands behind a whole expression. */
function leftOver(found: Token, before: Token | undefined): messages.Finding {
  const isNumber = before?.kind === "int" || before?.kind === "double" || before?.kind === "uint";
  if (isNumber && found.start === before.end && found.kind !== "sign")
    return messages.badNumber(before.text + found.text, "write `12`, `12u`, `0x1f` or `1.5e3`");
  if (found.kind === "sign" && !"([{".includes(found.text))
    return messages.unexpectedToken(`\`${found.text}\``, "an operator or the end");
  return messages.operatorMissing(found.text);
}
