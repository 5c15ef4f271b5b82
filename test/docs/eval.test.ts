import { expect, test } from "vitest";
import { COMPARING_BUDGET, MAX_LINE_BYTES } from "../../src/cli/eval-batch.ts";
import { CEL_GO_BOUNDS, DEFAULT_BUDGET } from "../../src/expression/limits.ts";
import { runWith } from "../cli/run-with.ts";
import { readDocument } from "./documents.ts";

const page = await readDocument("docs/eval.md");

test("the page of weir eval names every flag that its help has", async () => {
  const { out } = await runWith(["eval", "--help"]);
  const flags = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gmu)].map(([, flag = ""]) => flag);
  expect(flags.length).toBeGreaterThan(8);
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  expect(flags.filter((flag) => flag !== "--help" && !rows.some((row) => row.includes(flag)))).toEqual([]);
});

test.each([
  ["steps of an evaluation", `${COMPARING_BUDGET.toLocaleString("en-US")} steps`],
  ["a line", `${MAX_LINE_BYTES / 1024 ** 2} MiB`],
  ["an expression of cel-go's", `${CEL_GO_BOUNDS.length.toLocaleString("en-US")} code points`],
])("the page of weir eval has the limit that is in force: %s", (_, words) => {
  expect(page).toContain(words);
});

test("the page of weir eval says how far cel-go's limits are above a request's", () => {
  expect(COMPARING_BUDGET / DEFAULT_BUDGET).toBe(50);
  expect(page).toContain("fifty times as many");
});
