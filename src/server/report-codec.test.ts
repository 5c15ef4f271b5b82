import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttributeValue } from "#proto/weir/v1/attribute";
import { ReportRequest } from "#proto/weir/v1/report";
import type { Bag } from "../attribute/bag.ts";
import { keyOf, wholeOf } from "../attribute/entry-map.ts";
import { type CelValue, Duration, Invalid, Timestamp, Uint } from "../attribute/value.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { encodeReport, type ReportBag } from "../wire/report-encoder.ts";
import { decodeReport, MAX_REPORT_RECORDS, MAX_REPORT_WORDS, MAX_UNFOLDED_BYTES } from "./report-codec.ts";
import { valueToProto } from "./value-codec.ts";

const MAX_ATTRIBUTES = 512;

type Values = ReadonlyMap<string, CelValue>;

function toProto(bag: Values): ReportBag {
  const proto = new Map<string, AttributeValue>();
  for (const [name, value] of bag) {
    const attribute = valueToProto(value);
    if (attribute instanceof Invalid) throw new Error(attribute.reason);
    proto.set(name, attribute);
  }
  return proto;
}

function overTheWire(request: ReportRequest): ReportRequest {
  return ReportRequest.fromBinary(ReportRequest.toBinary(request), lenientReadOptions);
}

function records(request: Partial<ReportRequest>): readonly ReadonlyMap<string, unknown>[] {
  const decoded = decodeReport(overTheWire(ReportRequest.create(request)), MAX_ATTRIBUTES);
  if (!decoded.ok) throw new Error(decoded.problem);
  return decoded.records.map(whole);
}

function whole(bag: Bag): ReadonlyMap<string, unknown> {
  return new Map([...bag].map(([name, held]) => [name, wholeOf(held)]));
}

function problem(request: Parameters<typeof ReportRequest.create>[0]): string {
  const decoded = decodeReport(ReportRequest.create(request), MAX_ATTRIBUTES);
  if (decoded.ok) throw new Error("it was taken");
  return decoded.problem;
}

describe("records that are folded and unfolded are the same", () => {
  test.each<[string, readonly Values[]]>([
    ["none", []],
    ["one without attributes", [new Map()]],
    ["one that repeats the one before", [new Map([["a", "x"]]), new Map([["a", "x"]])]],
    [
      "a value that changes its kind",
      [new Map([["a", "x"]]), new Map([["a", 1n]]), new Map([["a", new Map([["k", "v"]])]]), new Map([["a", "x"]])],
    ],
    [
      "an attribute that goes and comes back",
      [
        new Map([
          ["a", "x"],
          ["b", "y"],
        ]),
        new Map([["b", "y"]]),
        new Map([
          ["a", "x"],
          ["b", "y"],
        ]),
      ],
    ],
    ["nothing in common", [new Map([["a", "x"]]), new Map([["b", "y"]])]],
    ["everything gone", [new Map([["a", "x"]]), new Map()]],
    ["0 and then -0", [new Map([["a", 0]]), new Map([["a", -0]])]],
    ["0 and then -0 inside", [new Map([["a", [0, null]]]), new Map([["a", [-0, null]]])]],
    [
      "names like `__proto__`",
      [
        new Map<string, CelValue>([
          ["__proto__", "x"],
          ["constructor", new Map([["__proto__", "y"]])],
        ]),
        new Map([["__proto__", "z"]]),
      ],
    ],
    [
      "a map that loses a key",
      [
        new Map([
          [
            "h",
            new Map([
              ["a", "1"],
              ["b", "2"],
            ]),
          ],
        ]),
        new Map([["h", new Map([["b", "2"]])]]),
      ],
    ],
    ["a map that becomes another", [new Map([["h", new Map([["a", "1"]])]]), new Map([["h", new Map([["b", "2"]])]])]],
    ["a map that becomes empty", [new Map([["h", new Map([["a", "1"]])]]), new Map([["h", new Map()]])]],
    [
      "a nested map after a map of text",
      [
        new Map([["h", new Map([["a", "1"]])]]),
        new Map([["h", new Map([["a", 1n]])]]),
        new Map([["h", new Map([["b", "2"]])]]),
      ],
    ],
  ])("%s", (_, bags) => {
    expect(records(encodeReport(bags.map(toProto), ""))).toStrictEqual(bags);
  });

  test("whatever they are", () => {
    fc.assert(
      fc.property(fc.array(bag(), { maxLength: 8 }), (bags) => {
        expect(records(encodeReport(bags.map(toProto), ""))).toStrictEqual(bags);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Few names and words, so that records have much in common. */
function bag(): fc.Arbitrary<Values> {
  const word = fc.constantFrom("", "a", "b", "__proto__", "constructor", "toString", "价格 🦊");
  const value: fc.Arbitrary<CelValue> = fc.oneof(
    word,
    fc.constantFrom(0n, -(2n ** 63n), 2n ** 63n - 1n),
    fc.constantFrom(new Uint(0n), new Uint(2n ** 64n - 1n)),
    fc.constantFrom(0, -0, Number.NaN, 1.5),
    fc.boolean(),
    fc.uint8Array({ maxLength: 2 }),
    fc.constantFrom(new Timestamp(0n), new Timestamp(-1n), new Duration(0n), new Duration(-1n)),
    fc.array(word, { maxLength: 3 }),
    fc.array(fc.tuple(word, word), { maxLength: 4 }).map((entries) => new Map<CelValue, CelValue>(entries)),
    fc
      .array(fc.tuple(word, fc.constantFrom(null, 1n, "a")), { maxLength: 3 })
      .map((entries) => new Map<CelValue, CelValue>(entries)),
  );
  return fc.array(fc.tuple(word, value), { maxLength: 6 }).map((entries) => new Map(entries));
}

describe("a record says what differs from the one before", () => {
  const words = ["request.method", "GET", "request.path", "/a", "source.principal", "ana", "/b"];
  const first = {
    set: [
      { name: 0, kind: text(1) },
      { name: 2, kind: text(3) },
      { name: 4, kind: text(5) },
    ],
    remove: [],
    fresh: false,
  };

  test("as the example in report.proto says", () => {
    const second = { set: [{ name: 2, kind: text(6) }], remove: [4], fresh: false };
    const wanted = [
      new Map([
        ["request.method", "GET"],
        ["request.path", "/a"],
        ["source.principal", "ana"],
      ]),
      new Map([
        ["request.method", "GET"],
        ["request.path", "/b"],
      ]),
    ];
    expect(records({ words, records: [first, second] })).toEqual(wanted);
  });

  test("and the encoder finds exactly that", () => {
    const bags = [
      new Map([
        ["request.method", "GET"],
        ["request.path", "/a"],
        ["source.principal", "ana"],
      ]),
      new Map([
        ["request.method", "GET"],
        ["request.path", "/b"],
      ]),
    ];
    expect(encodeReport(bags.map(toProto), "id")).toEqual({
      words: ["request.method", "GET", "request.path", "/a", "source.principal", "ana", "/b"],
      records: [first, { set: [{ name: 2, kind: text(6) }], remove: [4], fresh: false }],
      reportId: "id",
    });
  });

  test("or, fresh, starts from nothing", () => {
    const second = { set: [{ name: 2, kind: text(6) }], remove: [], fresh: true };
    expect(records({ words, records: [first, second] })[1]).toEqual(new Map([["request.path", "/b"]]));
  });

  test("taking away what is not there does nothing, and of two values the later one counts", () => {
    const record = {
      set: [
        { name: 0, kind: text(1) },
        { name: 0, kind: text(3) },
      ],
      remove: [4, 4],
      fresh: false,
    };
    expect(records({ words, records: [record] })).toEqual([new Map([["request.method", "/a"]])]);
  });

  test("what a record removes and sets again starts anew", () => {
    const headers = (set: { key: number; value: number }[]) => ({
      oneofKind: "stringMap" as const,
      stringMap: { set, remove: [], fresh: false },
    });
    const one = { set: [{ name: 0, kind: headers([{ key: 1, value: 3 }]) }], remove: [], fresh: false };
    const two = { set: [{ name: 0, kind: headers([{ key: 5, value: 6 }]) }], remove: [0], fresh: false };
    const added = { ...two, remove: [] };
    expect(records({ words, records: [one, two] })[1]).toEqual(new Map([["request.method", new Map([["ana", "/b"]])]]));
    expect(records({ words, records: [one, added] })[1]).toEqual(
      new Map([
        [
          "request.method",
          new Map([
            ["GET", "/a"],
            ["ana", "/b"],
          ]),
        ],
      ]),
    );
  });

  test("later records leave earlier ones as they were", () => {
    const decoded = decodeReport(
      encodeReport([new Map([["h", new Map([["a", "1"]])]]), new Map([["h", new Map([["a", "2"]])]])].map(toProto), ""),
      MAX_ATTRIBUTES,
    );
    expect(decoded.ok && decoded.records.map((bag) => keyOf(bag.get("h") ?? null, "a"))).toEqual(["1", "2"]);
  });
});

function text(string: number): { oneofKind: "string"; string: number } {
  return { oneofKind: "string", string };
}

test("a thousand alike requests take a small part of what they would take one by one", () => {
  const headers = new Map(
    Array.from({ length: 20 }, (_, index) => [`x-header-number-${index}`, `some usual value ${index}`]),
  );
  const request = (index: number): Values =>
    new Map<string, CelValue>([
      ["request.method", "GET"],
      ["request.path", `/orders/${index}`],
      ["request.headers", new Map([...headers, ["x-request-id", `id-${index}`]])],
      ["response.code", 200n],
      ["request.time", new Timestamp(1_790_000_000_000_000_000n + BigInt(index))],
    ]);
  const bags = Array.from({ length: 1_000 }, (_, index) => toProto(request(index)));
  const together = ReportRequest.toBinary(encodeReport(bags, "")).length;
  const apart = bags.reduce((sum, bag) => sum + ReportRequest.toBinary(encodeReport([bag], "")).length, 0);
  expect(together).toBeLessThan(apart / 10);
});

describe("a request that makes no sense is refused whole", () => {
  const set = (kind: object, name = 0): object => ({ set: [{ name, kind }] });
  const beyond = "word 2 does not exist: there are 2, counted from 0";

  test.each<[string, object]>([
    ["an attribute's name", set(text(0), 2)],
    ["a value", set(text(2))],
    ["an item of a list", set({ oneofKind: "stringList", stringList: { items: [0, 2] } })],
    ["a key of a map", set({ oneofKind: "stringMap", stringMap: { set: [{ key: 2, value: 0 }] } })],
    ["a value of a map", set({ oneofKind: "stringMap", stringMap: { set: [{ key: 0, value: 2 }] } })],
    ["a key taken from a map", set({ oneofKind: "stringMap", stringMap: { remove: [2] } })],
    ["an attribute taken away", { remove: [2] }],
  ])("%s that is no word", (_, record) => {
    const request = ReportRequest.create({ words: ["a", "b"], records: [{}, record] });
    expect(decodeReport(request, MAX_ATTRIBUTES)).toEqual({ ok: false, problem: `record 1: ${beyond}` });
  });

  test("too many records, words, attributes", () => {
    expect(problem({ records: Array.from({ length: MAX_REPORT_RECORDS + 1 }, () => ({})) })).toBe(
      "10001 records, and at most 10000 are taken at once",
    );
    expect(problem({ words: Array.from({ length: MAX_REPORT_WORDS + 1 }, () => "") })).toContain("100001 words");
    const words = Array.from({ length: MAX_ATTRIBUTES + 1 }, (_, index) => `a${index}`);
    const attributes = words.map((_, name) => ({ name, kind: { oneofKind: "bool" as const, bool: true } }));
    expect(problem({ words, records: [{ set: attributes }] })).toBe(
      "record 0: 513 attributes, and at most 512 are taken at once",
    );
  });

  test("small records that repeat a large one", () => {
    const value = "x".repeat(1_000_000);
    const again = Array.from({ length: 1_000 }, () => ({}));
    expect(problem({ words: ["a", value], records: [{ set: [{ name: 0, kind: text(1) }] }, ...again] })).toBe(
      `record ${Math.floor(MAX_UNFOLDED_BYTES / value.length)}: with it the records come to over ${MAX_UNFOLDED_BYTES} bytes when unfolded: send fewer at once`,
    );
  });

  test("one record that changes a large map again and again", () => {
    const pairs = Array.from({ length: 50_000 }, (_, word) => ({ key: word, value: word }));
    const words = pairs.map((_, index) => `word ${index}`);
    const map = (set: typeof pairs): object => ({ name: 0, kind: { oneofKind: "stringMap", stringMap: { set } } });
    const set = [map(pairs), ...Array.from({ length: 50_000 }, () => map([]))];
    expect(problem({ words, records: [{ set }] })).toContain("when unfolded");
  });
});

test("large values that are replaced or removed do not count for the records after them", () => {
  const words = ["a", "x".repeat(1_000_000), "b"];
  const large = { set: [{ name: 0, kind: text(1) }] };
  const small = [{ set: [{ name: 0, kind: text(2) }] }, large, { remove: [0] }, large, { fresh: true }];
  const request = { words, records: Array.from({ length: 15 }, () => [large, ...small]).flat() };
  expect(records(ReportRequest.create(request))).toHaveLength(90);
});

test("a value of a kind that is not known is an error where it is read, and nothing else is lost", () => {
  const request = ReportRequest.create({
    words: ["a", "b", "x"],
    records: [
      {
        set: [
          { name: 0, kind: { oneofKind: undefined } },
          { name: 1, kind: text(2) },
        ],
      },
    ],
  });
  expect(records(request)).toEqual([
    new Map<string, unknown>([
      ["a", new Invalid("of no kind that this version knows")],
      ["b", "x"],
    ]),
  ]);
});

test("bytes that are not UTF-8 are U+FFFD in records", () => {
  const bytes = ReportRequest.toBinary(
    ReportRequest.create({ words: ["a", "caf?"], records: [{ set: [{ name: 0, kind: text(1) }] }] }),
  );
  bytes[Buffer.from(bytes).indexOf("?")] = 0xe9;
  const decoded = decodeReport(ReportRequest.fromBinary(bytes, lenientReadOptions), MAX_ATTRIBUTES);
  expect(decoded).toEqual({ ok: true, records: [new Map([["a", "caf\ufffd"]])] });
});
