import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { attributesPage } from "./attributes-page.ts";
import { VOCABULARY } from "./vocabulary.ts";

const PAGE = new URL("../../docs/attributes.md", import.meta.url);

test("docs/attributes.md says what the tables say (UPDATE=1 writes it)", () => {
  if (process.env["UPDATE"] === "1") writeFileSync(PAGE, attributesPage());
  expect(readFileSync(PAGE, "utf8")).toBe(attributesPage());
});

test("every attribute has its line on the page, once", () => {
  const page = attributesPage();
  const missing = VOCABULARY.filter((row) => page.split(`\n| \`${row.name}\` |`).length !== 2);
  expect(missing.map((row) => row.name)).toEqual([]);
});
