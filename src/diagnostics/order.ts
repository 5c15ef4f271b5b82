import type { Diagnostic } from "./diagnostic.ts";

/**
 * @returns the diagnostics in the order in which people read them: without a file first, then by file, place and code; what was said
 * twice stands once.
 */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const sorted = [...diagnostics].sort(compare);
  return sorted.filter((diagnostic, index) => {
    const before = sorted[index - 1];
    return before === undefined || compare(before, diagnostic) !== 0;
  });
}

function compare(a: Diagnostic, b: Diagnostic): number {
  return (
    compareTexts(a.span?.file ?? "", b.span?.file ?? "") ||
    (a.span?.start ?? 0) - (b.span?.start ?? 0) ||
    compareTexts(a.code, b.code) ||
    (a.span?.end ?? 0) - (b.span?.end ?? 0) ||
    compareTexts(a.message, b.message) ||
    compareTexts(a.help ?? "", b.help ?? "")
  );
}

/** By UTF-16 units: the same on every machine, whatever its language. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
