import { expect, test } from "vitest";
import { error } from "./error.ts";
import { sortDiagnostics } from "./order.ts";

test("diagnostics are read by file, place and code; those without a file come first; what is said twice stands once", () => {
  const at = (file: string, start: number, code: string) => error(code, { file, start, end: start + 1 }, "m");
  const folder = error("P1009", undefined, "m");
  const sorted = sortDiagnostics([
    at("b.yaml", 0, "P1"),
    at("a.yaml", 9, "P1"),
    at("a.yaml", 2, "P2"),
    at("a.yaml", 2, "P1"),
    folder,
    at("a.yaml", 9, "P1"),
  ]);
  expect(sorted).toEqual([
    folder,
    at("a.yaml", 2, "P1"),
    at("a.yaml", 2, "P2"),
    at("a.yaml", 9, "P1"),
    at("b.yaml", 0, "P1"),
  ]);
});

test("one place may have two things said about it", () => {
  const span = { file: "a.yaml", start: 1, end: 2 };
  const both = [error("P1", span, "this"), error("P1", span, "that")];
  expect(sortDiagnostics(both)).toHaveLength(2);
});
