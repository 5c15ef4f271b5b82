import type { Finding } from "../diagnostics/messages/expression.ts";
import { MAX_QUOTED } from "./limits.ts";
import type { Place } from "./tree.ts";

/**
 * Something wrong with, or worth saying about, an expression. Offsets are UTF-16 units of the expression's text; the caller turns them
 * into a Span. `code` is one of the P12xx codes of `diagnostics/messages/expression.ts`.
 */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly code: string;
  readonly message: string;
  readonly help?: string;
  readonly start: number;
  readonly end: number;
}

export type Compiled<T> =
  | { readonly ok: true; readonly plan: T; readonly warnings: readonly Problem[] }
  /** `stage`: it cannot be read, or it can and does not make sense. */
  | { readonly ok: false; readonly stage: "parse" | "check"; readonly problem: Problem };

/** What the place needs: the kinds of result that fit. `number` is int, uint or double. */
export type Expected = "bool" | "number" | "int" | "string" | "any";

/** @returns a finding at its place in the expression's text. */
export function problem(finding: Finding, [start, end]: Place): Problem {
  return { ...finding, start, end };
}

/** @returns a piece of an expression as a message repeats it: on one line, and not too long. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED - 1)}…` : line;
}
