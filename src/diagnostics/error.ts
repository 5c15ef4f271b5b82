import type { Diagnostic, Span } from "./diagnostic.ts";

/** @returns an error diagnostic; what every message function is made of. */
export function error(code: string, span: Span | undefined, message: string, help?: string): Diagnostic {
  return {
    severity: "error",
    code,
    message,
    ...(span === undefined ? {} : { span }),
    ...(help === undefined ? {} : { help }),
  };
}

/** @returns a warning: said, and served all the same. */
export function warning(code: string, span: Span | undefined, message: string, help?: string): Diagnostic {
  return { ...error(code, span, message, help), severity: "warning" };
}
