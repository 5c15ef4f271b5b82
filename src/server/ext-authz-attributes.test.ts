import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { type Random, randomNumbers } from "../../test/random.ts";
import * as oracle from "../../test/server/ext-authz-oracle.ts";
import { fakeCall, recorded } from "../../test/server/fakes.ts";
import { delimited, mutate, randomMessage } from "../../test/wire/random-messages.ts";
import { bindReaders, readerSource } from "../attribute/readers.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { Invalid } from "../attribute/value.ts";
import { readFields } from "../wire/field-reader.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { AuthSource, type BoundAttributes, bindAttributes, EXT_AUTHZ_ATTRIBUTES } from "./ext-authz-attributes.ts";
import { MAX_NAMED_KEYS } from "./ext-authz-fields.ts";
import { AuthRequest, type ExtAuthzSettings } from "./ext-authz-request.ts";

const NAMES = [...EXT_AUTHZ_ATTRIBUTES.keys()];
const { peer } = fakeCall();
const SETTINGS: ExtAuthzSettings = { jwt: { namespace: "jwt_authn", key: "jwt" }, pathParams: "keep" };

/** Names as rules write them: of headers and others, in the wrong case, of pseudo-headers, of nothing. */
const KEYS = ["x-user", "cookie", "x-uses", "X-User", ":path", "\u212aey", "key", "ä", "", "constructor", "jwt_authn"];

interface Reading {
  readonly slots: readonly SlotSpec[];
  readonly bound: BoundAttributes;
}

/** As a snapshot that reads these attributes, and of maps these keys by name. */
function reading(names: readonly string[], keys: readonly string[]): Reading {
  const slots = names.map((name, slot) => ({ slot, name, keys }));
  return { slots, bound: bindAttributes(slots, SETTINGS.jwt.namespace) };
}

/** Everything; each attribute alone; keys that are named and keys that are not. */
const READINGS = [
  reading(NAMES, KEYS),
  reading(NAMES, []),
  reading(NAMES, KEYS.slice(0, 2)),
  ...NAMES.map((name) => reading([name], KEYS)),
];

function byFields(bytes: Uint8Array, { bound }: Reading): AttributeSource | undefined {
  const ranges = readFields(bound.fields.selection, bytes);
  return ranges && new AuthSource(bound, new AuthRequest(ranges, bound.fields, peer, SETTINGS));
}

function byDecoding(bytes: Uint8Array, { slots }: Reading): AttributeSource | undefined {
  try {
    const { attributes } = CheckRequest.fromBinary(new Uint8Array(bytes), lenientReadOptions);
    const request = new oracle.AuthRequest(attributes ?? { contextExtensions: [] }, peer, SETTINGS);
    return readerSource(bindReaders(oracle.EXT_AUTHZ_READERS, slots), request);
  } catch {
    // What is no message.
    return undefined;
  }
}

/** Fails unless every attribute, and every key of it, is the same; keys first or maps first. @returns whether the message was read. */
function compare(bytes: Uint8Array, one: Reading, keysFirst: boolean): boolean {
  const fast = byFields(bytes, one);
  const slow = byDecoding(bytes, one);
  // What is refused although it can be decoded is told in src/wire/field-reader.test.ts.
  if (fast === undefined) return false;
  if (slow === undefined) throw new Error(`taken, and cannot be decoded: ${Buffer.from(bytes).toString("hex")}`);
  const same = (what: string, read: (source: AttributeSource) => unknown): void => {
    if (!isDeepStrictEqual(read(fast), read(slow))) {
      expect({ what, value: read(fast) }).toEqual({ what, value: read(slow) });
      throw new Error(`${what} differs in ${Buffer.from(bytes).toString("hex")}`);
    }
  };
  const whole = (): void => {
    for (const { slot, name } of one.slots) {
      same(name, (source) => source.read(slot));
      same(`entries of ${name}`, (source) => source.entries(slot));
    }
  };
  if (!keysFirst) whole();
  for (const { slot, name } of one.slots) {
    for (const key of KEYS) same(`${name}[${key}]`, (source) => source.readKey(slot, key));
  }
  if (keysFirst) whole();
  return true;
}

const TEXTS = [
  ...KEYS,
  ...["GET", "OPTIONS", "*", "/a/../b?x=1&y=%20", "spiffe://shop/web", "x-request-id", "referer", "user-agent"],
  ...["x-envoy-auth-partial-body", "true", "content-type", "application/grpc", "traceparent", "a, b", "%41", "%4"],
  ...["jwt", "sub", "iss", "aud", "azp", "x".repeat(130)],
];
const RECORDED = recorded("ext_authz").map(({ bytes }) => bytes);
const SMALL = RECORDED.filter(({ length }) => length < 3_000);

function random(seed: number): { next: Random; made: () => Buffer; sent: () => Uint8Array } {
  const next = randomNumbers(seed);
  return {
    next,
    made: () => randomMessage(CheckRequest, next, { texts: TEXTS, fields: 60 }),
    sent: () => SMALL[next(SMALL.length)] ?? new Uint8Array(),
  };
}

/** @returns how many messages were read. Each run is many, for making a run takes longer than most of them. */
function manyTimes(make: (from: ReturnType<typeof random>) => Uint8Array): number {
  let read = 0;
  const property = fc.property(fc.integer(), (seed) => {
    const from = random(seed);
    for (let message = 0; message < 300; message++) {
      const one = READINGS[from.next(READINGS.length)];
      if (one && compare(make(from), one, from.next(2) === 0)) read++;
    }
  });
  fc.assert(property, { numRuns: 80 });
  return read;
}

describe("every attribute", () => {
  test("of what real Envoys sent is what decoding the message says, however much of it is read", () => {
    for (const bytes of RECORDED) for (const one of READINGS) expect(compare(bytes, one, true)).toBe(true);
  });

  test("of any message is what decoding it says", () => {
    expect(manyTimes(({ made }) => made())).toBeGreaterThan(15_000);
  });

  test("of a broken message is what decoding it says, if it is read at all", () => {
    expect(manyTimes(({ next, made }) => mutate(made(), made(), next))).toBeGreaterThan(1_000);
    expect(manyTimes(({ next, made, sent }) => mutate(sent(), next(2) === 0 ? sent() : made(), next))).toBeGreaterThan(
      500,
    );
  });
});

describe("headers", () => {
  const entry = (key: string, value: string): Buffer =>
    Buffer.concat([delimited(1, Buffer.from(key)), delimited(2, Buffer.from(value, "latin1"))]);
  /** attributes.request.http */
  const request = (...http: readonly Buffer[]): Buffer =>
    delimited(1, delimited(4, Buffer.concat(http.map((part) => delimited(2, part)))));
  const headers = (...pairs: readonly (readonly [string, string])[]): Buffer =>
    request(Buffer.concat(pairs.map(([key, value]) => delimited(3, entry(key, value)))));
  const ALL = reading(["request.headers"], KEYS);
  const headerOf = (bytes: Uint8Array, key: string) => byFields(bytes, ALL)?.readKey(0, key);

  test("that are not UTF-8 are errors where they are read, and nowhere else", () => {
    const bytes = headers(["x-user", "\xe9"], ["cookie", "a=1"]);
    expect(headerOf(bytes, "x-user")).toBeInstanceOf(Invalid);
    expect(headerOf(bytes, "cookie")).toBe("a=1");
  });

  test("that differ from a name only in what is no letter of ASCII are others", () => {
    expect(headerOf(headers(["\u212aey", "forged"]), "key")).toBeTypeOf("symbol");
    expect(headerOf(headers(["KEY", "sent"]), "key")).toBe("sent");
  });

  test("sent again, in two parts of the request, are joined", () => {
    const first = delimited(3, entry("cookie", "a=1"));
    expect(headerOf(request(first, delimited(3, entry("Cookie", "b=2"))), "cookie")).toBe("a=1; b=2");
  });

  test("more than are picked by name are found all the same", () => {
    const many = Array.from({ length: MAX_NAMED_KEYS * 2 }, (_, index) => `x-${index}`);
    const one = reading(["request.headers"], many);
    const source = byFields(headers(...many.map((name) => [name, `of ${name}`] as const)), one);
    for (const name of many) expect(source?.readKey(0, name)).toBe(`of ${name}`);
  });

  test("in a flood of ten thousand are what they are, and one sent ten thousand times is joined", () => {
    const flood = headers(
      ...Array.from({ length: 10_000 }, (_, index) => [index % 2 ? "x-user" : `x-${index}`, "a"] as const),
    );
    expect(compare(flood, ALL, true)).toBe(true);
    expect(compare(flood, ALL, false)).toBe(true);
  });

  test("may be four megabytes", () => {
    const big = headers(["x-user", "a".repeat(4 * 1024 * 1024)], ["cookie", "b"]);
    expect(headerOf(big, "cookie")).toBe("b");
    expect(String(headerOf(big, "x-user"))).toHaveLength(4 * 1024 * 1024);
  });
});

test("an attribute made of a field that its row does not name is a bug of ours, and not absent", () => {
  const { bound } = reading(["request.host"], []);
  const ranges = readFields(bound.fields.selection, new Uint8Array());
  if (ranges === undefined) throw new Error("no message");
  const astray = new AuthRequest(ranges, bound.fields, peer, SETTINGS);
  expect(() => astray.text("scheme")).toThrow(/not selected/);
});
