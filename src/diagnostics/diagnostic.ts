/** A place in a file people wrote. Offsets count UTF-16 units from the start of the file; `end` is exclusive. */
export interface Span {
  /** Relative to the policy folder, with `/`. */
  readonly file: string;
  readonly start: number;
  readonly end: number;
}

export type Severity = "error" | "warning";

/** Something a person should know about what they wrote. A value, never thrown. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Stable and never reused: `P1201`. Codes are API, texts are not. */
  readonly code: string;
  /** Lowercase, no final period, user input in backticks. */
  readonly message: string;
  /** Where; left out only when there is no file to point into (an empty folder). `start === end === 0` points at the file itself. */
  readonly span?: Span;
  /** The way out. */
  readonly help?: string;
}

/** The text of each file that was read, by path relative to the folder: what positions are shown against. */
export type Sources = ReadonlyMap<string, string>;

export function isError({ severity }: Diagnostic): boolean {
  return severity === "error";
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(isError);
}
