import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { YamlNode } from "./node.ts";
import { parseYaml } from "./parse.ts";

/** Words an expression may be made of; none of them looks like what is planted. */
const WORDS = [
  "request.method",
  "==",
  "!=",
  "&&",
  "||",
  '"GET"',
  "'it is'",
  '"a\\"b"',
  '"C:\\\\dir"',
  "(",
  ")",
  "x[0]",
  '["k"]',
  "1.5",
  "ünïcode",
  "数",
  "👩‍🚀",
  "\u00a0",
  "\\",
  "'",
  '"',
  ",",
  "{}",
  "#tag",
  "a#b",
];
const PLANTED = "planted.name";

/** The pieces around the planted name; white space separates them, as anywhere in an expression. */
const expression = fc
  .tuple(fc.array(fc.constantFrom(...WORDS), { maxLength: 12 }), fc.array(fc.constantFrom(...WORDS), { maxLength: 12 }))
  .map(([before, after]) => [...before, PLANTED, ...after]);

const gap = fc.constantFrom("one", "two", "tab", "line", "blank");
const gaps = fc.array(gap, { minLength: 40, maxLength: 40 });

interface Layout {
  readonly words: readonly string[];
  readonly gaps: readonly string[];
  readonly indent: number;
  readonly escapes: readonly number[];
}

const layout = fc.record({
  words: expression,
  gaps,
  indent: fc.integer({ min: 1, max: 5 }),
  escapes: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 60, maxLength: 60 }),
});

describe("a place in an expression is the place in the file", () => {
  const cases: Readonly<Record<string, (layout: Layout) => string>> = {
    plain: plain,
    "single-quoted": (layout) => `'${flow(layout, (word) => word.replaceAll("'", "''"))}'`,
    "double-quoted": (layout) => `"${flow(layout, doubleQuoted(layout.escapes))}"`,
    literal: (layout) => block("|", layout),
    "literal, stripped": (layout) => block("|-", layout),
    "literal, kept, indentation told": (layout) => block(`|${layout.indent}+`, layout),
    folded: (layout) => block(">", layout),
    "folded, kept": (layout) => block(">+", layout),
    "folded, stripped, indentation told": (layout) => block(`>-${layout.indent}`, layout),
  };
  for (const [style, write] of Object.entries(cases)) {
    for (const lineBreak of ["\n", "\r\n"]) {
      test(`${style}, lines ended by ${JSON.stringify(lineBreak)}`, () => {
        fc.assert(
          fc.property(layout, fc.boolean(), (random, deep) => {
            const shifted = deep ? { ...random, indent: random.indent + 2 } : random;
            const value = write(style.endsWith("told") ? random : shifted);
            const key = deep && !style.endsWith("told") ? "a:\n  - when: " : "when: ";
            const text = `# first\n${key}${value}\n${deep && !style.endsWith("told") ? "    b" : "b"}: 1\n`.replaceAll(
              "\n",
              lineBreak,
            );
            expectPlanted(text);
          }),
          { numRuns: 300 },
        );
      });
    }
  }

  test("without a line break at the end of the file", () => {
    expectPlanted(`when: |\n  a && ${PLANTED}`);
    expectPlanted(`when: a && ${PLANTED}`);
  });

  test("every unit of a text has a place that holds it", () => {
    const text = 'when: "a\\u00e9\\U0001F680\\x41\\t\\\n  \\"b"\n';
    const { source } = scalarNamed(parseYaml("f.yaml", text).root, "when");
    const shown = [...source.text].map((_, index) =>
      text.slice(source.locate(index, index + 1).start, source.locate(index, index + 1).end),
    );
    expect(source.text).toBe('aé🚀A\t"b');
    expect(shown[0]).toBe("a");
    expect(shown[1]).toBe("\\u00e9");
    expect(shown[2]).toBe("\\U0001F680");
    expect(source.locate(7, 8)).toEqual({ file: "f.yaml", start: text.length - 3, end: text.length - 2 });
  });

  test("an empty range stands before its character, at the end behind the last", () => {
    const text = "when: 'a + b'\n";
    const { source } = scalarNamed(parseYaml("f.yaml", text).root, "when");
    expect(source.locate(4, 4)).toEqual({ file: "f.yaml", start: 11, end: 11 });
    expect(source.locate(5, 5)).toEqual({ file: "f.yaml", start: 12, end: 12 });
  });
});

function expectPlanted(text: string): void {
  const { root, diagnostics } = parseYaml("f.yaml", text);
  // Some random words break YAML where they stand; those files are about other tests.
  if (diagnostics.length > 0 || root === undefined) {
    fc.pre(false);
    return;
  }
  const { source } = scalarNamed(root, "when");
  const start = source.text.indexOf(PLANTED);
  if (start === -1) {
    // A plain scalar ends at ` #`: the name may stand in the comment.
    fc.pre(false);
    return;
  }
  const span = source.locate(start, start + PLANTED.length);
  expect(text.slice(span.start, span.end)).toBe(PLANTED);
}

function scalarNamed(root: YamlNode | undefined, name: string) {
  if (root?.kind === "list") return scalarNamed(root.items[0], name);
  if (root?.kind !== "map") throw new Error("no map");
  const entry = root.entries.find(({ key }) => key.name === name) ?? root.entries[0];
  if (entry?.value.kind === "scalar") return entry.value;
  return scalarNamed(entry?.value, name);
}

/** A flow scalar: lines are folded, continuation lines are indented more than the key. */
function flow({ words, gaps, indent }: Layout, write: (word: string, index: number) => string): string {
  return words
    .map(
      (word, index) =>
        (index === 0 ? "" : space(gaps[index] ?? "one", `\n${" ".repeat(indent + 4)}`)) + write(word, index),
    )
    .join("");
}

function space(kind: string, lineBreak: string): string {
  return { one: " ", two: "  ", tab: "\t", line: lineBreak, blank: `\n${lineBreak}` }[kind] ?? " ";
}

function plain(layout: Layout): string {
  // Indicators cannot begin a plain scalar, and `: ` and ` #` would end it.
  return flow({ ...layout, words: ["x", ...layout.words.filter((word) => !word.startsWith("#"))] }, (word) => word);
}

/** Writes characters as escapes here and there. */
function doubleQuoted(escapes: readonly number[]): (word: string, index: number) => string {
  return (word, index) =>
    word === PLANTED
      ? word
      : [...word].map((character, at) => escaped(character, escapes[(index * 7 + at) % escapes.length] ?? 0)).join("");
}

function escaped(character: string, how: number): string {
  const code = character.codePointAt(0) ?? 0;
  if (how === 1) return `\\U${code.toString(16).padStart(8, "0")}`;
  if (how === 2 && code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  if (how === 3 && code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (how === 4) return character === "\\" || character === '"' ? `\\${character}` : `\\t${character}\\n`;
  return character === "\\" || character === '"' ? `\\${character}` : character;
}

/** A block scalar: lines as they are, blank lines and deeper lines among them. */
function block(header: string, { words, gaps, indent }: Layout): string {
  const margin = " ".repeat(indent);
  const deeper = header.startsWith(">") ? "  " : "   ";
  const body = words
    .map(
      (word, index) =>
        (index === 0 ? margin : space(gaps[index] ?? "one", `\n${margin}${index % 3 === 0 ? deeper : ""}`)) + word,
    )
    .join("");
  return `${header} # a comment\n${body}\n`;
}
