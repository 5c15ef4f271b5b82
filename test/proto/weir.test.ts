import type { IMessageType } from "@protobuf-ts/runtime";
import { describe, expect, test } from "vitest";
import { Attribute, type AttributeValue, NullValue, type Value } from "#proto/weir/v1/attribute";
import { CheckRequest, CheckResponse, ReferencedAttribute_Condition, Verdict } from "#proto/weir/v1/check";
import { ReportRequest, ReportResponse } from "#proto/weir/v1/report";
import { CheckBatchRequest, CheckBatchResponse } from "#proto/weir/v1/stream";
import { lenientReadOptions } from "../../src/wire/lenient.ts";

function overTheWire<T extends object>(type: IMessageType<T>, message: T): T {
  return type.fromBinary(type.toBinary(message), lenientReadOptions);
}

const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;
const LARGEST_UNSIGNED = 2n ** 64n - 1n;

describe("an attribute", () => {
  test.each<[string, AttributeValue["kind"]]>([
    ["text", { oneofKind: "string", string: "价格 🦊 \u0000" }],
    ["empty text", { oneofKind: "string", string: "" }],
    ["the smallest int64", { oneofKind: "int64", int64: SMALLEST }],
    ["the largest int64", { oneofKind: "int64", int64: LARGEST }],
    ["an int64 beyond what a double holds", { oneofKind: "int64", int64: 2n ** 53n + 1n }],
    ["the largest uint64", { oneofKind: "uint64", uint64: LARGEST_UNSIGNED }],
    ["nought", { oneofKind: "uint64", uint64: 0n }],
    ["a double", { oneofKind: "double", double: 0.1 }],
    ["minus nought", { oneofKind: "double", double: -0 }],
    ["infinity", { oneofKind: "double", double: Number.NEGATIVE_INFINITY }],
    ["false", { oneofKind: "bool", bool: false }],
    ["bytes", { oneofKind: "bytes", bytes: Uint8Array.of(0, 0xff) }],
    ["a time", { oneofKind: "timestamp", timestamp: { seconds: -62_135_596_800n, nanos: 999_999_999 } }],
    ["a duration", { oneofKind: "duration", duration: { seconds: -1n, nanos: -500_000_000 } }],
    ["a map", { oneofKind: "stringMap", stringMap: { entries: [{ key: "", value: "" }] } }],
    ["an empty map", { oneofKind: "stringMap", stringMap: { entries: [] } }],
    ["a list", { oneofKind: "stringList", stringList: { items: ["", "a", "a"] } }],
    ["null", { oneofKind: "nested", nested: { kind: { oneofKind: "null", null: NullValue.UNSPECIFIED } } }],
  ])("holds %s", (_, kind) => {
    expect(overTheWire(Attribute, { name: "a", value: { kind } })).toStrictEqual({ name: "a", value: { kind } });
  });

  test("holds nested values of every kind", () => {
    const items: Value[] = [
      { kind: { oneofKind: "null", null: NullValue.UNSPECIFIED } },
      { kind: { oneofKind: "bool", bool: false } },
      { kind: { oneofKind: "int64", int64: SMALLEST } },
      { kind: { oneofKind: "uint64", uint64: LARGEST_UNSIGNED } },
      { kind: { oneofKind: "double", double: 0 } },
      { kind: { oneofKind: "string", string: "" } },
      { kind: { oneofKind: "bytes", bytes: new Uint8Array() } },
      { kind: { oneofKind: "timestamp", timestamp: { seconds: 0n, nanos: 0 } } },
      { kind: { oneofKind: "duration", duration: { seconds: 0n, nanos: 0 } } },
      { kind: { oneofKind: "list", list: { items: [] } } },
      { kind: { oneofKind: "map", map: { entries: [] } } },
    ];
    const nested: Value = { kind: { oneofKind: "list", list: { items } } };
    const attribute: Attribute = { name: "a", value: { kind: { oneofKind: "nested", nested } } };
    expect(overTheWire(Attribute, attribute)).toStrictEqual(attribute);
  });

  test("keeps keys called like something that objects have, in order and more than once", () => {
    const keys = ["__proto__", "constructor", "toString", "hasOwnProperty", "__proto__", ""];
    const entries = keys.map((key, index) => ({ key, value: String(index) }));
    const members = keys.map((key): { key: string; value: Value } => ({
      key,
      value: { kind: { oneofKind: "string", string: key } },
    }));
    const request = CheckRequest.create({
      attributes: [
        { name: "__proto__", value: { kind: { oneofKind: "stringMap", stringMap: { entries } } } },
        {
          name: "claims",
          value: { kind: { oneofKind: "nested", nested: { kind: { oneofKind: "map", map: { entries: members } } } } },
        },
      ],
    });
    expect(overTheWire(CheckRequest, request)).toStrictEqual(request);
  });

  test("of a kind from a later version arrives with none", () => {
    const later = Buffer.of(0x0a, 1, "a".charCodeAt(0), 0x12, 3, 0xf8, 0x01, 0x01);
    expect(Attribute.fromBinary(later, lenientReadOptions)).toStrictEqual({
      name: "a",
      value: { kind: { oneofKind: undefined } },
    });
  });
});

describe("a Check", () => {
  test("asks for quotas: an amount that is not named and one that is 0 are told apart", () => {
    const request = CheckRequest.create({
      quotas: [
        { name: "checkout/orders", bestEffort: true },
        { name: "checkout/orders", amount: 0n },
        { name: "checkout/bytes", amount: LARGEST_UNSIGNED },
      ],
      quotaOnly: true,
      deduplicationId: "d-1",
    });
    const read = overTheWire(CheckRequest, request);
    expect(read).toStrictEqual(request);
    expect(read.quotas.map(({ amount }) => amount)).toEqual([undefined, 0n, LARGEST_UNSIGNED]);
  });

  test("is answered with everything that the answer has", () => {
    const response: CheckResponse = {
      verdict: Verdict.LIMITED,
      reason: "limit",
      statusCode: 8,
      statusMessage: "limited",
      rule: { name: "checkout/orders-per-customer", location: "checkout.yaml:17" },
      snapshot: "9f3c2ab",
      decisionId: "01J0000001",
      requestHeaders: { set: [{ name: "x-a", value: "" }], add: [{ name: "x-b", value: "1" }], remove: ["x-c"] },
      responseHeaders: {
        set: [],
        add: [
          { name: "set-cookie", value: "a" },
          { name: "set-cookie", value: "b" },
        ],
        remove: [],
      },
      query: { set: [{ name: "__proto__", value: "a b" }], remove: ["q"] },
      directResponse: { status: 429, headers: [{ name: "retry-after", value: "3" }], body: "Slow down." },
      validity: {
        duration: { seconds: 30n, nanos: 0 },
        useCount: 1_000,
        referenced: [
          { attribute: "request.headers", key: "", condition: ReferencedAttribute_Condition.ABSENT },
          { attribute: "request.method", condition: ReferencedAttribute_Condition.EXACT },
        ],
      },
      quotas: [
        {
          name: "a/b",
          verdict: Verdict.ALLOWED,
          reason: "",
          granted: LARGEST_UNSIGNED,
          remaining: 0n,
          validity: { useCount: 0, referenced: [] },
        },
        { name: "a/c", verdict: Verdict.LIMITED, reason: "limit", granted: 0n, retryAfter: { seconds: 2n, nanos: 1 } },
      ],
    };
    expect(overTheWire(CheckResponse, response)).toStrictEqual(response);
  });

  test("that is answered with nothing was not answered: no bytes say yes", () => {
    expect(CheckResponse.fromBinary(new Uint8Array(), lenientReadOptions).verdict).toBe(Verdict.UNSPECIFIED);
    expect(Verdict.UNSPECIFIED).not.toBe(Verdict.ALLOWED);
  });

  test("may stand in a batch, and a failure is told apart from a refusal and from nothing", () => {
    const request = CheckBatchRequest.create({
      items: [{ id: LARGEST_UNSIGNED, check: { deduplicationId: "d" } }, { id: 0n }],
    });
    expect(overTheWire(CheckBatchRequest, request)).toStrictEqual(request);
    const response = CheckBatchResponse.create({
      items: [
        { id: 1n, answer: { oneofKind: "decision", decision: CheckResponse.create({ verdict: Verdict.DENIED }) } },
        { id: 2n, answer: { oneofKind: "failure", failure: { statusCode: 14, message: "draining" } } },
        { id: 3n, answer: { oneofKind: undefined } },
      ],
    });
    expect(overTheWire(CheckBatchResponse, response)).toStrictEqual(response);
    const notice = CheckBatchResponse.create({ notice: { snapshot: "9f3c2ab" } });
    expect(overTheWire(CheckBatchResponse, notice)).toStrictEqual(notice);
  });
});

describe("a Report", () => {
  test("carries deltas of every kind", () => {
    const request: ReportRequest = {
      words: ["__proto__", "", "a", "a"],
      records: [
        {
          set: [
            { name: 0, kind: { oneofKind: "string", string: 0 } },
            { name: 1, kind: { oneofKind: "int64", int64: SMALLEST } },
            { name: 2, kind: { oneofKind: "uint64", uint64: LARGEST_UNSIGNED } },
            { name: 3, kind: { oneofKind: "double", double: 0 } },
            { name: 0, kind: { oneofKind: "bool", bool: false } },
            { name: 0, kind: { oneofKind: "bytes", bytes: Uint8Array.of(1) } },
            { name: 0, kind: { oneofKind: "timestamp", timestamp: { seconds: 0n, nanos: 0 } } },
            { name: 0, kind: { oneofKind: "duration", duration: { seconds: 0n, nanos: 0 } } },
            {
              name: 0,
              kind: { oneofKind: "stringMap", stringMap: { set: [{ key: 0, value: 1 }], remove: [0, 3], fresh: true } },
            },
            { name: 0, kind: { oneofKind: "stringList", stringList: { items: [0, 0, 4_294_967_295] } } },
            { name: 0, kind: { oneofKind: "nested", nested: { kind: { oneofKind: "int64", int64: LARGEST } } } },
          ],
          remove: [0, 1, 300],
          fresh: true,
        },
        { set: [], remove: [], fresh: false },
      ],
      reportId: "r-1",
    };
    expect(overTheWire(ReportRequest, request)).toStrictEqual(request);
  });

  test("a record that changes nothing takes two bytes, an attribute that took another word's value six", () => {
    const size = (records: ReportRequest["records"]): number =>
      ReportRequest.toBinary({ words: [], records, reportId: "" }).length;
    expect(size([{ set: [], remove: [], fresh: false }])).toBe(2);
    expect(size([{ set: [{ name: 1, kind: { oneofKind: "string", string: 2 } }], remove: [], fresh: false }])).toBe(
      2 + 6,
    );
  });

  test("says how many records were taken", () => {
    expect(overTheWire(ReportResponse, { accepted: 3, alreadyAccepted: true })).toStrictEqual({
      accepted: 3,
      alreadyAccepted: true,
    });
  });
});
