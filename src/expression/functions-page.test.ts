import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FUNCTIONS } from "./functions/registry.ts";
import { functionsPage } from "./functions-page.ts";

const PAGE = new URL("../../docs/cel.md", import.meta.url);

test("docs/cel.md says what the tables say (UPDATE=1 writes it)", () => {
  if (process.env["UPDATE"] === "1") writeFileSync(PAGE, functionsPage());
  expect(readFileSync(PAGE, "utf8")).toBe(functionsPage());
});

test("every function has its line on the page", () => {
  const page = functionsPage();
  expect(FUNCTIONS.filter((row) => !page.includes(`| ${row.doc} |`)).map((row) => row.name)).toEqual([]);
});
