import { WireType } from "@protobuf-ts/runtime";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SocketAddress } from "#proto/envoy/config/core/v3/address";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { StringEntry } from "#proto/weir/wire/v1/entry";
import { ListValue, type Struct, Value } from "#proto/weir/wire/v1/struct";
import {
  hasInvalidBytes,
  lenientReadOptions,
  MAX_MESSAGE_DEPTH,
  MAX_MESSAGES,
  originalBytes,
  replaceInvalid,
} from "./lenient.ts";

/** As a client could send it: the bytes in a string field of a message. Behind it is a field whose tag begins like the rest of a character. */
function textOf(bytes: Uint8Array): string {
  const unknown = Buffer.of(0xa0, 0x06, 0x01);
  return StringEntry.fromBinary(Buffer.concat([field(2, bytes), unknown]), lenientReadOptions).value;
}

function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | WireType.LengthDelimited), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return Buffer.of(...bytes, value);
}

describe("text", () => {
  test.each([
    ["plain", "plain"],
    ["", ""],
    ["\u0000 and a tab\t", "\u0000 and a tab\t"],
    ["café 価格 🦊", "café 価格 🦊"],
    ["\ufeffbyte order mark stays", "\ufeffbyte order mark stays"],
    ["a real \ufffd stays", "a real \ufffd stays"],
    ["the highest \u{10ffff}", "the highest \u{10ffff}"],
  ])("%j that is UTF-8 arrives as it was sent", (sent, arrived) => {
    expect(textOf(Buffer.from(sent))).toBe(arrived);
    expect(hasInvalidBytes(arrived)).toBe(false);
  });

  test.each([
    ["a single byte", [0x61, 0xff, 0x62], "a\udcffb"],
    ["Latin-1", [0x63, 0x61, 0x66, 0xe9], "caf\udce9"],
    ["a continuation alone", [0x80], "\udc80"],
    ["the beginning of a character", [0xe2, 0x82, 0x41], "\udce2\udc82A"],
    ["a character whose rest seems to be behind the text", [0xe2, 0x82], "\udce2\udc82"],
    ["a character cut at the end", [0xf0, 0x9f, 0xa6], "\udcf0\udc9f\udca6"],
    ["a slash in the long form", [0xc0, 0xaf], "\udcc0\udcaf"],
    ["a slash in the longer form", [0xe0, 0x80, 0xaf], "\udce0\udc80\udcaf"],
    ["a surrogate", [0xed, 0xb2, 0x80], "\udced\udcb2\udc80"],
    ["more than Unicode has", [0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
    ["a bad byte after a pair", [0xf0, 0x9f, 0xa6, 0x8a, 0xff], "🦊\udcff"],
    ["a bad byte beside a real U+FFFD", [0xef, 0xbf, 0xbd, 0xff], "\ufffd\udcff"],
  ])("%s is kept byte by byte as lone surrogates", (_, bytes, text) => {
    expect(textOf(Uint8Array.from(bytes))).toBe(text);
    expect(hasInvalidBytes(text)).toBe(true);
    expect(replaceInvalid(text)).toBe(text.replace(/[\udc80-\udcff]/gu, "\ufffd"));
    expect([...originalBytes(text)]).toEqual(bytes);
  });

  test("no bytes are lost, whatever they are", () => {
    const almostText = fc.array(
      fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.string({ unit: "binary" }).map(Buffer.from)),
    );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), almostText.map(Buffer.concat)), (bytes) => {
        const text = textOf(bytes);
        expect(Buffer.from(originalBytes(text)).equals(bytes)).toBe(true);
        expect(hasInvalidBytes(text)).toBe(!isUtf8(bytes));
        expect(replaceInvalid(text).isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)).equals(bytes);
}

describe("what is not known", () => {
  test("is skipped and not kept", () => {
    const unknown = [
      Buffer.of((15 << 3) | WireType.Varint, 0x96, 0x01),
      Buffer.concat([Buffer.of((14 << 3) | WireType.Bit64), Buffer.alloc(8)]),
      Buffer.concat([Buffer.of((13 << 3) | WireType.Bit32), Buffer.alloc(4)]),
      field(12, Buffer.from("unknown")),
      Buffer.of((11 << 3) | WireType.StartGroup, 8, 1, 0x13, 0x14, (11 << 3) | WireType.EndGroup),
    ];
    const entry = Buffer.concat([...unknown, field(1, Buffer.from("k")), ...unknown, field(2, Buffer.from("v"))]);
    const read = StringEntry.fromBinary(entry, lenientReadOptions);
    expect(Reflect.ownKeys(read)).toEqual(["key", "value"]);
    expect(read).toEqual({ key: "k", value: "v" });
  });

  test("groups opened 2 million times and never closed end in a decode failure", () => {
    const groups = Buffer.alloc(2_000_000, (11 << 3) | WireType.StartGroup);
    expect(() => StringEntry.fromBinary(groups, lenientReadOptions)).toThrow("premature EOF");
  });

  test("groups nested 100,000 deep are skipped", () => {
    const groups = Buffer.concat([
      Buffer.alloc(100_000, 0x5b),
      Buffer.alloc(100_000, 0x5c),
      field(1, Buffer.from("k")),
    ]);
    expect(StringEntry.fromBinary(groups, lenientReadOptions).key).toBe("k");
  });
});

describe("nesting", () => {
  test("as deep as a JSON document of 100 levels can be read", () => {
    let value: Value = { kind: { oneofKind: "stringValue", stringValue: "bottom" } };
    for (let level = 0; level < 100; level++) {
      const structValue: Struct = { fields: [{ key: "a", value }] };
      value = { kind: { oneofKind: "structValue", structValue } };
    }
    const bytes = Value.toBinary(value);
    expect(Value.toBinary(Value.fromBinary(bytes, lenientReadOptions)).length).toBe(bytes.length);
  });

  test("up to the limit is read, one more is refused", () => {
    const nest = (depth: number): Buffer => {
      let bytes: Buffer = Buffer.alloc(0);
      for (let level = 0; level < depth; level++) bytes = field(level % 2 === 0 ? 6 : 1, bytes);
      return bytes;
    };
    // Ends with a Value around a ListValue.
    expect(() => ListValue.fromBinary(nest(MAX_MESSAGE_DEPTH), lenientReadOptions)).not.toThrow();
    expect(() => Value.fromBinary(nest(MAX_MESSAGE_DEPTH + 1), lenientReadOptions)).toThrow(
      "messages inside each other",
    );
  });

  test.each([
    ["lists", [6, 1]],
    ["structs", [5, 1, 2]],
  ])("20,000 %s inside each other are a decode failure, not a stack overflow", (_, numbers) => {
    let metadata: Buffer = Buffer.alloc(0);
    for (let level = 0; level < 20_000; level++) {
      for (const number of numbers.toReversed()) metadata = field(number, metadata);
    }
    // CheckRequest.attributes.metadata_context.filter_metadata[0].value.fields[0].value
    const bytes = [1, 11, 1, 2, 1, 2].reduceRight((inner: Buffer, number) => field(number, inner), metadata);
    expect(() => CheckRequest.fromBinary(bytes, lenientReadOptions)).toThrow(
      `more than ${MAX_MESSAGE_DEPTH} messages inside each other`,
    );
  });

  test("messages sent as numbers, to go round the count, are refused", () => {
    // Field 6 as a varint: generated code alone would take the number for the length of a list.
    const bytes = Buffer.alloc(
      40_000,
      Buffer.of((6 << 3) | WireType.Varint, 0xff, 0x7f, (1 << 3) | WireType.Varint, 0xff, 0x7f),
    );
    expect(() => Value.fromBinary(bytes, lenientReadOptions)).toThrow("where a message should be");
  });

  test("siblings do not count as nested", () => {
    const values = Array.from(
      { length: MAX_MESSAGE_DEPTH * 3 },
      (): Value => ({ kind: { oneofKind: "boolValue", boolValue: true } }),
    );
    const read = ListValue.fromBinary(ListValue.toBinary({ values }), lenientReadOptions);
    expect(read.values).toHaveLength(values.length);
  });

  test("numbers between messages are not taken for lengths", () => {
    const socketAddress = SocketAddress.create({ portSpecifier: { oneofKind: "portValue", portValue: 65_535 } });
    const peer = { address: { address: { oneofKind: "socketAddress" as const, socketAddress } } };
    const sent = CheckRequest.create({ attributes: { source: peer, destination: peer, tlsSession: { sni: "a" } } });
    expect(CheckRequest.fromBinary(CheckRequest.toBinary(sent), lenientReadOptions)).toEqual(sent);
  });
});

describe("what is no message", () => {
  test("a message longer than the one around it is refused", () => {
    // An outer field of 4 bytes whose inner message claims 40.
    const inner = Buffer.concat([Buffer.of((1 << 3) | WireType.LengthDelimited, 40), Buffer.of(0x0a, 0)]);
    const bytes = Buffer.concat([field(5, inner), Buffer.alloc(60)]);
    expect(() => Value.fromBinary(bytes, lenientReadOptions)).toThrow("ends after the one it is in");
  });

  test("more messages in one than anybody needs are refused before they are kept", () => {
    const empties = Buffer.alloc((MAX_MESSAGES + 1) * 2, field(1, Buffer.alloc(0)));
    expect(() => ListValue.fromBinary(empties, lenientReadOptions)).toThrow(`more than ${MAX_MESSAGES} messages`);
  });

  test("random bytes are read or refused with an Error", () => {
    const failure = (bytes: Uint8Array): unknown => {
      try {
        CheckRequest.fromBinary(bytes, lenientReadOptions);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect([undefined, expect.any(Error)]).toContainEqual(failure(bytes));
      }),
      { numRuns: 5_000 },
    );
  });
});
