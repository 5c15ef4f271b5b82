import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readFolder } from "../../src/policy/folder.ts";
import { loadFolder } from "../policy/load-folder.ts";
import { describeCases } from "./cases.ts";

const CASES = join(import.meta.dirname, "files");

/** Nothing writes here while the tests run: the second reading may follow at once. */
const wait = () => Promise.resolve();

describeCases("what files get wrong, before any expression is looked at", CASES, async (folder) => {
  const reading = await readFolder(folder, { wait });
  const loaded = loadFolder(reading.files);
  const sources = new Map(reading.files.map((file) => [file.path, file.text]));
  return { diagnostics: [...reading.diagnostics, ...loaded.diagnostics], sources };
});

describe("the messages", () => {
  /** Told by tests beside `folder.ts`, with files that git cannot hold or should not, or beside what compiles. */
  const elsewhere = /^P10(0[4-9]|1[0-68])$/;

  test("of documents and of the schema each have a case", () => {
    const shown = readdirSync(CASES).map((name) => readFileSync(join(CASES, name, "expected.txt"), "utf8"));
    const codes = ["document", "schema"].flatMap((module) => {
      const path = join(import.meta.dirname, `../../src/diagnostics/messages/${module}.ts`);
      return readFileSync(path, "utf8").match(/(?<=")P\d{4}(?=")/g) ?? [];
    });
    const untold = codes.filter((code) => !elsewhere.test(code) && !shown.some((text) => text.includes(` ${code}: `)));
    expect(codes.length).toBeGreaterThan(50);
    expect(untold).toEqual([]);
  });
});
