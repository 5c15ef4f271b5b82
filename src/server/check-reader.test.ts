import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { AttributeValue, Value } from "#proto/weir/v1/attribute";
import { CheckRequest } from "#proto/weir/v1/check";
import { fakeSnapshot } from "../../test/server/fakes.ts";
import { parseType } from "../attribute/type.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";
import { VOCABULARY } from "../attribute/vocabulary.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { decodeCheck, type SentCheck } from "./check-decoder.ts";
import { CheckReader } from "./check-reader.ts";
import { CheckTable } from "./check-table.ts";
import type { Grants } from "./grants.ts";
import { declaredTypes } from "./weir-attributes.ts";

/** Whatever the reader takes, it takes as decoding does: that is the oracle of all that follows. */
const MAX_ATTRIBUTES = 40;
const PEER = { address: "10.0.0.9:4711", principal: "spiffe://shop/a", local: false };
const DECLARED = [
  "string",
  "int",
  "uint",
  "double",
  "map(string, string)",
  "map(string, dyn)",
  "list(string)",
  "dyn",
] as const;
const declared = DECLARED.map((type, index) => ({ name: `shop.${index}`, type: parseType(type), carried: false }));
const all = VOCABULARY.map(({ name, type }) => ({ name, type: parseType(type), carried: false }));
const SNAPSHOTS = [
  fakeSnapshot({ slots: [...all, ...declared] }),
  fakeSnapshot({ slots: [...declared, ...all.filter((_, index) => index % 3 === 0)], pathParams: "keep" }),
  fakeSnapshot({ slots: all.filter(({ name }) => name === "request.headers" || name === "request.canonical_path") }),
];
const READERS = SNAPSHOTS.map((snapshot) => {
  const { pathParams } = snapshot.plan.settings;
  const reader = new CheckReader({ table: new CheckTable(snapshot), maxAttributes: MAX_ATTRIBUTES, pathParams });
  return { snapshot, reader, declared: declaredTypes(snapshot), pathParams, maps: mapSlots(snapshot) };
});
const KEYS = ["x-a", "X-A", "x-kind", "traceparent", ":path", "", "constructor", "k\u212a", "é", "\udcff"];

/** @returns in which of the two ways anything is told apart; undefined where nothing is, or where the reader leaves it to decoding. */
function difference(bytes: Uint8Array, assertSource: boolean, keysFirst: boolean): string | undefined {
  const grants: Grants = { check: true, quotaOnly: true, report: true, assertSource, proxy: true };
  for (const { snapshot, reader, declared: types, pathParams, maps } of READERS) {
    const read = reader.read(bytes, PEER, grants);
    if (read === undefined) continue;
    const { slots } = snapshot;
    const options = { peer: PEER, grants, declared: types, slots, maxAttributes: MAX_ATTRIBUTES, pathParams };
    const decoded = decodeCheck(bytes, options);
    if (decoded === undefined || decoded.problem !== undefined) return `taken, and ${decoded?.problem ?? "no message"}`;
    for (const what of ["quotas", "quotaOnly", "deduplicationId"] as const) {
      if (!isDeepStrictEqual(read[what], decoded[what])) return what;
    }
    const order = keysFirst ? [keysOf, wholesOf] : [wholesOf, keysOf];
    for (const look of order) {
      const [one, other] = [look(read, slots.length, maps), look(decoded, slots.length, maps)];
      const at = one.findIndex((value, index) => !isDeepStrictEqual(value, other[index]));
      if (at >= 0) return `${look.name} ${at}: ${String(one[at])} and not ${String(other[at])}`;
    }
  }
  return undefined;
}

/** The slots of maps, of what may be one, and of one that is none. */
function mapSlots(snapshot: Snapshot): readonly number[] {
  const maps = snapshot.slots.filter(({ slot, name }) => {
    const type = snapshot.plan.slots[slot]?.type?.kind;
    return type === "map" || type === "dyn" || name === "request.method" || name === "peer.address";
  });
  return maps.map(({ slot }) => slot);
}

function keysOf({ attributes }: SentCheck, _: number, maps: readonly number[]): unknown[] {
  const values: unknown[] = [attributes.textHeader("traceparent")];
  for (const slot of maps) for (const key of [...KEYS, "x-a"]) values.push(attributes.readKey(slot, key));
  return values;
}

function isAbsent(attributes: SentCheck["attributes"], slot: number): boolean {
  return attributes.isAbsent?.(slot) ?? attributes.read(slot) === ABSENT;
}

function wholesOf({ attributes }: SentCheck, slots: number, maps: readonly number[]): unknown[] {
  const values: unknown[] = [];
  for (let slot = 0; slot < slots; slot++) values.push(isAbsent(attributes, slot), attributes.read(slot));
  for (const slot of maps) values.push(attributes.entries(slot), attributes.read(slot));
  return values;
}

const isTaken = (bytes: Uint8Array): boolean =>
  READERS.every(
    ({ reader }) =>
      reader.read(bytes, PEER, { check: true, quotaOnly: true, report: true, assertSource: true, proxy: true }) !==
      undefined,
  );

// Text as it may come: bytes that are no UTF-8 are put in afterwards, in place of these letters.
const text = fc.oneof(
  fc.constantFrom("", "GET", "/a/../b?c=d", "é", "\u212a", "ÿÿÿ", "x".repeat(200)),
  fc.string({ maxLength: 12 }),
);
const key = fc.oneof(fc.constantFrom(...KEYS.filter((one) => one.isWellFormed())), fc.string({ maxLength: 6 }));
const stringMap = fc.array(fc.record({ key, value: text }), { maxLength: 5 }).map((entries) => ({ entries }));
const moment = fc.record({
  seconds: fc.constantFrom(0n, 5n, -1n, 1n << 40n, -(1n << 62n)),
  nanos: fc.constantFrom(0, 7, -1, 1_500_000_000),
});
const int64 = fc.constantFrom(0n, 1n, -1n, 300n, 2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n);
const uint64 = fc.constantFrom(0n, 1n, 300n, 2n ** 49n, 2n ** 63n, 2n ** 64n - 1n);
const { nested } = fc.letrec<{ nested: Value }>((tie) => ({
  nested: fc.oneof(
    { depthSize: "small" },
    text.map((string): Value => ({ kind: { oneofKind: "string", string } })),
    int64.map((value): Value => ({ kind: { oneofKind: "int64", int64: value } })),
    fc.constant<Value>({ kind: { oneofKind: undefined } }),
    fc.array(tie("nested"), { maxLength: 3 }).map((items): Value => ({ kind: { oneofKind: "list", list: { items } } })),
    fc
      .array(fc.record({ key, value: tie("nested") }), { maxLength: 3 })
      .map((entries): Value => ({ kind: { oneofKind: "map", map: { entries } } })),
  ),
}));
const kind = fc.oneof(
  text.map((string): AttributeValue["kind"] => ({ oneofKind: "string", string })),
  stringMap.map((value): AttributeValue["kind"] => ({ oneofKind: "stringMap", stringMap: value })),
  fc
    .array(text, { maxLength: 3 })
    .map((items): AttributeValue["kind"] => ({ oneofKind: "stringList", stringList: { items } })),
  int64.map((value): AttributeValue["kind"] => ({ oneofKind: "int64", int64: value })),
  uint64.map((value): AttributeValue["kind"] => ({ oneofKind: "uint64", uint64: value })),
  fc.double().map((double): AttributeValue["kind"] => ({ oneofKind: "double", double })),
  fc.boolean().map((bool): AttributeValue["kind"] => ({ oneofKind: "bool", bool })),
  fc.uint8Array({ maxLength: 5 }).map((bytes): AttributeValue["kind"] => ({ oneofKind: "bytes", bytes })),
  moment.map((timestamp): AttributeValue["kind"] => ({ oneofKind: "timestamp", timestamp })),
  moment.map((duration): AttributeValue["kind"] => ({ oneofKind: "duration", duration })),
  nested.map((value): AttributeValue["kind"] => ({ oneofKind: "nested", nested: value })),
  fc.constant<AttributeValue["kind"]>({ oneofKind: undefined }),
);

/** The kinds that callers send an attribute of each type as. */
const USUAL: Readonly<Record<string, readonly AttributeValue["kind"]["oneofKind"][]>> = {
  string: ["string"],
  int: ["int64", "uint64"],
  uint: ["uint64", "int64"],
  double: ["double", "int64"],
  bool: ["bool"],
  bytes: ["bytes"],
  timestamp: ["timestamp"],
  duration: ["duration"],
  "map(string, string)": ["stringMap"],
  "map(string, dyn)": ["nested", "stringMap"],
  "list(string)": ["stringList"],
};
const typed = [
  ...VOCABULARY.map(({ name, type }) => [name, type] as const),
  ...DECLARED.map((type, index) => [`shop.${index}`, type] as const),
];
/** An attribute with a value that it may well have. */
const usual = fc
  .tuple(fc.constantFrom(...typed), fc.array(kind, { minLength: 12, maxLength: 12 }))
  .map(([[name, type], kinds]) => ({
    name,
    value: {
      kind: kinds.find(({ oneofKind }) => USUAL[type]?.includes(oneofKind) ?? true) ?? { oneofKind: undefined },
    },
  }));
const odd = fc.record({
  name: fc.oneof(fc.constantFrom(...typed.map(([name]) => name)), key),
  value: fc.record({ kind }),
});
const quotas = fc.array(fc.record({ name: text, amount: uint64, bestEffort: fc.boolean() }), { maxLength: 1 });
const request = fc.record({
  attributes: fc.oneof(
    { weight: 4, arbitrary: fc.uniqueArray(usual, { maxLength: 12, selector: ({ name }) => name }) },
    { weight: 1, arbitrary: fc.array(fc.oneof(usual, odd), { maxLength: 8 }) },
  ),
  quotas,
  quotaOnly: fc.boolean(),
  deduplicationId: text,
});

/** The letters that stand for bytes which are no UTF-8 become them. */
function withBadText(bytes: Uint8Array): Buffer {
  const bad = Buffer.from(bytes);
  for (let at = bad.indexOf("ÿ"); at >= 0; at = bad.indexOf("ÿ", at + 1)) bad[at + 1] = 0xff;
  return bad;
}

describe("a native Check is read as it is decoded", () => {
  test("when it is written as encoders write it", () => {
    let taken = 0;
    let sent = 0;
    fc.assert(
      fc.property(request, fc.boolean(), fc.boolean(), (message, assertSource, keysFirst) => {
        const bytes = withBadText(CheckRequest.toBinary(message));
        sent += 1;
        taken += isTaken(bytes) ? 1 : 0;
        expect(difference(bytes, assertSource, keysFirst)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
    expect(taken).toBeGreaterThan(sent / 4);
  });

  test("when anything in its bytes was changed, left out, said twice or cut off", () => {
    const change = fc.tuple(fc.constantFrom("set", "flip", "cut", "leave", "twice", "insert"), fc.nat(), fc.nat(400));
    let taken = 0;
    fc.assert(
      fc.property(
        request,
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (message, changes, keysFirst) => {
          let bytes: Buffer = withBadText(CheckRequest.toBinary(message));
          for (const [what, place, how] of changes) bytes = changed(bytes, what, place % (bytes.length + 1), how);
          taken += isTaken(bytes) ? 1 : 0;
          expect(difference(bytes, true, keysFirst)).toBeUndefined();
        },
      ),
      { numRuns: 4_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test("cut anywhere, and with any one byte changed", () => {
    const whole = CheckRequest.toBinary(CheckRequest.create({ attributes: EVERY_KIND, deduplicationId: "d" }));
    expect(isTaken(whole)).toBe(true);
    for (let end = 0; end <= whole.length; end++)
      expect(difference(whole.subarray(0, end), true, true)).toBeUndefined();
    for (let at = 0; at < whole.length; at++) {
      for (const byte of [0, 1, 2, 8, 0x0a, 0x12, 0x5a, 0x7f, 0x80, 0xff, (whole[at] ?? 0) ^ 1]) {
        const bytes = new Uint8Array(whole);
        bytes[at] = byte;
        expect(difference(bytes, true, at % 2 === 0)).toBeUndefined();
      }
    }
  });
});

function changed(bytes: Buffer, what: string, place: number, how: number): Buffer {
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (what) {
    case "set":
    case "flip": {
      const copy = Buffer.from(bytes);
      if (place < copy.length) copy[place] = what === "set" ? how & 0xff : (copy[place] ?? 0) ^ (1 << (how & 7));
      return copy;
    }
    case "cut":
      return before;
    case "leave":
      return Buffer.concat([before, after.subarray(how & 7)]);
    case "twice":
      return Buffer.concat([bytes, bytes.subarray(place, place + how)]);
    default:
      return Buffer.concat([before, Buffer.of(how & 0xff), after]);
  }
}

const EVERY_KIND = [
  ["request.method", { oneofKind: "string", string: "GET" }],
  ["request.path", { oneofKind: "string", string: "/a/../b?c=d" }],
  [
    "request.headers",
    {
      oneofKind: "stringMap",
      stringMap: {
        entries: [
          { key: "X-A", value: "1" },
          { key: "x-b", value: "" },
        ],
      },
    },
  ],
  ["request.size", { oneofKind: "int64", int64: -5n }],
  ["connection.id", { oneofKind: "uint64", uint64: 2n ** 60n }],
  ["request.time", { oneofKind: "timestamp", timestamp: { seconds: 1_795_235_251n, nanos: 5 } }],
  ["request.auth.audiences", { oneofKind: "stringList", stringList: { items: ["a", ""] } }],
  [
    "request.auth.claims",
    { oneofKind: "nested", nested: { kind: { oneofKind: "map", map: { entries: [{ key: "sub" }] } } } },
  ],
  ["connection.mtls", { oneofKind: "bool", bool: true }],
  ["shop.3", { oneofKind: "double", double: 1.5 }],
  ["unknown.name", { oneofKind: "string", string: "passed over" }],
].map(([name, kind]) => ({ name, value: { kind } })) as { name: string; value: AttributeValue }[];

describe("a native Check is left to decoding", () => {
  const attribute = (name: string, kind: AttributeValue["kind"]) => ({ name, value: { kind } });
  const GET = attribute("request.method", { oneofKind: "string", string: "GET" });

  test.each([
    ["an attribute that comes twice", [GET, GET]],
    ["a value of another type", [attribute("request.method", { oneofKind: "bool", bool: true })]],
    ["an attribute without a value", [{ name: "request.method" }]],
    ["too many attributes", Array.from({ length: MAX_ATTRIBUTES + 1 }, (_, n) => ({ ...GET, name: `a.b${n}` }))],
  ])("with %s", (_, attributes) => {
    expect(isTaken(CheckRequest.toBinary(CheckRequest.create({ attributes })))).toBe(false);
  });

  test("with fields in another order, fields of later versions, longer lengths than needed", () => {
    const method = Buffer.from(CheckRequest.toBinary(CheckRequest.create({ attributes: [GET] })));
    expect(isTaken(method)).toBe(true);
    const value = method.subarray(2 + 2 + "request.method".length);
    const name = method.subarray(2, 2 + 2 + "request.method".length);
    const turned = Buffer.concat([method.subarray(0, 2), value, name]);
    const later = Buffer.concat([method, Buffer.from([0x7a, 1, 0])]);
    const group = Buffer.concat([method, Buffer.from([0x7b, 0x7c])]);
    for (const bytes of [turned, later, group]) expect(isTaken(bytes)).toBe(false);
  });

  test("and never for what a caller may not say", () => {
    const source = attribute("source.principal", { oneofKind: "bool", bool: true });
    const grants: Grants = { check: true, quotaOnly: true, report: true, assertSource: false, proxy: true };
    const bytes = CheckRequest.toBinary(CheckRequest.create({ attributes: [source, source] }));
    for (const { reader } of READERS) expect(reader.read(bytes, PEER, grants)).toBeDefined();
  });
});

test("a header that comes twice, in whatever spelling, is an error where it is read", () => {
  const entries = [
    { key: "X-A", value: "1" },
    { key: "x-a", value: "2" },
  ];
  const headers = {
    name: "request.headers",
    value: { kind: { oneofKind: "stringMap", stringMap: { entries } } },
  } as const;
  const bytes = CheckRequest.toBinary(CheckRequest.create({ attributes: [headers] }));
  const [{ reader, snapshot }] = READERS as [(typeof READERS)[number]];
  const grants: Grants = { check: true, quotaOnly: true, report: true, assertSource: true, proxy: true };
  const slot = snapshot.slots.findIndex(({ name }) => name === "request.headers");
  expect(reader.read(bytes, PEER, grants)?.attributes.readKey(slot, "x-a")).toBeInstanceOf(Invalid);
});
