import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CARRIED_LIMIT_BYTES, CARRIED_LIMIT_LEVELS } from "../../src/attribute/carried.ts";
import { MAX_BODY_BYTES, MAX_WRITTEN_VALUE_BYTES } from "../../src/engine/headers.ts";
import { DEFAULT_BUDGET, MAX_EXPRESSION_BYTES } from "../../src/expression/limits.ts";
import { MAX_FILE_BYTES, MAX_FOLDER_BYTES } from "../../src/policy/folder.ts";
import { FILES } from "../../src/policy/schema/files.ts";
import { KINDS } from "../../src/policy/schema/kinds.ts";
import { keysAt } from "../../src/policy/schema/validate.ts";
import { MAX_ALIASES } from "../../src/policy/yaml/convert.ts";
import { MAX_DIMENSION_LENGTH } from "../../src/report/instances.ts";
import { MAX_CHECKS_PER_MESSAGE } from "../../src/server/check-batch.ts";
import { MAX_NAMED_KEYS } from "../../src/server/ext-authz-fields.ts";
import { MAX_REPORT_RECORDS } from "../../src/server/report-codec.ts";
import { MAX_REPORT_IDS, REPORT_ID_LIFE_MS } from "../../src/server/report-ids.ts";
import { MAX_REQUESTED_QUOTAS } from "../../src/server/weir-check.ts";
import { MAX_CHECKS_IN_FLIGHT } from "../../src/server/weir-check-stream.ts";
import { MAX_RECORDING_BYTES } from "../../src/traffic/recording.ts";
import { MAX_TLS_FILE_BYTES } from "../../src/wire/tls-material.ts";
import { COMPILE_LIMIT_MS, COMPILER_HEAP_MB } from "../../src/workers/compiler-protocol.ts";
import { MAX_SENT_INSTANCES } from "../../src/workers/protocol.ts";
import { loadFolder } from "../policy/load-folder.ts";
import { REPOSITORY, readDocument } from "./documents.ts";

const reference = await readDocument("docs/policy-reference.md");
const operations = await readDocument("docs/operations.md");

/** The codes that have a line of their own, or stand in the range of one: `P1201 – P1208`. */
const explained = new Set(
  [...reference.matchAll(/^\| P(\d{4})(?:(?: – |, )P(\d{4}))? \|/gmu)].flatMap(([, first = "", last = first]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, step) => `P${Number(first) + step}`),
  ),
);

describe("the policy reference", () => {
  const fileKeys = Object.entries(FILES).map(([file, schema]) => [file, keysAt(schema)] as const);
  const kindKeys = Object.values(KINDS).flatMap((kinds) =>
    Object.entries(kinds).map(([kind, schema]) => [kind, keysAt(schema)] as const),
  );

  test.each([...fileKeys, ...kindKeys])("names every key of %s", (_, keys) => {
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => !inCode(reference, key))).toEqual([]);
  });

  test("explains every reason of a decision", async () => {
    const reasons = await wordsOfType("src/engine/decision.ts", "Reason");
    expect(reasons.length).toBeGreaterThan(10);
    expect(reasons.filter((reason) => !reference.includes(`\n| \`${reason}\` | `))).toEqual([]);
  });

  test.each(["load", "expression", "handler"])("says what every code of messages/%s.ts is about", async (file) => {
    const codes = codesIn(await source(`src/diagnostics/messages/${file}.ts`));
    expect(codes.length).toBeGreaterThan(10);
    expect(codes.filter((code) => !explained.has(code))).toEqual([]);
  });

  test("says of every area of codes what it is about", async () => {
    const folder = join(REPOSITORY, "src/diagnostics/messages");
    const files = (await readdir(folder)).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    const texts = await Promise.all(files.map(async (name) => await readFile(join(folder, name), "utf8")));
    const areas = new Set(texts.flatMap(codesIn).map((code) => `${code.slice(0, 3)}xx`));
    expect([...areas].filter((area) => !reference.includes(`| ${area} |`))).toEqual([]);
  });

  test("is right about YAML's sharp edges: each is an error, and what it says to write is none", () => {
    const [, table = ""] = reference.split("## YAML's sharp edges");
    const rows = table.split("\n").filter((line) => line.startsWith("| `"));
    const edges = rows.map((row) =>
      [...row.matchAll(/`([^`]+)`/gu)].map(([, text = ""]) => text.replaceAll("\\|", "|")),
    );
    expect(edges.length).toBeGreaterThan(3);
    for (const written of edges) {
      const [wrong = ""] = written;
      expect(codesOfYaml(wrong), wrong).toEqual([expect.stringMatching(/^P10[23]\d$/u)]);
      const right = written.at(-1) ?? "";
      if (right.startsWith("when:")) expect(codesOfYaml(right), right).toEqual([]);
    }
  });
});

describe("the operations page", () => {
  test("names every flag of `weir serve`, its variable and its default", async () => {
    const flags = [...(await source("src/cli/serve.ts")).matchAll(/"(--[a-z-]+)[^"]*",\s*"[^"]*",\s*"(WEIR_\w+)"/gu)];
    expect(flags.length).toBeGreaterThan(8);
    for (const [, flag = "", variable = ""] of flags) {
      expect(operations).toMatch(new RegExp(`\\n\\| \`${flag}( [A-Z:=]+)?\` \\| \`${variable}\` \\| `, "u"));
    }
  });

  test("explains every exit code that a command of today has", async () => {
    const codes = [...(await source("src/cli/exit-codes.ts")).matchAll(/(\w+): (\d),/gu)];
    expect(codes.length).toBeGreaterThan(5);
    const today = codes.filter(([, name = ""]) => !["testsFailed", "differs"].includes(name));
    expect(today.filter(([, , code]) => !operations.includes(`\n| ${code} | `)).map(([row]) => row)).toEqual([]);
  });

  test("names every metric of Weir's own", async () => {
    const metrics = [...(await source("src/telemetry/metrics.ts")).matchAll(/"(weir_\w+)"/gu)].map(
      ([, name = ""]) => name,
    );
    expect(metrics.length).toBeGreaterThan(12);
    expect(metrics.filter((name) => !inCode(operations, name))).toEqual([]);
  });

  test("names every page of the admin port and every field of its status", async () => {
    const paths = [...(await source("src/admin/pages.ts")).matchAll(/path: "([^"]+)"/gu)].map(([, path = ""]) => path);
    const view = await source("src/admin/view.ts");
    const fields = ["Status", "HandlerView"].flatMap((name) => fieldsOfInterface(view, name));
    expect(paths.length).toBeGreaterThan(3);
    expect(fields.length).toBeGreaterThan(15);
    expect([...paths, ...fields].filter((name) => !inCode(operations, name))).toEqual([]);
  });
});

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

describe("the limits on the operations page", () => {
  test.each([
    ["a file of certificates or keys", `${MAX_TLS_FILE_BYTES / MIB} MiB`],
    ["headers, and keys of `context`, that are picked out of a Check by name", `${MAX_NAMED_KEYS} each`],
    ["records of one native Report", `${MAX_REPORT_RECORDS}`],
    ["quotas named by one Check", `${MAX_REQUESTED_QUOTAS}`],
    ["checks in flight on one stream; in one of its messages", `${MAX_CHECKS_IN_FLIGHT}; ${MAX_CHECKS_PER_MESSAGE}`],
    ["report instances on their way from a request thread to the handlers", `${MAX_SENT_INSTANCES}`],
    ["`report_id`s remembered", `${MAX_REPORT_IDS}, for ${REPORT_ID_LIFE_MS / 60_000} minutes`],
    [
      "values carried to the access log",
      `${CARRIED_LIMIT_BYTES / KIB} KiB; ${CARRIED_LIMIT_LEVELS} levels of maps and lists`,
    ],
    [
      "a header, query or body value that a rule writes",
      `${MAX_WRITTEN_VALUE_BYTES / KIB} KiB; a body ${MAX_BODY_BYTES / KIB} KiB`,
    ],
    ["evaluation steps of one request", `${DEFAULT_BUDGET}, about 5 ms`],
    ["one expression", `${MAX_EXPRESSION_BYTES} bytes`],
    ["one policy file; the folder", `${MAX_FILE_BYTES / MIB} MiB; ${MAX_FOLDER_BYTES / MIB} MiB`],
    [
      "compiling the folder",
      `${COMPILE_LIMIT_MS / 1000} s, ${COMPILER_HEAP_MB / KIB} GiB of memory beside the policies`,
    ],
    ["anchors and aliases in one file", `${MAX_ALIASES}`],
    ["a metric dimension's text", `${MAX_DIMENSION_LENGTH} characters`],
    ["a recording", `${MAX_RECORDING_BYTES / GIB} GiB`],
  ])("are the code's: %s", (what, limit) => {
    expect(operations).toContain(`\n| ${what} | ${limit} | `);
  });

  test("are all there", () => {
    const [, table = ""] = operations.split("## Limits");
    expect(table.split("\n## ", 1)[0]?.match(/^\| [^|-]+ \|/gmu)).toHaveLength(18);
  });

  test("hold for shutting down, too", async () => {
    const [, deadlineMs = ""] =
      /const CLOSE_DEADLINE_MS = ([\d_]+);/u.exec(await source("src/engine/runtime.ts")) ?? [];
    const seconds = Number(deadlineMs.replaceAll("_", "")) / 1000;
    expect(operations).toContain(`(for at most ${seconds} s, then counted as dropped)`);
  });
});

/** Whether a word stands in backticks or in a block of code. */
function inCode(markdown: string, word: string): boolean {
  const blocks = [...markdown.matchAll(/^```[\s\S]*?^```/gmu)].map(([block]) => block);
  const prose = markdown.replaceAll(/^```[\s\S]*?^```/gmu, "");
  const spans = [...prose.matchAll(/`([^`\n]+)`/gu)].map(([, text = ""]) => text);
  const whole = new RegExp(`(?<![\\w-])${word}(?![\\w-])`, "u");
  return [...blocks, ...spans].some((code) => whole.test(code));
}

async function source(path: string): Promise<string> {
  return await readFile(join(REPOSITORY, path), "utf8");
}

function codesIn(text: string): readonly string[] {
  return [...new Set([...text.matchAll(/"(P1\d{3})"/gu)].map(([, code = ""]) => code))];
}

/** The words of `export type Name = | "a" | "b"`: types leave nothing behind that could be asked. */
async function wordsOfType(path: string, name: string): Promise<readonly string[]> {
  const [, declaration = ""] = (await source(path)).split(`export type ${name} =`);
  return [...(declaration.split(";", 1)[0] ?? "").matchAll(/"([^"]+)"/gu)].map(([, word = ""]) => word);
}

function fieldsOfInterface(text: string, name: string): readonly string[] {
  const [, declaration = ""] = text.split(`export interface ${name} {`);
  return [...(declaration.split("\n}", 1)[0] ?? "").matchAll(/readonly (\w+)\??:/gu)].map(([, field = ""]) => field);
}

/** What the loader says of one line, put where such a line stands. */
function codesOfYaml(line: string): readonly string[] {
  const rule = line.startsWith("dimensions:")
    ? `report:\n  - metric: m\n    handlers: [h]\n    ${line}`
    : `check:\n  - deny: d\n    ${line}`;
  const files = [
    { path: "weir.yaml", text: "" },
    { path: "edge.yaml", text: `policy: edge\n${rule}\n` },
  ];
  return loadFolder(files).diagnostics.map((diagnostic) => diagnostic.code);
}
