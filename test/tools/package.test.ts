/** What the npm registry would hand out, tried as its user would. Needs `dist`: `npm run test:e2e` builds it first. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { plant, ROOT, run } from "./plant.ts";

const manifestSchema = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
  exports: z.record(z.string(), z.unknown()),
});
const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
const adapters = readdirSync(join(ROOT, "adapters"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
const entries = Object.keys(manifest.exports)
  .flatMap((key) => (key.includes("*") ? adapters.map(({ name }) => key.replace("*", name)) : [key]))
  .filter((key) => key !== "./package.json")
  .map((key) => key.replace(/^\./, "weir-mesh"));

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "weir-package-"));
  await succeed(ROOT, "npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder);
  const tarball = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  await succeed(folder, "tar", "-xzf", tarball);
  mkdirSync(join(folder, "node_modules"));
  renameSync(join(folder, "package"), join(folder, "node_modules/weir-mesh"));
  // Only the declared dependencies are there, so that one used and not declared is missed.
  for (const name of [...Object.keys(manifest.dependencies), "@types/node"]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), link);
  }
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(entries)("%s can be imported", async (entry) => {
  const script = `console.log(Object.keys(await import("${entry}")).length > 0)`;
  expect(await run(folder, "node", "--input-type=module", "--eval", script)).toEqual({ code: 0, output: "true\n" });
});

test("every entry brings its types", async () => {
  writeFileSync(join(folder, "user.ts"), entries.map((entry, at) => `export * as e${at} from "${entry}";\n`).join(""));
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  expect(await run(folder, "tsc", ...flags, "user.ts")).toEqual({ code: 0, output: "" });
});

test("weir --version tells the package's version", async () => {
  const finished = await run(folder, "node", "node_modules/weir-mesh/bin/weir.js", "--version");
  expect(finished).toEqual({ code: 0, output: `${manifest.version}\n` });
});

test("an older Node is refused in one sentence", async () => {
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });';
  const finished = await run(
    folder,
    ...["node", "--import", `data:text/javascript,${encodeURIComponent(older)}`],
    ...["node_modules/weir-mesh/bin/weir.js", "--version"],
  );
  expect(finished).toEqual({ code: 2, output: "weir needs Node 24 or newer, and this is Node 20.19.0.\n" });
});

test("publint finds nothing wrong with the package", async () => {
  const finished = await run(folder, "publint", "--strict", "--pack", "false", "node_modules/weir-mesh");
  expect(finished, finished.output).toMatchObject({ code: 0 });
});

test("publint refuses an export that leads nowhere", async () => {
  using plot = plant({});
  expect(await plot.run("publint", "--strict", "--pack", "false", ".")).toMatchObject({ code: 1 });
});

async function succeed(cwd: string, tool: string, ...args: string[]): Promise<void> {
  const { code, output } = await run(cwd, tool, ...args);
  if (code !== 0) {
    throw new Error(`${tool} ${args.join(" ")} ended with ${code}:\n${output}`);
  }
}
