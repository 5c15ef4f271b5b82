import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { evaluate, type Request } from "../../test/cel/harness.ts";
import { type CelValue, Timestamp } from "../attribute/value.ts";
import { FUNCTIONS, LIBRARIES } from "./functions/registry.ts";
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

const EXAMPLES = [...MACROS.map(({ example }) => example), ...LIBRARIES.flatMap(({ examples }) => examples)];

test.each(EXAMPLES)("an example loads as part of a policy, and is true: %s", (example) => {
  expect(evaluate(example, REQUEST)).toBe(true);
});

const HEADERS = {
  "accept-encoding": "br, gzip",
  "content-length": "300",
  host: "shop.example.com",
  "user-agent": "curl/8.5.0",
  "x-role": "admin",
  "x-user": "ana",
};

/** A Friday. */
const TIME = new Timestamp(BigInt(Date.UTC(2026, 0, 30, 9, 30)) * 1_000_000n);

const REQUEST: Request = {
  "request.method": "GET",
  "request.canonical_path": "/users/42/orders",
  "request.size": 300n,
  "request.time": TIME,
  "request.headers": new Map<CelValue, CelValue>(Object.entries(HEADERS)),
  "request.auth.claims": new Map<CelValue, CelValue>([["groups", ["dev", "ops"]]]),
  "source.address": "10.1.2.3",
  "source.principal": "spiffe://mesh.example/ns/web/sa/frontend",
};
