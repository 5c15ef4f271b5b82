/**
 * The promise of every place in an error, kept through the whole load: an unknown name is planted at a random place of a random expression, in
 * each of YAML's five styles, and the load says exactly that, at exactly its characters.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { reportDiagnostics } from "../../src/diagnostics/render-json.ts";
import { examine } from "../../src/engine/examine.ts";

const PLANTED = "request.metod";

/** Conditions that are fine, with what makes places hard: quotes, escapes, wide characters, characters of two units. */
const FINE = [
  'request.method == "GET"',
  "request.method != 'it is'",
  'request.headers.get("x-ä", "👩‍🚀") == "数"',
  'request.headers.values("a#b").exists(v, v == "a\\\\b" || v == "\\"")',
  '(source.address != "10.0.0.1")',
  "[1, 2, 3].exists(n, n > 1)",
  "'ünï' in {'k':1, \"🙂\":2}",
  "!has(request.auth.subject)",
] as const;

/** How the name may stand in its part of the condition. */
const WITH_PLANTED = [`${PLANTED} == "GET"`, `"🙂" == ${PLANTED}`, `size(${PLANTED}) > 1`, `!(${PLANTED} in ["数"])`];

/** The white space between two words of a scalar that may run over several lines, by the indentation of the next line. */
const GAPS: readonly ((indent: string) => string)[] = [
  () => " ",
  () => "   ",
  () => "\t",
  (indent) => `\n${indent}`,
  (indent) => `\n\n${indent}`,
];

interface Scalar {
  readonly words: readonly string[];
  readonly gaps: readonly number[];
  readonly escaped: readonly boolean[];
}

const INDENT = "      ";

const STYLES: Readonly<Record<string, (scalar: Scalar) => string>> = {
  plain: (scalar) => joined({ ...scalar, words: ["true", "&&", ...scalar.words] }),
  "single-quoted": (scalar) => `'${joined(scalar, (word) => word.replaceAll("'", "''"))}'`,
  "double-quoted": (scalar) => `"${joined(scalar, (word, at) => doubleQuoted(word, scalar.escaped[at] ?? false))}"`,
  literal: (scalar) => `|\n${INDENT}${joined(scalar)}`,
  folded: (scalar) => `>-\n${INDENT}${joined(scalar)}`,
};

const scalar: fc.Arbitrary<Scalar> = fc
  .record({
    before: fc.array(fc.constantFrom(...FINE), { maxLength: 4 }),
    planted: fc.constantFrom(...WITH_PLANTED),
    after: fc.array(fc.constantFrom(...FINE), { maxLength: 4 }),
    operator: fc.constantFrom("&&", "||"),
    gaps: fc.array(fc.nat(GAPS.length - 1), { minLength: 12, maxLength: 12 }),
    escaped: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
  })
  .map(({ before, planted, after, operator, gaps, escaped }) => {
    const conditions = [...before, planted, ...after];
    const words = conditions.flatMap((condition, at) => (at === 0 ? [condition] : [operator, condition]));
    // Conditions are taken apart where that changes no text inside their quotes.
    return { words: words.flatMap((word) => word.split(/(?<=[=!]=) /u)), gaps, escaped };
  });

describe("an unknown name is found where it stands, and nothing else is", () => {
  for (const [style, write] of Object.entries(STYLES)) {
    for (const lineBreak of ["\n", "\r\n"]) {
      test(`in a ${style} scalar, lines ended by ${JSON.stringify(lineBreak)}`, () => {
        fc.assert(
          fc.property(scalar, fc.nat(3), (random, rulesBefore) => {
            const text = policy(write(random), rulesBefore).replaceAll("\n", lineBreak);
            expect(errorsOf(text)).toEqual([expectedIn(text)]);
          }),
          { numRuns: 200 },
        );
      });
    }
  }

  test("in a text with placeholders, too", () => {
    const text = `policy: p\ncheck:\n  - change: c\n    request:\n      set:\n        x-a: "🙂 \${request.method}\\t\${ ${PLANTED} }"\n`;
    expect(errorsOf(text)).toEqual([expectedIn(text)]);
  });
});

function policy(when: string, rulesBefore: number): string {
  const fine = Array.from({ length: rulesBefore }, (_, at) => `  - deny: fine-${at}\n    when: ${FINE[3]}\n`).join("");
  return `# 数 🙂\npolicy: p\ncheck:\n${fine}  - deny: planted\n    when: ${when}\n    description: after it\n`;
}

function joined({ words, gaps }: Scalar, write: (word: string, at: number) => string = (word) => word): string {
  return words
    .map((word, at) => (at === 0 ? "" : (GAPS[gaps[at % gaps.length] ?? 0]?.(INDENT) ?? " ")) + write(word, at))
    .join("");
}

/** The planted name stays readable, so that the test can find it. */
function doubleQuoted(word: string, escaped: boolean): string {
  return word
    .split(PLANTED)
    .map((part) => [...part].map((character) => inDoubleQuotes(character, escaped)).join(""))
    .join(PLANTED);
}

function inDoubleQuotes(character: string, escaped: boolean): string {
  if (character === '"' || character === "\\") return `\\${character}`;
  const code = character.codePointAt(0) ?? 0;
  return escaped && code > 0x7f ? `\\U${code.toString(16).padStart(8, "0")}` : character;
}

function errorsOf(text: string): readonly unknown[] {
  const files = [
    { path: "weir.yaml", text: "" },
    { path: "p.yaml", text },
  ];
  const { diagnostics, sources } = examine({ files, id: "planted", diagnostics: [], signature: "" });
  const reported = reportDiagnostics(diagnostics, sources).diagnostics.filter(({ severity }) => severity === "error");
  return reported.map(({ code, file, line, column, endLine, endColumn, help }) => ({
    ...{ code, file, line, column, endLine, endColumn, help },
  }));
}

/** Counted here anew, in code points, from nothing but the text. */
function expectedIn(text: string): unknown {
  const before = text.slice(0, text.indexOf(PLANTED)).split("\n");
  const line = before.length;
  const column = [...(before.at(-1) ?? "")].length + 1;
  const end = { endLine: line, endColumn: column + PLANTED.length };
  return { code: "P1201", file: "p.yaml", line, column, ...end, help: "did you mean `request.method`?" };
}
