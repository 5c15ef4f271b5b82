import { describe, expect, test } from "vitest";
import { suggest } from "./suggest.ts";

describe("did you mean", () => {
  test.each([
    ["request.metod", "request.method"],
    ["alow", "allow"],
    ["dney", "deny"],
    ["Deny", "deny"],
    ["on-unavailabel", "on-unavailable"],
    ["shadows", "shadow"],
  ])("%s → %s", (word, meant) => {
    expect(suggest(word, ["request.method", "request.path", "allow", "deny", "on-unavailable", "shadow"])).toBe(meant);
  });

  test("a word that is nothing like any is left alone", () => {
    expect(suggest("permit", ["allow", "deny"])).toBeUndefined();
    expect(suggest("x", ["y"])).toBeUndefined();
    expect(suggest("", ["allow"])).toBeUndefined();
  });

  test("of equally near ones it is the first in the alphabet, whatever their order", () => {
    expect(suggest("cat", ["rat", "bat", "hat"])).toBe("bat");
    expect(suggest("cat", ["bat", "hat", "rat"])).toBe("bat");
  });

  test("the nearest wins over the first", () => {
    expect(suggest("respnd", ["resound", "respond"])).toBe("respond");
  });

  test("a very long word costs nothing and gets no suggestion", () => {
    expect(suggest("a".repeat(100_000), ["a".repeat(99_999)])).toBeUndefined();
  });
});
