import { describe, expect, test } from "vitest";
import { LineTable, positionOf } from "./position.ts";

describe("positions", () => {
  test("lines and columns count from 1, columns in code points", () => {
    const text = "a\n数👩x\n";
    expect(positionOf(text, 0)).toEqual({ line: 1, column: 1 });
    expect(positionOf(text, text.indexOf("x"))).toEqual({ line: 2, column: 3 });
    expect(positionOf(text, text.length)).toEqual({ line: 3, column: 1 });
  });

  test("an offset inside a surrogate pair stands before it, one beyond the end at the end", () => {
    expect(positionOf("👩", 1)).toEqual({ line: 1, column: 1 });
    expect(positionOf("ab", 99)).toEqual({ line: 1, column: 3 });
    expect(positionOf("ab", -1)).toEqual({ line: 1, column: 1 });
  });

  test("a carriage return belongs to the line break", () => {
    const table = new LineTable("one\r\ntwo\r\n");
    expect(table.lineText(1)).toBe("one");
    expect(table.lineText(2)).toBe("two");
    expect(table.lineText(3)).toBe("");
    expect(table.position(5)).toEqual({ line: 2, column: 1 });
  });

  test("answers do not depend on the order of the questions", () => {
    const text = "aé👩\n👩👩b\nc";
    const forwards = new LineTable(text);
    const backwards = new LineTable(text);
    const offsets = Array.from({ length: text.length + 1 }, (_, index) => index);
    const expected = offsets.map((offset) => forwards.position(offset));
    expect(offsets.toReversed().map((offset) => backwards.position(offset))).toEqual(expected.toReversed());
  });
});
