import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, test } from "vitest";
import { compileEngine, compileGlob, compilePattern, globSource, type Pattern } from "./pattern.ts";
import { readShape } from "./pattern-shape.ts";

function compiled(source: string): Pattern {
  const result = compilePattern(source);
  if (!result.ok) throw new Error(`${source}: ${result.reason}`);
  return result.pattern;
}

/** Whether RE2 itself knows the pattern, and finds it in the text. */
function judged(source: string, text: string): boolean | "refused" {
  try {
    return RE2JS.compile(source).test(text);
  } catch {
    return "refused";
  }
}

describe("a pattern is found exactly where RE2 finds it", () => {
  test.each([
    ["^/users/[0-9]+/orders$", ["/users/12/orders", "/users//orders", "/users/1/orders/", "x/users/1/orders", ""]],
    ["", ["", "a"]],
    ["^$", ["", "a"]],
    ["$^", ["", "a"]],
    ["a$", ["a", "ba", "ab", "a\n"]],
    ["^a", ["a", "ba", "\na"]],
    ["a^b|^c", ["ab", "c", "ac"]],
    ["(^|/)admin(/|$)", ["admin", "/admin/x", "xadmin", "x/admin", "administrator"]],
    ["^(GET|POST)$", ["GET", "POST", "GETS", "get"]],
    ["a|b|", ["", "c"]],
    ["a.c", ["abc", "a\nc", "a\u{1f600}c", "aéc", "ac"]],
    ["(?s)a.c", ["a\nc"]],
    ["^.$", ["a", "é", "\u{1f600}", "\u{1f600}\u{1f600}", "e\u0301", "\n"]],
    ["^[^/]{2}$", ["ab", "\u{1f600}b", "\u{1f600}\u{1f600}", "a/", "\u{1f600}"]],
    ["(?i)k", ["K", "k", "\u212a", "x"]],
    ["(?i)^s$", ["S", "\u017f", "ß"]],
    ["(?i)[^k]", ["\u212a", "k", "x"]],
    ["(?i)^gr[öo]ße$", ["GROSSE", "größe", "GRÖßE"]],
    ["é+", ["é", "éé", "e"]],
    ["^[äö]$", ["ä", "ö", "ü"]],
    ["\\w+@\\w+\\.(com|org)", ["me@example.com", "me@examplexcom", "@a.org"]],
    ["^\\s*$", [" \t\r\n\f", "\v", "\u00a0"]],
    ["\\Aab\\z", ["ab", "ab\n"]],
    ["^(a{2}|b{1,2}|c{2,})+?$", ["aa", "a", "bb", "bbb", "ccc", "aabcc"]],
    ["[]a]", ["]", "a", "b"]],
    ["[a-]", ["-", "a", "b"]],
    ["[\\]\\-^]", ["]", "-", "^", "a"]],
    ["x*", ["", "y"]],
    ["(|a)+b", ["b", "ab", "c"]],
    ["(a*)*b", ["aaab", "c"]],
    ["a.{10}c", ["a0123456789c", "a012345678c"]],
    ["\\bns\\b", ["/ns/", "nsx"]],
    ["^\\p{Greek}+$", ["αβγ", "abc"]],
    ["(?P<n>foo)", ["foo"]],
    ["^(?P<n>foo)|(?<m>b)\\b", ["foo", "b", "bb"]],
    ["[[:alpha:]]", ["a", "1"]],
    ["(?U)a+", ["a"]],
    ["\\Qa.b\\E", ["a.b", "axb"]],
    ["\\x{1F600}", ["\u{1f600}", "x"]],
    ["\u{1f600}+", ["\u{1f600}\u{1f600}", "x"]],
    ["(?m)^b$", ["a\nb", "ab"]],
  ] as const)("%j", (source, texts) => {
    for (const text of texts) expect([text, compiled(source).test(text)]).toEqual([text, judged(source, text)]);
  });

  test("half of a character counts as the replacement character", () => {
    expect([
      compiled("^.$").test("\ud83d"),
      compiled("^a.b$").test("a\ude00b"),
      compiled("^..$").test("\ude00\ud83d"),
    ]).toEqual([true, true, true]);
  });

  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("a", "b", "k", "K", "é", "/", "-", "0", "_", " ") },
    fc.constantFrom(".", "^", "$", "\\d", "\\w", "\\W", "\\s", "\\.", "\\n", "\\z", "\\A", "\\b", "]", "}", "{", "\\"),
    fc.constantFrom(
      "[ab]",
      "[^a]",
      "[^ab/]",
      "[a-z0-9]",
      "[\\w-]",
      "[é]",
      "[^é]",
      "[-a]",
      "[a-k_]",
      "[]",
      "[z-a]",
      "[\\d-z]",
      "[a-\\d]",
    ),
    fc.constantFrom("(?i)", "(?s)", "(?:", "(?-i)", "(?P<x>a)", "\u{1f600}", "\\pL", "[[:digit:]]", "\\Q", "\\x41"),
  );
  const times = fc.constantFrom(
    "",
    "",
    "",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "{2}",
    "{0,2}",
    "{1,}",
    "{,2}",
    "{3,1}",
    "**",
    "{0}",
    "{1001}",
  );
  const source: fc.Arbitrary<string> = fc.letrec<{ all: string; some: string }>((tie) => ({
    some: fc
      .array(
        fc.tuple(
          fc.oneof(
            { weight: 5, arbitrary: piece },
            tie("all").map((inner) => `(${inner})`),
          ),
          times,
        ),
        { maxLength: 5 },
      )
      .map((parts) => parts.map(([what, often]) => what + often).join("")),
    all: fc.array(tie("some"), { minLength: 1, maxLength: 3 }).map((options) => options.join("|")),
  })).all;
  const text = fc.string({ unit: fc.constantFrom(..."aabkK/-0_ é\u212a\n\u{1f600}."), maxLength: 8 });

  test("whatever the pattern and the text", () => {
    fc.assert(
      fc.property(
        fc.tuple(fc.constantFrom("", "", "(?i)", "(?s)", "(?is)"), source),
        fc.array(text, { maxLength: 6 }),
        (parts, texts) => {
          const pattern = parts.join("");
          // Two groups of one name are allowed in Go, which CEL follows, and not in RE2.
          fc.pre(pattern.split("<x>").length < 3);
          const result = compilePattern(pattern);
          expect([pattern, result.ok]).toEqual([pattern, judged(pattern, "") !== "refused"]);
          for (const one of texts) {
            if (result.ok)
              expect([pattern, one, result.pattern.test(one)]).toEqual([pattern, one, judged(pattern, one)]);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

describe("what a pattern costs", () => {
  test.each([
    "^/users/[0-9]+/orders$",
    "(?i)bot|crawler|spider",
    "^(GET|POST)$",
    "spiffe://[^/]+/ns/[^/]+/sa/[a-z]+",
    "(a+)+$",
  ])("%s is one look into a table for each character", (pattern) => {
    expect(compiled(pattern).stepsPerCharacter).toBeLessThan(0.1);
  });

  test.each(["(a|b)*a(a|b){40}c", "\\bns\\b", "\\pL+"])(
    "%s is left to the general engine, which costs more",
    (pattern) => {
      expect(compiled(pattern).stepsPerCharacter).toBeGreaterThan(1);
    },
  );

  test.each([
    ["((a{1000}){1000})", 1],
    ["(((((a{10}){10}){10}){10}){10})", 1],
    ["x{1000}", 500],
    ["(ab|cd|ef){1000}", 1],
    ["(a{0,500}b){9}{9}", 1],
  ])("%s, written %i times, is refused", (part, times) => {
    const pattern = part.repeat(times);
    expect(compilePattern(pattern).ok).toBe(false);
    expect(compileEngine(pattern).ok).toBe(false);
  });

  test("groups deeper than a stack are refused or left to the engine", () => {
    expect(readShape(`${"(".repeat(5_000)}a${")".repeat(5_000)}`)).toBeUndefined();
    expect(compilePattern(`${"(".repeat(5_000)}a${")".repeat(5_000)}`).ok).toBe(false);
  });
});

describe("globs", () => {
  test.each([
    ["/api/*", ["/api/v1"], ["/api/", "/api/v1/x", "/api"]],
    ["/api/**", ["/api/", "/api/v1/x", "/api/a\nb"], ["/ap", "x/api/"]],
    ["/*/orders", ["/1/orders"], ["//orders", "/1/2/orders"]],
    ["/file-*.txt", ["/file-.txt", "/file-a.txt"], ["/file-a/b.txt", "/file-atxt"]],
    ["*", ["a", "\u{1f600}"], ["", "a/b"]],
    ["**", ["", "a/b"], []],
    ["/a+(b)[c]{2}\\d", ["/a+(b)[c]{2}\\d"], ["/aab"]],
  ])("%s", (glob, yes, no) => {
    const result = compileGlob(glob);
    const found = [...yes, ...no].filter((path) => result.ok && result.pattern.test(path));
    expect(found).toEqual(yes);
    expect([...yes, ...no].filter((path) => RE2JS.compile(globSource(glob)).test(path))).toEqual(yes);
  });
});
