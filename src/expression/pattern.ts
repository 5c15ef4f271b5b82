import { RE2JS, RE2JSException } from "re2js";
import { MAX_PATTERN_PROGRAM } from "./limits.ts";

/** A regular expression or glob, compiled: matching takes time linear in the text, whatever the pattern. */
export interface Pattern {
  /** Whether it is found anywhere in the text. */
  readonly test: (text: string) => boolean;
  /** Instructions; what one character may cost. */
  readonly size: number;
}

export type CompiledPattern =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly kind: "syntax" | "too-large"; readonly reason: string };

/** Compiles a regular expression as RE2 reads it: no back references, no look-around. */
export function compilePattern(source: string): CompiledPattern {
  try {
    const compiled = RE2JS.compile(source);
    const size = compiled.programSize();
    if (size > MAX_PATTERN_PROGRAM) return { ok: false, kind: "too-large", reason: `${size} instructions` };
    return { ok: true, pattern: { test: (text) => compiled.test(text), size } };
  } catch (error) {
    if (error instanceof RE2JSException) return { ok: false, kind: "syntax", reason: withoutPrefix(error.message) };
    throw error;
  }
}

function withoutPrefix(message: string): string {
  return message.replace(/^error parsing regexp: /, "");
}

/**
 * Compiles a glob over paths: `*` is anything within one segment (at least one character where it is the whole segment), `**` anything
 * across segments, every other character itself. The whole text must match.
 */
export function compileGlob(glob: string): CompiledPattern {
  const source = glob.replace(/\*+|[^*]+/g, (part, at: number) => {
    if (!part.startsWith("*")) return RE2JS.quote(part);
    if (part.length > 1) return "(?s:.*)";
    const segment = isBoundary(glob[at - 1]) && isBoundary(glob[at + 1]);
    return segment ? "[^/]+" : "[^/]*";
  });
  return compilePattern(`^${source}$`);
}

function isBoundary(character: string | undefined): boolean {
  return character === undefined || character === "/";
}
