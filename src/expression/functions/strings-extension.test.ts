import { describe, expect, test } from "vitest";
import { evaluate, frameOf, scopeWith, show, slots } from "../../../test/cel/harness.ts";
import { type CelValue, Invalid } from "../../attribute/value.ts";
import { compileExpression, link } from "../index.ts";
import { COST_LIMIT, sizeOf, weightOf } from "../values.ts";
import type { Cost, FunctionRow } from "./function-row.ts";
import { STRINGS_EXTENSION } from "./strings-extension.ts";

function valuesOf(table: readonly (readonly [text: string, expected: string])[]): void {
  test.each(table)("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });
}

describe("places are code points, and one outside of the text is an error", () => {
  valuesOf([
    ['"tacocat".charAt(3)', '"o"'],
    ['"tacocat".charAt(7)', '""'],
    ['"tacocat".charAt(8)', "error"],
    ['"tacocat".charAt(-1)', "error"],
    ['"tacocat".charAt(9223372036854775807)', "error"],
    ['"a😀b".charAt(1)', '"😀"'],
    ['"a😀b".charAt(2)', '"b"'],
    ['"tacocat".substring(4)', '"cat"'],
    ['"tacocat".substring(0, 4)', '"taco"'],
    ['"tacocat".substring(7)', '""'],
    ['"tacocat".substring(8)', "error"],
    ['"tacocat".substring(-1)', "error"],
    ['"tacocat".substring(2, 1)', "error"],
    ['"tacocat".substring(2, 2)', '""'],
    ['"tacocat".substring(2, 8)', "error"],
    ['"a😀b".substring(1, 2)', '"😀"'],
  ]);
});

describe("looking for a text", () => {
  valuesOf([
    ['"a😀b😀".indexOf("😀")', "1"],
    ['"a😀b😀".indexOf("😀", 2)', "3"],
    ['"tacocat".indexOf("none")', "-1"],
    ['"tacocat".indexOf("")', "0"],
    ['"tacocat".indexOf("", 3)', "3"],
    ['"tacocat".indexOf("", 30)', "7"],
    ['"tacocat".indexOf("a", 30)', "-1"],
    ['"tacocat".indexOf("t", 7)', "-1"],
    ['"tacocat".indexOf("a", -1)', "error"],
    ['"tacocat".indexOf("", -1)', "error"],
    ['"".indexOf("a")', "-1"],
    ['"a😀b😀".lastIndexOf("😀")', "3"],
    ['"a😀b😀".lastIndexOf("😀", 2)', "1"],
    ['"tacocat".lastIndexOf("")', "7"],
    ['"tacocat".lastIndexOf("", 3)', "3"],
    ['"tacocat".lastIndexOf("", 30)', "7"],
    ['"tacocat".lastIndexOf("at", 6)', "5"],
    ['"tacocat".lastIndexOf("at", 7)', "-1"],
    ['"tacocat".lastIndexOf("a", 30)', "-1"],
    ['"tacocat".lastIndexOf("a", -1)', "error"],
    ['"".lastIndexOf("a")', "-1"],
    ['"".lastIndexOf("", 0)', "0"],
  ]);
});

describe("replacing", () => {
  valuesOf([
    ['"aaa".replace("a", "b")', '"bbb"'],
    ['"aaa".replace("a", "b", 2)', '"bba"'],
    ['"aaa".replace("a", "b", 0)', '"aaa"'],
    ['"aaa".replace("a", "b", -1)', '"bbb"'],
    ['"aaa".replace("aa", "b")', '"ba"'],
    ['"a.b".replace(".", "$&")', '"a$&b"'],
    ['"a😀".replace("", "-")', '"-a-😀-"'],
    ['"a😀".replace("", "-", 2)', '"-a-😀"'],
    ['"a😀".replace("", "-", 3)', '"-a-😀-"'],
    ['"".replace("", "x")', '"x"'],
    ['"".replace("", "x", 0)', '""'],
  ]);
});

describe("splitting and joining", () => {
  valuesOf([
    ['"a,b,,c".split(",")', '["a","b","","c"]'],
    ['"a,b,c".split(",", 0)', "[]"],
    ['"a,b,c".split(",", 1)', '["a,b,c"]'],
    ['"a,b,c".split(",", 2)', '["a","b,c"]'],
    ['"a,b,c".split(",", 9)', '["a","b","c"]'],
    ['"a,b,c".split(",", -1)', '["a","b","c"]'],
    ['"".split(",")', '[""]'],
    ['"".split("")', "[]"],
    ['"".split("", 2)', "[]"],
    ['"a😀b".split("")', '["a","😀","b"]'],
    ['"a😀b".split("", 2)', '["a","😀b"]'],
    ['["a", "b"].join()', '"ab"'],
    ['["a", "b"].join("😀")', '"a😀b"'],
    ['[].join("-")', '""'],
    ['[""].join("-")', '""'],
    ['dyn(["a", 1]).join("-")', "error"],
    ["dyn([null]).join()", "error"],
  ]);
});

describe("letters, white space, order and quotes", () => {
  valuesOf([
    ['"TacoCÆt İ😀".lowerAscii()', '"tacocÆt İ😀"'],
    ['"tacoCat[`{@".lowerAscii()', '"tacocat[`{@"'],
    ['"tacoCαt ß😀".upperAscii()', '"TACOCαT ß😀"'],
    ['"tacoCat[`{@".upperAscii()', '"TACOCAT[`{@"'],
    ['" \\t\\u0085\\u00a0\\u3000 a b \\u2028\\n".trim()', '"a b"'],
    ['"\\ufeff\\u200b\\u180ea".trim()', '"\ufeff\u200b\u180ea"'],
    ['" \\t ".trim()', '""'],
    ['"a😀b".reverse()', '"b😀a"'],
    ['"".reverse()', '""'],
    ['strings.quote("a\\"b\\\\c\'\\u0000é😀")', JSON.stringify('"a\\"b\\\\c\'\u0000é😀"')],
    ['strings.quote("\\a\\b\\f\\n\\r\\t\\v")', JSON.stringify('"\\a\\b\\f\\n\\r\\t\\v"')],
  ]);
});

test("what is no text, or no int, where one is needed is an error, and so is a null in place of what may be left out", () => {
  const calls = [
    ...["charAt(any.dyn)", 'indexOf("a", any.dyn)', 'lastIndexOf("a", any.dyn)', "substring(0, any.dyn)"],
    ...['replace("a", "b", any.dyn)', 'split("a", any.dyn)', "replace(any.dyn, any.dyn)", "split(any.dyn)"],
  ];
  for (const dyn of [null, true, 1.5]) {
    for (const call of calls) expect(show(evaluate(`"abc".${call}`, { "any.dyn": dyn })), call).toBe("error");
    expect(show(evaluate('["a"].join(any.dyn)', { "any.dyn": dyn }))).toBe("error");
    for (const { name } of STRINGS_EXTENSION.filter((row) => row.signatures[0]?.endsWith("(): string"))) {
      expect(show(evaluate(`any.dyn.${name}()`, { "any.dyn": dyn })), name).toBe("error");
    }
  }
});

describe("what is made is paid for before it is made", () => {
  const long = "a".repeat(10_000);
  const cases: readonly (readonly [name: string, ...args: CelValue[]])[] = [
    ["charAt", "😀", 0n],
    ["substring", long, 1n],
    ["replace", long, "", long],
    ["replace", long, "a", "bb"],
    ["replace", "a", "", ""],
    ["split", long, ""],
    ["split", long, "a"],
    ["join", Array.from({ length: 1000 }, () => ""), long],
    ["join", Array.from({ length: 1000 }, () => "a".repeat(160)), "-".repeat(32)],
    ["join", ["a"], null],
    ["lowerAscii", long],
    ["reverse", long],
    ["strings.quote", "\\".repeat(10_000)],
    ["strings.quote", ""],
    ["format", "%.100f %b", [-Number.MAX_VALUE, -(2n ** 63n)]],
    ["format", "%s", [Array.from({ length: 100 }, () => [-1.5, "", null, 2n ** 63n - 1n])]],
    ["format", "%s%s", [-Number.MIN_VALUE, Number.MAX_VALUE]],
    ["format", "%x%X", ["€".repeat(1000), new Uint8Array(1000)]],
    ["format", "%s", [new Map([["", new Uint8Array(100).fill(0xff)]])]],
  ];

  test.each(cases)("%s", (name, ...args) => {
    const row = STRINGS_EXTENSION.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`no function ${name}`);
    const [a = null, b = null, c = null, d = null] = args;
    const result = row.apply(a, b, c, d);
    if (result instanceof Invalid || typeof result === "symbol") throw new Error(`${name} gives no value`);
    const measure = row.deep ? weightOf : sizeOf;
    const sizes = [a, b, c, d].map((value, index) => (index < args.length ? measure(value) : 0));
    expect(weightOf(result)).toBeLessThanOrEqual(inUnits(row.resultSize, sizes));
    expect(weightOf(result)).toBeLessThanOrEqual(inUnits(row.cost, sizes) + 1);
    const prepared = row.prepare?.(args.map((value, index) => (index === 0 ? undefined : value)));
    expect(weightOf(result)).toBeLessThanOrEqual(inUnits(prepared?.cost ?? row.cost, sizes) + 1);
  });

  function inUnits(cost: Cost | undefined, [a = 0, b = 0, c = 0, d = 0]: readonly number[]): number {
    return typeof cost === "function" ? cost(a, b, c, d) : (cost ?? 0);
  }

  test("a larger argument never costs less, nor makes less", () => {
    const sizes = [1, 1.0625, 2, 17, 500];
    const falls = ({ cost, resultSize }: FunctionRow): boolean =>
      [cost, resultSize].some((of) =>
        sizes.some((size, index) =>
          [0, 1, 2].some((argument) => {
            const smaller = [17, 17, 17].with(argument, sizes[index - 1] ?? 1);
            return inUnits(of, [17, 17, 17].with(argument, size)) < inUnits(of, smaller);
          }),
        ),
      );
    expect(STRINGS_EXTENSION.filter(falls).map(({ name }) => name)).toEqual([]);
  });

  test.each([
    `any.dyn${'.replace("", "aaaaaaaaaaaaaaaa")'.repeat(20)}.size()`,
    `[any.dyn]${".map(s, s.replace('', s))".repeat(6)}`,
    `[any.dyn]${".map(s, s.split('').join(s))".repeat(6)}`,
    `[any.dyn]${".map(s, '%s%s'.format([s, s]))".repeat(30)}`,
  ])("a text that grows again and again runs out of steps: %s", (text) => {
    const compiled = compileExpression(text, scopeWith(), "any", { lenient: true });
    if (!compiled.ok) throw new Error(compiled.problem.message);
    const outcome = link(compiled.plan, slots)(frameOf({ "any.dyn": "a".repeat(100) }));
    expect(outcome).toBe(COST_LIMIT);
  });
});
