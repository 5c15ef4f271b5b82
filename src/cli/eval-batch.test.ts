import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runWith } from "../../test/cli/run-with.ts";

const VOCABULARY = {
  attributes: { "request.id": "string", "request.headers": "map(string,string)", "request.size": "int" },
  extras: { x: "int", m: "map(string,dyn)", any: "dyn", constructor: "map(string,string)" },
  namespaces: ["request"],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-eval-"));
  writeFileSync(join(folder, "vocabulary.json"), JSON.stringify(VOCABULARY));
});
afterAll(() => rmSync(folder, { recursive: true }));

function batch(input: string, ...flags: readonly string[]): ReturnType<typeof runWith> {
  return runWith(["eval", "--batch", "--vocabulary", join(folder, "vocabulary.json"), ...flags], input);
}

async function answers(lines: readonly unknown[], ...flags: readonly string[]): Promise<readonly unknown[]> {
  const { out } = await batch(lines.map((line) => `${JSON.stringify(line)}\n`).join(""), ...flags);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** What one expression gives with these attributes. */
async function run(e: string, vars: object = {}): Promise<unknown> {
  const [answer] = await answers([{ id: 1, e, runs: [{ vars }] }]);
  const { runs: [result] = [undefined] } = answer as { readonly runs?: readonly unknown[] };
  return result ?? answer;
}

describe("weir eval --batch", () => {
  test("answers each line in order: its type, and of each run the value or the category of the error", async () => {
    const given = [
      { id: "a", e: "x + 1", runs: [{ vars: { x: { int: "2" } } }, { vars: { x: { int: "9223372036854775807" } } }] },
      { id: 7, e: "[1.5, -0.0]", runs: [{}] },
      { e: "1", runs: [] },
    ];
    expect(await answers(given)).toEqual([
      { id: "a", type: "int", runs: [{ v: { int: "3" } }, { err: "overflow" }] },
      { id: 7, type: "list(double)", runs: [{ v: { list: [{ double: "1.5" }, { double: "-0" }] } }] },
      { id: null, type: "int", runs: [] },
    ]);
  });

  test("says what cannot be read and what does not check, with line and column in code points", async () => {
    const given = [
      { id: 1, e: "'😀' +\n  )" },
      { id: 2, e: "'😀' + y" },
    ];
    expect(await answers(given)).toEqual([
      { id: 1, fail: { parse: { m: expect.any(String), at: [2, 3] } } },
      { id: 2, fail: { check: { m: expect.stringContaining("unknown attribute `y`"), at: [1, 7] } } },
    ]);
  });

  test.each<[string, object, string]>([
    ["x == 1", {}, "no such attribute"],
    ["request.size == 1", {}, "no such attribute"],
    ["request.headers['a'] == ''", {}, "no such attribute"],
    ["has(request.headers.a)", {}, "no such attribute"],
    ["m.?a.hasValue()", {}, "no such attribute"],
    ["m.a == 1", { m: { map: [] } }, "no such key"],
    ["any.a == 1", { any: { int: "1" } }, "no such key"],
    ["m[request.id] == 1 || x == 1", { m: { map: [] }, "request.id": { string: "a" } }, "no such key"],
    ["m.a == 1 / x", { m: { map: [] }, x: { int: "0" } }, "no such key"],
    ["1 / x == m.a", { m: { map: [] }, x: { int: "0" } }, "divide by zero"],
    ["[1].exists(i, x % 0 == i)", { x: { int: "1" } }, "modulus by zero"],
    ["[x][1]", { x: { int: "1" } }, "index out of range"],
    ["int(request.id)", { "request.id": { string: "one" } }, "invalid conversion"],
    ["any + any", { any: { bool: true } }, "no such overload"],
  ])("calls what went wrong by its name: %s", async (expression, vars, category) => {
    expect(await run(expression, vars)).toEqual({ err: category });
  });

  test.each<[string, object, object]>([
    ["has(request.id)", {}, { bool: false }],
    ["request.?id", {}, { optional: null }],
    ["request.?id", { "request.id": { string: "a" } }, { optional: { string: "a" } }],
    ["constructor['a']", { constructor: { map: [[{ string: "a" }, { string: "b" }]] } }, { string: "b" }],
    ["any", { any: { map: [[{ int: "1" }, { uint: "1" }]] } }, { map: [[{ int: "1" }, { uint: "1" }]] }],
    ["type(any)", { any: { timestamp: "2026-01-01T00:00:00Z" } }, { type: "google.protobuf.Timestamp" }],
  ])("reads attributes as fields of objects, each with its type: %s", async (expression, vars, value) => {
    expect(await run(expression, vars)).toEqual({ v: value });
  });

  test("goes on after a line that makes no sense, and ends with 2", async () => {
    const lines = [
      "{",
      "[]",
      '{"id": [], "e": "1"}',
      '{"id": 1}',
      '{"id": 2, "e": 5}',
      '{"id": 3, "e": "\\ud800"}',
      '{"id": 4, "parts": [["a", -1]]}',
      '{"id": 5, "parts": [["ab", 1e9]]}',
      '{"id": 6, "e": "x", "runs": {}}',
      '{"id": 7, "e": "x", "runs": [1]}',
      '{"id": 8, "e": "x", "runs": [{"vars": {"y": {"int": "1"}}}]}',
      '{"id": 9, "e": "x", "runs": [{"vars": {"x": {"uint": "1"}}}]}',
      '{"id": 10, "e": "x", "runs": [{"vars": {"x": {"int": 1}}}]}',
      '{"id": 11, "e": "1 + 1", "runs": [{}]}',
    ];
    const { code, out, err } = await batch(lines.join("\n"));
    const found = out.trimEnd().split("\n");
    expect(found).toHaveLength(lines.length);
    expect(found.at(-1)).toBe('{"id":11,"type":"int","runs":[{"v":{"int":"2"}}]}');
    const said = found.slice(0, -1).map((line) => JSON.parse(line));
    expect(said.map(({ line }) => line)).toEqual(said.map((_, index) => index + 1));
    expect(said.map(({ id }) => id)).toEqual([undefined, undefined, undefined, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const words = ["no JSON", "write an object", "`id`", "`e` is", "`e` is", "no text", "`parts`", "more than 1000000"];
    for (const [index, word] of [...words, "`runs`", "a run is", "`y`", "`x` is int", "`x`: `{"].entries())
      expect(said[index].error).toContain(word);
    expect([code, err]).toEqual([2, "weir: 13 of 14 lines could not be read\n"]);
  });

  test("puts an expression together of parts", async () => {
    const parts = [
      ["1 + ", 3],
      ["1", 1],
    ];
    expect(await answers([{ id: 1, parts, runs: [{}] }])).toEqual([
      { id: 1, type: "int", runs: [{ v: { int: "4" } }] },
    ]);
  });

  test("stops what would not end, and what is too large to be written", async () => {
    const loop = `${"[1,2,3,4,5,6,7,8,9,10].map(i, ".repeat(9)}i${")".repeat(9)}`;
    const doubled = `${"cel.bind(v, [1], ".concat("cel.bind(v, [v, v], ".repeat(40))}v${")".repeat(41)}`;
    for (const e of [loop, doubled]) {
      expect(await answers([{ id: 1, e, runs: [{}] }])).toEqual([
        { id: 1, type: expect.any(String), runs: [{ err: "cost limit" }] },
      ]);
    }
  });

  test("asks for no more while nobody takes what there is, and ends when nobody wants more", async () => {
    const asked: string[] = [];
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let id = 1; ; id++) {
        asked.push(`line ${id}`);
        yield Buffer.from(`{"id":${id},"e":"1","runs":[]}\n`);
      }
    }
    const { code, out } = await runWith(["eval", "--batch"], "", {
      stdin: endless,
      drained: async () => {
        asked.push("drained");
        return asked.length < 6;
      },
    });
    expect(code).toBe(0);
    expect(asked).toEqual(["line 1", "drained", "line 2", "drained", "line 3", "drained"]);
    expect(out.trimEnd().split("\n")).toHaveLength(3);
  });
});

describe("--limits cel-go", () => {
  const deep = (open: string, inner: string, close: string, times: number) => ({
    id: `${open}${times}`,
    parts: [
      [open, times],
      [inner, 1],
      [close, times],
    ],
    runs: [{ vars: { x: { int: "1" } } }],
  });

  test.each([
    ["lists", deep("[", "", "]", 250)],
    ["parentheses", deep("(", "x", ")", 248)],
    ["negations", deep("!(", "true", ")", 249)],
    ["a sum", deep("1 + ", "x", "", 250)],
    ["a chain of ||", deep("x == 2 || ", "x == 1", "", 9_000)],
    ["a chain of &&", deep("x == 1 && ", "x == 1", "", 2_000)],
    ["loops", deep("[1].all(v, ", "true", ")", 70)],
  ])("takes %s, which a policy may not have, without a deep stack", async (_, line) => {
    expect(await answers([line], "--limits", "cel-go")).toEqual([
      { id: line.id, type: expect.any(String), runs: [{ v: expect.any(Object) }] },
    ]);
    expect(await answers([line])).toEqual([{ id: line.id, fail: expect.any(Object) }]);
  });

  test.each([
    ["lists", deep("[", "", "]", 251)],
    ["a sum", deep("1 + ", "x", "", 251)],
    ["text", deep("'a' + ", "'a'", "", 20_000)],
    ["nested without end", deep("(", "x", ")", 200_000)],
  ])("refuses what cel-go refuses: %s", async (_, line) => {
    expect(await answers([line], "--limits", "cel-go")).toEqual([
      { id: line.id, fail: { parse: { m: expect.any(String), at: expect.any(Array) } } },
    ]);
  });
});
