import { describe, expect, test } from "vitest";
import { plan, slots } from "../../test/cel/harness.ts";
import { Subjects, testsOf } from "./condition-tests.ts";

/** What a condition needs, as `subject kind texts`. */
function needed(text: string): readonly string[] {
  const { needed: tests } = testsOf(plan(text), new Subjects(slots));
  return tests.map(({ subject, kind, texts }) => `${subject.key} ${kind} ${texts.join(" ")}`.trim());
}

describe("rules are found by", () => {
  test.each([
    ['request.host == "a"', ["request.host equals a"]],
    ['"a" == request.host', ["request.host equals a"]],
    ['request.host in ["a", "b"]', ["request.host equals a b"]],
    ['request.host == "a" || request.host == "b" || request.host in ["c"]', ["request.host equals a b c"]],
    ['request.host.startsWith("a")', ["request.host prefix a"]],
    ['request.host.endsWith(".test")', ["request.host suffix .test"]],
    ['request.host == "a" || request.host.startsWith("b")', ["request.host prefix a b"]],
    ['request.host.endsWith("b") || request.host == "a"', ["request.host suffix b a"]],
    ['request.url_path.glob("/a/*/b")', ["request.url_path prefix /a/"]],
    ['request.url_path.glob("/a")', ["request.url_path equals /a"]],
    ['request.url_path.matches("^/svc-1/[a-z]+$")', ["request.url_path prefix /svc-1/"]],
    ['request.url_path.matches("^/ab*c")', ["request.url_path prefix /a"]],
    ['request.headers["x"] == "a"', ['request.headers["x"] equals a']],
    ['request.headers.x == "a"', ['request.headers["x"] equals a']],
    ['request.headers.get("x", "") == "a"', ['get(request.headers,"x","",) equals a']],
    ['request.?host.orValue("") == "a"', ['orValue(?(request.host,),"",) equals a']],
    ['source.principal.orDefault("") == "a"', ['orDefault(source.principal,"",) equals a']],
    ['spiffe.namespace(source.principal) == "web"', ["spiffe.namespace(source.principal,) equals web"]],
    ['request.host.lowerAscii() == "a"', ["lowerAscii(request.host,) equals a"]],
    ['any.map["k"] == "a"', ['any.map["k"] equals a']],
    ['any.dyn == "a"', ["any.dyn equals a"]],
    ["has(request.headers.x)", ['request.headershas["x"] holds']],
    ["!has(source.principal)", ["!(has(source.principal,),) holds"]],
    ['"x" in request.headers', ['_in_("x",request.headers,) holds']],
    [
      'request.host == "a" && (request.method == "GET" && it.is.yes)',
      ["request.host equals a", "request.method equals GET"],
    ],
    ['(request.host == "a" && it.is.yes) || (request.host == "b" && it.is.no)', ["request.host equals a b"]],
    ['!(!(request.host == "a"))', ["request.host equals a"]],
  ])("%s", (text, expected) => {
    expect(needed(text)).toEqual(expected);
  });
});

describe("nothing is made of", () => {
  test.each([
    // These are true of what is no such text.
    ['request.host != "a"'],
    ['!(request.host == "a")'],
    ['!request.host.startsWith("a")'],
    ['!(request.host in ["a"])'],
    // These are about numbers, which are equal across types, or about texts and others.
    ["any.int == 1"],
    ["any.dyn == 1"],
    ['any.dyn in ["a", 1]'],
    ['any.dyn == b"a"'],
    // These say nothing of most requests, or of one thing only now and then.
    ['request.host.startsWith("")'],
    ['request.url_path.startsWith("/")'],
    ['request.host.endsWith("")'],
    ['request.host == "a" || request.method == "GET"'],
    ['request.host == "a" || it.is.yes'],
    ['request.host.startsWith("a") || request.host.endsWith("b")'],
    ['it.is.yes ? request.host == "a" : request.host == "b"'],
    ['request.url_path.matches("svc")'],
    ['request.url_path.matches("^a|b")'],
    ['request.url_path.matches("(?i)^abc")'],
    ['request.url_path.glob("*/a")'],
    ['request.host.contains("a")'],
    ["request.host == request.method"],
    // These need what only a loop or a definition of their own has.
    ['["a"].exists(x, x == request.host)'],
    ['request.headers.exists(k, k == "a")'],
    ['cel.bind(x, request.host, x == "a")'],
  ])("%s", (text) => {
    expect(needed(text)).toEqual([]);
  });
});

describe("a condition is an error only where what it reads is one", () => {
  function failsBy(text: string): readonly string[] | undefined {
    return testsOf(plan(text), new Subjects(slots)).failsBy?.map(({ key }) => key);
  }

  test.each([
    ['request.host == "a" && request.headers["x"] != "b"', ["request.host", 'request.headers["x"]']],
    [
      'any.int > 2 && (has(request.host) || request.host.contains("b"))',
      ["any.int", "has(request.host,)", "request.host"],
    ],
    ['!("x" in request.headers) && any.dyn == 1', ['_in_("x",request.headers,)', "any.dyn"]],
    ['spiffe.namespace(source.principal).startsWith("a")', ["spiffe.namespace(source.principal,)"]],
    ["it.is.yes", ["it.is.yes"]],
  ])("%s", (text, expected) => {
    expect(failsBy(text)).toEqual(expected);
  });

  test.each([
    ["any.double < 1.0", "NaN has no order"],
    ["any.dyn > 1", "it may be of another type"],
    ['any.map["k"].startsWith("a")', "it may be no text"],
    ["any.dyn", "it may be no bool"],
    ["any.int / any.int == 1", "of the division by zero"],
    ["[1][any.int] == 1", "of the index out of range"],
    ["int(request.host) == 1", "of the conversion"],
    ['request.headers.exists(k, k == "a")', "of the loop"],
  ])("not so %s: %s", (text) => {
    expect(failsBy(text)).toBeUndefined();
  });
});

test("the same thing is linked once, however it is written", () => {
  const subjects = new Subjects(slots);
  const [first] = testsOf(plan('request.headers["x"] == "a"'), subjects).needed;
  const [second] = testsOf(plan('request.headers.x.startsWith("b")'), subjects).needed;
  expect(first?.subject).toBe(second?.subject);
});
