import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AttributeValue, type Value } from "#proto/weir/v1/attribute";
import { EntryMap, keyOf, wholeOf } from "../attribute/entry-map.ts";
import { ABSENT, type CelValue, Duration, Invalid, Optional, Timestamp, TypeValue, Uint } from "../attribute/value.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { MAX_NESTING, valueFromProto, valueToProto } from "./value-codec.ts";

function sent(value: CelValue): AttributeValue {
  const proto = valueToProto(value);
  if (proto instanceof Invalid) throw new Error(proto.reason);
  return AttributeValue.fromBinary(AttributeValue.toBinary(proto), lenientReadOptions);
}

describe("a value that is sent arrives as it was", () => {
  const SECOND = 1_000_000_000n;
  test.each<[string, CelValue]>([
    ["null", null],
    ["true", true],
    ["the smallest int", -(2n ** 63n)],
    ["the largest int", 2n ** 63n - 1n],
    ["the largest uint", new Uint(2n ** 64n - 1n)],
    ["minus nought", -0],
    ["not a number", Number.NaN],
    ["empty text", ""],
    ["text", "价格 🦊 \u0000"],
    ["bytes", Uint8Array.of(0, 255)],
    ["the first time", new Timestamp(-62_135_596_800n * SECOND)],
    ["the last time", new Timestamp(253_402_300_800n * SECOND - 1n)],
    ["a time before 1970", new Timestamp(-1n)],
    ["a negative duration", new Duration(-1_500_000_000n)],
    ["10,000 years", new Duration(315_576_000_000n * SECOND)],
    ["an empty list", []],
    ["text in a list", ["a", ""]],
    ["anything in a list", ["a", 1n, null, [new Uint(2n)]]],
    ["an empty map", new Map()],
    [
      "a map with a key `__proto__`",
      new Map([
        ["__proto__", "x"],
        ["constructor", "y"],
        ["", "z"],
      ]),
    ],
    [
      "anything in a map",
      new Map<CelValue, CelValue>([
        ["__proto__", new Map<CelValue, CelValue>([["__proto__", 1n]])],
        ["l", [true]],
      ]),
    ],
  ])("%s", (_, value) => {
    expect(wholeOf(valueFromProto(sent(value), "error"))).toStrictEqual(value);
  });

  test("whatever it is", () => {
    fc.assert(
      fc.property(celValue(), (value) => {
        expect(wholeOf(valueFromProto(sent(value), "error"))).toStrictEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});

function celValue(): fc.Arbitrary<CelValue> {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("__proto__", "constructor", ""));
  return fc.letrec<{ value: CelValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => new Uint(value)),
      fc.double(),
      text,
      fc.uint8Array(),
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map((nanos) => new Timestamp(nanos)),
      fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map((nanos) => new Duration(nanos)),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }).map((entries) => new Map<CelValue, CelValue>(entries)),
    ),
  })).value;
}

describe("what cannot be a value is an error, in words", () => {
  test.each<[string, AttributeValue["kind"], string]>([
    ["no kind", { oneofKind: undefined }, "of no kind that this version knows"],
    ["the year 0", { oneofKind: "timestamp", timestamp: { seconds: -62_135_596_801n, nanos: 0 } }, "years 1 to 9999"],
    [
      "the year 10000",
      { oneofKind: "timestamp", timestamp: { seconds: 253_402_300_800n, nanos: 0 } },
      "years 1 to 9999",
    ],
    ["negative nanoseconds", { oneofKind: "timestamp", timestamp: { seconds: 0n, nanos: -1 } }, "no part of a second"],
    [
      "a second of nanoseconds",
      { oneofKind: "duration", duration: { seconds: 0n, nanos: 1e9 } },
      "no part of a second",
    ],
    ["two signs", { oneofKind: "duration", duration: { seconds: 1n, nanos: -1 } }, "two signs"],
    ["too long", { oneofKind: "duration", duration: { seconds: -315_576_000_001n, nanos: 0 } }, "over 10,000 years"],
    ["bad text", { oneofKind: "string", string: "caf\udce9" }, "not UTF-8"],
    ["bad text in a list", { oneofKind: "stringList", stringList: { items: ["a", "\udcff"] } }, "not UTF-8"],
    ["nothing in a nested value", { oneofKind: "nested", nested: { kind: { oneofKind: undefined } } }, "of no kind"],
  ])("%s", (_, kind, words) => {
    expect(valueFromProto({ kind }, "error")).toEqual(new Invalid(expect.stringContaining(words)));
  });

  test("nested deeper than the limit", () => {
    const nest = (depth: number): AttributeValue => {
      let nested: Value = { kind: { oneofKind: "bool", bool: true } };
      for (let level = 0; level < depth; level++) nested = { kind: { oneofKind: "list", list: { items: [nested] } } };
      return { kind: { oneofKind: "nested", nested } };
    };
    expect(valueFromProto(nest(MAX_NESTING), "error")).toBeInstanceOf(Array);
    expect(valueFromProto(nest(MAX_NESTING + 1), "error")).toEqual(new Invalid("nested more than 100 deep"));
  });
});

test("what has no form on the wire is not sent", () => {
  let deep: CelValue = 1n;
  for (let level = 0; level <= MAX_NESTING; level++) deep = [deep];
  const unsendable: readonly CelValue[] = [
    new TypeValue("int"),
    new Optional(ABSENT),
    new Map([[1n, 2n]]),
    deep,
    [[new TypeValue("int")]],
  ];
  expect(unsendable.map(valueToProto)).toEqual(unsendable.map(() => expect.any(Invalid)));
});

describe("a map", () => {
  const entries = [
    { key: "good", value: "a" },
    { key: "bad", value: "caf\udce9" },
    { key: "twice", value: "1" },
    { key: "twice", value: "2" },
  ];
  const held = valueFromProto({ kind: { oneofKind: "stringMap", stringMap: { entries } } }, "error");

  test("has an error only at the keys that are wrong", () => {
    expect(keyOf(held, "good")).toBe("a");
    expect(keyOf(held, "bad")).toEqual(new Invalid("not UTF-8"));
    expect(keyOf(held, "twice")).toEqual(new Invalid("comes twice"));
    expect(keyOf(held, "other")).toBe(ABSENT);
  });

  test("with an error in it is one as a whole", () => {
    expect(held).toBeInstanceOf(EntryMap);
    expect(wholeOf(held)).toEqual(new Invalid("`bad`: not UTF-8"));
  });

  test("may be nested, and is held key by key as well", () => {
    const value = (string: string): Value => ({ kind: { oneofKind: "string", string } });
    const members = [{ key: "sub", value: value("ana") }, { key: "name", value: value("\udcff") }, { key: "empty" }];
    const claims = valueFromProto(
      { kind: { oneofKind: "nested", nested: { kind: { oneofKind: "map", map: { entries: members } } } } },
      "error",
    );
    expect(keyOf(claims, "sub")).toBe("ana");
    expect(keyOf(claims, "name")).toEqual(new Invalid("not UTF-8"));
    expect(keyOf(claims, "empty")).toEqual(new Invalid("of no kind that this version knows"));
  });
});

test("for reports bad bytes become U+FFFD, in keys too", () => {
  const entries = [{ key: "k\udcff", value: "caf\udce9" }];
  const held = valueFromProto({ kind: { oneofKind: "stringMap", stringMap: { entries } } }, "replace");
  expect(wholeOf(held)).toEqual(new Map([["k\ufffd", "caf\ufffd"]]));
});
