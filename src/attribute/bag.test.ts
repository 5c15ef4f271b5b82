import { describe, expect, test } from "vitest";
import { bagSource } from "./bag.ts";
import { EntryMap } from "./entry-map.ts";
import { ABSENT, Invalid } from "./value.ts";

const SLOTS = [
  { slot: 0, name: "request.method" },
  { slot: 1, name: "request.headers" },
  { slot: 2, name: "metadata" },
  { slot: 3, name: "source.principal" },
];

describe("a bag", () => {
  const source = bagSource(
    new Map<string, string | EntryMap | Map<string, string | null>>([
      ["request.method", "GET"],
      [
        "metadata",
        new Map<string, string | null>([
          ["__proto__", "x"],
          ["none", null],
        ]),
      ],
      [
        "request.headers",
        new EntryMap(
          new Map<string, string | Invalid>([
            ["x-user", "ana"],
            ["x-bad", new Invalid("not UTF-8")],
          ]),
        ),
      ],
    ]),
    SLOTS,
  );

  test("gives what it has by the snapshot's numbers, and nothing else", () => {
    expect(source.read(0)).toBe("GET");
    expect(source.read(3)).toBe(ABSENT);
    expect(source.read(99)).toBe(ABSENT);
  });

  test("gives one key of a map, whatever its name", () => {
    expect(source.readKey(2, "__proto__")).toBe("x");
    expect(source.readKey(2, "none")).toBe(null);
    expect(source.readKey(2, "constructor")).toBe(ABSENT);
    expect(source.readKey(3, "x")).toBe(ABSENT);
  });

  test("keeps an error in one entry from the others, and from nobody who takes the map whole", () => {
    expect(source.readKey(1, "x-user")).toBe("ana");
    expect(source.readKey(1, "x-bad")).toBeInstanceOf(Invalid);
    expect(source.entries(1)).toBeInstanceOf(Invalid);
    expect(source.read(1)).toBeInstanceOf(Invalid);
  });

  test("answers a key of what is no map with an error", () => {
    expect(source.readKey(0, "x")).toBeInstanceOf(Invalid);
    expect(source.entries(0)).toBeInstanceOf(Invalid);
  });
});
