import type { Bag } from "../attribute/bag.ts";
import { formatType } from "../attribute/type.ts";
import type { CelValue } from "../attribute/value.ts";
import { LineTable } from "../diagnostics/position.ts";
import type { Problem, Scope } from "../expression/compile.ts";
import { compileExpression, DEFAULT_BUDGET, isFailure } from "../expression/index.ts";
import type { Bounds } from "../expression/limits.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo } from "./command-io.ts";
import { firstFailure } from "./eval-failure.ts";
import { type Runnable, runnable } from "./eval-run.ts";
import type { EvalVocabulary } from "./eval-vocabulary.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { type Line, linesOf } from "./input.ts";
import { isWritable, readTyped, type Typed, writeTyped } from "./typed-values.ts";
import { isOfType } from "./value-type.ts";

/**
 * Many expressions for a program to compare with: a line of JSON in, a line of JSON out, in order. No more than a piece of the input and
 * what comes of it is ever held.
 */

/** Bytes of one line: an expression of cel-go's largest size, escaped, with its attributes. */
export const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** UTF-16 units of an expression that is put together of parts, which may be repeated a million times. */
const MAX_TEXT = 1_000_000;
/**
 * Steps of one evaluation: fifty times what all of a request's have, some 150 ms. What cel-go takes ten thousand units of cost for is far
 * below, and what would never end is stopped.
 */
export const COMPARING_BUDGET = 50 * DEFAULT_BUDGET;
/** UTF-16 units of answers that are held before they are written. */
const MAX_HELD = 64 * 1024;

export interface BatchSettings {
  readonly vocabulary: EvalVocabulary;
  readonly bounds: Bounds;
}

/** Counts of lines that could not be answered. */
interface Tally {
  lines: number;
  unread: number;
  bugs: number;
}

export async function evalBatch(settings: BatchSettings, io: CommandIo): Promise<ExitCode> {
  const tally: Tally = { lines: 0, unread: 0, bugs: 0 };
  for await (const lines of linesOf(io.stdin(), MAX_LINE_BYTES)) {
    let answers = "";
    for (const line of lines) {
      answers += `${JSON.stringify(answerLine(line, settings, tally))}\n`;
      if (answers.length < MAX_HELD) continue;
      io.out(answers);
      answers = "";
      if (!(await io.drained())) return EXIT.ok;
    }
    if (answers !== "") io.out(answers);
    if (!(await io.drained())) return EXIT.ok;
  }
  if (tally.unread > 0) io.err(`weir: ${tally.unread} of ${tally.lines} lines could not be read\n`);
  if (tally.bugs > 0) io.err(`weir: ${tally.bugs} of ${tally.lines} lines met a bug of Weir's\n`);
  return tally.bugs > 0 ? EXIT.internal : tally.unread > 0 ? EXIT.usage : EXIT.ok;
}

type Id = string | number | null;

/** What a line gives: one that makes no sense says so, and the others are answered all the same. */
function answerLine(line: Line, settings: BatchSettings, tally: Tally): Readonly<Record<string, unknown>> {
  tally.lines++;
  let id: Id = null;
  try {
    if ("problem" in line) throw new BadInput(line.problem);
    const root = parsed(line.text);
    id = idOf(root["id"]);
    return { id, ...answer(root, settings) };
  } catch (error) {
    const place = { line: line.number, ...(id === null ? {} : { id }) };
    if (error instanceof BadInput) {
      tally.unread++;
      return { ...place, error: error.message };
    }
    // A bug that one expression shows must not keep thousands of others from being compared.
    tally.bugs++;
    return { ...place, error: `this is a bug of Weir's: ${error instanceof Error ? error.stack : String(error)}` };
  }
}

type JsonObject = Readonly<Record<string, unknown>>;

function parsed(text: string): JsonObject {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new BadInput(`the line is no JSON: ${error.message}`);
    throw error;
  }
  if (isRecord(root)) return root;
  throw new BadInput('write an object: {"id": "1", "e": "1 + 2", "runs": [{"vars": {}}]}');
}

function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function idOf(id: unknown): Id {
  if (id === undefined || id === null) return null;
  if (typeof id === "string" || typeof id === "number") return id;
  throw new BadInput("`id` is text or a number");
}

function answer(root: JsonObject, { vocabulary, bounds }: BatchSettings): JsonObject {
  const text = textOf(root);
  const runs = runsOf(root["runs"]);
  const scope: Scope = { attributes: vocabulary, definitions: new Map() };
  const compiled = compileExpression(text, scope, "any", { bounds, lenient: true });
  if (!compiled.ok) return { fail: { [compiled.stage]: failure(compiled.problem, text) } };
  const { plan } = compiled;
  const expression = runnable(plan, COMPARING_BUDGET);
  return {
    type: formatType(plan.type),
    runs: runs.map((vars) => result(expression, bagOf(vars, vocabulary))),
  };
}

function textOf({ e, parts }: JsonObject): string {
  const text = parts === undefined ? e : joined(parts);
  if (typeof text !== "string")
    throw new BadInput("`e` is the text of an expression, or `parts` a list of [text, times]");
  if (!text.isWellFormed()) throw new BadInput("the expression is no text: it holds half of a surrogate pair");
  return text;
}

function joined(parts: unknown): string {
  let text = "";
  for (const part of Array.isArray(parts) ? parts : [parts]) {
    const [piece, times]: readonly unknown[] = Array.isArray(part) ? part : [];
    if (typeof piece !== "string" || typeof times !== "number" || !Number.isSafeInteger(times) || times < 0)
      throw new BadInput("`parts` is a list of [text, times]");
    if (text.length + piece.length * times > MAX_TEXT)
      throw new BadInput(`the expression has more than ${MAX_TEXT} characters`);
    text += piece.repeat(times);
  }
  return text;
}

function runsOf(runs: unknown = []): readonly JsonObject[] {
  if (!Array.isArray(runs)) throw new BadInput("`runs` is a list of {vars}");
  return runs.map((run: unknown) => {
    const { vars = {} } = isRecord(run) ? run : { vars: null };
    if (!isRecord(vars)) throw new BadInput("a run is {vars: {attribute: typed value}}");
    return vars;
  });
}

function failure({ message, help, start }: Problem, text: string): JsonObject {
  const { line, column } = new LineTable(text).position(start);
  return { m: help === undefined ? message : `${message} (${help})`, at: [line, column] };
}

/**
 * Attributes that are fields of objects, as in cel-go: what a run does not have is absent, `has` and `?` can tell, and whatever else reads it
 * has no value.
 */
function bagOf(vars: JsonObject, vocabulary: EvalVocabulary): Bag {
  const bag = new Map<string, CelValue>();
  for (const [name, typed] of Object.entries(vars)) {
    const type = vocabulary.get(name);
    if (type === undefined) throw new BadInput(`unknown attribute \`${name}\`: the vocabulary does not have it`);
    const value = readTyped(typed, `\`${name}\``);
    if (!isOfType(value, type)) throw new BadInput(`\`${name}\` is ${formatType(type)}, and this is none`);
    bag.set(name, value);
  }
  return bag;
}

function result(expression: Runnable, bag: Bag): { readonly v: Typed } | { readonly err: string } {
  const outcome = expression.run(bag);
  if (isFailure(outcome)) return { err: firstFailure(expression.trace(bag), expression.plan, bag).category };
  return isWritable(outcome) ? { v: writeTyped(outcome) } : { err: "cost limit" };
}
