import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COMMITTED = join(ROOT, "proto", "gen");
const folder = mkdtempSync(join(tmpdir(), "weir-proto-"));
const fresh = join(folder, "gen");

beforeAll(() => {
  mkdirSync(join(fresh, "weir", "v1"), { recursive: true });
  writeFileSync(join(fresh, "weir", "v1", "gone.js"), "// left over from a message that is no more\n");
  execFileSync(process.execPath, [join(ROOT, "proto", "generate.mjs"), fresh], { stdio: "pipe" });
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("generating again gives the same files, and takes away what is left over", () => {
  expect(files(fresh)).toEqual(files(COMMITTED));
});

test.each(files(COMMITTED))("%s is as generated", (file) => {
  // `npm run generate` writes it anew.
  expect(readFileSync(join(COMMITTED, file)).equals(readFileSync(join(fresh, file)))).toBe(true);
});

test("wherever a message is read, the reader is told the wire type it came with", () => {
  const modules = files(COMMITTED).filter((file) => file.endsWith(".js"));
  const calls = modules.flatMap(
    (file) => readFileSync(join(COMMITTED, file), "utf8").match(/\.internalBinaryRead\(.*/g) ?? [],
  );
  expect(calls.length).toBeGreaterThan(100);
  expect(
    calls.filter((call) => !call.startsWith(".internalBinaryRead(reader, reader.uint32(wireType), options")),
  ).toEqual([]);
});

test("every module loads", async () => {
  const modules = files(COMMITTED).filter((file) => file.endsWith(".js"));
  const loaded = await Promise.all(modules.map((file) => import(join(COMMITTED, file))));
  expect(loaded.map((module) => Object.keys(module).length > 0)).not.toContain(false);
});

function files(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}
