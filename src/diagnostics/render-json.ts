import type { Diagnostic, Severity, Sources } from "./diagnostic.ts";
import { sortDiagnostics } from "./order.ts";
import { LineTable } from "./position.ts";

/** What `weir validate -o json` prints. Lines and columns count from 1, columns in code points; the end is exclusive. */
export interface DiagnosticsReport {
  readonly version: 1;
  readonly diagnostics: readonly ReportedDiagnostic[];
}

export interface ReportedDiagnostic {
  readonly severity: Severity;
  readonly code: string;
  /** Relative to the policy folder; `.` where the folder itself is meant. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly message: string;
  readonly help?: string;
}

/** @returns the diagnostics as data, ordered, each with its lines and columns. */
export function reportDiagnostics(diagnostics: readonly Diagnostic[], sources: Sources): DiagnosticsReport {
  const tables = new Map<string, LineTable>();
  return { version: 1, diagnostics: sortDiagnostics(diagnostics).map((each) => report(each, sources, tables)) };
}

/** @returns the text of the report, indented, with a line break at its end. */
export function renderJson(diagnostics: readonly Diagnostic[], sources: Sources): string {
  return `${JSON.stringify(reportDiagnostics(diagnostics, sources), null, 2)}\n`;
}

function report(diagnostic: Diagnostic, sources: Sources, tables: Map<string, LineTable>): ReportedDiagnostic {
  const { severity, code, message, help, span } = diagnostic;
  const file = span?.file ?? ".";
  const table = tables.get(file) ?? new LineTable(sources.get(file) ?? "");
  tables.set(file, table);
  const start = table.position(span?.start ?? 0);
  const end = table.position(span?.end ?? 0);
  return {
    severity,
    code,
    file,
    ...start,
    endLine: end.line,
    endColumn: end.column,
    message,
    ...(help === undefined ? {} : { help }),
  };
}
