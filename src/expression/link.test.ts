import { describe, expect, test } from "vitest";
import { evaluate, frameOf, plan, type Request, scopeWith, show, slots } from "../../test/cel/harness.ts";
import { Duration, Invalid, Timestamp, Uint } from "../attribute/value.ts";
import { link } from "./link.ts";

const HEADERS: Request = {
  "request.headers": new Map([
    ["x-role", "admin"],
    ["x-list", 'a, "b, c" ,d'],
    ["cookie", "a=1, b=2"],
    ["__proto__", "polluted"],
    ["constructor", "built"],
  ]),
  "request.auth.claims": new Map<string, string | null | readonly string[] | Map<string, string>>([
    ["sub", "alice"],
    ["nothing", null],
    ["groups", ["dev", "ops"]],
    ["realm", new Map([["name", "shop"]])],
  ]),
  "request.method": "GET",
};

describe("keys of maps", () => {
  test.each([
    ['request.headers["x-role"]', '"admin"'],
    ['request.headers["x-none"]', "absent"],
    ["request.auth.claims.sub", '"alice"'],
    ["request.auth.claims.nothing", "null"],
    ["request.auth.claims.realm.name", '"shop"'],
    ["request.auth.claims.realm.other", "absent"],
    ["request.auth.claims.none.name", "absent"],
    ["request.auth.claims.sub.name", "error"],
    ["request.auth.claims.groups[1]", '"ops"'],
    ["request.auth.claims.groups[2]", "error"],
    ["request.auth.claims.groups[-1]", "error"],
    ["response.headers.etag", "absent"],
    ['"x-role" in request.headers', "true"],
    ['"x-none" in request.headers', "false"],
    ['"x-none" in response.headers', "absent"],
    ['"dev" in request.auth.claims.groups', "true"],
    ["request.method in request.headers", "false"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, HEADERS))).toBe(expected);
  });

  test("a key may be called __proto__ or constructor, and one that no request sent is absent", () => {
    expect(show(evaluate('request.headers["__proto__"]', HEADERS))).toBe('"polluted"');
    expect(show(evaluate("request.headers.constructor", HEADERS))).toBe('"built"');
    expect(show(evaluate("request.auth.claims.constructor", HEADERS))).toBe("absent");
    expect(show(evaluate('{"__proto__": 1} == {}'))).toBe("false");
    expect(show(evaluate('{"__proto__": 1}["__proto__"]'))).toBe("1");
    expect(show(evaluate('"toString" in {"a": 1}'))).toBe("false");
  });
});

describe("has() is false where the key is missing, absent where the map is", () => {
  test.each([
    ["has(request.method)", "true"],
    ["has(request.host)", "false"],
    ["has(request.headers.constructor)", "true"],
    ["has(request.headers.other)", "false"],
    ["has(response.headers.etag)", "absent"],
    ["has(request.auth.claims.nothing)", "true"],
    ["has(request.auth.claims.realm.name)", "true"],
    ["has(request.auth.claims.none.name)", "absent"],
    ["has(it.is.broken)", "error"],
    ["has({'a': 1}.a)", "true"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, HEADERS))).toBe(expected);
  });
});

describe("what answers for absence", () => {
  test.each([
    ['request.headers.get("x-role", "none")', '"admin"'],
    ['request.headers.get("x-none", "none")', '"none"'],
    ['response.headers.get("etag", "none")', '"none"'],
    ['request.headers.get(request.host, "none")', "absent"],
    ['request.headers.get("x-role", request.host)', '"admin"'],
    ['request.headers.get("x-none", request.host)', "absent"],
    ['request.auth.claims.get("none", {}).get("roles", ["x"])', '["x"]'],
    ['request.auth.claims.none.name.orDefault("x")', '"x"'],
    ['source.principal.orDefault("anonymous")', '"anonymous"'],
    ['request.method.orDefault("anonymous")', '"GET"'],
    ["it.is.broken.orDefault(true)", "error"],
    ['request.headers[?"x-none"].orValue("x")', '"x"'],
    ['request.headers[?"x-role"].orValue("x")', '"admin"'],
    ['request.?host.orValue("x")', '"x"'],
    ["request.?method.hasValue()", "true"],
    ['request.auth.claims.?realm.?name.orValue("x")', '"shop"'],
    ['request.auth.claims.?none.?name.orValue("x")', '"x"'],
    ['request.auth.claims.?none.name.orValue("x")', '"x"'],
    ["[1][?5].hasValue()", "false"],
    ["optional.of(1).value()", "1"],
    ["optional.of(it.is.gone)", "absent"],
    ["optional.none().value()", "error"],
    ["optional.none().or(optional.of(2)).value()", "2"],
    ["it.is.broken ? optional.of(1) : optional.none()", "error"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, HEADERS))).toBe(expected);
  });
});

describe("values() gives all values of a header", () => {
  test.each([
    ['request.headers.values("x-role")', '["admin"]'],
    ['request.headers.values("X-List")', '["a","\\"b, c\\"","d"]'],
    ['request.headers.values("cookie")', '["a=1, b=2"]'],
    ['request.headers.values("x-none")', "[]"],
    ['response.headers.values("etag")', "[]"],
    ["request.headers.values(request.host)", "absent"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, HEADERS))).toBe(expected);
  });
});

describe("numbers", () => {
  test.each([
    ["9223372036854775807 + 1", "error"],
    ['timestamp(0) - duration("-9223372036.854775808s")', "error"],
    ['timestamp("2262-04-11T23:47:17.1Z") - timestamp("1970-01-01T00:00:00.9Z")', "error"],
    ["-9223372036854775808 - 1", "error"],
    ["-(-9223372036854775807 - 1)", "error"],
    ["9223372036854775807 * 2", "error"],
    ["1 / 0", "error"],
    ["1 % 0", "error"],
    ["-7 / 2", "-3"],
    ["-7 % 2", "-1"],
    ["0u - 1u == 0u", "error"],
    ["1.0 / 0.0 > 1e308", "true"],
    ["1 < 1.5 && 2u > 1 && 1u < 1.5", "true"],
    ["dyn(1) == 1.0 && dyn(1u) == 1", "true"],
    // A whole number is rounded to be compared with a double.
    ["dyn(9007199254740993) == 9007199254740992.0", "true"],
    ["dyn(9007199254740993) == 9007199254740992u", "false"],
    ["0.0 / 0.0 == 0.0 / 0.0", "false"],
    ["[0.0 / 0.0] == [0.0 / 0.0]", "false"],
    ['int("12") + int(3.9) + int(4u)', "19"],
    ['int(" 12")', "error"],
    ["int(1e99)", "error"],
    ["uint(-1) == 0u", "error"],
    ['double("1e3") == 1000.0', "true"],
    ['bool("yes")', "error"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text))).toBe(expected);
  });
});

describe("texts and bytes", () => {
  test.each([
    ['size("é😀")', "2"],
    ['"é😀".size() + size(b"é")', "4"],
    ['"\\uFFFD" < "😀"', "true"],
    ['"abc".contains("b") && "abc".startsWith("a") && "abc".endsWith("c")', "true"],
    ['"a.b".matches("^a\\\\.b$") && "xaby".matches(r"a.?b")', "true"],
    ['matches("abc", "b+")', "true"],
    ['string(b"\\xff")', "error"],
    ['string(b"\\xc3\\xa9")', '"é"'],
    ['b"a" < b"b" && b"é" == bytes("é")', "true"],
    ["string(1.0) + string(1u) + string(true)", '"11true"'],
    ["string(1e21)", '"1e+21"'],
    ['string(duration("90m")) + string(timestamp("2026-01-31T12:00:00.5Z"))', '"5400s2026-01-31T12:00:00.5Z"'],
    ["type(1) == int && type([]) == list && type(null) == null_type", "true"],
    ["type(request.time) == google.protobuf.Timestamp", "true"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, { "request.time": new Timestamp(0n) }))).toBe(expected);
  });
});

describe("glob() matches whole paths, * within a segment and ** across", () => {
  test.each([
    ["/api/*/users", "/api/v1/users", true],
    ["/api/*/users", "/api//users", false],
    ["/api/*/users", "/api/v1/v2/users", false],
    ["/api/**", "/api/v1/v2", true],
    ["/api/**", "/api/", true],
    ["/api/**", "/api", false],
    ["/api/v*.json", "/api/v.json", true],
    ["/api/v*.json", "/api/v1xjson", false],
    ["*", "", false],
    ["**", "", true],
    ["/a+(b)", "/a+(b)", true],
    ["/*", "/a\nb", true],
  ])("%s against %s: %s", (pattern, path, expected) => {
    expect(evaluate(`request.path.glob(${JSON.stringify(pattern)})`, { "request.path": path })).toBe(expected);
  });
});

describe("times", () => {
  const at: Request = {
    "request.time": new Timestamp(1_782_864_000_123_456_789n),
    "any.duration": new Duration(5_400_500_000_000n),
  };
  test.each([
    ["string(request.time)", '"2026-07-01T00:00:00.123456789Z"'],
    ["request.time.getHours()", "0"],
    ['request.time.getHours("UTC")', "0"],
    ['request.time.getHours("Europe/Paris")', "2"],
    ['request.time.getHours("America/New_York")', "20"],
    ['request.time.getDate("America/New_York")', "30"],
    ['request.time.getHours("-08:30")', "15"],
    ['request.time.getMinutes("05:30")', "30"],
    ["request.time.getDayOfWeek()", "3"],
    ["request.time.getDayOfYear()", "181"],
    ["request.time.getMonth()", "6"],
    ["request.time.getDayOfMonth() + request.time.getDate() + request.time.getFullYear()", "2027"],
    ["request.time.getMilliseconds()", "123"],
    ["any.duration.getHours()", "1"],
    ["any.duration.getMinutes()", "90"],
    ["any.duration.getSeconds()", "5400"],
    ["any.duration.getMilliseconds()", "5400500"],
    ['request.time + duration("1h") - request.time == duration("60m")', "true"],
    ['duration("1h") + request.time > request.time', "true"],
    ['timestamp("9999-12-31T23:59:59Z") + duration("1s") > request.time', "error"],
    ['timestamp("2026-02-29T00:00:00Z") > request.time', "error"],
    ['timestamp("2024-02-29T12:00:00+02:00") == timestamp("2024-02-29T10:00:00Z")', "true"],
    ['duration("24h") + duration("-1ns") == duration("23h59m59.999999999s")', "true"],
    ['duration("1 h") < duration("1h")', "error"],
    ["request.time.getHours(request.host)", "absent"],
    ["request.time.getHours(request.method)", "error"],
  ])("%s is %s", (text, expected) => {
    expect(show(evaluate(text, { ...at, "request.method": "GET" }))).toBe(expected);
  });
});

describe("what only the request knows may be of any type", () => {
  const dyn = (value: Request[string]): Request => ({ "any.dyn": value ?? null });
  test.each([
    ["any.dyn + 1", dyn(1n), "2"],
    ["any.dyn + 1", dyn("a"), "error"],
    ["any.dyn < 1", dyn(new Uint(0n)), "true"],
    ["any.dyn < 0.0 / 0.0", dyn("a"), "false"],
    ["any.dyn < 0.0 / 0.0", dyn([]), "error"],
    ["0.0 / 0.0 > any.dyn", dyn([]), "false"],
    ["any.dyn.size()", dyn(1n), "error"],
    ["any.dyn && true", dyn("a"), "error"],
    ["any.dyn && it.is.no", dyn("a"), "false"],
    ['any.dyn["a"]', dyn(1n), "error"],
    ['any.dyn["a"]', dyn(new Map([["a", 1n]])), "1"],
    ["any.dyn.exists(x, x == 1)", dyn("text"), "error"],
    ["any.dyn.exists(x, x == 1)", dyn([1.0]), "true"],
    ["any.dyn == [1, 2]", dyn([1n, 2.0]), "true"],
    ["{1: 2}[any.dyn]", dyn(1.0), "2"],
    ["{1u: 2}[any.dyn]", dyn(1n), "2"],
    ["[5, 6][any.dyn]", dyn(1.0), "6"],
    ["[5, 6][any.dyn]", dyn(0.5), "error"],
    ['any.dyn.get("a", 3)', dyn(new Map()), "3"],
    ['any.dyn.get("a", 3)', dyn("text"), "error"],
    ["has(any.dyn.a)", dyn("text"), "false"],
  ])("%s", (text, request, expected) => {
    expect(show(evaluate(text, request))).toBe(expected);
  });
});

test("bucket() puts a text into the same bucket everywhere, and texts evenly into all", () => {
  const buckets = Array.from({ length: 10_000 }, (_, index) => Number(evaluate(`bucket("user-${index}", "salt")`)));
  const counts = Array.from({ length: 100 }, (_, bucket) => buckets.filter((found) => found === bucket).length);
  expect(Math.min(...counts)).toBeGreaterThan(60);
  expect(Math.max(...counts)).toBeLessThan(145);
  // These numbers are a promise: whoever is in a rollout stays in it across versions.
  expect([0, 1, 2, 3].map((index) => buckets[index])).toMatchInlineSnapshot(`
    [
      75,
      75,
      82,
      89,
    ]
  `);
  expect(show(evaluate('bucket("é", "checkout-v2")'))).toMatchInlineSnapshot(`"6"`);
  expect(show(evaluate('bucket("a", "b") == bucket("a", "c")'))).toBe("false");
});

describe("an evaluation that finds no steps left is an error", () => {
  test.each([
    "any.list.exists(x, any.list.exists(y, any.list.exists(z, x + y == z)))",
    "any.list.map(x, any.list.map(y, any.list.map(z, x + y + z))).size() > 0",
    "any.list.all(x, any.list.map(y, x + x + x + x + y + y).size() > 1)",
    "any.list.filter(x, any.list == any.list).size() > 0",
  ])("%s", (text) => {
    const list = Array.from({ length: 1_000 }, (_, index) => `${"long".repeat(100)}${index}`);
    // A policy would be refused for what it may cost.
    const closure = link(plan(text, scopeWith(), { lenient: true }), slots);
    const outcome = closure(frameOf({ "any.list": list }));
    expect(outcome).toBeInstanceOf(Invalid);
    expect(outcome).toHaveProperty("reason", "cost limit");
  });

  test("a regular expression is charged for the text before it runs", () => {
    const frame = frameOf({ "request.path": "a".repeat(4_000_000) });
    expect(evaluate('request.path.matches("(a|b|ab)*c")', {}, frame)).toHaveProperty("reason", "cost limit");
  });

  test("the budget is the request's: one expression uses up what the next one needs", () => {
    const frame = frameOf({ "any.list": ["a", "b", "c"] }, { budget: 7 });
    expect(evaluate('any.list.exists(x, x == "a")', {}, frame)).toBe(true);
    expect(evaluate('any.list.all(x, x != "z")', {}, frame)).toHaveProperty("reason", "cost limit");
  });
});

test("a plan is plain data: copied into another thread it links to the same", () => {
  const definitions = { names: plan('["a", "b"]'), late: plan('request.time > timestamp("2026-01-01T00:00:00Z")') };
  const texts = [
    'request.method in names && request.headers["x"] == "1"',
    "late || has(request.auth.claims.a.b) ? {'k': [1u, 2.5, b'x', null]}.size() : 1",
    '[duration("1h"), duration("2h")].exists(d, d > any.duration) && type(1) == int',
    'request.headers[?"x"].orValue("") + string(request.?size.orValue(2))',
    'request.path.matches("^/a") || request.path.glob("/b/*") || request.path.endsWith("c")',
  ];
  const request: Request = {
    "request.method": "a",
    "request.path": "/b/x",
    "any.duration": new Duration(1n),
    ...HEADERS,
  };
  for (const text of texts) {
    const original = plan(text, scopeWith(definitions));
    const copied = structuredClone(original);
    expect(copied).toEqual(original);
    expect(link(copied, slots)(frameOf(request))).toEqual(link(original, slots)(frameOf(request)));
  }
});
