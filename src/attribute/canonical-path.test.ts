import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalPath } from "./canonical-path.ts";
import { Invalid } from "./value.ts";

/** What came, and what it means; `!` and a word of the reason where it means nothing. */
const TABLE: readonly (readonly [path: string, means: string])[] = [
  ["/", "/"],
  ["/a", "/a"],
  ["/a/", "/a/"],
  ["/Admin", "/Admin"],
  ["/a?x=/../b", "/a"],
  ["/a?", "/a"],
  ["/a?x#y", "/a"],
  ["//a///b", "/a/b"],
  ["//", "/"],
  ["/a//", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a/.", "/a/"],
  ["/a/b/..", "/a/"],
  ["/a/b/../", "/a/"],
  ["/a/b/../c", "/a/c"],
  ["/a//../b", "/b"],
  ["/a/..", "/"],
  ["/public/../admin", "/admin"],
  ["/public/%2e%2e/admin", "/admin"],
  ["/public/%2E./admin", "/admin"],
  ["/%61dmin", "/admin"],
  ["/caf%C3%A9", "/café"],
  ["/café", "/café"],
  ["/a%20b", "/a b"],
  ["/a+b", "/a+b"],
  ["/.well-known/x", "/.well-known/x"],
  ["/...", "/..."],
  ["/..a/b.", "/..a/b."],
  ["/%EF%BB%BFa", "/\ufeffa"],
  ["/a%2fb", "! `%2f`"],
  ["/a%2Fb", "! `%2F`"],
  ["/a%5cb", "! `%5c`"],
  ["/a%252fb", "! `%25`"],
  ["/a%00", "! `%00`"],
  ["/a%3fb", "! `%3f`"],
  ["/a%23b", "! `%23`"],
  ["/a%3bb", "! `%3b`"],
  ["/a%", "! hexadecimal"],
  ["/a%zz", "! hexadecimal"],
  ["/a%2", "! hexadecimal"],
  ["/a\\..\\b", "! `\\`"],
  ["/a\tb", "! control"],
  ["/a%0ab", "! control"],
  ["/a%7F", "! control"],
  ["/a\u0085", "! control"],
  ["/a%ff", "! UTF-8"],
  ["/a%c0%ae", "! UTF-8"],
  ["/a%ed%a0%80", "! UTF-8"],
  ["/a\udcff", "! UTF-8"],
  ["/a#b", "! `#`"],
  ["/a#?b", "! `#`"],
  ["/a;v=1/b", "! `;`"],
  ["/..;/admin", "! `..;"],
  ["/a/.;x/b", "! `.;"],
  ["/%2e%2e;/admin", "! `..;"],
  ["/..", "! root"],
  ["/a/../..", "! root"],
  ["/../admin", "! root"],
  ["", "! begin"],
  ["a", "! begin"],
  ["*", "! begin"],
  ["?x", "! begin"],
  ["http://a/b", "! begin"],
];

describe("request.canonical_path", () => {
  test.each(TABLE)("%j is %s", (path, means) => {
    const result = canonicalPath(path, { pathParams: "refuse" });
    if (means.startsWith("! ")) expect(result instanceof Invalid && result.reason).toContain(means.slice(2));
    else expect(result).toBe(means);
  });

  test("`*` is itself for OPTIONS and nothing for other methods", () => {
    expect(canonicalPath("*", { pathParams: "refuse", method: "OPTIONS" })).toBe("*");
    expect(canonicalPath("*", { pathParams: "refuse", method: "GET" })).toBeInstanceOf(Invalid);
  });

  test("keeps parameters where the operator says so, but never those of a dot segment", () => {
    expect(canonicalPath("/a;v=1/b", { pathParams: "keep" })).toBe("/a;v=1/b");
    expect(canonicalPath("/a;..;/b", { pathParams: "keep" })).toBe("/a;..;/b");
    expect(canonicalPath("/a/..;/b", { pathParams: "keep" })).toBeInstanceOf(Invalid);
    expect(canonicalPath("/a/.;/b", { pathParams: "keep" })).toBeInstanceOf(Invalid);
  });
});

const PIECES = [
  "/",
  "//",
  ".",
  "..",
  "a",
  "B",
  "%2e",
  "%2E",
  "%61",
  ";",
  "?",
  "%",
  "%2f",
  "%C3%A9",
  "é",
  "\\",
  "#",
  "\u0000",
  " ",
  "*",
];
const paths = fc.array(fc.oneof(fc.constantFrom(...PIECES), fc.string({ unit: "binary", maxLength: 3 })), {
  maxLength: 12,
});
const anyPath = fc.tuple(fc.boolean(), paths).map(([rooted, pieces]) => `${rooted ? "/" : ""}${pieces.join("")}`);
const anyParams = fc.constantFrom("refuse" as const, "keep" as const);

describe("whatever a client sends", () => {
  test("a canonical path is its own canonical path", () => {
    fc.assert(
      fc.property(anyPath, anyParams, (path, pathParams) => {
        const once = canonicalPath(path, { pathParams });
        if (typeof once === "string") expect(canonicalPath(once, { pathParams })).toBe(once);
      }),
      { seed: 7, numRuns: 5_000 },
    );
  });

  test("a canonical path begins with a slash and has no dot segment, empty segment or backslash", () => {
    fc.assert(
      fc.property(anyPath, anyParams, (path, pathParams) => {
        const result = canonicalPath(path, { pathParams });
        if (typeof result !== "string") return;
        expect(result).toMatch(/^\//);
        const segments = result.split("/").slice(1);
        expect(segments.map((segment) => segment.split(";")[0])).not.toContain("..");
        expect(segments.map((segment) => segment.split(";")[0])).not.toContain(".");
        expect(segments.slice(0, -1)).not.toContain("");
        expect(result).not.toContain("\\");
      }),
      { seed: 11, numRuns: 5_000 },
    );
  });
});
