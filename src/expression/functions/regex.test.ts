import { describe, expect, test } from "vitest";
import type { AttributeSource } from "../../attribute/source.ts";
import { ABSENT, type CelValue, Invalid, Optional } from "../../attribute/value.ts";
import { createFrame, type RequestFrame } from "../frame.ts";
import type { FunctionRow, Operand } from "./function-row.ts";
import { REGEX } from "./regex.ts";
import { TEXTS_AND_LISTS } from "./texts-and-lists.ts";
import { WEIR } from "./weir.ts";

function row(name: string): FunctionRow {
  const found = [...REGEX, ...TEXTS_AND_LISTS, ...WEIR].find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no function ${name}`);
  return found;
}

function call(name: string, a: CelValue, b: CelValue, c: CelValue = null, d: CelValue = null) {
  return row(name).apply(a, b, c, d);
}

function frame(budget?: number): RequestFrame {
  const source: AttributeSource = { read: () => ABSENT, readKey: () => ABSENT, entries: () => ABSENT };
  return createFrame({ source, slots: 0, derived: [], record: false, ...(budget === undefined ? {} : { budget }) });
}

/** An argument that only a request knows. */
function dynamic(value: CelValue | typeof ABSENT | Invalid): Operand {
  return { evaluate: () => value, readKey: undefined };
}

function constant(value: CelValue): Operand {
  return { evaluate: () => value, readKey: undefined, constant: value };
}

const none = new Optional(ABSENT);

describe("replacing", () => {
  test.each([
    ["hello world hello", "hello", "hi", null, "hi world hi"],
    ["banana", "a", "x", 0n, "banana"],
    ["banana", "a", "x", 2n, "bxnxna"],
    ["banana", "a", "x", -12n, "bxnxnx"],
    ["banana", "a", "x", 2n ** 62n, "bxnxnx"],
    ["foo bar", "(fo)o (ba)r", "\\2 \\1", null, "ba fo"],
    ["abc", "b", "$0", null, "a$0c"],
    ["abc", "b", "[\\0]", null, "a[b]c"],
    ["abc", "b", "\\\\", null, "a\\c"],
    ["ab", "(x)?b", "<\\1>", null, "a<>"],
    // Empty matches: between characters, and never right behind another match.
    ["abc", "", "-", null, "-a-b-c-"],
    ["baaac", "a*", "x", null, "xbxcx"],
    ["\u{1f600}\u{1f600}", "", "-", null, "-\u{1f600}-\u{1f600}-"],
    ["abc", "^", "x", null, "xabc"],
    ["abc", "$", "x", null, "abcx"],
    ["a b", "\\b", "|", null, "|a| |b|"],
    ["", "x*", "y", null, "y"],
    ["abc", "b", "", null, "ac"],
  ])("%j by %j with %j, %s times: %j", (text, pattern, replacement, count, expected) => {
    expect(call("regex.replace", text, pattern, replacement, count)).toBe(expected);
  });

  test.each([
    ["test", "(.)", "\\2"],
    ["test", "t", "\\x"],
    ["test", "t", "end\\"],
    ["test", "(", "x"],
  ])("%j by %j with %j is an error", (text, pattern, replacement) => {
    expect(call("regex.replace", text, pattern, replacement)).toBeInstanceOf(Invalid);
  });

  test("what is wrong with a replacement shows only where there is something to replace", () => {
    expect(call("regex.replace", "test", "x", "\\9")).toBe("test");
    expect(call("regex.replace", "test", "[", "x", 0n)).toBe("test");
  });
});

describe("extracting", () => {
  test.each([
    ["hello world", "hello(.*)", new Optional(" world")],
    ["item-A, item-B", "item-(\\w+)", new Optional("A")],
    ["item-A, item-B", "item-\\w+", new Optional("item-A")],
    ["HELLO", "hello", none],
    ["abc", "(x)?abc", none],
    ["abc", "()abc", none],
    ["abc", "", new Optional("")],
  ])("the first of %j by %j", (text, pattern, expected) => {
    expect(call("regex.extract", text, pattern)).toEqual(expected);
  });

  test.each([
    ["id:123, id:456", "id:\\d+", ["id:123", "id:456"]],
    ["a1b2", "[a-z]([0-9])", ["1", "2"]],
    ["id:123", "assa", []],
    ["a,b", "(x)?,?", []],
    ["ab", "x*", ["", "", ""]],
  ])("all of %j by %j", (text, pattern, expected) => {
    expect(call("regex.extractAll", text, pattern)).toEqual(expected);
  });

  test.each(["regex.extract", "regex.extractAll"])("%s by several groups is an error", (name) => {
    expect(call(name, "a@b", "(.*)@([^.]*)")).toBeInstanceOf(Invalid);
  });
});

describe("in a request", () => {
  test("error beats absence, and absence a value", () => {
    const { link } = row("regex.extract");
    const broken = new Invalid("broken");
    expect(link?.([dynamic(ABSENT), constant("a")])?.(frame())).toBe(ABSENT);
    expect(link?.([dynamic(ABSENT), dynamic(broken)])?.(frame())).toBe(broken);
    expect(link?.([dynamic("abc"), constant("b")])?.(frame())).toEqual(new Optional("b"));
  });

  test("a pattern that the request brings is compiled, paid for, and remembered", () => {
    const evaluate = row("regex.extract").link?.([dynamic("abc"), dynamic("[a-c]+")]);
    const [first, second] = [frame(), frame()];
    expect(evaluate?.(first)).toEqual(new Optional("abc"));
    expect(evaluate?.(second)).toEqual(new Optional("abc"));
    expect(second.budget - first.budget).toBeGreaterThan(100);
  });

  test("of the patterns that requests bring only the latest are remembered", () => {
    let pattern = "first";
    const evaluate = row("matches").link?.([dynamic("text"), { evaluate: () => pattern, readKey: undefined }]);
    const spent = () => {
      const request = frame();
      evaluate?.(request);
      return frame().budget - request.budget;
    };
    const compiling = spent();
    expect(spent()).toBeLessThan(compiling);
    for (let index = 0; index < 100; index++) {
      pattern = `p${index}`;
      spent();
    }
    pattern = "first";
    expect(spent()).toBe(compiling);
  });

  test.each(["matches", "glob", "regex.extract"])("%s with a pattern that only the request knows", (name) => {
    const linked = (pattern: CelValue) => row(name).link?.([dynamic("abc"), dynamic(pattern)])?.(frame());
    expect(linked("abc")).toEqual(name === "regex.extract" ? new Optional("abc") : true);
    expect(linked("a".repeat(2_000))).toBeInstanceOf(Invalid);
    expect(linked("(a{1000}){1000}")).toEqual(name === "glob" ? false : expect.any(Invalid));
    expect(linked("a{999}b{999}")).toEqual(name === "glob" ? false : expect.any(Invalid));
    expect(linked(1n)).toBeInstanceOf(Invalid);
  });

  test.each([
    // Each match is found only after looking to the end of the text.
    ["regex.extractAll", "a".repeat(4_000), "a*[bB]|a"],
    ["regex.replace", "ab".repeat(20_000), "\\b|."],
    ["regex.extract", "ab".repeat(5_000), "(?:a|b)*a(?:a|b){900}[cC]"],
  ])("%s ends when its steps are used up", (name, text, pattern) => {
    const operands = [dynamic(text), constant(pattern), ...(name === "regex.replace" ? [constant("x")] : [])];
    expect(row(name).link?.(operands)?.(frame())).toHaveProperty("reason", "cost limit");
  });

  test("replacing cannot make more text than was paid for", () => {
    const operands = [dynamic("ab".repeat(20)), constant("."), constant("x".repeat(400_000))];
    expect(row("regex.replace").link?.(operands)?.(frame())).toHaveProperty("reason", "cost limit");
  });
});
