import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUF = join(ROOT, "node_modules", ".bin", "buf");
const copy = mkdtempSync(join(tmpdir(), "weir-proto-"));

afterAll(() => rmSync(copy, { recursive: true, force: true }));

test("buf finds nothing to complain about", { timeout: 60_000 }, () => {
  expect(buf("lint", join(ROOT, "proto"))).toEqual({ status: 0, output: "" });
});

test("the .proto files are formatted", { timeout: 60_000 }, () => {
  expect(buf("format", "--diff", "--exit-code", join(ROOT, "proto"))).toEqual({ status: 0, output: "" });
});

test("buf would find a message in the wrong case, and a field number used twice", { timeout: 60_000 }, () => {
  cpSync(join(ROOT, "proto"), copy, { recursive: true });
  const planted = join(copy, "weir", "v1", "planted.proto");
  writeFileSync(planted, 'syntax = "proto3";\n\npackage weir.v1;\n\nmessage wrong_case {}\n');
  expect(buf("lint", copy).output).toContain("wrong_case");
  writeFileSync(
    planted,
    'syntax = "proto3";\n\npackage weir.v1;\n\nmessage Twice {\n  int32 a = 1;\n  int32 b = 1;\n}\n',
  );
  expect(buf("lint", copy).status).not.toBe(0);
});

function buf(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(BUF, args, { encoding: "utf8" });
  return { status, output: stdout + stderr };
}
