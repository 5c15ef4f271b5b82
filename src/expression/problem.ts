import type { Finding } from "../diagnostics/messages/expression.ts";
import type { Problem } from "./compile.ts";
import { MAX_QUOTED } from "./limits.ts";
import type { Place } from "./tree.ts";

/** @returns a finding at its place in the expression's text. */
export function problem(finding: Finding, [start, end]: Place): Problem {
  return { ...finding, start, end };
}

/** @returns a piece of an expression as a message repeats it: on one line, and not too long. */
export function quoted(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED - 1)}…` : line;
}
