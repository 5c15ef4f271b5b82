import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FUNCTIONS } from "./functions/registry.ts";
import { functionsPage } from "./functions-page.ts";
import { MACROS } from "./macros.ts";

const PAGE = new URL("../../docs/cel.md", import.meta.url);

test("docs/cel.md says what the tables say (UPDATE=1 writes it)", () => {
  if (process.env["UPDATE"] === "1") writeFileSync(PAGE, functionsPage());
  expect(readFileSync(PAGE, "utf8")).toBe(functionsPage());
});

test("every function and macro that can be written has its line on the page", () => {
  const page = functionsPage();
  const rows = [...FUNCTIONS, ...MACROS].filter((row) => !row.name.startsWith("@"));
  expect(rows.filter((row) => !page.includes(`| ${row.doc} |`)).map((row) => row.name)).toEqual([]);
});
