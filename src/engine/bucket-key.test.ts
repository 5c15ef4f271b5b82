import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ABSENT,
  type Absent,
  type CelValue,
  Duration,
  Invalid,
  Optional,
  type Outcome,
  Timestamp,
  TypeValue,
  Uint,
} from "../attribute/value.ts";
import type { Frame } from "../expression/frame.ts";
import { bucketKey } from "./bucket-key.ts";

describe("the key of a bucket", () => {
  test("is shared by no two different tuples, whatever a client writes into them", () => {
    fc.assert(
      fc.property(tuples(), tuples(), (one, other) => {
        expect(key(one) === key(other)).toBe(spelled(one) === spelled(other));
      }),
      { numRuns: 5_000 },
    );
  });

  test("is not to be had by writing how keys are written", () => {
    fc.assert(
      fc.property(fc.string(), tuples(), (text, [value = ABSENT]) => {
        const [one, two] = [key([text]), key([text, value])];
        if (typeof one !== "string" || typeof two !== "string") throw new Error("neither is an error");
        expect(key([text + two.slice(one.length)])).not.toBe(two);
      }),
    );
  });

  test("is the same for the same tuple, in whatever order its maps came", () => {
    fc.assert(
      fc.property(tuples(), (tuple) => {
        expect(key(tuple.map(turned))).toBe(key(tuple));
      }),
    );
  });

  test.each<readonly [string, Outcome, Outcome]>([
    ["absent and empty", ABSENT, ""],
    ["absent and null", ABSENT, null],
    ["absent and what it is written as", ABSENT, "-"],
    ["a text and a number", "1", 1n],
    ["an int and a uint", 1n, new Uint(1n)],
    ["an int and a double", 1n, 1],
    ["true and its text", true, "true"],
    ["true and what it is written as", true, "t"],
    ["bytes and their text", new Uint8Array([97]), "a"],
    ["a list and its only item", ["a"], "a"],
    ["a list of two and of one that looks alike", ["a", "b"], ["as1:b"]],
    ["an empty list and an empty map", [], new Map()],
    ["a map and the list of its entries", new Map([["a", "b"]]), ["a", "b"]],
    ["a timestamp and a duration", new Timestamp(1n), new Duration(1n)],
    ["an optional of nothing and of null", new Optional(ABSENT), new Optional(null)],
    ["an optional and its value", new Optional("a"), "a"],
    ["0 and -1", 0n, -1n],
    ["NaN and its text", Number.NaN, "NaN"],
  ])("tells %s apart", (_, one, other) => {
    expect(key([one])).not.toBe(key([other]));
  });

  test("tells limits apart, and the names of what they go by", () => {
    const by = [{ name: "a", evaluate: () => "x" }];
    const keys = [
      bucketKey("p/a", by, FRAME),
      bucketKey("p/b", by, FRAME),
      bucketKey("p/a", [{ name: "b", evaluate: () => "x" }], FRAME),
      bucketKey("p/a", [], FRAME),
    ];
    expect(new Set(keys).size).toBe(4);
  });

  test("of an error is that error, wherever it stands", () => {
    const broken = new Invalid("broken");
    expect(key([broken])).toBe(broken);
    expect(key(["a", broken, ABSENT])).toBe(broken);
  });
});

const FRAME: Frame = {
  read: () => ABSENT,
  readKey: () => ABSENT,
  isPresent: () => false,
  isAbsent: () => true,
  entries: () => ABSENT,
  locals: [],
  remembered: new Map(),
  budget: 1000,
};

function key(tuple: readonly Outcome[]): string | Invalid {
  const by = tuple.map((value, index) => ({ name: `n${index}`, evaluate: () => value }));
  return bucketKey("p/l", by, FRAME);
}

/** Texts from the letters that keys are made of, so that what looks alike comes up. */
function tuples(): fc.Arbitrary<readonly (CelValue | Absent)[]> {
  const text = fc.string({ unit: fc.constantFrom("s", "n", "1", ":", "-", "a", "0"), maxLength: 6 });
  const { value } = fc.letrec<{ value: CelValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 2, depthSize: "small" },
      text,
      fc.bigInt({ min: -2n, max: 11n }),
      fc.constantFrom<CelValue>(null, true, false, 0, 1, 1.5, Number.NaN),
      fc.bigInt({ min: 0n, max: 11n }).map((uint) => new Uint(uint)),
      fc.uint8Array({ maxLength: 2 }),
      fc.constantFrom<CelValue>(new Timestamp(1n), new Duration(1n), new TypeValue("int"), new Optional(ABSENT)),
      fc.array(tie("value"), { maxLength: 2 }),
      fc.array(fc.tuple(text, tie("value")), { maxLength: 2 }).map((entries) => new Map(entries)),
    ),
  }));
  return fc.array(fc.oneof({ weight: 6, arbitrary: value }, fc.constant(ABSENT)), { minLength: 1, maxLength: 2 });
}

/** The same value with its maps the other way round. */
function turned(value: CelValue | Absent): CelValue | Absent {
  if (value === ABSENT || typeof value !== "object") return value;
  if (value instanceof Map) return new Map([...value].reverse().map(([name, entry]) => [name, inside(entry)]));
  return Array.isArray(value) ? value.map(inside) : value;
}

function inside(value: CelValue): CelValue {
  const other = turned(value);
  return other === ABSENT ? null : other;
}

/** Another spelling of the same thing, with nothing in common with the one that is tested: nested JSON. */
function spelled(tuple: readonly (CelValue | Absent)[]): string {
  return JSON.stringify(tuple.map(plain));
}

function plain(value: CelValue | Absent): unknown {
  if (value === ABSENT) return ["absent"];
  if (value === null || typeof value !== "object") return [typeof value, String(value)];
  if (value instanceof Map) return ["map", [...value].map(([name, entry]) => [plain(name), plain(entry)]).sort(byText)];
  if (Array.isArray(value)) return ["list", value.map((item: CelValue) => plain(item))];
  if (value instanceof Uint8Array) return ["bytes", ...value];
  if (value instanceof Optional) return ["optional", plain(value.value)];
  if (value instanceof Uint) return ["uint", String(value.value)];
  if (value instanceof Timestamp) return ["timestamp", String(value.nanos)];
  if (value instanceof Duration) return ["duration", String(value.nanos)];
  return value instanceof TypeValue ? ["type", value.name] : ["?"];
}

function byText(one: unknown, other: unknown): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}
