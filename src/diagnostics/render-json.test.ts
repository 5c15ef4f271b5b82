import { expect, test } from "vitest";
import { error, warning } from "./error.ts";
import { renderJson, reportDiagnostics } from "./render-json.ts";

test("diagnostics as JSON have lines and columns from 1 in code points, the end exclusive", () => {
  const text = 'a: 1\r\n数👩: "x"\r\n';
  const start = text.indexOf('"x"');
  const one = error("P1201", { file: "p.yaml", start, end: start + 3 }, "unknown", "did you mean `y`?");
  const other = warning("P1114", { file: "b.yaml", start: 0, end: 0 }, "odd");
  expect(reportDiagnostics([one, other], new Map([["p.yaml", text]]))).toEqual({
    version: 1,
    diagnostics: [
      {
        severity: "warning",
        code: "P1114",
        file: "b.yaml",
        line: 1,
        column: 1,
        endLine: 1,
        endColumn: 1,
        message: "odd",
      },
      {
        severity: "error",
        code: "P1201",
        file: "p.yaml",
        line: 2,
        column: 5,
        endLine: 2,
        endColumn: 8,
        message: "unknown",
        help: "did you mean `y`?",
      },
    ],
  });
});

test("what has no file is about the folder, and still has every key", () => {
  const { diagnostics } = reportDiagnostics([error("P1009", undefined, "m")], new Map());
  expect(diagnostics).toEqual([
    { severity: "error", code: "P1009", file: ".", line: 1, column: 1, endLine: 1, endColumn: 1, message: "m" },
  ]);
});

test("no diagnostics are an empty list, as text that programs can read", () => {
  expect(JSON.parse(renderJson([], new Map()))).toEqual({ version: 1, diagnostics: [] });
});
