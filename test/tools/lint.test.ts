import { describe, expect, test } from "vitest";
import { plant } from "./plant.ts";

describe("biome", () => {
  test("passes a clean file", async () => {
    using plot = plant({ "src/clean.ts": "export const one: number = 1;\n" });
    expect(await plot.run("biome", "lint", "--error-on-warnings", ".")).toMatchObject({ code: 0 });
    expect(await plot.run("biome", "check", "--linter-enabled=false", ".")).toMatchObject({ code: 0 });
  });

  test.each([
    ["noNonNullAssertion", "src/planted.ts", "export const first = (all: string[]) => all[0]!.length;\n"],
    ["noExplicitAny", "src/planted.ts", "export const loose = (value: any) => value;\n"],
    ["noEmptyBlockStatements", "src/planted.ts", "try {\n  decodeURI('%');\n} catch {}\n"],
    ["useNodejsImportProtocol", "src/planted.ts", 'import { join } from "path";\nexport const path = join("a");\n'],
    [
      "noRestrictedImports",
      "adapters/log/planted.ts",
      'import { defineAdapter } from "../../src/adapter/index.ts";\nexport default defineAdapter;\n',
    ],
  ])("refuses %s", async (rule, path, text) => {
    using plot = plant({ [path]: text });
    const { code, output } = await plot.run("biome", "lint", "--error-on-warnings", ".");
    expect(output).toContain(rule);
    expect(code).toBe(1);
  });

  test.each([
    ["a badly formatted file", "export const one   = 'one'\n"],
    ["unsorted imports", 'import { b } from "./b.ts";\nimport { a } from "./a.ts";\n\nexport const both = [a, b];\n'],
  ])("refuses %s", async (_, text) => {
    using plot = plant({ "src/planted.ts": text });
    const { code, output } = await plot.run("biome", "check", "--linter-enabled=false", ".");
    expect(output).toContain("src/planted.ts");
    expect(code).toBe(1);
  });
});

describe("oxlint", () => {
  const sdk = "export async function open(): Promise<number> {\n  return 1;\n}\n";

  test("passes awaited promises", async () => {
    using plot = plant({
      "src/adapter/index.ts": sdk,
      "src/main.ts": 'import { open } from "./adapter/index.ts";\nawait open();\n',
    });
    expect(await plot.run("oxlint", "--type-aware", ".")).toMatchObject({ code: 0 });
  });

  test.each([
    [
      "no-floating-promises",
      "src/planted.ts",
      'import { setTimeout as pause } from "node:timers/promises";\npause(1);\n',
    ],
    ["no-floating-promises", "adapters/log/index.ts", 'import { open } from "weir-mesh/adapter";\nopen();\n'],
    ["no-floating-promises", "src/planted.test.ts", 'import { open } from "./adapter/index.ts";\nopen();\n'],
    [
      "no-misused-promises",
      "src/planted.ts",
      'import { open } from "./adapter/index.ts";\nif (open()) {\n  console.log(1);\n}\n',
    ],
  ])("refuses %s in %s", async (rule, path, text) => {
    using plot = plant({ "src/adapter/index.ts": sdk, [path]: text });
    const { code, output } = await plot.run("oxlint", "--type-aware", ".");
    expect(output).toContain(rule);
    expect(code).toBe(1);
  });
});

test("buf refuses a badly named field", async () => {
  using plot = plant({
    "proto/buf.yaml": "version: v2\nmodules:\n  - path: .\nlint:\n  use:\n    - STANDARD\n",
    "proto/weir/v1/planted.proto":
      'syntax = "proto3";\npackage weir.v1;\nmessage Planted {\n  string badName = 1;\n}\n',
  });
  const { code, output } = await plot.run("buf", "lint", "proto");
  expect(output).toContain("badName");
  expect(code).toBe(100);
});
