import { ABSENT, type CelValue, Invalid } from "../attribute/value.ts";
import * as messages from "../diagnostics/messages/expression.ts";
import { compileExpression } from "./compile.ts";
import type { Evaluate, LinkScope, Render } from "./frame.ts";
import { link } from "./link.ts";
import { type Compiled, type Problem, problem } from "./problem.ts";
import type { Scope } from "./scope.ts";
import { toText } from "./strings.ts";
import { quoteOf, scan } from "./token.ts";
import type { AttributeRead, ExpressionPlan, TemplatePlan } from "./tree.ts";
import { showableProblem } from "./type-problems.ts";

/**
 * Reads a text with `${CEL}` in it. `$${` is the characters `${`; a `$` before anything else is itself. Braces and quotes inside of an
 * expression are the expression's own.
 */
export function compileTemplate(text: string, scope: Scope): Compiled<TemplatePlan> {
  const parts: (string | ExpressionPlan)[] = [];
  const reads: AttributeRead[] = [];
  const warnings: Problem[] = [];
  for (const piece of piecesOf(text)) {
    if (piece.kind === "problem") return { ok: false, stage: "parse", problem: piece.problem };
    if (piece.kind === "text") {
      parts.push(piece.text);
      continue;
    }
    const compiled = compileExpression(piece.text, scope, "any");
    if (!compiled.ok) return { ok: false, stage: compiled.stage, problem: moved(compiled.problem, piece.start) };
    const hidden = showableProblem(compiled.plan.type, [piece.start, piece.start + piece.text.length]);
    if (hidden) return { ok: false, stage: "check", problem: hidden };
    parts.push(compiled.plan);
    reads.push(
      ...compiled.plan.reads.map((read) => ({
        ...read,
        at: [read.at[0] + piece.start, read.at[1] + piece.start] as const,
      })),
    );
    warnings.push(...compiled.warnings.map((warning) => moved(warning, piece.start)));
  }
  const name = text.trim();
  if (name.includes(".") && scope.attributes.has(name)) {
    const start = text.indexOf(name);
    warnings.push(problem(messages.attributeAsText(name), [start, start + name.length]));
  }
  return { ok: true, plan: { text, parts, reads }, warnings };
}

function moved(found: Problem, by: number): Problem {
  return { ...found, start: found.start + by, end: found.end + by };
}

type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly text: string; readonly start: number }
  | { readonly kind: "problem"; readonly problem: Problem };

function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let literal = "";
  let at = 0;
  const endText = (): void => {
    if (literal !== "") pieces.push({ kind: "text", text: literal });
    literal = "";
  };
  while (at < text.length) {
    const open = text.indexOf("${", at);
    if (open < 0) break;
    literal += text.slice(at, open);
    if (open > at && text[open - 1] === "$") {
      // The `$` that stands before was the escape.
      literal += "{";
      at = open + 2;
      continue;
    }
    endText();
    const piece = expressionAt(text, open);
    pieces.push(piece);
    if (piece.kind === "problem") return pieces;
    at = piece.start + piece.text.length + 1;
  }
  literal += text.slice(at);
  endText();
  return pieces;
}

function expressionAt(text: string, at: number): Exclude<Piece, { kind: "text" }> {
  const start = at + 2;
  const scanned = scan(text, start, true);
  const open = scanned.tokens.findLast((token) => token.kind === "open");
  if (open !== undefined) {
    const quote = quoteOf(open);
    return {
      kind: "problem",
      problem: problem(messages.unterminatedText(quote), [open.end - quote.length, open.end]),
    };
  }
  if (text[scanned.end] !== "}")
    return { kind: "problem", problem: problem(messages.unclosedPlaceholder(), [at, start]) };
  if (scanned.tokens.length === 0)
    return { kind: "problem", problem: problem(messages.emptyPlaceholder(), [at, scanned.end + 1]) };
  return { kind: "expression", text: text.slice(start, scanned.end), start };
}

/** Makes a closure of a text: its expressions are shown as `string()` does, whole doubles without a point or exponent. */
export function linkTemplate(plan: TemplatePlan, scope: LinkScope): Render {
  const parts = plan.parts.map((part) => (typeof part === "string" ? part : link(part, scope)));
  const [only] = parts;
  if (parts.length === 0) return () => "";
  if (parts.length === 1 && only !== undefined)
    return typeof only === "string" ? () => only : (frame) => shown(only, frame);
  return (frame) => {
    let text = "";
    let absent = false;
    for (const part of parts) {
      const piece = typeof part === "string" ? part : shown(part, frame);
      if (piece instanceof Invalid) return piece;
      if (piece === ABSENT) absent = true;
      else text += piece;
    }
    return absent ? ABSENT : text;
  };
}

function shown(evaluate: Evaluate, frame: Parameters<Evaluate>[0]): ReturnType<Render> {
  const outcome = evaluate(frame);
  return outcome === ABSENT || outcome instanceof Invalid ? outcome : textOf(outcome);
}

/** A number from JSON is a double: a user's number 12345678 must not become `1.2345678e+07`. */
function textOf(value: CelValue): string | Invalid {
  return Number.isSafeInteger(value) ? BigInt(Number(value)).toString() : toText(value);
}
