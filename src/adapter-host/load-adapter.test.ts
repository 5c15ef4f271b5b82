import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { handlerSpec, testHost } from "../../test/adapter-fixtures/host.ts";
import { ADAPTER, API_VERSION, defineAdapter, logentry } from "../adapter/define-adapter.ts";
import { createHandlerHost, createModuleSource } from "./index.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const schema = z.strictObject({
  stream: z.enum(["stdout", "stderr"]),
  nested: z.strictObject({ size: z.int() }).optional(),
});
const adapter = defineAdapter({
  name: "log",
  templates: [logentry],
  config: schema,
  open: () => ({ logentry: () => undefined }),
});

async function issuesOf(
  exported: unknown,
  changes: Parameters<typeof handlerSpec>[1] = { config: { stream: "stdout" } },
) {
  return testHost({ log: exported }).host.validate([handlerSpec("log", changes)]);
}

describe("the module of a handler", () => {
  test("is an adapter made with defineAdapter, from whatever copy of the SDK", async () => {
    expect(await issuesOf(adapter)).toEqual([]);
    const copy = { ...adapter, [Symbol.for("weir-mesh/adapter")]: API_VERSION };
    expect(await issuesOf(copy)).toEqual([]);
  });

  test("may arrive wrapped once more, as CommonJS modules do", async () => {
    expect(await issuesOf({ default: adapter })).toEqual([]);
  });

  test.each([
    undefined,
    null,
    7,
    {},
    () => undefined,
    { [ADAPTER]: API_VERSION },
    { ...adapter, templates: ["teleport"] },
  ])("is refused when it is something else: %#", async (exported) =>
    expect(await issuesOf(exported)).toMatchObject([{ code: "P1406", part: "adapter", handler: "log" }]),
  );

  test("is refused when it is for another version of the API, with what to do", async () => {
    expect(await issuesOf({ ...adapter, [ADAPTER]: API_VERSION + 1 })).toMatchObject([
      {
        code: "P1407",
        message: `adapter \`log\` is written for version ${API_VERSION + 1} of the adapter API, this Weir knows 1`,
        help: expect.stringContaining("update Weir"),
      },
    ]);
    expect(await issuesOf({ ...adapter, [ADAPTER]: 0 })).toMatchObject([
      { code: "P1407", help: expect.stringContaining("newer version of the adapter") },
    ]);
    expect(await issuesOf({ ...adapter, [ADAPTER]: "1" })).toMatchObject([{ code: "P1407" }]);
  });

  test("is refused when policies want of it what it cannot do", async () => {
    expect(await issuesOf(adapter, { config: { stream: "stdout" }, uses: ["logentry", "metric"] })).toMatchObject([
      {
        code: "P1408",
        message: "adapter `log` is not for `metric` rules",
        help: "it is for `logentry`: name another handler here",
      },
    ]);
  });

  test("is not waited for without end", async () => {
    const host = createHandlerHost({
      resolve: () => new Promise(() => undefined),
      log: console,
      limits: { loadMs: 1 },
    });
    expect(await host.validate([handlerSpec("log")])).toMatchObject([{ code: "P1405" }]);
  });
});

describe("a config", () => {
  test("that is left out is an empty one", async () => {
    const empty = defineAdapter({ ...definition, config: z.strictObject({ size: z.int().default(3) }) });
    expect(await issuesOf(empty, { config: undefined })).toEqual([]);
    expect(await issuesOf(empty, { config: null })).toEqual([]);
  });

  test("that misses a key, has one too many, or a wrong value is told apart, each with its path", async () => {
    expect(await issuesOf(adapter, { config: {} })).toEqual([
      {
        handler: "log",
        part: "config",
        path: ["stream"],
        code: "P1412",
        message: "adapter `log` needs `stream` in its `config`",
        help: expect.any(String),
      },
    ]);
    expect(await issuesOf(adapter, { config: { stream: "stdout", nested: { siez: 1, size: 1 } } })).toMatchObject([
      {
        path: ["nested", "siez"],
        at: "key",
        code: "P1411",
        message: "adapter `log` has no setting `siez`",
        help: "did you mean `size`?",
      },
    ]);
    expect(await issuesOf(adapter, { config: { stream: "stdout", nested: { size: "big" } } })).toMatchObject([
      {
        path: ["nested", "size"],
        code: "P1410",
        message: "`nested.size`: expected number, received string",
      },
    ]);
  });

  test("has all its mistakes told at once, and each once", async () => {
    const refined = defineAdapter({
      ...definition,
      config: z
        .strictObject({ stream: z.string().optional(), n: z.int().optional() })
        .refine((value) => value.stream !== undefined, "say where to"),
    });
    const issues = await issuesOf(refined, { config: { strem: "stdout", n: "x" } });
    expect(issues.map(({ path }) => path)).toEqual([["n"], ["strem"]]);
  });

  test("is judged by any Standard Schema, one that takes its time included", async () => {
    const plain = defineAdapter({
      ...definition,
      config: {
        "~standard": {
          version: 1,
          vendor: "by hand",
          validate: async (value: unknown) =>
            value === "good" ? { value } : { issues: [{ message: "Is not good.", path: [{ key: "a" }, 0] }] },
        },
      },
    });
    expect(await issuesOf(plain, { config: "good" })).toEqual([]);
    expect(await issuesOf(plain, { config: { a: [1] } })).toMatchObject([
      { path: ["a", 0], code: "P1410", message: "`a[0]`: is not good" },
    ]);
  });

  test("whose schema throws or never answers is refused", async () => {
    const judged = (validate: () => never | Promise<never>) =>
      defineAdapter({ ...definition, config: { "~standard": { version: 1, vendor: "by hand", validate } } });
    const throwing = judged(() => {
      throw new Error("oops");
    });
    expect(await issuesOf(throwing)).toMatchObject([
      { code: "P1413", message: "the config could not be checked: oops" },
    ]);
    const { host, clock } = testHost({ log: judged(() => new Promise(() => undefined)) });
    const issues = host.validate([handlerSpec("log")]);
    await clock.advance(DEFAULT_LIMITS.configMs);
    expect(await issues).toMatchObject([{ code: "P1413" }]);
  });
});

const definition = { name: "log", templates: [logentry] as const, open: () => ({ logentry: () => undefined }) };

describe("the name of an adapter", () => {
  const plain = `
    const validate = (value) => ({ value });
    export default {
      [Symbol.for("weir-mesh/adapter")]: 1, name: "mine", templates: ["logentry"],
      config: { "~standard": { version: 1, vendor: "by hand", validate } },
      open: () => ({ logentry() {} }),
    };`;

  async function folder(): Promise<string> {
    const parent = await mkdtemp(join(tmpdir(), "weir-adapter-"));
    const root = join(parent, "policies");
    await mkdir(join(root, "mine"), { recursive: true });
    await writeFile(join(root, "mine.mjs"), plain);
    await writeFile(join(root, "mine", "index.mjs"), plain);
    await writeFile(join(root, "broken.mjs"), "throw new Error('not today')");
    await writeFile(join(parent, "outside.mjs"), plain);
    await symlink(join(parent, "outside.mjs"), join(root, "leaves.mjs"));
    return root;
  }

  async function issueOf(name: string) {
    const host = createHandlerHost({ resolve: createModuleSource({ folder: await folder() }), log: console });
    return (await host.validate([handlerSpec("h", { adapter: name })]))[0];
  }

  test.each(["prometheus", "memory-quota", "./mine.mjs", "./mine"])("%s is found", async (name) =>
    expect(await issueOf(name)).toBeUndefined(),
  );

  test.each([
    ["promethues", "P1401", "did you mean `prometheus`?"],
    ["no-such-package-anywhere", "P1401", "there are `list`"],
    ["fs:/etc", "P1402", "npm package"],
    ["node:fs", "P1402", "npm package"],
    ["file:///tmp/x.mjs", "P1402", "npm package"],
    ["/tmp/x.mjs", "P1402", "npm package"],
    ["", "P1402", "npm package"],
    ["./nothing.mjs", "P1403", "relative to the policy folder"],
    ["../outside.mjs", "P1404", "policy folder"],
    ["./mine/../../outside.mjs", "P1404", "policy folder"],
    ["./leaves.mjs", "P1404", "policy folder"],
    ["./broken.mjs", "P1405", "fault of the adapter"],
    ["zod", "P1406", "defineAdapter"],
  ])("%s is refused with %s", async (name, code, help) => {
    expect(await issueOf(name)).toMatchObject({
      handler: "h",
      part: "adapter",
      code,
      help: expect.stringContaining(help),
    });
  });
});
