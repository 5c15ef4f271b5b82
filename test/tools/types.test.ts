import { expect, test } from "vitest";
import { plant } from "./plant.ts";

/** One violation per flag: the file it stands in, the error tsc has to give there, and the text. */
const violations: readonly (readonly [file: string, error: string, text: string])[] = [
  ["src/strict.ts", "TS7006", "export const size = (value) => value.length;\n"],
  ["src/unchecked-index.ts", "TS2322", "export const first = (all: string[]): string => all[0];\n"],
  ["src/exact-optional.ts", "TS2375", "export const a: { b?: number } = { b: undefined };\n"],
  ["src/index-signature.ts", "TS4111", "export const b = (all: Record<string, string>) => all.b;\n"],
  ["src/override.ts", "TS4114", "class A {\n  a() {}\n}\nexport class B extends A {\n  a() {}\n}\n"],
  ["src/returns.ts", "TS7030", "export function a(b: boolean) {\n  if (b) return 1;\n}\n"],
  [
    "src/fallthrough.ts",
    "TS7029",
    "export function a(b: number) {\n  switch (b) {\n    case 1:\n      console.log(b);\n    case 2:\n      break;\n  }\n}\n",
  ],
  ["src/unused-local.ts", "TS6133", "const unused = 1;\nexport {};\n"],
  ["src/unused-parameter.ts", "TS6133", "export const a = (unused: number) => 1;\n"],
  [
    "src/type-import.ts",
    "TS1484",
    'import { WorkerOptions } from "node:worker_threads";\nexport type A = WorkerOptions;\n',
  ],
  ["src/erasable.ts", "TS1294", "export enum A {\n  b = 1,\n}\n"],
  ["src/extension.ts", "TS2835", 'export * from "./main";\n'],
  ["adapters/log/leak.ts", "TS6307", 'import "../../src/main.ts";\n'],
  ["src/diagnostics/planted.test.ts", "TS2322", "export const one: number = 'one';\n"],
  ["deploy/demo/planted.ts", "TS2322", "export const one: number = 'one';\n"],
];

test("tsc refuses one planted violation per flag and per project arrow, and nothing else", async () => {
  using plot = plant({
    "src/adapter/index.ts": "export const brand: string = 'weir';\n",
    "src/main.ts": 'export { brand } from "./adapter/index.ts";\n',
    "adapters/log/index.ts": 'export { brand as default } from "weir-mesh/adapter";\n',
    "deploy/demo/main.ts":
      'import log from "weir-mesh/adapters/log";\nimport { brand } from "../../src/main.ts";\nconsole.log(brand, log);\n',
    "test/planted.test.ts":
      'import log from "weir-mesh/adapters/log";\nimport { brand } from "../src/main.ts";\nconsole.log(brand, log);\n',
    ...Object.fromEntries(violations.map(([file, , text]) => [file, text])),
  });
  const { code, output } = await plot.run("tsc", "-b", "--pretty", "false");
  const found = [...output.matchAll(/^(\S+)\(\d+,\d+\): error (TS\d+)/gm)].map(([, file, error]) => `${file} ${error}`);
  expect(new Set(found)).toEqual(new Set(violations.map(([file, error]) => `${file} ${error}`)));
  expect(code).not.toBe(0);
}, 120_000);
