import * as messages from "../diagnostics/messages/expression.ts";
import { type Failure, type Node, parse as parseWithLibrary } from "./cel-js.ts";
import { MAX_EXPRESSION_BYTES, MAX_LITERAL_ENTRIES, MAX_NESTING } from "./limits.ts";
import { type Problem, problem } from "./problem.ts";
import { type Scan, scan, type Token } from "./scan.ts";

export type Parsed =
  | { readonly ok: true; readonly root: Node; readonly check: (Parse & { ok: true })["check"] }
  | { readonly ok: false; readonly problem: Problem };

type Parse = ReturnType<typeof parseWithLibrary>;

/** Reads an expression; what it is not is said in our own words, at the character. */
export function parse(text: string): Parsed {
  const scanned = scan(text);
  const early = sizeProblem(text, scanned) ?? firstMistake(scanned);
  if (early) return { ok: false, problem: early };
  const parsed = parseWithLibrary(text);
  if (!parsed.ok) return { ok: false, problem: inOurWords(parsed.failure, text, scanned.tokens) };
  return parsed;
}

/** Before anything looks into it: what is too much is not parsed at all. */
function sizeProblem(text: string, scanned: Scan): Problem | undefined {
  const whole = [0, text.length] as const;
  if (scanned.tokens.length === 0 && scanned.unterminated === undefined) return problem(messages.empty(), whole);
  const bytes = Buffer.byteLength(text, "utf8");
  if (bytes > MAX_EXPRESSION_BYTES) return problem(messages.tooLong(bytes, MAX_EXPRESSION_BYTES), whole);
  const deep = tooDeepAt(scanned.tokens);
  return deep && problem(messages.tooDeep(MAX_NESTING), [deep.start, deep.end]);
}

/** The token at which brackets, or a run of `!` and `-`, go beyond the limit. */
function tooDeepAt(tokens: readonly Token[]): Token | undefined {
  let brackets = 0;
  let run = 0;
  for (const token of tokens) {
    if (token.kind === "sign" && "([{".includes(token.text)) brackets++;
    if (token.kind === "sign" && ")]}".includes(token.text)) brackets--;
    run = token.text === "!" || token.text === "-" || token.text === "?" ? run + 1 : token.kind === "sign" ? run : 0;
    if (brackets > MAX_NESTING || run > MAX_NESTING) return token;
  }
  return undefined;
}

/** The leftmost thing that belongs to another language, or a text that never ends. */
function firstMistake({ tokens, unterminated }: Scan): Problem | undefined {
  for (const [index, token] of tokens.entries()) {
    const finding = mistake(token, tokens[index - 1], tokens[index + 1]);
    if (finding) return problem(finding, [token.start, token.end]);
  }
  if (unterminated === undefined) return undefined;
  return problem(messages.unterminatedText(unterminated.quote), [
    unterminated.start,
    unterminated.start + unterminated.quote.length,
  ]);
}

/** Signs of other languages and what CEL has for them. */
const WRONG_SIGNS: ReadonlyMap<string, string> = new Map([
  ["=", "=="],
  ["&", "&&"],
  ["|", "||"],
  ["===", "=="],
  ["!==", "!="],
  ["<>", "!="],
  ["=~", "text.matches(pattern)"],
  ["=>", ">="],
  ["=<", "<="],
  ["??", "value.orDefault(other)"],
]);

/** Words of other languages, where an operator stands. */
const WRONG_WORDS: ReadonlyMap<string, string> = new Map([
  ["and", "&&"],
  ["or", "||"],
  ["is", "=="],
  ["eq", "=="],
  ["ne", "!="],
]);

const SIGNS = new Set("()[]{}.,:?+-*/%<>!");

function mistake(token: Token, before: Token | undefined, after: Token | undefined): messages.Finding | undefined {
  switch (token.kind) {
    case "sign": {
      const right = WRONG_SIGNS.get(token.text);
      if (right !== undefined) return messages.wrongToken(token.text, right);
      if (token.text === "(" && before?.text === "in" && (after?.kind === "text" || after?.kind === "number"))
        return messages.wrongToken("(", "[");
      const known = token.text.length > 1 || SIGNS.has(token.text);
      return known ? undefined : messages.strangeCharacter(token.text);
    }
    case "word":
      return wrongWord(token, before, after);
    case "number":
      return token.text.startsWith(".") ? messages.badNumber(token.text, `write \`0${token.text}\``) : undefined;
    case "text":
      return misreadRaw(token);
  }
}

function wrongWord(token: Token, before: Token | undefined, after: Token | undefined): messages.Finding | undefined {
  const lower = token.text.toLowerCase();
  const right = WRONG_WORDS.get(lower);
  if (right !== undefined && endsValue(before) && before?.text !== ".") return messages.wrongToken(token.text, right);
  const negates = lower === "not" && before?.text !== "." && (startsValue(after) || after?.text === "(");
  return negates ? messages.wrongToken(token.text, after?.text === "in" ? "!(x in list)" : "!") : undefined;
}

function endsValue(token: Token | undefined): boolean {
  if (token === undefined) return false;
  return token.kind === "sign" ? ")]}".includes(token.text) : token.text !== "in";
}

function startsValue(token: Token | undefined): boolean {
  return token !== undefined && token.kind !== "sign";
}

/**
 * In a raw text a backslash is itself, so that one before the last quote ends it: what follows would be read either way. Raw bytes the
 * parser does not know.
 */
function misreadRaw(token: Token): messages.Finding | undefined {
  if (/^[bBrR]{2}/.test(token.text)) return messages.rawBytes();
  return /^[bB]?[rR]/.test(token.text) && /\\["']+$/.test(token.text) ? messages.badEscape('\\"') : undefined;
}

/** The parser's own codes, in words for people. */
function inOurWords(failure: Failure, text: string, tokens: readonly Token[]): Problem {
  const found = tokens.find((token) => token.start >= failure.start) ?? undefined;
  const place =
    found?.start === failure.start ? ([found.start, found.end] as const) : ([failure.start, failure.end] as const);
  switch (failure.code) {
    case "unexpected_character":
      return problem(leftOver(found, text, failure), place);
    case "expected_token":
      return problem(due(expectedBy(failure.summary), found), found ? place : atEnd(text));
    case "unexpected_token":
      return problem(due("a value", found), found ? place : atEnd(text));
    case "reserved_identifier":
      return problem(messages.reservedName(found?.text ?? text.slice(...place)), place);
    case "invalid_macro_argument":
      return problem(messages.variableNeeded(/^(\w+)\(/.exec(failure.summary)?.[1] ?? "exists"), [
        failure.node?.start ?? failure.start,
        failure.end,
      ]);
    case "limit_exceeded":
      return problem(limit(failure.summary), place);
    default:
      return literalProblem(failure, text);
  }
}

function atEnd(text: string): readonly [number, number] {
  const end = text.trimEnd().length;
  // The last character, so that something is underlined.
  return [Math.max(0, end - 1), end];
}

function leftOver(found: Token | undefined, text: string, failure: Failure): messages.Finding {
  if (found === undefined) return messages.strangeCharacter(text.slice(failure.start, failure.end));
  if (found.kind === "sign" && !"([{".includes(found.text))
    return messages.unexpectedToken(`\`${found.text}\``, "an operator or the end");
  return messages.operatorMissing(found.text);
}

const TOKEN_WORDS: ReadonlyMap<string, string> = new Map([
  ["RPAREN", "`)`"],
  ["RBRACKET", "`]`"],
  ["RBRACE", "`}`"],
  ["COLON", "`:`"],
  ["IDENTIFIER", "a name"],
]);

function expectedBy(summary: string): string {
  return TOKEN_WORDS.get(/^Expected (\w+)/.exec(summary)?.[1] ?? "") ?? "something else";
}

function due(expected: string, found: Token | undefined): messages.Finding {
  return found === undefined ? messages.endsEarly(expected) : messages.unexpectedToken(`\`${found.text}\``, expected);
}

function limit(summary: string): messages.Finding {
  return /List|Map/.test(summary) ? messages.tooManyEntries(MAX_LITERAL_ENTRIES) : messages.tooDeep(MAX_NESTING);
}

/** Where a text or number goes wrong: at least one character, and the last one where the text ends too early. */
function literalProblem(failure: Failure, text: string): Problem {
  const start = Math.max(0, Math.min(failure.start, text.length - 1));
  const end = Math.min(text.length, Math.max(failure.end, start + 1));
  return problem(literal(failure, text.slice(start, end)), [start, end]);
}

/** Texts and numbers that are not what they look like. */
function literal(failure: Failure, part: string): messages.Finding {
  if (failure.code.includes("escape") || failure.code.includes("surrogate")) return messages.badEscape(part);
  if (failure.code.includes("overflow")) return messages.badNumber(part, "a uint has 64 bits");
  if (/number|integer|exponent/.test(failure.code))
    return messages.badNumber(part, "write `12`, `12u`, `0x1f` or `1.5e3`");
  if (failure.code === "newline_in_string") return messages.unterminatedText('"');
  if (failure.code === "stack") return messages.tooDeep(MAX_NESTING);
  return messages.notReadable(failure.summary);
}
