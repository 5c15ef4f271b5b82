import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "./diagnostic.ts";
import { error } from "./error.ts";
import { renderText } from "./render-text.ts";

/** Marks `[what]` is meant in a text: the diagnostic, and the text without the marks. */
function marked(text: string): { diagnostics: Diagnostic[]; sources: Map<string, string> } {
  const start = text.indexOf("⟦");
  const end = text.indexOf("⟧") - 1;
  const plain = text.replace(/[⟦⟧]/g, "");
  return {
    diagnostics: [error("P1", { file: "p.yaml", start, end }, "what", "way out")],
    sources: new Map([["p.yaml", plain]]),
  };
}

function shown(text: string): string {
  const { diagnostics, sources } = marked(text);
  return renderText(diagnostics, sources);
}

describe("an error as people see it", () => {
  test("place, words, the line, carets under what is meant, the way out", () => {
    const line = String.raw`      when: "source.principal == \"x\" && ⟦request.metod⟧ == \"GET\""`;
    const { sources, diagnostics } = marked(`\n\n\n\n\n\n\n\n${line}\n`);
    const help = "did you mean `request.method`?";
    const span = diagnostics[0]?.span;
    if (span === undefined) throw new Error("nothing is marked");
    const one = error("P1201", { ...span, file: "policies/checkout.yaml" }, "unknown attribute `request.metod`", help);
    expect(renderText([one], new Map([["policies/checkout.yaml", sources.get("p.yaml") ?? ""]]))).toBe(
      [
        "policies/checkout.yaml:9:43 error P1201: unknown attribute `request.metod`",
        "  |",
        String.raw`9 |       when: "source.principal == \"x\" && request.metod == \"GET\""`,
        "  |                                           ^^^^^^^^^^^^^",
        "  = help: did you mean `request.method`?",
        "",
      ].join("\n"),
    );
  });

  test("the gutter is as wide as the line's number", () => {
    expect(shown(`${"\n".repeat(99)}a: ⟦b⟧`)).toBe(
      "p.yaml:100:4 error P1: what\n    |\n100 | a: b\n    |    ^\n    = help: way out\n",
    );
  });

  test("tabs, wide characters, emoji and combining marks: the caret stands under the right character", () => {
    expect(shown("\tx: ⟦y⟧")).toContain("1 |     x: y\n  |        ^\n");
    expect(shown("a\tx: ⟦y⟧")).toContain("1 | a   x: y\n  |        ^\n");
    expect(shown("数据: ⟦数据⟧")).toContain("p.yaml:1:5 error");
    expect(shown("数据: ⟦数据⟧")).toContain("  |       ^^^^\n");
    expect(shown("🚀: ⟦y⟧")).toContain("p.yaml:1:4 error");
    expect(shown("🚀: ⟦y⟧")).toContain("  |     ^\n");
    expect(shown("e\u0301: ⟦y⟧")).toContain("  |    ^\n");
  });

  test("CRLF and a missing line break at the end change nothing", () => {
    expect(shown("a: 1\r\nb: ⟦c⟧\r\n")).toContain("2 | b: c\n  |    ^\n");
    expect(shown("b: ⟦c⟧")).toContain("1 | b: c\n  |    ^\n");
  });

  test("an empty span gets one caret, at the end of the line too", () => {
    expect(shown("when:⟦⟧")).toContain("1 | when:\n  |      ^\n");
    expect(shown("when:⟦⟧\n")).toContain("1 | when:\n  |      ^\n");
  });

  test("a span over several lines underlines each, without its indentation; of many, the first and the last", () => {
    expect(shown("a: ⟦|\n  x\n  y⟧\nb: 1")).toContain("1 | a: |\n  |    ^\n2 |   x\n  |   ^\n3 |   y\n  |   ^\n");
    expect(shown(`a: ⟦|\n  x\n${"  y\n".repeat(20)}  z⟧\nb: 1`)).toContain(
      " 1 | a: |\n   |    ^\n … |\n23 |   z\n   |   ^\n",
    );
  });

  test("a long line is cut around what is meant", () => {
    const text = shown(`${"a".repeat(5000)}⟦bad⟧${"z".repeat(5000)}`);
    const [, , line = "", carets = ""] = text.split("\n");
    expect(text).toContain("p.yaml:1:5001 error");
    expect(line.length).toBeLessThan(180);
    expect(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("bad");
    expect(line.endsWith("…")).toBe(true);
  });

  test("what would steer the terminal is not printed", () => {
    const text = shown("a: \u001b[31m⟦\u202eb⟧ \u0007");
    expect([...text].filter((character) => ["\u001b", "\u202e", "\u0007"].includes(character))).toEqual([]);
    expect(text).toContain("1 | a: �[31m�b �\n  |         ^^\n");
  });

  test("a file as a whole has no line to show, a folder not even a name", () => {
    const diagnostics = [
      error("P2", { file: "p.yaml", start: 0, end: 0 }, "empty"),
      error("P1", undefined, "nothing", "write"),
    ];
    expect(renderText(diagnostics, new Map([["p.yaml", "x"]]))).toBe(
      "error P1: nothing\n  = help: write\n\np.yaml:1:1 error P2: empty\n",
    );
  });

  test("a place in a file that could not be read is still named", () => {
    expect(renderText([error("P1", { file: "gone.yaml", start: 0, end: 0 }, "m")], new Map())).toBe(
      "gone.yaml:1:1 error P1: m\n",
    );
  });

  test("colour only when it is asked for, and then the same text", () => {
    const { diagnostics, sources } = marked("a: ⟦b⟧");
    const plain = renderText(diagnostics, sources);
    const coloured = renderText(diagnostics, sources, { color: true });
    expect(stripVTControlCharacters(plain)).toBe(plain);
    expect(coloured).not.toBe(plain);
    expect(stripVTControlCharacters(coloured)).toBe(plain);
  });

  test("paths can be made clickable from where the command runs", () => {
    const { diagnostics, sources } = marked("a: ⟦b⟧");
    expect(renderText(diagnostics, sources, { folder: "policies/" })).toMatch(/^policies\/p\.yaml:1:4 error/);
  });
});
