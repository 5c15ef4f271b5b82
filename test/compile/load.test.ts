import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createHandlerHost, createModuleSource } from "../../src/adapter-host/index.ts";
import { examineWithHandlers } from "../../src/engine/examine.ts";
import { readFolder } from "../../src/policy/folder.ts";
import { SILENT } from "../../src/telemetry/index.ts";
import { describeCases } from "./cases.ts";

const CASES = join(import.meta.dirname, "load");

/** Nothing writes here while the tests run: the second reading may follow at once. */
const wait = (): Promise<void> => Promise.resolve();

describeCases("what a folder means as a whole", CASES, async (folder) => {
  const host = createHandlerHost({ resolve: createModuleSource({ folder }), log: SILENT });
  return examineWithHandlers(await readFolder(folder, { wait }), host);
});

test("every message of the load rules has a case", () => {
  const shown = readdirSync(CASES).map((name) => readFileSync(join(CASES, name, "expected.txt"), "utf8"));
  const messages = readFileSync(join(import.meta.dirname, "../../src/diagnostics/messages/load.ts"), "utf8");
  const codes = messages.match(/(?<=")P13\d\d(?=")/gu) ?? [];
  expect(codes.length).toBeGreaterThan(20);
  expect(codes.filter((code) => !shown.some((text) => text.includes(` ${code}: `)))).toEqual([]);
});
