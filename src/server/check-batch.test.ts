import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckRequest, CheckResponse } from "#proto/weir/v1/check";
import { CheckBatchRequest, CheckBatchResponse, CheckFailure, SnapshotNotice } from "#proto/weir/v1/stream";
import { AnswerBatch, type BatchedAnswer, ITEM, MAX_ANSWERS_BYTES } from "./answer-batch.ts";
import { type CheckId, MAX_CHECKS_PER_MESSAGE, readBatch } from "./check-batch.ts";

const ids = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(2n ** 53n - 1n, 2n ** 53n));

/** An id as the reader has it. */
const idOf = (id: bigint): CheckId => (id <= Number.MAX_SAFE_INTEGER ? Number(id) : id);

describe("a message of checks", () => {
  test("is cut into what protobuf-ts finds in it", () => {
    const items = fc.array(fc.record({ id: ids, deduplicationId: fc.string() }), { maxLength: 20 });
    fc.assert(
      fc.property(items, (sent) => {
        const checks = sent.map(({ deduplicationId }) => CheckRequest.create({ deduplicationId }));
        const message = CheckBatchRequest.toBinary({
          items: sent.map(({ id }, index) => ({ id, check: checks[index] as CheckRequest })),
        });
        const batch = readBatch(message);
        expect(batch?.ids).toEqual(sent.map(({ id }) => idOf(id)));
        expect(batch?.checks.map((bytes) => CheckRequest.fromBinary(bytes))).toEqual(checks);
      }),
    );
  });

  test("that was cut short, or in which anything was changed, is read as protobuf-ts reads it or not at all", () => {
    const whole = CheckBatchRequest.toBinary({
      items: [
        { id: 1n, check: CheckRequest.create({ deduplicationId: "a".repeat(200) }) },
        { id: 2n ** 60n, check: CheckRequest.create({ quotaOnly: true }) },
        { id: 0n },
      ],
    });
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 4 });
    let read = 0;
    fc.assert(
      fc.property(changes, fc.nat(whole.length), (changed, end) => {
        const message = new Uint8Array(whole);
        for (const [at, byte] of changed) message[at] = byte;
        const batch = readBatch(message.subarray(0, end));
        if (batch === undefined) return;
        read += 1;
        // The checks are not looked at, so that one that is none must not make the comparison impossible.
        const readable = batch.checks.every((bytes) => reads(CheckRequest, bytes));
        if (!readable) return;
        const { items } = CheckBatchRequest.fromBinary(message.subarray(0, end));
        expect(batch.ids).toEqual(items.map(({ id }) => idOf(id)));
        expect(batch.checks.map((bytes) => CheckRequest.fromBinary(bytes))).toEqual(
          items.map(({ check }) => check ?? CheckRequest.create()),
        );
      }),
      { numRuns: 20_000 },
    );
    expect(read).toBeGreaterThan(100);
  });

  test("may say things that we do not know, and a check in parts", () => {
    const [first, second] = [{ quotaOnly: true }, { deduplicationId: "d" }].map((part) =>
      Buffer.from(CheckRequest.toBinary(CheckRequest.create(part))),
    );
    const item = Buffer.concat([
      Buffer.from([0x1a, 1, 0x7f, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0x2d, 0, 0, 0, 0, 0x08, 0x85, 0x00]),
      field(2, first),
      Buffer.from([0x08, 9]),
      field(2, second),
    ]);
    const batch = readBatch(Buffer.concat([field(7, Buffer.from("later")), field(1, item)]));
    expect(batch?.ids).toEqual([9]);
    expect(batch?.checks.map((bytes) => CheckRequest.fromBinary(bytes))).toEqual([
      CheckRequest.create({ quotaOnly: true, deduplicationId: "d" }),
    ]);
  });

  test("has one id however it was written", () => {
    const padded = Buffer.from([0x08, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]);
    expect(readBatch(field(1, padded))?.ids).toEqual([5]);
  });

  test.each([
    ["a field of number 0", Buffer.from([0x02, 0])],
    ["an end of a group", Buffer.from([0x0c])],
    ["a group", Buffer.from([0x0b, 0x0c])],
    ["items that are numbers", Buffer.from([0x08, 1])],
    ["an id that is text", field(1, Buffer.from([0x0a, 1, 0x61]))],
    ["a check that is a number", field(1, Buffer.from([0x10, 1]))],
    ["a length beyond the end", Buffer.from([0x0a, 5, 0])],
    ["a length beyond its item", Buffer.concat([field(1, Buffer.from([0x12, 9])), Buffer.alloc(20)])],
    ["a length of five bytes", Buffer.from([0x0a, 0x80, 0x80, 0x80, 0x80, 0x01])],
    ["a varint without an end", field(1, Buffer.from([0x08, ...new Array(11).fill(0xff)]))],
    ["a tag alone", Buffer.from([0x0a])],
  ])("is none with %s", (_, message) => {
    expect(readBatch(message)).toBeUndefined();
  });

  test("holds so many checks and no more", () => {
    const empty = field(1, Buffer.alloc(0));
    const most = Buffer.concat(new Array<Buffer>(MAX_CHECKS_PER_MESSAGE).fill(empty));
    expect(readBatch(most)?.ids).toHaveLength(MAX_CHECKS_PER_MESSAGE);
    expect(readBatch(Buffer.concat([most, empty]))).toBeUndefined();
  });
});

describe("a message of answers", () => {
  const failure = CheckFailure.toBinary({ statusCode: 3, message: "no" });
  const decision = CheckResponse.toBinary(CheckResponse.create({ decisionId: "d" }));
  const notice = (snapshot: string): Uint8Array => SnapshotNotice.toBinary({ snapshot });
  const read = (message: Uint8Array): string[] => {
    const { notice: noticed, items } = CheckBatchResponse.fromBinary(message);
    return [...(noticed ? [noticed.snapshot] : []), ...items.map(({ id, answer }) => `${id} ${answer.oneofKind}`)];
  };
  const rest = (batch: AnswerBatch, inFlight = new Map<CheckId, unknown>()): string[][] => {
    const messages: string[][] = [];
    while (!batch.empty) messages.push(read(batch.take(inFlight)));
    return messages;
  };

  test("is what protobuf-ts would have written", () => {
    const answers = fc.array(fc.record({ id: ids, decided: fc.boolean() }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(answers, (given) => {
        const batch = new AnswerBatch();
        batch.notice(notice("s-1"));
        for (const { id, decided } of given) {
          const field = decided ? ITEM.decision : ITEM.failure;
          batch.add({ id: idOf(id), field, body: decided ? decision : failure });
        }
        const written = CheckBatchResponse.fromBinary(batch.take(new Map()));
        expect(batch.empty).toBe(true);
        expect(written).toEqual({
          notice: { snapshot: "s-1" },
          items: given.map(({ id, decided }) => ({
            id,
            answer: decided
              ? { oneofKind: "decision", decision: CheckResponse.fromBinary(decision) }
              : { oneofKind: "failure", failure: { statusCode: 3, message: "no" } },
          })),
        });
      }),
    );
  });

  test("has its notice before its answers, and none after one", () => {
    const batch = new AnswerBatch();
    const answer = (id: CheckId): BatchedAnswer => ({ id, field: ITEM.decision, body: decision });
    batch.notice(notice("a"));
    batch.add(answer(1));
    batch.add(answer(2));
    batch.notice(notice("b"));
    batch.notice(notice("c"));
    batch.add(answer(3));
    batch.notice(notice("d"));
    expect(rest(batch)).toEqual([["a", "1 decision", "2 decision"], ["c", "3 decision"], ["d"]]);
  });

  test("ends before it becomes too large", () => {
    const batch = new AnswerBatch();
    const body = CheckResponse.toBinary(CheckResponse.create({ reason: "r".repeat(MAX_ANSWERS_BYTES * 0.4) }));
    for (const id of [1, 2, 3]) batch.add({ id, field: ITEM.decision, body });
    expect(rest(batch)).toEqual([["1 decision", "2 decision"], ["3 decision"]]);
    const huge = CheckResponse.toBinary(CheckResponse.create({ reason: "r".repeat(MAX_ANSWERS_BYTES * 2) }));
    for (const id of [1, 2]) batch.add({ id, field: ITEM.decision, body: huge });
    expect(rest(batch)).toEqual([["1 decision"], ["2 decision"]]);
  });

  test("ends what is in flight under its ids, and nothing else", () => {
    const batch = new AnswerBatch();
    const [one, other] = [1, 1].map((id): BatchedAnswer => ({ id, field: ITEM.failure, body: failure }));
    const inFlight = new Map<CheckId, unknown>([
      [1, one],
      [2, other],
    ]);
    if (other) batch.add(other);
    rest(batch, inFlight);
    expect([...inFlight.keys()]).toEqual([1, 2]);
    if (one) batch.add(one);
    rest(batch, inFlight);
    expect([...inFlight.keys()]).toEqual([2]);
  });
});

function field(number: number, body: Uint8Array | undefined = new Uint8Array()): Buffer {
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
}

function reads(type: { fromBinary(bytes: Uint8Array): unknown }, bytes: Uint8Array): boolean {
  try {
    type.fromBinary(bytes);
    return true;
  } catch {
    // protobuf-ts has no other way to say so.
    return false;
  }
}
