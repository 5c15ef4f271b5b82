import type { Document, YAMLError } from "yaml";
import type { Diagnostic, Span } from "../../diagnostics/diagnostic.ts";
import {
  badEscape,
  badIndent,
  blockHeader,
  colonInValue,
  colonMissing,
  dashGlued,
  inlineMap,
  nestedTooDeep,
  notYaml,
  severalDocuments,
  specialStart,
  tabIndent,
  tag,
  textAfterEnd,
  unclosedBracket,
  unclosedQuote,
} from "../../diagnostics/messages/document.ts";
import { type LineValue, lineValueAt, quotedLine } from "./line-value.ts";

/** Deeper nesting is refused: nobody writes it, and reading it would recurse. */
export const MAX_DEPTH = 64;

/** What a file's YAML got wrong, in our words. */
export interface SyntaxProblem {
  readonly diagnostic: Diagnostic;
  /**
   * The value that YAML stumbled over, [start, end): with something harmless in its place the rest of the file can be read, so that its
   * other mistakes are told in the same run. Undefined when nothing after it can be trusted.
   */
  readonly mask?: readonly [start: number, end: number];
}

/** A document as the `yaml` package composes it. */
type Composed = Pick<Document, "errors" | "warnings">;
type Context = { readonly file: string; readonly text: string; readonly errors: readonly YAMLError[] };
type Explain = (error: YAMLError, context: Context) => SyntaxProblem;

/**
 * @returns what is wrong with a document's syntax. Bad escapes and tags leave the rest of the document as it is, so all of them are told;
 * of all other errors only the first, because one broken value makes YAML complain about everything that follows.
 */
export function syntaxProblems(file: string, text: string, document: Composed): readonly SyntaxProblem[] {
  // YAML only warns about what it did not understand; we do not go on with what was not understood.
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  const context = { file, text, errors };
  const harmless = errors.filter((error) => HARMLESS[error.code] !== undefined);
  const problems = harmless.map((error) => HARMLESS[error.code]?.(error, context)).filter((each) => each !== undefined);
  const derailing = errors.find((error) => HARMLESS[error.code] === undefined);
  const explained = problems.some((each) => derailing !== undefined && covers(each, derailing.pos[0]));
  if (derailing === undefined || explained) return problems;
  return [...problems, (DERAILING[derailing.code] ?? unnamed)(derailing, context)];
}

function covers({ mask }: SyntaxProblem, offset: number): boolean {
  return mask !== undefined && mask[0] <= offset && offset <= mask[1];
}

type Code = YAMLError["code"];

const HARMLESS: Readonly<Partial<Record<Code, Explain>>> = {
  BAD_DQ_ESCAPE: (error, { file, text }) => {
    const [start] = error.pos;
    const diagnostic = badEscape({ file, start, end: start + 2 }, text.slice(start, start + 2));
    return { diagnostic, mask: [start, start + 2] };
  },
  TAG_RESOLVE_FAILED: (error, { file, text }) => tagProblem(file, text, error.pos),
};

const DERAILING: Readonly<Partial<Record<Code, Explain>>> = {
  BAD_INDENT: explainIndent,
  BAD_SCALAR_START: (error, context) => onValue(error.pos[0], context, specialValue) ?? unnamed(error, context),
  BLOCK_AS_IMPLICIT_KEY: explainNestedKey,
  BLOCK_IN_FLOW: (error, context) => inlineProblem(colonIn(context.text, error.pos), context),
  MISSING_CHAR: explainMissing,
  MULTILINE_IMPLICIT_KEY: explainNestedKey,
  MULTIPLE_ANCHORS: (error, context) => onValue(error.pos[0], context, specialValue) ?? unnamed(error, context),
  MULTIPLE_DOCS: (error, context) => ({ diagnostic: severalDocuments(spanOf(error, context)) }),
  RESOURCE_EXHAUSTION: explainExhaustion,
  TAB_AS_INDENT: (error, context) => ({ diagnostic: tabIndent(spanOf(error, context)) }),
  UNEXPECTED_TOKEN: explainUnexpected,
};

/** `when: !request.x`: the tag is the beginning of the expression. */
export function tagProblem(file: string, text: string, [start, end]: readonly [number, number]): SyntaxProblem {
  const written = text.slice(start, end);
  const value = lineValueAt(text, start);
  // Before a list or map: nothing harmless can stand in its place.
  if (value?.text === written && opensBlock(text, end))
    return { diagnostic: tag({ file, start, end }, written, undefined) };
  const wholeValue = value?.start === start && !written.startsWith("!!") ? value : undefined;
  const span = { file, start, end: wholeValue?.end ?? end };
  const quoted = wholeValue === undefined ? undefined : quotedLine(wholeValue);
  return { diagnostic: tag(span, wholeValue?.text ?? written, quoted), mask: [span.start, span.end] };
}

/** Whether the line that ends at `end` has a list or map below it, as far as indentation tells. */
function opensBlock(text: string, end: number): boolean {
  const indent = /^[ -]*/.exec(text.slice(text.lastIndexOf("\n", end - 1) + 1))?.[0].length ?? 0;
  const below = /^[ \t]*(?:\n[ \t]*)*\n( *)(-\s)?\S/.exec(text.slice(end));
  const deeper = (below?.[1]?.length ?? 0) - indent;
  return below !== null && (deeper > 0 || (deeper === 0 && below[2] !== undefined));
}

function explainUnexpected(error: YAMLError, context: Context): SyntaxProblem {
  const at = error.pos[0];
  if (/flow-(seq|map)-start at node end/.test(error.message)) return inlineProblem(at, context);
  const problem = onValue(at, context, (value) => unexpectedInValue(value, at, context));
  return problem ?? unnamed(error, context);
}

function unexpectedInValue(value: LineValue, at: number, context: Context): SyntaxProblem | undefined {
  const { file, text } = context;
  const first = value.text[0] ?? "";
  const rest = { file, start: at, end: Math.max(at + 1, value.end) };
  const quoted = quotedLine(value) ?? "'…'";
  const mask = [value.start, value.end] as const;
  if (at === value.start) return specialValue(value, context);
  if (first === "|" || first === ">") return { diagnostic: blockHeader(rest, first), mask };
  if (first === '"' || first === "'") return { diagnostic: textAfterEnd(rest, "its second quote", quoted), mask };
  if (first === "[") return { diagnostic: textAfterEnd(rest, "`]`", quoted), mask };
  if (first === "{" && text.slice(value.start, at).trimEnd().endsWith("}"))
    return { diagnostic: textAfterEnd(rest, "`}`", quoted), mask };
  if (first === "{") return inlineProblem(at, context);
  if (first === "*" || first === "&") return specialValue(value, context);
  return undefined;
}

function specialValue(value: LineValue, { file }: Context): SyntaxProblem {
  const span = { file, start: value.start, end: value.start + 1 };
  const diagnostic = specialStart(span, value.text[0] ?? "", quotedLine(value) ?? "'…'");
  return { diagnostic, mask: [value.start, value.end] };
}

/** CEL inside `{ … }`: `{ x: m["a"] }`, `{ x: a ? b : c }`. */
function inlineProblem(at: number, context: Context): SyntaxProblem {
  const diagnostic = inlineMap({ file: context.file, start: at, end: at + 1 });
  const value = lineValueAt(context.text, at);
  if (value === undefined || at < value.start) return { diagnostic };
  const length = /^[{[]/.test(value.text) ? value.text.length : innerLength(value.text);
  return { diagnostic, mask: [value.start, Math.max(value.start + length, at + 1)] };
}

/** The length of a value without the comma or bracket that belongs to the map around it. */
function innerLength(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (/[([{]/.test(text[at] ?? "")) depth++;
    else if (/[)\]}]/.test(text[at] ?? "") && depth-- === 0) return text.slice(0, at).trimEnd().length;
  }
  return text.replace(/\s*,$/, "").length;
}

/** `when: a ? b : c` makes `a ? b` a key, and so does a line that is indented too far. */
function explainNestedKey(error: YAMLError, context: Context): SyntaxProblem {
  const { file, text } = context;
  const [start] = error.pos;
  const key = context.errors.find((each) => each.code === "MULTILINE_IMPLICIT_KEY" && each.pos[0] === start);
  const end = key?.pos[1] ?? start;
  const lines = text.slice(start, end).trimEnd().split("\n");
  const last = lines.at(-1) ?? "";
  const lastStart = start + text.slice(start, end).trimEnd().length - last.length;
  const beginsLine = /^[\s-]*$/.test(text.slice(text.lastIndexOf("\n", start - 1) + 1, start));
  const [first = ""] = lines;
  if (lines.length > 1 && beginsLine && /^[\w-]+:\S/.test(first)) {
    return { diagnostic: colonMissing({ file, start, end: start + first.trimEnd().length }, first.trimEnd()) };
  }
  if (lines.length > 1 && /^\s*[\w-]+$/.test(last)) {
    const indent = last.length - last.trimStart().length;
    return { diagnostic: indentProblem([lastStart + indent, lastStart + last.length], context) };
  }
  const colon = colonIn(text, [start, Math.max(end, start + 1)]);
  const value = lineValueAt(text, start);
  const span = { file, start: colon, end: colon + 1 };
  const quoted = value === undefined ? undefined : quotedLine(value);
  const lineEnd = text.indexOf("\n", colon);
  const help = lines.length > 1 ? "'…'" : (quoted ?? "'…'");
  return { diagnostic: colonInValue(span, help), mask: [start, lineEnd === -1 ? text.length : lineEnd] };
}

/** The colon that YAML took for the end of a key. */
function colonIn(text: string, [start, end]: readonly [number, number]): number {
  const match = /[?:](?=\s)/g;
  match.lastIndex = start;
  let found = match.exec(text);
  while (found?.[0] === "?") found = match.exec(text);
  return found?.index ?? Math.max(start, end - 1);
}

function explainMissing(error: YAMLError, context: Context): SyntaxProblem {
  const { file, text } = context;
  const quote = /Missing closing (["'])/.exec(error.message)?.[1];
  if (quote !== undefined) return unclosed(error.pos[0], quote, context);
  const [start, end] = lineSpan(text, error.pos[0]);
  if (error.message.startsWith("Implicit map keys"))
    return { diagnostic: colonMissing({ file, start, end }, text.slice(start, end), followsBlockHeader(text, start)) };
  if (error.message.includes("without - indicator")) return { diagnostic: indentProblem([start, end], context) };
  if (error.message.includes("between flow")) return inlineProblem(error.pos[0], context);
  return unnamed(error, context);
}

/** The quote was missed at `end`, where the text finally ended; people want to see where it began. */
function unclosed(end: number, quote: string, { file, text }: Context): SyntaxProblem {
  for (let at = text.lastIndexOf(quote, end - 1); at > 0; at = text.lastIndexOf(quote, at - 1)) {
    const value = lineValueAt(text, at);
    if (value?.text[0] !== quote) continue;
    const span = { file, start: value.start, end: value.start + 1 };
    return { diagnostic: unclosedQuote(span, quote) };
  }
  const at = Math.max(0, text.lastIndexOf(quote, end - 1));
  return { diagnostic: unclosedQuote({ file, start: at, end: at + 1 }, quote) };
}

function explainIndent(error: YAMLError, context: Context): SyntaxProblem {
  const { file, text } = context;
  const close = /end with a ([\]}])/.exec(error.message)?.[1];
  if (close !== undefined) {
    const open = close === "]" ? "[" : "{";
    const at = unbalanced(text, error.pos[0], open, close);
    if (at !== undefined) return { diagnostic: unclosedBracket({ file, start: at, end: at + 1 }, open, close) };
  }
  return { diagnostic: indentProblem(lineSpan(text, error.pos[0]), context) };
}

/** A line that does not fit under its neighbours; often the one above lacks the space behind its dash. */
function indentProblem([start, end]: readonly [number, number], { file, text }: Context): Diagnostic {
  const [above, aboveEnd] = lineAbove(text, start);
  const glued = /^-[\w-]+:(?=\s|$)/.exec(text.slice(above, aboveEnd))?.[0];
  return glued === undefined
    ? badIndent({ file, start, end })
    : dashGlued({ file, start: above, end: above + glued.length }, glued);
}

function followsBlockHeader(text: string, start: number): boolean {
  return /:\s+[|>][-+\d]*$/.test(text.slice(...lineAbove(text, start)));
}

/** The line above the one on which `offset` stands, without its indentation. */
function lineAbove(text: string, offset: number): readonly [number, number] {
  return lineSpan(text, Math.max(0, text.lastIndexOf("\n", offset - 1)));
}

/** The nearest opening bracket before `end` that nothing closes. */
function unbalanced(text: string, end: number, open: string, close: string): number | undefined {
  let closed = 0;
  for (let at = end - 1; at >= 0; at--) {
    if (text[at] === close) closed++;
    else if (text[at] === open && closed-- === 0) return at;
  }
  return undefined;
}

/** YAML's reader ran out of stack, at a depth that differs from machine to machine: the place is counted. */
function explainExhaustion(error: YAMLError, context: Context): SyntaxProblem {
  let depth = 0;
  for (const { index, 0: bracket } of context.text.matchAll(/[[\]{}]/g)) {
    depth += bracket === "[" || bracket === "{" ? 1 : -1;
    if (depth > MAX_DEPTH)
      return { diagnostic: nestedTooDeep({ file: context.file, start: index, end: index + 1 }, MAX_DEPTH) };
  }
  return { diagnostic: nestedTooDeep(spanOf(error, context), MAX_DEPTH) };
}

function unnamed(error: YAMLError, context: Context): SyntaxProblem {
  const message = error.message.replace(/[:.]?\s*$/, "");
  const diagnostic = notYaml(spanOf(error, context), message.charAt(0).toLowerCase() + message.slice(1));
  return { diagnostic };
}

function onValue<T>(at: number, context: Context, explain: (value: LineValue, context: Context) => T): T | undefined {
  const value = lineValueAt(context.text, at);
  return value === undefined || at < value.start ? undefined : explain(value, context);
}

function spanOf(error: YAMLError, { file, text }: Context): Span {
  const [start, end] = error.pos;
  // At the end of the text there is no character to stand under; the last one is near enough to be found.
  const from = Math.min(start, Math.max(0, text.trimEnd().length - 1));
  return { file, start: from, end: Math.max(from + 1, Math.min(end, text.length)) };
}

/** What a line holds, without its indentation. */
function lineSpan(text: string, offset: number): readonly [number, number] {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const nextBreak = text.indexOf("\n", offset);
  const line = text.slice(lineStart, nextBreak === -1 ? text.length : nextBreak);
  const start = lineStart + line.length - line.trimStart().length;
  return [start, Math.max(start + 1, lineStart + line.trimEnd().length)];
}
