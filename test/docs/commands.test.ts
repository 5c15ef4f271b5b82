import { describe, expect, test } from "vitest";
import { commandsOf, outputPattern } from "./commands.ts";
import { fencesOf } from "./fences.ts";

function shownIn(markdown: string) {
  return commandsOf(fencesOf("page.md", markdown)).map(({ line, command, output }) => ({ line, command, output }));
}

describe("commands shown in a document", () => {
  test("are the lines of its shell blocks, comments and continuations considered", () => {
    expect(shownIn("Text\n```sh\n# first\nnpm ci\n\nweir check \\\n  -a x=1\n```\n```yaml\nnot: this\n```\n")).toEqual([
      { line: 4, command: "npm ci", output: undefined },
      { line: 6, command: "weir check -a x=1", output: undefined },
    ]);
  });

  test("have their output below them in a console block", () => {
    expect(shownIn("```console\n$ weir a \\\n    -b\none\ntwo\n$ weir b\n```\n")).toEqual([
      { line: 2, command: "weir a -b", output: "one\ntwo\n" },
      { line: 6, command: "weir b", output: undefined },
    ]);
  });

  test("are not lost in a block that is never closed", () => {
    expect(() => shownIn("```sh\nnpm ci\n")).toThrow("page.md:1: this block is never closed");
  });
});

describe("shown output", () => {
  test("must be what is printed, to the letter", () => {
    const pattern = outputPattern("denied (rule)\n");
    expect("denied (rule)\n").toMatch(pattern);
    expect("denied (rule)!\n").not.toMatch(pattern);
    expect("denied (rule)\nmore\n").not.toMatch(pattern);
  });

  test("has `…` for what differs from run to run: within a line, or for whole lines", () => {
    expect("snapshot 3f9c, 2 ms\n").toMatch(outputPattern("snapshot …, … ms\n"));
    expect("a\nb\nc\nd\n").toMatch(outputPattern("a\n…\nd\n"));
    expect("a\nd\n").toMatch(outputPattern("a\n…\nd\n"));
    expect("a\nb\n").not.toMatch(outputPattern("a\n…\nd\n"));
  });
});
