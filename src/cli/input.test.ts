import { expect, test } from "vitest";
import { type Line, linesOf } from "./input.ts";

async function lines(chunks: readonly string[], maxBytes = 100): Promise<readonly Line[]> {
  const found: Line[] = [];
  for await (const some of linesOf(bytes(chunks), maxBytes)) found.push(...some);
  return found;
}

async function* bytes(chunks: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk, "latin1");
}

test.each([
  ["lines within one piece", ["a\nb\n"], ["1 a", "2 b"]],
  ["a last line without its end", ["a\nb"], ["1 a", "2 b"]],
  ["a line in many pieces", ["a", "", "b", "c\nd"], ["1 abc", "2 d"]],
  ["a character in two pieces", ["\u00c3", "\u00a9\n"], ["1 é"]],
  ["empty lines, which count", ["\n \r\na\n\n"], ["3 a"]],
  ["nothing", [], []],
])("%s", async (_, chunks, expected) => {
  const found = await lines(chunks);
  expect(found.map((line) => `${line.number} ${"text" in line ? line.text : line.problem}`)).toEqual(expected);
});

test("a line that is too long or no text is told, and the next one is read", async () => {
  const found = await lines(["x".repeat(60), `${"x".repeat(60)}\na\n`, "\u00ff\nb"]);
  expect(found).toEqual([
    { number: 1, problem: "the line has more than 100 bytes" },
    { number: 2, text: "a" },
    { number: 3, problem: expect.stringContaining("not UTF-8") },
    { number: 4, text: "b" },
  ]);
});
