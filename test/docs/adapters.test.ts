import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { ADAPTER, type Adapter } from "../../src/adapter/define-adapter.ts";
import {
  configJsonSchema,
  createHandlerHost,
  createModuleSource,
  DEFAULT_LIMITS,
  FIRST_PARTY_ADAPTERS,
} from "../../src/adapter-host/index.ts";
import { handlerSpec } from "../adapter-fixtures/host.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const run = promisify(execFile);

const handlers = z.object({
  handlers: z.array(z.object({ handler: z.string(), adapter: z.string(), config: z.unknown().optional() })),
});
const exported = z.object({
  default: z.custom<Adapter>((value) => typeof value === "object" && value !== null && ADAPTER in value),
});

interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly text: string;
}

function blocks(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", file, text = ""]) => ({ language, file, text }),
  );
}

describe.each(FIRST_PARTY_ADAPTERS)("the README of $name", ({ name }) => {
  const readme = () => readFile(`${ROOT}adapters/${name}/README.md`, "utf8");

  test("has examples that the adapter accepts", async () => {
    const host = createHandlerHost({ resolve: createModuleSource({ folder: ROOT }), log: console });
    const examples = blocks(await readme())
      .filter(({ language }) => language === "yaml")
      .flatMap(({ text }) => handlers.parse(parse(text)).handlers);
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.map(({ adapter }) => adapter)).toEqual(examples.map(() => name));
    expect(
      await host.validate(examples.map(({ handler, config }) => handlerSpec(handler, { adapter: name, config }))),
    ).toEqual([]);
  });

  test("has a row for every setting, and for nothing else", async () => {
    const found = await createModuleSource({ folder: ROOT })(name);
    const schema = configJsonSchema(exported.parse(found.ok ? found.module : undefined).default);
    const rows = [...(await readme()).matchAll(/^\| `([\w-]+)` \|/gm)].map(([, setting]) => setting);
    expect(rows).toEqual(
      Object.keys(z.object({ properties: z.record(z.string(), z.unknown()) }).parse(schema).properties),
    );
  });
});

describe("docs/adapter-guide.md", () => {
  const guide = () => readFile(`${ROOT}docs/adapter-guide.md`, "utf8");

  const vitestConfig = `
    const conditions = ["weir-source", "module", "node"];
    const test = { include: ["adapters/*.test.ts"], execArgv: ["--conditions=weir-source"], reporters: ["default"] };
    export default { resolve: { conditions }, ssr: { resolve: { conditions } }, test };`;

  /** The guide's files in a folder from which `weir-mesh/adapter` is found. */
  async function written(): Promise<string> {
    await mkdir(`${ROOT}.cache`, { recursive: true });
    const folder = await mkdtemp(`${ROOT}.cache/guide-`);
    onTestFinished(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, "adapters"));
    await writeFile(join(folder, "vitest.config.ts"), vitestConfig);
    for (const { file, text } of blocks(await guide()))
      if (file !== undefined) await writeFile(join(folder, "adapters", file), text);
    return folder;
  }

  test("has an adapter and a test that compile with every strict flag, and pass", async () => {
    const folder = await written();
    const options = {
      noEmit: true,
      composite: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      rootDir: ROOT,
    };
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ extends: `${ROOT}tsconfig.base.json`, include: ["adapters/*.ts"], compilerOptions: options }),
    );
    await run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, "-p", folder], { cwd: ROOT });
    const { stdout } = await run(process.execPath, [`${ROOT}node_modules/vitest/vitest.mjs`, "run", "--root", folder], {
      cwd: ROOT,
    });
    expect(stripVTControlCharacters(stdout)).toMatch(/Tests +\d+ passed/);
  }, 120_000);

  test("names the limits that there are", async () => {
    const { batchRecords, deliveryMs, graceMs, abandonedDeliveries, askMs, quotaMs } = DEFAULT_LIMITS;
    expect([batchRecords, deliveryMs, graceMs, abandonedDeliveries, askMs, quotaMs]).toEqual([
      500, 10_000, 1_000, 4, 100, 100,
    ]);
    for (const words of ["500 records", "10 seconds", "one second", "four deliveries", "100 ms"])
      expect(await guide()).toContain(words);
  });

  test("shows the errors that Weir gives", async () => {
    const folder = await written();
    const texts = blocks(await guide());
    const broken = handlers.parse(parse(texts.filter(({ language }) => language === "yaml")[1]?.text ?? ""));
    const host = createHandlerHost({ resolve: createModuleSource({ folder }), log: console });
    const issues = await host.validate(
      broken.handlers.map(({ handler, adapter, config }) => handlerSpec(handler, { adapter, config })),
    );
    const shown = issues.map(
      ({ code, message, help = "" }) => `${code} ${message}${help.startsWith("did you") ? ` (${help})` : ""}`,
    );
    expect(`${shown.join("\n")}\n`).toBe(texts.find(({ language }) => language === "text")?.text);
  });
});
