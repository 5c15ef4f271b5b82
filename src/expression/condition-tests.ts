import type { CelType } from "../attribute/type.ts";
import { comparisonOf } from "./comparison.ts";
import { constantTest } from "./constant-test.ts";
import type { Evaluate, LinkScope } from "./frame.ts";
import { linkTree } from "./link.ts";
import { readShape, type Shape } from "./pattern-shape.ts";
import type { ExpressionPlan, Literal, Tree } from "./tree.ts";

/** What conditions test: an attribute, a key of a map, or what one function makes of such a thing. */
export interface Subject {
  /** The same wherever the same thing is written. */
  readonly key: string;
  readonly evaluate: Evaluate;
}

/** A test that a condition needs: where the test is definitely false so is the condition, and where the condition is true so is the test. */
export interface Test {
  readonly subject: Subject;
  /** `holds`: the subject itself must be true. */
  readonly kind: "equals" | "prefix" | "suffix" | "holds";
  /** What the subject must be, begin or end with one of; none for `holds`. */
  readonly texts: readonly string[];
}

/** What can be told of a condition without evaluating it. */
export interface ConditionTests {
  readonly needed: readonly Test[];
  /** The condition is an error only where one of these is (or the budget is spent); undefined where more can make it one. */
  readonly failsBy: readonly Subject[] | undefined;
}

/** Of a condition that is not there, and so always true. */
export const NO_TESTS: ConditionTests = { needed: [], failsBy: [] };

/** More tests of one condition are not looked at. */
const MAX_TESTS = 16;
/** A test of more texts is none: a list of `define:` may have any number. */
const MAX_TEXTS = 1_000;
/** A condition that reads more things is taken for one that anything can make an error. */
const MAX_FAILURES = 8;

/** The subjects of a snapshot's conditions, each linked once. */
export class Subjects {
  readonly #scope: LinkScope;
  readonly #known = new Map<string, Subject>();
  readonly #sets = new Map<string, readonly Subject[]>();

  constructor(scope: LinkScope) {
    this.#scope = scope;
  }

  /** @returns undefined for what is no subject. */
  of(tree: Tree): Subject | undefined {
    const key = tree.op === "constant" ? undefined : keyOf(tree);
    if (key === undefined) return undefined;
    const known = this.#known.get(key) ?? { key, evaluate: linkTree(tree, this.#scope) };
    this.#known.set(key, known);
    return known;
  }

  /** @returns the same list for the same subjects: most conditions of a folder read the same few things. */
  set(subjects: Iterable<Subject>): readonly Subject[] {
    const all = [...subjects];
    const key = all.map((subject) => subject.key).join();
    const known = this.#sets.get(key) ?? all;
    this.#sets.set(key, known);
    return known;
  }
}

/** @returns what can be told of a condition by its tree, which is not kept. */
export function testsOf({ tree }: ExpressionPlan, subjects: Subjects): ConditionTests {
  const needed: Test[] = [];
  const failures = new Set<Subject>();
  const isSure = read(tree, subjects, needed, failures) && failures.size <= MAX_FAILURES;
  // Copies have room for what is in them, and no more.
  return { needed: needed.slice(0, MAX_TESTS), failsBy: isSure ? subjects.set(failures) : undefined };
}

/**
 * Notes what a condition needs, and what can make it an error.
 *
 * @returns false where something else can as well
 */
function read(tree: Tree, subjects: Subjects, needed: Test[], failures: Set<Subject>): boolean {
  if (tree.op === "and") {
    let isSure = true;
    for (const operand of tree.operands) isSure = read(operand, subjects, needed, failures) && isSure;
    return isSure;
  }
  const test = textTest(tree, subjects);
  if (test === undefined) {
    needed.push(...neededBy(tree, subjects));
    return failures.size <= MAX_FAILURES && addFailures(tree, subjects, failures);
  }
  if (saysSomething(test)) needed.push(test);
  failures.add(test.subject);
  return test.kind === "equals" || (tree.op === "call" && tree.args[0] !== undefined && isText(tree.args[0]));
}

function neededBy(tree: Tree, subjects: Subjects): readonly Test[] {
  const test = textTest(tree, subjects);
  if (test) return saysSomething(test) ? [test] : [];
  switch (tree.op) {
    case "and":
      return tree.operands.flatMap((operand) => neededBy(operand, subjects));
    case "or":
      return neededByEach(tree.operands, subjects);
    default:
      return neededPresence(tree, subjects);
  }
}

/** `has(claims.plan)`, `"x-user" in request.headers`, and that it is not there: what guards other tests against absence. */
function neededPresence(tree: Tree, subjects: Subjects): readonly Test[] {
  if (!isPresence(tree.op === "not" ? tree.operand : tree)) return [];
  const subject = subjects.of(tree);
  return subject ? [{ subject, kind: "holds", texts: [] }] : [];
}

function isPresence(tree: Tree): boolean {
  return tree.op === "has" || isKeyIn(tree);
}

/** `"k" in map-attribute`. */
function isKeyIn(tree: Tree): boolean {
  if (tree.op !== "call" || tree.function !== "_in_") return false;
  const [key, container] = tree.args;
  return key?.op === "constant" && container?.op === "attribute" && container.type.kind === "map";
}

/** What all operands test, each in its own way, one of these ways must be so. */
function neededByEach([first, ...others]: readonly Tree[], subjects: Subjects): readonly Test[] {
  let common = first === undefined ? [] : neededBy(first, subjects).slice(0, MAX_TESTS);
  for (const other of others) {
    if (common.length === 0) break;
    const tests = neededBy(other, subjects).slice(0, MAX_TESTS);
    common = common.flatMap((test) => either(test, tests));
  }
  return common.filter(saysSomething);
}

function either(test: Test, others: readonly Test[]): readonly Test[] {
  for (const other of others) {
    const kind = other.subject === test.subject ? commonKind(test.kind, other.kind) : undefined;
    if (kind !== undefined) return [{ subject: test.subject, kind, texts: [...test.texts, ...other.texts] }];
  }
  return [];
}

/** What equals a text begins and ends with it. */
function commonKind(a: Test["kind"], b: Test["kind"]): Test["kind"] | undefined {
  if (a === b) return a;
  if (a === "holds" || b === "holds") return undefined;
  if (a === "equals") return b;
  return b === "equals" ? a : undefined;
}

/** Nearly every path begins with a slash, and every text with an empty one. */
function saysSomething({ kind, texts }: Test): boolean {
  if (texts.length > MAX_TEXTS) return false;
  if (kind === "prefix") return !texts.includes("") && !texts.includes("/");
  return kind !== "suffix" || !texts.includes("");
}

/** One test of one subject with constant texts. */
function textTest(tree: Tree, subjects: Subjects): Test | undefined {
  const test = constantTest(tree);
  if (test) return test.negated ? undefined : equality(subjects.of(test.subject), test.constants);
  if (tree.op !== "call") return undefined;
  const [operand, constant] = tree.args;
  if (operand === undefined || constant?.op !== "constant" || constant.value.type !== "string") return undefined;
  const found = affix(tree.function, constant.value.value);
  const subject = found && subjects.of(operand);
  return found && subject && { subject, kind: found.kind, texts: [found.text] };
}

function equality(subject: Subject | undefined, constants: readonly Literal[]): Test | undefined {
  // What is no text is equal to constants that are none, too.
  return subject && constants.every(isTextual) ? { subject, kind: "equals", texts: constants.map(textOf) } : undefined;
}

type Textual = Literal & { readonly type: "string" };

function isTextual(literal: Literal): literal is Textual {
  return literal.type === "string";
}

function textOf({ value }: Textual): string {
  return value;
}

/** What a text must be, begin or end with for a function to say yes. */
function affix(name: string, written: string): { kind: Exclude<Test["kind"], "holds">; text: string } | undefined {
  switch (name) {
    case "startsWith":
      return { kind: "prefix", text: written };
    case "endsWith":
      return { kind: "suffix", text: written };
    case "glob": {
      const star = written.indexOf("*");
      return star < 0 ? { kind: "equals", text: written } : { kind: "prefix", text: written.slice(0, star) };
    }
    case "matches":
      return written.startsWith("^") ? { kind: "prefix", text: literalBeginning(readShape(written)) } : undefined;
    default:
      return undefined;
  }
}

/** The text that everything begins with that matches; "" when it may be any. */
function literalBeginning(shape: Shape | undefined): string {
  if (shape?.kind !== "sequence" || shape.parts[0]?.kind !== "start") return "";
  let text = "";
  for (const part of shape.parts.slice(1)) {
    const character = part.kind === "one" ? onlyCharacter(part.of) : undefined;
    if (character === undefined) break;
    text += character;
  }
  return text;
}

function onlyCharacter({ ascii, beyond, inverted }: (Shape & { kind: "one" })["of"]): string | undefined {
  if (inverted || beyond.size > 0) return undefined;
  const unit = ascii.indexOf(1);
  return unit >= 0 && ascii.lastIndexOf(1) === unit ? String.fromCharCode(unit) : undefined;
}

/** Functions of a text or map with constants that are worth finding rules by what they give. */
const READING: ReadonlySet<string> = new Set([
  "get",
  "orDefault",
  "orValue",
  "spiffe.namespace",
  "spiffe.serviceAccount",
  "spiffe.trustDomain",
  "lowerAscii",
  "upperAscii",
  "trim",
]);

/** @returns the same for what is written in the same way, undefined for what is no subject; never the same for two things. */
function keyOf(tree: Tree): string | undefined {
  switch (tree.op) {
    case "attribute":
      return tree.name;
    case "constant":
      return tree.value.type === "string" ? JSON.stringify(tree.value.value) : undefined;
    case "select":
      return keyWithin(tree.operand, "", tree.field);
    case "optional-select":
      return keyWithin(tree.operand, "?", tree.field);
    case "index":
    case "optional-index":
      return tree.index.op === "constant" && tree.index.value.type === "string"
        ? keyWithin(tree.operand, tree.op === "index" ? "" : "?", tree.index.value.value)
        : undefined;
    case "optional":
      return applied("?", [tree.operand]);
    case "not":
      return applied("!", [tree.operand]);
    case "has":
      return tree.field === undefined ? applied("has", [tree.operand]) : keyWithin(tree.operand, "has", tree.field);
    case "call":
      return READING.has(tree.function) || isKeyIn(tree) ? applied(tree.function, tree.args) : undefined;
    default:
      return undefined;
  }
}

function keyWithin(operand: Tree, how: string, field: string): string | undefined {
  const key = keyOf(operand);
  return key && `${key}${how}[${JSON.stringify(field)}]`;
}

function applied(name: string, args: readonly Tree[]): string | undefined {
  let text = `${name}(`;
  for (const arg of args) {
    const key = keyOf(arg);
    if (key === undefined) return undefined;
    text += `${key},`;
  }
  return `${text})`;
}

/**
 * Notes what can make a condition an error.
 *
 * @returns false where something else can as well
 */
function addFailures(tree: Tree, subjects: Subjects, into: Set<Subject>): boolean {
  switch (tree.op) {
    case "constant":
      return tree.value.type === "bool";
    case "and":
    case "or":
      return tree.operands.every((operand) => into.size <= MAX_FAILURES && addFailures(operand, subjects, into));
    case "not":
      return addFailures(tree.operand, subjects, into);
    case "has":
      return addSubject(tree, subjects, into);
    case "attribute":
      return tree.type.kind === "bool" && addSubject(tree, subjects, into);
    case "call":
      return addCallFailures(tree, subjects, into);
    default:
      return false;
  }
}

function addCallFailures(call: Tree & { op: "call" }, subjects: Subjects, into: Set<Subject>): boolean {
  if (isKeyIn(call)) return addSubject(call, subjects, into);
  const test = constantTest(call);
  if (test) return addSubject(test.subject, subjects, into);
  const { subject, constant, name } = comparisonOf(call) ?? {};
  if (subject === undefined || constant === undefined || name === undefined) return false;
  const never = TEXT_TESTS.has(name) ? isText(subject) : ORDERINGS.has(name) && isOrdered(subject, constant);
  return never && addSubject(subject, subjects, into);
}

function addSubject(tree: Tree, subjects: Subjects, into: Set<Subject>): boolean {
  const subject = subjects.of(tree);
  if (subject) into.add(subject);
  return subject !== undefined;
}

/** Told of any text; their patterns were looked at when the policy was compiled. */
const TEXT_TESTS: ReadonlySet<string> = new Set(["startsWith", "endsWith", "contains", "matches", "glob"]);
const ORDERINGS: ReadonlySet<string> = new Set(["_<_", "_<=_", "_>_", "_>=_"]);
/** Doubles have NaN, which is not ordered. */
const ORDERED: ReadonlySet<CelType["kind"]> = new Set(["int", "uint", "string", "timestamp", "duration"]);

function isOrdered(subject: Tree, { type }: Literal): boolean {
  return subject.op === "attribute" && subject.type.kind === type && ORDERED.has(type);
}

/** Whether a subject that has a value has a text. */
function isText(tree: Tree): boolean {
  switch (tree.op) {
    case "attribute":
      return tree.type.kind === "string";
    case "constant":
      return tree.value.type === "string";
    case "select":
    case "index":
      return holdsTexts(tree.operand);
    case "call":
      return isTextOf(tree.function, tree.args);
    default:
      return false;
  }
}

function isTextOf(name: string, [first, second, third]: readonly Tree[]): boolean {
  if (first === undefined || !READING.has(name)) return false;
  if (name === "get") return holdsTexts(first) && third !== undefined && isText(third);
  if (name === "orDefault") return isText(first) && second !== undefined && isText(second);
  return name !== "orValue";
}

function holdsTexts(tree: Tree): boolean {
  return tree.op === "attribute" && tree.type.kind === "map" && tree.type.value.kind === "string";
}
