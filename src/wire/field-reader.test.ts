import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Metadata } from "#proto/envoy/config/core/v3/base";
import { CheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { Struct } from "#proto/weir/wire/v1/struct";
import { type Random, randomNumbers } from "../../test/random.ts";
import { delimited, mutate, randomMessage, varint } from "../../test/wire/random-messages.ts";
import { type Strictness, strictness } from "../../test/wire/strict-judge.ts";
import { readFields } from "./field-reader.ts";
import { type FieldRow, selectFields } from "./field-selection.ts";
import { lenientReadOptions, MAX_MESSAGE_DEPTH, MAX_MESSAGES } from "./lenient.ts";

const KEYS = ["x-user", "cookie", "x-uses", ":path", "Mixed"];

/** One of everything that can be read: scalars, members of oneofs, messages, entries by key. */
const ROWS = [
  { path: "attributes.request.http.method" },
  { path: "attributes.request.http.raw_body" },
  { path: "attributes.request.http.size" },
  { path: "attributes.request.http" },
  { path: "attributes.source.principal" },
  { path: "attributes.source.address.socket_address.address" },
  { path: "attributes.source.address.socket_address.port_value" },
  { path: "attributes.source.address.pipe.path" },
  { path: "attributes.metadata_context" },
  { path: "attributes.request.http.headers", keys: KEYS, ignoreCase: true },
  { path: "attributes.context_extensions", keys: KEYS },
] as const satisfies readonly FieldRow[];

const SELECTION = selectFields(CheckRequest, ROWS);

/** What the rows hold, read by fields; undefined where that refuses. */
function byFields(bytes: Uint8Array) {
  const ranges = readFields(SELECTION, bytes);
  if (ranges === undefined) return undefined;
  const [method, rawBody, size, http, principal, address, port, pipe, metadata, headers, context] =
    SELECTION.firstSlots;
  const slot = (known: number | undefined): number => known ?? -1;
  const picked = (first: number | undefined): number[] =>
    KEYS.map((_, key) => ranges.places(slot(first) + key).length / 2);
  return {
    method: ranges.text(slot(method)),
    rawBody: ranges.part(slot(rawBody)).toString("hex"),
    size: ranges.int64(slot(size)),
    http: ranges.has(slot(http)),
    principal: ranges.text(slot(principal)),
    address: ranges.text(slot(address)),
    port: ranges.has(slot(port)) ? ranges.uint32(slot(port)) : undefined,
    pipe: ranges.text(slot(pipe)),
    metadata: ranges.part(slot(metadata)),
    headers: picked(headers),
    context: picked(context),
  };
}

/** The same by protobuf-ts. */
function byDecoding(bytes: Uint8Array) {
  const attributes = decoded(bytes)?.attributes;
  const http = attributes?.request?.http;
  const address = attributes?.source?.address?.address;
  const socket = address?.oneofKind === "socketAddress" ? address.socketAddress : undefined;
  const count = (entries: readonly { readonly key: string }[] = [], fold: (key: string) => string): number[] =>
    KEYS.map((wanted) => entries.filter(({ key }) => fold(key) === wanted).length);
  return {
    method: http?.method ?? "",
    rawBody: Buffer.from(http?.rawBody ?? []).toString("hex"),
    size: http?.size ?? 0n,
    http: http !== undefined,
    principal: attributes?.source?.principal ?? "",
    address: socket?.address ?? "",
    port: socket?.portSpecifier.oneofKind === "portValue" ? socket.portSpecifier.portValue : undefined,
    pipe: address?.oneofKind === "pipe" ? address.pipe.path : "",
    metadata: attributes?.metadataContext ?? { filterMetadata: [], typedFilterMetadata: [] },
    // As letters of ASCII alone: of no other is a name of a header.
    headers: count(http?.headers, (key) => key.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())),
    context: count(attributes?.contextExtensions, (key) => key),
  };
}

function decoded(bytes: Uint8Array): CheckRequest | undefined {
  try {
    return CheckRequest.fromBinary(bytes, lenientReadOptions);
  } catch {
    // What is no message: the question that is asked here.
    return undefined;
  }
}

type Outcome = "same" | "refused by both" | Strictness;

/** Fails unless both ways agree, or the judge of what is stricter says why not. */
function compare(bytes: Uint8Array): Outcome {
  const fast = byFields(bytes);
  if (decoded(bytes) === undefined) {
    if (fast !== undefined) throw new Error(`taken, and cannot be decoded: ${Buffer.from(bytes).toString("hex")}`);
    return "refused by both";
  }
  const strict = strictness(CheckRequest, bytes);
  if (fast === undefined) {
    if (strict === undefined) throw new Error(`refused for no reason: ${Buffer.from(bytes).toString("hex")}`);
    return strict;
  }
  if (strict !== undefined) throw new Error(`taken, with ${strict}: ${Buffer.from(bytes).toString("hex")}`);
  const { metadata, ...slow } = byDecoding(bytes);
  const { metadata: part, ...rest } = fast;
  const same = Object.entries(slow).every(([name, value]) => {
    const other = rest[name as keyof typeof rest];
    return Array.isArray(value) && Array.isArray(other) ? value.join() === other.join() : value === other;
  });
  if (!same) expect(rest).toEqual(slow);
  if (part.length > 0) expect(Metadata.fromBinary(part, lenientReadOptions)).toEqual(metadata);
  return "same";
}

const OPTIONS = { texts: [...KEYS, "GET", "spiffe://shop/web", "ä", "x".repeat(130)], fields: 40 };

const RECORDED = readFileSync(new URL("../../test/data/envoy-1.40.0/ext_authz.ndjson", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => Buffer.from(String(JSON.parse(line).base64), "base64"));
const SMALL = RECORDED.filter(({ length }) => length < 5_000);

describe("reading fields", () => {
  test("of what real Envoys sent gives what decoding gives", () => {
    expect(RECORDED.map(compare)).toEqual(RECORDED.map(() => "same"));
  });

  test("of any message gives what decoding gives: fields repeated, in parts, in any order, of newer versions", () => {
    const outcomes = manyTimes(40, (random) => randomMessage(CheckRequest, random, OPTIONS));
    expect(outcomes.get("same")).toBeGreaterThan(10_000);
  });

  test("of broken messages refuses what cannot be decoded, and else gives the same or refuses for a reason that is written down", () => {
    const outcomes = manyTimes(40, (random) =>
      mutate(randomMessage(CheckRequest, random, OPTIONS), randomMessage(CheckRequest, random, OPTIONS), random),
    );
    for (const outcome of ["same", "refused by both", "wire type", "beyond its message", "long varint"] as const)
      expect(outcomes.get(outcome), outcome).toBeGreaterThan(0);
  });

  test("of broken messages of real Envoys does the same", () => {
    const outcomes = manyTimes(40, (random) => {
      const [one, other] = [SMALL[random(SMALL.length)], SMALL[random(SMALL.length)]];
      return mutate(one ?? Buffer.alloc(0), other ?? Buffer.alloc(0), random);
    });
    expect(outcomes.get("same")).toBeGreaterThan(1_000);
    expect(outcomes.get("refused by both")).toBeGreaterThan(1_000);
  });

  test("takes a header only where its length is that of its value", () => {
    const lengths = Array.from({ length: 40 }, (_, index) => index * 8);
    for (const actual of lengths) {
      for (const said of lengths) {
        const entry = Buffer.concat([
          delimited(1, Buffer.from("x-user")),
          Buffer.of(0x12),
          varint(said),
          Buffer.alloc(actual),
        ]);
        const bytes = delimited(1, delimited(4, delimited(2, delimited(3, entry))));
        expect([actual, said, byFields(bytes) !== undefined]).toEqual([actual, said, actual === said]);
      }
    }
  });

  test("takes a message cut short for what it is wherever it is cut", () => {
    const whole = SMALL[0] ?? Buffer.alloc(0);
    for (let length = 0; length <= whole.length; length++) compare(whole.subarray(0, length));
  });

  /** Each run is many messages, for making a run takes longer than most of them. */
  function manyTimes(runs: number, make: (random: Random) => Uint8Array): Map<Outcome, number> {
    const outcomes = new Map<Outcome, number>();
    const property = fc.property(fc.integer(), (seed) => {
      const random = randomNumbers(seed);
      for (let message = 0; message < 500; message++) {
        const outcome = compare(make(random));
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    });
    fc.assert(property, { numRuns: runs });
    return outcomes;
  }
});

describe("limits", () => {
  const nested = (levels: number): Buffer => {
    let value: Buffer = Buffer.alloc(0);
    for (let level = 0; level < levels; level++)
      value = delimited(level % 3 === 0 ? 1 : level % 3 === 1 ? 5 : 2, value);
    return value;
  };
  const STRUCT = selectFields(Struct, []);

  test("are those of decoding: so deep and no deeper", () => {
    // struct_value, value, fields: a Struct within a Struct, from the outside in.
    for (const levels of [MAX_MESSAGE_DEPTH - 1, MAX_MESSAGE_DEPTH, MAX_MESSAGE_DEPTH + 1, MAX_MESSAGE_DEPTH + 2]) {
      const bytes = nested(levels);
      let taken = true;
      try {
        Struct.fromBinary(bytes, lenientReadOptions);
      } catch {
        // Too deep: what is asked for here.
        taken = false;
      }
      expect([levels, readFields(STRUCT, bytes) !== undefined]).toEqual([levels, taken]);
    }
  });

  test("are those of decoding: so many messages and no more", () => {
    const empty = delimited(1, Buffer.alloc(0));
    expect(readFields(STRUCT, Buffer.concat(Array.from({ length: MAX_MESSAGES }, () => empty)))).toBeDefined();
    expect(readFields(STRUCT, Buffer.concat(Array.from({ length: MAX_MESSAGES + 1 }, () => empty)))).toBeUndefined();
  });

  test("hold for groups in groups: megabytes of them are read in a loop", () => {
    expect(readFields(STRUCT, Buffer.alloc(4 * 1024 * 1024, 0x7b))).toBeUndefined();
    const levels = Buffer.concat([Buffer.alloc(100_000, 0x7b), Buffer.alloc(100_000, 0x7c)]);
    expect(readFields(STRUCT, levels)).toBeDefined();
  });
});

describe("a table", () => {
  test.each([
    ["attributes.request.https", /has no field https/],
    ["attributes.context_extensions.key", /is not one message/],
    ["attributes.request.http.headers", /is repeated/],
  ])("with %s is a bug of ours", (path, problem) => {
    expect(() => selectFields(CheckRequest, [{ path }])).toThrow(problem);
  });
});
