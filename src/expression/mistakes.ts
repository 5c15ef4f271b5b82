import * as messages from "../diagnostics/messages/expression.ts";
import { type Problem, problem } from "./problem.ts";
import type { Token } from "./token.ts";

/**
 * Signs and words of other languages, which no CEL has where they stand: named with what CEL has for them.
 *
 * @returns the leftmost of them that begins before `until`
 */
export function firstMistake(tokens: readonly Token[], until: number | undefined): Problem | undefined {
  if (until === undefined) return undefined;
  for (const [index, token] of tokens.entries()) {
    if (token.start >= until) return undefined;
    const finding = mistake(token, tokens[index - 1], tokens[index + 1]);
    if (finding) return problem(finding, [token.start, token.end]);
  }
  return undefined;
}

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

/** Words where an operator stands. */
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
    case "sign":
      return wrongSign(token, before, after);
    case "word":
      return wrongWord(token, before, after);
    case "quoted":
      return before?.text === "." || before?.text === "?" ? undefined : messages.strangeCharacter("`");
    case "string":
    case "bytes":
      return isEndedByBackslash(token) ? messages.badEscape('\\"') : undefined;
    default:
      return undefined;
  }
}

function wrongSign(token: Token, before: Token | undefined, after: Token | undefined): messages.Finding | undefined {
  const right = WRONG_SIGNS.get(token.text);
  if (right !== undefined) return messages.wrongToken(token.text, right);
  if (token.text === "(" && before?.text === "in" && (after?.kind === "string" || after?.kind === "int"))
    return messages.wrongToken("(", "[");
  return token.text.length > 1 || SIGNS.has(token.text) ? undefined : messages.strangeCharacter(token.text);
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

/** In a raw text a backslash is itself, so that one before a quote does not keep it from ending the text. */
function isEndedByBackslash(token: Token): boolean {
  return /^[bB]?[rR]/.test(token.text) && /\\["']+$/.test(token.text);
}
