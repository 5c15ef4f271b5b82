import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { plan, problemOf, scopeWith, underlined } from "../../test/cel/harness.ts";
import { formatType, parseType } from "../attribute/type.ts";
import { compileExpression, type Expected } from "./compile.ts";
import { MAX_EXPRESSION_BYTES, MAX_NESTING } from "./limits.ts";

/** What is wrong, the text that is underlined, and the way out. */
function mistake(text: string, expected: Expected = "any"): readonly [string, string, string | undefined] {
  const found = problemOf(text, expected);
  return [underlined(text, found), found.message, found.help];
}

describe("a name that means nothing is underlined from its root, with what was probably meant", () => {
  test.each([
    ['request.metod == "GET"', "P1201 request.metod", "did you mean `request.method`?"],
    ['"x" == "y" && request.metod == "GET"', "P1201 request.metod", "did you mean `request.method`?"],
    ["reqest.method", "P1201 reqest.method", "did you mean `request.method`?"],
    ["reqest.headers.foo", "P1201 reqest.headers.foo", "did you mean `request.headers`?"],
    ["request.auth.clams.sub", "P1201 request.auth.clams", "did you mean `request.auth.claims`?"],
    ["request.methodd.size()", "P1201 request.methodd", "did you mean `request.method`?"],
    ["has(request.metod)", "P1201 request.metod", "did you mean `request.method`?"],
    ["[1].exists(x, request.metod == y)", "P1201 request.metod", "did you mean `request.method`?"],
    ["[1].exists(item, itm == 1)", "P1201 itm", "did you mean `item`?"],
    ["is_admn", "P1201 is_admn", "did you mean `is_admin`?"],
    ["request . metod", "P1201 request . metod", "did you mean `request.method`?"],
    ["(request).metod", "P1201 (request).metod", "did you mean `request.method`?"],
    ["request.method == GET", "P1201 GET", 'if it is a text, put it in quotes: `"GET"`'],
    ["size == 1", "P1201 size", "call it: `size(string)`"],
    [
      "x.y.z",
      "P1201 x.y.z",
      "see docs/attributes.md for the names there are; `define:` and `attributes.yaml` add to them",
    ],
    ["request.foo", "P1201 request.foo", expect.stringContaining("docs/attributes.md")],
    ["request.auth_claims.sub", "P1201 request.auth_claims", "did you mean `request.auth.claims`?"],
    ['request.headers.x-user == "a"', "P1201 request.headers.x-user", 'write `request.headers["x-user"]`'],
    ['request.headers.x-b3-id == "a"', "P1201 request.headers.x-b3-id", 'write `request.headers["x-b3-id"]`'],
    ["request.size-x == 1", "P1201 x", 'if it is a text, put it in quotes: `"x"`'],
    ["it.is.yes == True", "P1201 True", "write `true`"],
    ["request.method == None", "P1201 None", "`has(…)` tells whether something is there"],
    ["request.method() == 'GET'", "P1209 request.method", "leave out the brackets"],
    ['request.method.startWith("a")', "P1202 startWith", "did you mean `startsWith`?"],
    ["request.headers.exist(x, true)", "P1202 exist", "did you mean `exists`?"],
    ["siz(request.method)", "P1202 siz", "did you mean `size`?"],
    ["request.method.shorten()", "P1202 shorten", "see docs/cel.md for the functions there are"],
    ['b"a".hex() == ""', "P1202 hex", "see docs/cel.md for the functions there are"],
  ])("%s", (text, place, help) => {
    const scope = scopeWith({ is_admin: plan("it.is.yes") });
    const found = problemOf(text, "any", scope);
    expect([underlined(text, found), found.help]).toEqual([place, help]);
  });

  test("a group of attributes is told from an unknown one", () => {
    expect(mistake("request.auth == 1")).toEqual([
      "P1203 request.auth",
      "`request.auth` is a group of attributes, not a value",
      expect.stringMatching(/^name one of them: `request\.auth\./),
    ]);
  });

  test("of several mistakes the leftmost is reported", () => {
    expect(mistake("nme(requst.method) && request.metod")[0]).toBe("P1202 nme");
  });
});

describe("what other languages write has our own words", () => {
  test.each([
    ["it.is.yes and it.is.no", "P1213 and", "write `&&`"],
    ["it.is.yes OR it.is.no", "P1213 OR", "write `||`"],
    ["not it.is.yes", "P1213 not", "write `!`"],
    ["not(it.is.yes)", "P1213 not", "write `!`"],
    ['request.method = "GET"', "P1213 =", "write `==`"],
    ['request.method === "GET"', "P1213 ===", "write `==`"],
    ['request.method <> "GET"', "P1213 <>", "write `!=`"],
    ["it.is.yes & it.is.no", "P1213 &", "write `&&`"],
    ["it.is.yes | it.is.no", "P1213 |", "write `||`"],
    ["request.size => 3", "P1213 =>", "write `>=`"],
    ["request.size =< 3", "P1213 =<", "write `<=`"],
    ['request.method in ("GET", "PUT")', "P1213 (", "write `[`"],
    ['request.method matches "G.*"', "P1220 matches", "write `text.matches(…)`"],
    ["it.is.yes\u200b", "P1215 \u200b", expect.stringContaining("delete it")],
    ["it.is.yes # why", "P1215 #", "a comment in an expression begins with `//`"],
    ["has(request.auth.subject, request.method)", "P1207 request.method", expect.stringContaining("&&")],
    ['request.method == "GET', 'P1214 "', 'add " where it ends'],
    ["request.method == 'GET", "P1214 '", "add ' where it ends"],
    ['"""GET', 'P1214 """', 'add """ where it ends'],
    ["request.method == “GET”", "P1215 “", 'write straight quotes: `"…"`'],
    ["request.size > 1;", "P1215 ;", "inside of a text it needs quotes around it"],
    ["1.5e-", "P1219 e", "write `12`, `12u`, `0x1f` or `1.5e3`"],
    ["it.is.yes it.is.no", "P1220 it", "such as `&&`, `||`, `==` or `in`"],
    ['request.method == "a" "b"', 'P1220 "b"', "such as `&&`, `||`, `==` or `in`"],
    ["(it.is.yes", "P1217 s", undefined],
    ["it.is.yes)", "P1216 )", undefined],
    ["it.is.yes &&", "P1217 &", undefined],
    ["[1, 2", "P1217 2", undefined],
    ['{"a": }', "P1216 }", undefined],
    ["it.is.yes ? 1", "P1217 1", undefined],
    ["request.", "P1217 .", undefined],
    ["if (it.is.yes) 1", "P1208 if", "no attribute or variable can have this name"],
    ['"\\q" == ""', "P1218 \\q", 'a backslash in a text is written `\\\\`; `r"…"` takes every character as it is'],
    ['"\\ud800" == ""', "P1218 \\ud800", expect.any(String)],
    ["9223372036854775808 > 1", "P1219 9223372036854775808", expect.stringContaining("a uint is written with `u`")],
    [
      "-9223372036854775809 > 1",
      "P1219 -9223372036854775809",
      expect.stringContaining("at least -9223372036854775808"),
    ],
    ["--9223372036854775808 > 1", "P1219 9223372036854775808", expect.any(String)],
    ["-1e309 > 1.0", "P1219 -1e309", "a double is at most 1.7976931348623157e308"],
    ["18446744073709551616u > 1u", "P1219 18446744073709551616u", expect.any(String)],
    ["has(request.headers['x'])", "P1207 request.headers['x']", expect.stringContaining("in map")],
    ["has(1)", "P1207 1", expect.any(String)],
    ["[1].exists(2, true)", "P1206 2", "a plain name, as in `list.exists(x, …)`"],
    ["[1].exists(request.method, true)", "P1206 request.method", expect.any(String)],
    ["[1].all(x)", "P1205 all", "it is `range.all(x, condition)` or `range.all(k, v, condition)`"],
    ["`x-a` == 1", "P1215 `x-a`", expect.stringContaining('`map["x-user"]`')],
    ['r"\\"a" == ""', 'P1218 r"\\"', expect.any(String)],
    ["[1].all(x, x, true)", "P1258 x", "the second one needs another name"],
    ["request.method in ('GET')", "P1231 request.method in ('GET')", "a list is written `[…]`"],
    ["Foo{a: 1}", "P1228 Foo{a: 1}", 'a map is written `{"key": value}`'],
  ])("%s", (text, place, help) => {
    const found = problemOf(text);
    expect([underlined(text, found), found.help]).toEqual([place, help === undefined ? found.help : help]);
  });

  test.each([
    ['request.auth.audiences.contains("a")', "any", "write `value in list`"],
    ["request.method == null", "any", "nothing here is ever null: `has(…)` tells whether it is there"],
    ["request.method.size > 3", "any", "call it: `.size()`"],
    ['duration("1s")', "number", "take a number of it: `….getMilliseconds()`"],
    ['request.headers.?x.orValue(1) == "a"', "any", "it is `optional.orValue(value)`"],
  ] as const)("what does not fit has a way out: %s", (text, expected, help) => {
    expect(mistake(text, expected)[2]).toEqual(help);
  });

  test("an empty expression is an error, spaces and comments too", () => {
    for (const text of ["", "  ", "\r\n", "// nothing"]) expect(problemOf(text).code).toBe("P1210");
  });

  test("these words are still good names and texts", () => {
    const scope = scopeWith({ and: plan("true"), not: plan("true") });
    expect(
      compileExpression('[1].exists(or, or == 1) && and && !not || "a = b & c" == request.method', scope, "bool").ok,
    ).toBe(true);
  });
});

describe("types that do not fit are reported where they do not", () => {
  test.each<[string, Expected, string, string]>([
    ["request.method", "bool", "P1230 request.method", "this must be a bool, and it is a string"],
    ["  request.method ", "bool", "P1230 request.method", "this must be a bool, and it is a string"],
    ["request.method", "number", "P1230 request.method", "this must be a number, and it is a string"],
    ["1.5", "int", "P1230 1.5", "this must be an int, and it is a double"],
    ["1", "string", "P1230 1", "this must be a string, and it is an int"],
    ['request.size < "1"', "bool", 'P1231 request.size < "1"', "`<` does not work on an int and a string"],
    ["request.method == true", "bool", "P1231 request.method == true", "`==` does not work on a string and a bool"],
    ["true && (request.method == 1)", "bool", "P1231 request.method == 1", "`==` does not work on a string and an int"],
    ["-request.method", "any", "P1231 -request.method", "`-` does not work on a string"],
    [
      "it.is.yes || request.path || it.is.no",
      "bool",
      "P1233 request.path",
      "each side of `&&` and `||` must be a bool, and this is a string",
    ],
    ["request.size ? 1 : 2", "any", "P1233 request.size", "this condition must be a bool, and this is an int"],
    ["[1].filter(x, x)", "any", "P1233 x", "this condition must be a bool, and this is an int"],
    ['it.is.yes ? 1 : "a"', "any", 'P1234 it.is.yes ? 1 : "a"', "one side of `? :` is an int, the other a string"],
    ["request.method.name", "any", "P1235 request.method.name", "a string has no fields or elements"],
    ["request.size[0]", "any", "P1235 request.size[0]", "an int has no fields or elements"],
    ["request.headers[1]", "any", "P1236 1", "a map(string, string) is indexed by string, and this is an int"],
    ['any.list["a"]', "any", 'P1236 any.list["a"]', "a list(string) is indexed by an int, and this is a string"],
    ['"abc".exists(x, true)', "any", 'P1237 "abc"', "a string has no elements to walk through"],
    ["has(request.method.name)", "any", "P1235 request.method.name", "a string has no fields or elements"],
    [
      "request.size.startsWith(1)",
      "any",
      "P1232 request.size.startsWith(1)",
      "`startsWith` of an int does not take an int",
    ],
    [
      'request.headers.get("x", 1)',
      "any",
      'P1232 request.headers.get("x", 1)',
      "`get` of a map(string, string) does not take a string and an int",
    ],
    ["size(1)", "any", "P1232 size(1)", "`size` does not take an int"],
    ['startsWith(request.method, "a")', "any", "P1204 startsWith", "`startsWith` is not called like this"],
    ['request.method.startsWith("a", "b")', "any", "P1205 startsWith", "`startsWith` does not take 2 arguments"],
    ["request.method.orValue(1)", "any", "P1238 request.method", "an optional is needed here, and this is a string"],
  ])("%s for %s", (text, expected, place, message) => {
    const found = problemOf(text, expected);
    expect([underlined(text, found), found.message]).toEqual([place, message]);
  });

  test("what is only known at run time fits everywhere", () => {
    for (const expected of ["bool", "number", "int", "string", "any"] as const) {
      expect(compileExpression("request.auth.claims.x", scopeWith(), expected).ok).toBe(true);
    }
  });

  test.each([
    ["int(1u)"],
    ['string(duration("1s"))'],
    ['b"a" < b"b"'],
    ['matches("a", "b")'],
    ["1 < 1.5"],
    ['duration("1h") + request.time > request.time'],
    ["request.headers.map(k, request.headers[k]).size() > 0"],
    ['request.auth.claims.get("a", {}).get("b", []).exists(x, x == 1)'],
    ["[1, 'a', null].exists(x, x == 1)"],
    ["optional.of(1) == optional.none()"],
  ])("%s checks", (text) => {
    expect(plan(text)).toHaveProperty("text", text);
  });
});

describe("what is known at load is said at load", () => {
  test.each([
    ['request.path.matches("[")', 'P1251 "["'],
    ['request.path.matches("(?=a)")', 'P1251 "(?=a)"'],
    ["request.path.matches(request.host)", "P1252 request.host"],
    ["request.path.glob(request.host)", "P1252 request.host"],
    ['request.path.matches("(ab|cd|ef){1000}")', 'P1253 "(ab|cd|ef){1000}"'],
    ['request.time.getHours("Europe/Pariss") > 1', 'P1254 "Europe/Pariss"'],
    ['request.time.getHours("+02:60") > 1', 'P1254 "+02:60"'],
  ])("%s", (text, place) => {
    expect(underlined(text, problemOf(text))).toBe(place);
  });

  test("a constant part that can only fail is a warning, once, at the innermost", () => {
    const text = 'request.time > timestamp("tomorrow") + duration("1h")';
    const compiled = compileExpression(text, scopeWith(), "bool");
    const warnings = compiled.ok ? compiled.warnings : [];
    expect(warnings.map((warning) => [warning.severity, underlined(text, warning)])).toEqual([
      ["warning", 'P1250 timestamp("tomorrow")'],
    ]);
  });

  test.each([
    ["1 + 2 * 3", { type: "int", value: 7n }],
    ['timestamp("1970-01-01T00:00:01Z")', { type: "timestamp", nanos: 1_000_000_000n }],
    ["[1, 2].exists(x, x == 2)", { type: "bool", value: true }],
    ["it.is.gone || true", { type: "bool", value: true }],
    ["it.is.broken && 1 > 2", { type: "bool", value: false }],
    ["true ? 'a' : request.method", { type: "string", value: "a" }],
    ["it.is.yes || false", undefined],
    ["optional.of(1)", undefined],
    ["1 / 0 == 1", undefined],
  ])("%s is constant: %o", (text, constant) => {
    expect(plan(text).constant).toEqual(constant);
  });
});

describe("positions are exact: what stands between the marks is underlined", () => {
  test.each([
    ['\r\n  request.method == "x" &&\r\n  «request.metod»'],
    ['"😀\\u00e9\\"" == «request.metod»'],
    ["'''a\n'b''' == «request.metod»"],
    ['r"\\d" == «request.metod» // request.metod'],
    ["// request.metod\n«request.metod»"],
    ["it.is.yes && («request.metod» || request.metodd)"],
    ["(it.is.yes) // ,\n . «startWith»('a').startWith()"],
    ["['request.metod', «request.metod»]"],
    ["{'é😀': «request .\tmetod»}"],
  ])("%j", (marked) => {
    const text = marked.replace(/[«»]/g, "");
    const found = problemOf(text);
    expect([found.start, found.end]).toEqual([marked.indexOf("«"), marked.indexOf("»") - 1]);
  });
});

test("whatever is typed, the answer is a plan or a problem with a place in the text", () => {
  const pieces = [
    '"',
    "'",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    "?",
    "!",
    "-",
    "&&",
    "==",
    "in",
    "request.method",
    "x",
    "1",
    "1.5e",
    "\\",
    "//",
    "\n",
    'r"',
  ];
  const typed = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "grapheme", maxLength: 3 })), {
    maxLength: 12,
  });
  const inText = (text: string): boolean => {
    const compiled = compileExpression(text, scopeWith(), "any");
    if (compiled.ok) return true;
    const { start, end, message } = compiled.problem;
    return start >= 0 && start <= end && end <= text.length && message !== "";
  };
  fc.assert(
    fc.property(typed, (parts) => inText(parts.join(""))),
    { numRuns: 2_000, seed: 20_260_102 },
  );
});

describe("there is a limit to everything", () => {
  const scope = scopeWith();

  test("length counts bytes and is looked at before anything else", () => {
    const text = `request.method == "${"é".repeat(MAX_EXPRESSION_BYTES / 2)}"`;
    expect(problemOf(text).message).toBe(`this expression has ${Buffer.byteLength(text)} bytes; it may have 4096`);
  });

  test.each([
    ["brackets", `${"(".repeat(MAX_NESTING + 1)}1${")".repeat(MAX_NESTING + 1)}`],
    ["lists", `${"[".repeat(500)}${"]".repeat(500)}`],
    ["!", `${"!".repeat(2_000)}true`],
    ["-", `${"- ".repeat(1_000)}1`],
    ["calls", `${"size(".repeat(100)}1${")".repeat(100)}`],
    ["sums", `1${"+1".repeat(1_000)}`],
    ["? :", `${"true?1:".repeat(400)}1`],
    ["fields", `request.auth.claims${".a".repeat(1_000)}`],
  ])("nesting of %s", (_, text) => {
    expect(problemOf(text).code).toBe("P1212");
  });

  test("a long chain of || is not nesting", () => {
    const text = Array.from({ length: 300 }, () => "it.is.no").join("||");
    expect(compileExpression(text, scope, "bool").ok).toBe(true);
  });

  test("as deep as the limit is fine", () => {
    const text = `${"(".repeat(MAX_NESTING)}1${")".repeat(MAX_NESTING)}`;
    expect(compileExpression(text, scope, "any").ok).toBe(true);
  });

  test("a literal of more than a thousand entries", () => {
    expect(problemOf(`1 in [${"1,".repeat(1_001)}1]`).code).toBe("P1221");
  });

  test("definitions that double each other are stopped while they are few", () => {
    let doubled = plan("it.is.yes == it.is.no");
    let problem = "";
    for (let round = 0; round < 20 && problem === ""; round++) {
      const compiled = compileExpression("d == d", scopeWith({ d: doubled }), "bool");
      if (compiled.ok) doubled = compiled.plan;
      else problem = compiled.problem.code;
    }
    expect(problem).toBe("P1225");
  });
});

test.each([
  ["p.q.r", "p.q.r"],
  ["p.q.?r", "p.q"],
  ["p.?q.?r", "p.q.r"],
  ['p.q["r"]', "p.q"],
])("of two attributes of which one is the other's beginning %s reads %s", (text, read) => {
  const attributes = new Map([
    ["p.q", parseType("map(string, dyn)")],
    ["p.q.r", parseType("int")],
  ]);
  expect(plan(text, { attributes, definitions: new Map() }).reads.map(({ attribute }) => attribute)).toEqual([read]);
});

test.each([
  ["[]", "list(dyn)"],
  ["[[], [1]]", "list(list(int))"],
  ['{1: [{}, {"a": true}]}[1]', "list(map(string, bool))"],
  // What is written later makes it more general.
  ['{1: [{}, {"a": true}], 2: [{dyn("a"): true}]}[1]', "list(map(dyn, bool))"],
  ["it.is.yes ? int : string", "type(int)"],
  ["optional.of(1).optFlatMap(x, null)", "null"],
  ['["a"].transformMapEntry(i, v, {}[v])', "map(dyn, dyn)"],
])("%s is of type %s", (text, type) => {
  expect(formatType(plan(text).type)).toBe(type);
});

test("a definition is written out where it is used, with its reads at the use", () => {
  const scope = scopeWith({ is_admin: plan('"admins" in request.auth.claims.groups'), names: plan('["a", "b"]') });
  const text = "it.is.yes && is_admin && request.method in names";
  const used = plan(text, scope);
  expect(used.reads.map((read) => [read.attribute, read.key, text.slice(...read.at)])).toEqual([
    ["it.is.yes", undefined, "it.is.yes"],
    ["request.auth.claims", "groups", "is_admin"],
    ["request.method", undefined, "request.method"],
  ]);
  expect(problemOf("is_admin + 1", "any", scope).message).toBe("`+` does not work on a bool and an int");
  expect(plan("[1].exists(is_admin, is_admin == 1)", scope).constant).toEqual({ type: "bool", value: true });
});
