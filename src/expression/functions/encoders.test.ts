import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, show, slots } from "../../../test/cel/harness.ts";
import { ABSENT, type CelValue, Invalid, Optional, Uint } from "../../attribute/value.ts";
import { link } from "../index.ts";
import { readJson } from "../json-reader.ts";
import { writeJson } from "../json-writer.ts";
import { MAX_JSON_DEPTH } from "../limits.ts";
import { COST_LIMIT, sizeOf, weightOf } from "../values.ts";
import { ENCODERS } from "./encoders.ts";

describe("Base64", () => {
  test.each([
    ['base64.encode(b"hello")', '"aGVsbG8="'],
    ['base64.encode(b"")', '""'],
    ['base64.encode(b"\\xfb\\xff")', '"+/8="'],
    ['base64.encodeUrl(b"\\xfb\\xff")', '"-_8="'],
    ['base64.encode(dyn("a"))', "error"],
    ['string(base64.decode("aGVsbG8="))', '"hello"'],
    ['string(base64.decode("aGVsbG8"))', '"hello"'],
    ['base64.decode("YR==") == b"a"', "true"],
    ['base64.decode("aGVs\\r\\nbG8=\\n") == b"hello"', "true"],
    ['base64.decode("YQ=\\n=") == b"a"', "true"],
    ['base64.decode("") == b""', "true"],
    ['base64.decodeUrl("-_8=") == base64.decode("+/8=")', "true"],
    ['base64.decodeUrl("-_8") == base64.decode("+/8")', "true"],
    ['base64.decode("-_8=")', "error"],
    ['base64.decodeUrl("+/8=")', "error"],
    ['base64.decode("Y")', "error"],
    ['base64.decode("YQ=")', "error"],
    ['base64.decode("YWJj=")', "error"],
    ['base64.decode("YQ==YQ==")', "error"],
    ['base64.decode("====")', "error"],
    ['base64.decode("=")', "error"],
    ['base64.decode("aGVs bG8=")', "error"],
    ['base64.decode("é")', "error"],
    ['base64.decode(dyn(b"YQ=="))', "error"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });
});

describe("writing JSON", () => {
  test.each([
    ["json.encode(null)", "null"],
    ["json.encode(true)", "true"],
    ["json.encode(9007199254740991)", "9007199254740991"],
    ["json.encode(9007199254740992)", '"9007199254740992"'],
    ["json.encode(-9007199254740992)", '"-9007199254740992"'],
    ["json.encode(18446744073709551615u)", '"18446744073709551615"'],
    ["json.encode(1.0)", "1"],
    ["json.encode(-0.0)", "-0"],
    ["json.encode(1e21)", "1e+21"],
    ["json.encode(1e-7)", "1e-7"],
    ['json.encode(b"a")', '"YQ=="'],
    ['json.encode(timestamp("2026-03-08T09:30:00.5Z"))', '"2026-03-08T09:30:00.5Z"'],
    ['json.encode(duration("90m"))', '"5400s"'],
    ["json.encode(optional.of([1]))", "[1]"],
    ["json.encode([])", "[]"],
    ["json.encode({})", "{}"],
    ['json.encode([1, "a", [null]])', '[1,"a",[null]]'],
    ['json.encode({"b": 1, "a": {"c": 2.5}})', '{"a":{"c":2.5},"b":1}'],
    ['json.encode({1: "a"})', '{"1":"a"}'],
    ['json.encode({true: "a"})', '{"true":"a"}'],
    ["json.encode({9007199254740993: 1})", '{"\\"9007199254740993\\"":1}'],
    ['json.encode({"__proto__": 1, "constructor": 2})', '{"__proto__":1,"constructor":2}'],
  ])("%s", (text, expected) => {
    expect(evaluate(text)).toBe(expected);
  });

  test.each([
    ['a"b\\', '"a\\"b\\\\"'],
    ["\n\t\b\u0001", '"\\n\\t\\b\\u0001"'],
    ["<a href='&'>", "\"\\u003ca href='\\u0026'\\u003e\""],
    ["日本語 😀", '"日本語 😀"'],
    // What cannot be seen: of a short text without other escapes.
    ["👩\u200d💻\u00a0\u007f\u{e0001}", '"👩\\u200d💻\\u00a0\\u007f\\udb40\\udc01"'],
    ["<👩\u200d💻\u2028", '"\\u003c👩\u200d💻\\u2028"'],
    [`${"x".repeat(128)}\u200d`, `"${"x".repeat(128)}\u200d"`],
    [`${"é".repeat(63)}\u200d`, `"${"é".repeat(63)}\u200d"`],
  ])("%j", (text, expected) => {
    expect(writeJson(text)).toBe(expected);
    expect(readJson(expected)).toBe(text);
  });

  test.each([
    "json.encode(0.0 / 0.0)",
    "json.encode([1.0 / 0.0])",
    "json.encode(int)",
    "json.encode(optional.none())",
    'json.encode(ip("::1"))',
  ])("%s has no JSON form", (text) => {
    expect(evaluate(text)).toBeInstanceOf(Invalid);
  });

  test("the order of a map's entries does not show", () => {
    const entries = [
      ["b", 1n],
      ["a", 2n],
      ["a!", 3n],
    ] as const;
    expect(writeJson(new Map(entries))).toBe(writeJson(new Map([...entries].toReversed())));
  });
});

describe("reading JSON", () => {
  test.each<[text: string, value: CelValue]>([
    ["1", 1n],
    [" -1\r\n", -1n],
    ["-0", 0n],
    ["1.0", 1],
    ["1e3", 1000],
    ["9007199254740993", 9007199254740993n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9223372036854775808", 2 ** 63],
    ["100000000000000000000000000000", 1e29],
    ["true", true],
    ["null", null],
    ["[]", []],
    ["[ ]", []],
    [" [ 1 , [ false ] ] ", [1n, [false]]],
    ["{ }", new Map()],
    ['{"a": 1, "a": 2}', new Map([["a", 2n]])],
    ['{"__proto__": {"constructor": null}}', new Map([["__proto__", new Map([["constructor", null]])]])],
    ['"\\u00e9\\n\\/\\"\\\\"', 'é\n/"\\'],
    ['"\\ud83d\\ude00"', "😀"],
    ['"\\ud83d"', "\ufffd"],
    ['"\\ude00\\ud83dx"', "\ufffd\ufffdx"],
    ['"\u2028\u007f"', "\u2028\u007f"],
  ])("%j", (text, value) => {
    expect(readJson(text)).toEqual(value);
  });

  test.each([
    ...[
      "",
      " ",
      "nul",
      "truee",
      "NaN",
      "Infinity",
      "-",
      "+1",
      ".5",
      "1.",
      "1.e1",
      "01",
      "0x1",
      "1 2",
      "[1,]",
      "[,1]",
      "[1",
      "]",
    ],
    ...[
      '{"a":1,}',
      '{"a"}',
      "{a:1}",
      "{1:2}",
      '{"a":1}x',
      '"a',
      '"\\x"',
      '"\\u12"',
      '"a\nb"',
      '"\u0001"',
      '"a" "b"',
      "[1e400",
      "'a'",
    ],
    ...["\ufeff1", "\u00a01", "/**/1", "[1]//"],
  ])("%j is no JSON", (text) => {
    expect(readJson(text)).toBeUndefined();
  });

  test("what is JSON and has no value here is an error, not none", () => {
    const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
    expect(readJson(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
    expect(readJson(nested(MAX_JSON_DEPTH + 1))).toBeInstanceOf(Invalid);
    expect(readJson("[".repeat(1_000_000))).toBeInstanceOf(Invalid);
    expect(readJson("[1e400]")).toBeInstanceOf(Invalid);
  });

  test.each([
    ["json.parse('{\"a\": [1, 2.5]}').value().a[1]", "2.5"],
    ["json.parse('{').hasValue()", "false"],
    ["json.parse('{').orValue({}) == {}", "true"],
    ["json.parse('12', int).value() + 1", "13"],
    ["json.parse('\"a\"', int).hasValue()", "false"],
    ["json.parse('1.5', int).hasValue()", "false"],
    ["json.parse('18446744073709551615', uint).value() == 18446744073709551615u", "true"],
    ["json.parse('-1', uint).hasValue()", "false"],
    ["json.parse('1', double).value() == 1.0", "true"],
    ["json.parse('\"1s\"', google.protobuf.Duration).value() == duration('1s')", "true"],
    ["json.parse('\"YQ==\"', bytes).value() == b'a'", "true"],
    ["json.parse('\"Y\"', bytes).hasValue()", "false"],
    ["json.parse('null', null_type).value() == null", "true"],
    ["json.parse('[1]', list).value().size()", "1"],
    ["json.parse('[1]', map).hasValue()", "false"],
    ["json.parse('1', type).hasValue()", "false"],
    ["json.parse(dyn(1))", "error"],
    // What is no JSON, and read all the same.
    [
      "[json.parse('01'), json.parse('-.5'), json.parse('1.'), json.parse('1_000')].map(o, o.value())",
      "[1,-0.5,1,1000]",
    ],
    ["json.parse('+1').hasValue() || json.parse('[01]').hasValue() || json.parse('-Infinity').hasValue()", "false"],
    ["json.parse('\\u00a0null').value() == null", "true"],
    ['json.parse(\'"a"b"\').value()', '"a\\"b"'],
    ["json.parse('1e400')", "error"],
    ["json.parse('+1', int).value()", "1"],
    ["json.parse('1e400', double).hasValue() || json.parse('+1', double).hasValue()", "false"],
    ["type(json.parse('[1]', list).value()[0]) == double", "true"],
    ["json.parse('null', list).value() == []", "true"],
    ["json.parse('[1e400]', list).hasValue()", "false"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });

  test("a long text costs more than a request has", () => {
    const parse = link(plan("json.parse(request.path).hasValue()"), slots);
    expect(parse(frameOf({ "request.path": `[${"1,".repeat(50)}1]` }))).toBe(true);
    expect(parse(frameOf({ "request.path": `[${"1,".repeat(100_000)}1]` }))).toBe(COST_LIMIT);
  });
});

test("what is written is read again", () => {
  const value = new Map<CelValue, CelValue>([
    ["", [1n, -2n, 0.5, 1e300, "é\u0000\u200d", null, true, []]],
    ["__proto__", new Map([["a", new Map()]])],
  ]);
  const text = writeJson(value);
  expect(typeof text === "string" ? readJson(text) : text).toEqual(value);
});

test("no result is larger than its row says", () => {
  const texts = ["", "[[],[],[],[]]", "[1,1,1,1,1,1,1,1,1]", '{"":0,"a":1}', `"${"\\u0000".repeat(50)}"`];
  const values: CelValue[] = [...texts, "\u0001".repeat(100), -1.1234567890123e-300, 10n ** 18n, new Uint(1n)];
  values.push(new Uint8Array(100), [0.1, [], [[]]], new Map([["\u0001", "<"]]), "QUJD".repeat(20));
  for (const { name, apply, prepare, deep, resultSize } of ENCODERS) {
    for (const value of values) {
      const outcome = (prepare?.([undefined])?.apply ?? apply)(value, null, null, null);
      const result = outcome instanceof Optional ? outcome.value : outcome;
      if (result === ABSENT || result instanceof Invalid || typeof resultSize !== "function") continue;
      const most = resultSize(deep ? weightOf(value) : sizeOf(value), 0, 0, 0);
      expect([name, value, weightOf(result) <= most]).toEqual([name, value, true]);
    }
  }
});
