import { expect, test } from "vitest";
import { type AffixSide, addAffix, newAffixTree, nextAffix } from "./affix-tree.ts";

const TEXTS = ["/a/", "/a/b", "/a/bc", "/ab", "/b", "x", "/a", "𝄞a", "𝄟"];

function found(texts: readonly string[], text: string, side: AffixSide): readonly string[] {
  const root = newAffixTree<string>();
  for (const one of texts) addAffix(root, one, side, one);
  const held: string[] = [];
  let at = 0;
  for (let node = nextAffix(root, text, at, side); node !== undefined; node = nextAffix(node, text, at, side)) {
    if (node.held !== undefined) held.push(node.held);
    at += node.label.length;
  }
  return held;
}

test.each(["/a/bcd", "/a/", "/abc", "/", "", "x", "xx", "/c", "𝄞a", "𝄠"])(
  "all that %j begins with, shortest first",
  (text) => {
    const expected = TEXTS.filter((one) => text.startsWith(one)).sort((a, b) => a.length - b.length);
    expect(found(TEXTS, text, "prefix")).toEqual(expected);
    expect(found(TEXTS.toReversed(), text, "prefix")).toEqual(expected);
  },
);

test.each([".test", "a.test", "b.a.test", "test", "ab.test", "", "t", "a𝄞"])(
  "all that %j ends with, shortest first",
  (text) => {
    const texts = [".test", "a.test", ".a.test", "b.test", "t", "𝄞"];
    const expected = texts.filter((one) => text.endsWith(one)).sort((a, b) => a.length - b.length);
    expect(found(texts, text, "suffix")).toEqual(expected);
    expect(found(texts.toReversed(), text, "suffix")).toEqual(expected);
  },
);
