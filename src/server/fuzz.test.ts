import { describe, expect, test } from "vitest";
import { CheckResponse } from "#proto/envoy/service/auth/v3/external_auth";
import type { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest } from "#proto/weir/v1/check";
import { ReportRequest } from "#proto/weir/v1/report";
import { CheckBatchRequest } from "#proto/weir/v1/stream";
import { randomNumbers } from "../../test/random.ts";
import {
  bytesOf,
  decision,
  everything,
  FakeEngine,
  FakeStream,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
  recorded,
} from "../../test/server/fakes.ts";
import { encodeReport } from "../wire/report-encoder.ts";
import { accessLogDoor } from "./access-log.ts";
import { extAuthzDoor } from "./ext-authz.ts";
import { nativeCheck, weirCheckDoor } from "./weir-check.ts";
import { weirCheckStreamDoor } from "./weir-check-stream.ts";
import { nativeReport, weirReportDoor } from "./weir-report.ts";
import { weirReportStreamDoor } from "./weir-report-stream.ts";

const SNAPSHOT = fakeSnapshot({ pathParams: "keep", mask: ["request.headers.authorization"] });

/** What goes wrong on a wire, and what somebody would try: flipped bytes, cuts, repeats, other people's pieces. */
function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  const mutated = Buffer.from(bytes);
  switch (random(5)) {
    case 0:
      return new Uint8Array(mutated.subarray(0, random(mutated.length + 1)));
    case 1: {
      const from = random(mutated.length);
      return new Uint8Array(Buffer.concat([mutated, mutated.subarray(from, from + random(200))]));
    }
    case 2: {
      const other = others[random(others.length)] ?? bytes;
      return new Uint8Array(
        Buffer.concat([mutated.subarray(0, random(mutated.length)), other.subarray(random(other.length))]),
      );
    }
    default:
      for (let flips = 1 + random(8); flips > 0; flips--) mutated[random(mutated.length)] = random(256);
      return new Uint8Array(mutated);
  }
}

const SMALL = 20_000;
const CHECKS = recorded("ext_authz")
  .map(({ bytes }) => bytes)
  .filter((bytes) => bytes.length < SMALL);
const LOGS = recorded("als")
  .map(({ bytes }) => bytes)
  .filter((bytes) => bytes.length < SMALL);
const RUNS = 3_000;

function mutations(originals: readonly Uint8Array[], seed: number): readonly Uint8Array[] {
  const random = randomNumbers(seed);
  return Array.from({ length: RUNS }, (_, run) =>
    mutate(originals[run % originals.length] ?? new Uint8Array(), originals, random),
  );
}

/** One attribute of each kind. */
function nativeAttributes(): ReadonlyMap<string, AttributeValue> {
  const entries = [
    { key: "x-user", value: "ana" },
    { key: "cookie", value: "a=1" },
  ];
  return new Map<string, AttributeValue>([
    ["request.method", { kind: { oneofKind: "string", string: "GET" } }],
    ["request.path", { kind: { oneofKind: "string", string: "/a/../b;c?d=%2f" } }],
    ["request.headers", { kind: { oneofKind: "stringMap", stringMap: { entries } } }],
    ["request.size", { kind: { oneofKind: "int64", int64: 5n } }],
    ["request.time", { kind: { oneofKind: "timestamp", timestamp: { seconds: 1_795_235_251n, nanos: 5 } } }],
    ["request.raw_body", { kind: { oneofKind: "bytes", bytes: new Uint8Array([1, 2, 3]) } }],
    ["request.auth.audiences", { kind: { oneofKind: "stringList", stringList: { items: ["a", "b"] } } }],
    [
      "request.auth.claims",
      { kind: { oneofKind: "nested", nested: { kind: { oneofKind: "map", map: { entries: [{ key: "sub" }] } } } } },
    ],
    ["connection.mtls", { kind: { oneofKind: "bool", bool: true } }],
    ["connection.id", { kind: { oneofKind: "uint64", uint64: 7n } }],
  ]);
}

function checkMessage(): Uint8Array {
  const attributes = [...nativeAttributes()].map(([name, value]) => ({ name, value }));
  return CheckRequest.toBinary({ attributes, quotas: [], quotaOnly: false, deduplicationId: "x" });
}

function batchMessage(): Uint8Array {
  const check = CheckRequest.fromBinary(checkMessage());
  return CheckBatchRequest.toBinary({ items: [{ id: 1n, check }, { id: 2n }, { id: 2n ** 60n, check }] });
}

function reportMessage(): Uint8Array {
  const attributes = nativeAttributes();
  return ReportRequest.toBinary(encodeReport([attributes, new Map([...attributes].slice(2))], ""));
}

describe("whatever comes", () => {
  test("ext_authz answers it, with a refusal that Envoy reads as one where it refuses", () => {
    const deps = fakeDeps();
    const engine = new FakeEngine(SNAPSHOT, (_, input) => {
      everything(input.source, SNAPSHOT);
      return decision({ verdict: "undecided", reason: "undecodable" });
    });
    const door = extAuthzDoor(engine, deps);
    for (const bytes of mutations(CHECKS, 1)) {
      const reply = door.handle(bytes, fakeCall());
      if (reply instanceof Promise) throw new Error("nothing had to wait");
      const answer = CheckResponse.fromBinary(bytesOf(reply));
      expect([answer.status?.code, answer.httpResponse.oneofKind]).toEqual([9, "deniedResponse"]);
    }
    expect(engine.checks).toHaveLength(RUNS);
    expect(engine.checks.filter(({ refused }) => refused === undefined).length).toBeGreaterThan(RUNS / 10);
    expect(deps.events.errors).toEqual([]);
    expect(engine.held).toBe(0);
  });

  test("ext_authz allows what the engine allows, and the answer can be read", () => {
    const door = extAuthzDoor(new FakeEngine(SNAPSHOT), fakeDeps());
    for (const bytes of mutations(CHECKS, 2).slice(0, RUNS / 10)) {
      const reply = door.handle(bytes, fakeCall());
      if (reply instanceof Promise) throw new Error("nothing had to wait");
      expect(CheckResponse.fromBinary(bytesOf(reply)).httpResponse.oneofKind).toBe("okResponse");
    }
  });

  test("the access log takes it or counts it, and the stream goes on", () => {
    const deps = fakeDeps();
    class Reading extends FakeEngine {
      override report(...[snapshot, records]: Parameters<FakeEngine["report"]>): "queued" | "overloaded" {
        for (const { source } of records) everything(source, snapshot);
        return super.report(snapshot, records);
      }
    }
    const engine = new Reading(SNAPSHOT);
    const stream = accessLogDoor(engine, deps).open(fakeCall(), new FakeStream());
    for (const bytes of mutations(LOGS, 3)) stream.message(bytes);
    expect(deps.events.errors).toEqual([]);
    expect(engine.records.length).toBeGreaterThan(RUNS / 10);
    expect(engine.held).toBe(0);
  });

  test("the native streams answer it or end, and let go of everything", () => {
    const deps = fakeDeps();
    const engine = new FakeEngine(SNAPSHOT, (_, input) => {
      everything(input.source, SNAPSHOT);
      return decision();
    });
    const [checks, reports] = [nativeCheck(engine, deps), nativeReport(engine, deps)];
    const doors = [weirCheckStreamDoor(checks, engine, deps), weirReportStreamDoor(reports)];
    let ended = 0;
    for (const bytes of mutations([batchMessage(), reportMessage()], 5)) {
      for (const door of doors) {
        const stream = new FakeStream();
        const handler = door.open(fakeCall(), stream);
        handler.message(bytes);
        handler.message(batchMessage());
        for (let turns = 0; turns < 3; turns++) stream.turn();
        expect(stream.sent.length).toBeGreaterThan(0);
        if (stream.closed) ended += 1;
        else handler.cancel();
      }
    }
    expect(ended).toBeGreaterThan(RUNS / 100);
    expect(engine.checks.length).toBeGreaterThan(RUNS / 10);
    expect(deps.events.errors).toEqual([]);
    expect(engine.held).toBe(0);
  });

  test("the native doors answer it", () => {
    const deps = fakeDeps();
    const engine = new FakeEngine(SNAPSHOT, (_, input) => {
      everything(input.source, SNAPSHOT);
      return decision();
    });
    const doors = [weirCheckDoor(nativeCheck(engine, deps)), weirReportDoor(nativeReport(engine, deps))];
    for (const bytes of mutations([checkMessage(), reportMessage()], 4)) {
      for (const door of doors) expect(door.handle(bytes, fakeCall())).not.toBeInstanceOf(Promise);
    }
    expect(engine.checks.length).toBeGreaterThan(RUNS / 100);
    expect(engine.records.length).toBeGreaterThan(RUNS / 100);
    expect(deps.events.errors).toEqual([]);
    expect(engine.held).toBe(0);
  });
});
