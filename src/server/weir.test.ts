import { describe, expect, test } from "vitest";
import type { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest, CheckResponse, ReferencedAttribute_Condition as Condition, Verdict } from "#proto/weir/v1/check";
import { ReportRequest, ReportResponse } from "#proto/weir/v1/report";
import {
  bytesOf,
  type Decide,
  decision,
  everything,
  FakeEngine,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
  slotOf,
} from "../../test/server/fakes.ts";
import { parseType } from "../attribute/type.ts";
import { ABSENT, Invalid, type Outcome, Timestamp } from "../attribute/value.ts";
import { lookup, VOCABULARY } from "../attribute/vocabulary.ts";
import { NO_CHANGES } from "../engine/decision.ts";
import type { Call, Reply } from "../wire/door.ts";
import { encodeReport } from "../wire/report-encoder.ts";
import { MAX_REPORT_ID_LENGTH, REPORT_ID_LIFE_MS, ReportIds } from "./report-ids.ts";
import { MAX_REQUESTED_QUOTAS, nativeCheck, weirCheckDoor } from "./weir-check.ts";
import { nativeReport, weirReportDoor } from "./weir-report.ts";

const SNAPSHOT = fakeSnapshot();
const REMOTE = { local: false, address: "10.0.0.9:4711", principal: "spiffe://shop/ns/web/sa/web" };

const text = (string: string): AttributeValue => ({ kind: { oneofKind: "string", string } });
const int = (int64: bigint): AttributeValue => ({ kind: { oneofKind: "int64", int64 } });
const map = (entries: Readonly<Record<string, string>>): AttributeValue => ({
  kind: {
    oneofKind: "stringMap",
    stringMap: { entries: Object.entries(entries).map(([key, value]) => ({ key, value })) },
  },
});

type Attributes = readonly (readonly [name: string, value: AttributeValue])[];

interface Asking {
  readonly peer?: Partial<Call["peer"]>;
  readonly engine?: FakeEngine;
  readonly request?: Partial<CheckRequest>;
}

function check(attributes: Attributes, { peer, engine = new FakeEngine(SNAPSHOT), request = {} }: Asking = {}) {
  const message = CheckRequest.create({ attributes: attributes.map(([name, value]) => ({ name, value })), ...request });
  const deps = fakeDeps();
  const reply = weirCheckDoor(nativeCheck(engine, deps)).handle(CheckRequest.toBinary(message), fakeCall(peer));
  if (reply instanceof Promise) throw new Error("nothing had to wait");
  const source = engine.checks[0]?.source;
  const read = (name: string): Outcome => source?.read(slotOf(name, engine.snapshot)) ?? ABSENT;
  const readKey = (name: string, key: string): Outcome => source?.readKey(slotOf(name, engine.snapshot), key) ?? ABSENT;
  return { reply, engine, read, readKey, events: deps.events };
}

function status(reply: Reply): readonly [number, string] | undefined {
  return reply.kind === "status" ? [reply.code, reply.message] : undefined;
}

describe("a native Check's attributes", () => {
  test("are what the caller says, by their names", () => {
    const { read, readKey } = check([
      ["request.method", text("GET")],
      ["request.headers", map({ "x-user": "ana", __proto__x: "y" })],
      ["response.flags", int(5n)],
      ["request.time", { kind: { oneofKind: "timestamp", timestamp: { seconds: 5n, nanos: 7 } } }],
    ]);
    expect([read("request.method"), readKey("request.headers", "x-user"), read("request.time")]).toEqual([
      "GET",
      "ana",
      new Timestamp(5_000_000_007n),
    ]);
    expect(read("source.principal")).toBe(ABSENT);
  });

  test("have header names in lower case, without pseudo-headers; two spellings are the name twice", () => {
    const { readKey } = check([["request.headers", map({ "X-User": "ana", ":path": "/x", "x-a": "1", "X-A": "2" })]]);
    expect(readKey("request.headers", "x-user")).toBe("ana");
    expect(readKey("request.headers", ":path")).toBe(ABSENT);
    expect(readKey("request.headers", "x-a")).toBeInstanceOf(Invalid);
  });

  test("have a canonical path, path and query that are ours to work out, whatever the caller sends as such", () => {
    const { read } = check([
      ["request.path", text("/public/../admin?x=1")],
      ["request.canonical_path", text("/public")],
      ["request.url_path", text("/public")],
      ["request.query", text("")],
    ]);
    const parts = ["request.canonical_path", "request.url_path", "request.query"].map(read);
    expect(parts).toEqual(["/admin", "/public/../admin", "x=1"]);
    expect(check([["request.canonical_path", text("/public")]]).read("request.canonical_path")).toBe(ABSENT);
  });

  test("have the peer of the connection, whatever the caller sends as such", () => {
    const { read } = check(
      [
        ["peer.principal", text("root")],
        ["peer.address", text("127.0.0.1")],
      ],
      { peer: REMOTE },
    );
    expect([read("peer.address"), read("peer.principal")]).toEqual(["10.0.0.9", REMOTE.principal]);
  });

  test("say who sends only where the caller may assert it", () => {
    const sent: Attributes = [
      ["source.principal", text("spiffe://a")],
      ["source.address", text("1.2.3.4")],
      ["destination.address", text("5.6.7.8")],
    ];
    expect(check(sent).read("source.principal")).toBe("spiffe://a");
    const { read } = check(sent, { peer: REMOTE });
    expect(["source.principal", "source.address", "destination.address"].map(read)).toEqual([
      ABSENT,
      ABSENT,
      "5.6.7.8",
    ]);
  });

  test("hold nothing that is known only afterwards", () => {
    const { read } = check([
      ["check.verdict", text("allowed")],
      ["response.code", int(200n)],
    ]);
    expect([read("check.verdict"), read("response.code")]).toEqual([ABSENT, ABSENT]);
  });

  test("are passed over where nobody knows the name, and read where attributes.yaml declares it", () => {
    const slots = [{ name: "order.total", type: parseType("double"), carried: false }];
    const engine = new FakeEngine(fakeSnapshot({ slots }));
    const { reply } = check(
      [
        ["order.total", int(5n)],
        ["no.such", int(1n)],
      ],
      { engine },
    );
    expect(reply.kind).toBe("message");
    expect(engine.checks[0]?.source.read(0)).toBe(5);
  });

  test.each<readonly [string, AttributeValue, string]>([
    ["request.method", int(1n), "attribute `request.method` is an int and must be of type string"],
    ["request.size", text("1"), "attribute `request.size` is a string and must be of type int"],
    [
      "request.size",
      { kind: { oneofKind: "double", double: 1 } },
      "attribute `request.size` is a double and must be of type int",
    ],
    ["request.headers", text("x"), "attribute `request.headers` is a string and must be of type map(string, string)"],
    [
      "request.headers",
      {
        kind: {
          oneofKind: "nested",
          nested: {
            kind: {
              oneofKind: "map",
              map: { entries: [{ key: "a", value: { kind: { oneofKind: "bool", bool: true } } }] },
            },
          },
        },
      },
      "attribute `request.headers` is a map of other values and must be of type map(string, string)",
    ],
    [
      "request.auth.audiences",
      map({ a: "b" }),
      "attribute `request.auth.audiences` is a map of other values and must be of type list(string)",
    ],
    ["connection.id", int(-1n), "attribute `connection.id` is an int and must be of type uint"],
  ])("are refused where %s is of the wrong type, in plain words", (name, value, problem) => {
    const { reply, engine } = check([[name, value]]);
    expect(status(reply)).toEqual([3, problem]);
    expect(engine.checks).toEqual([]);
  });

  test("are errors when read, and not before: twice the same name, no value, bytes that are not UTF-8", () => {
    const { read, readKey } = check([
      ["request.method", text("GET")],
      ["request.method", text("POST")],
      ["request.host", { kind: { oneofKind: undefined } }],
      ["request.headers", map({ "x-bad": "a\udcff", "x-good": "b" })],
    ]);
    expect([read("request.method"), read("request.host")].every((value) => value instanceof Invalid)).toBe(true);
    expect(readKey("request.headers", "x-good")).toBe("b");
  });

  test("are so many and no more", () => {
    const attributes = Array.from(
      { length: fakeDeps().limits.maxAttributes + 1 },
      (_, n) => [`a.b${n}`, text("")] as const,
    );
    expect(status(check(attributes).reply)?.[0]).toBe(3);
  });

  test("can be every attribute that the vocabulary gives a Check", () => {
    const values: Readonly<Record<string, AttributeValue["kind"]>> = {
      string: { oneofKind: "string", string: "x" },
      int: { oneofKind: "int64", int64: 1n },
      uint: { oneofKind: "uint64", uint64: 1n },
      bool: { oneofKind: "bool", bool: true },
      bytes: { oneofKind: "bytes", bytes: new Uint8Array([1]) },
      timestamp: { oneofKind: "timestamp", timestamp: { seconds: 1n, nanos: 0 } },
      duration: { oneofKind: "duration", duration: { seconds: 1n, nanos: 0 } },
      "map(string, string)": { oneofKind: "stringMap", stringMap: { entries: [] } },
      "map(string, dyn)": { oneofKind: "stringMap", stringMap: { entries: [] } },
      "list(string)": { oneofKind: "stringList", stringList: { items: [] } },
    };
    const rows = VOCABULARY.filter((row) => row.doors.weir.supply !== "never");
    const { engine } = check(
      rows.map(({ name, type }) => [name, { kind: values[type] ?? { oneofKind: undefined } }] as const),
    );
    const [input] = engine.checks;
    const given = input ? everything(input.source, SNAPSHOT) : new Map();
    expect(rows.filter(({ name }) => !given.has(name) && name !== "peer.principal").map(({ name }) => name)).toEqual(
      [],
    );
  });
});

describe("a native Check", () => {
  const engineWith = (decide: Decide) => new FakeEngine(SNAPSHOT, decide);
  const answer = (reply: Reply) => CheckResponse.fromBinary(bytesOf(reply));

  test("is answered with everything that was decided", () => {
    const referenced = [
      { attribute: "request.headers", key: "x-user", condition: "exact" },
      { attribute: "source.principal", condition: "absent" },
    ] as const;
    const made = decision({
      changes: { ...NO_CHANGES, requestSet: [["x-a", "1"]], responseRemove: ["server"], querySet: [["v", "a b"]] },
      validity: { forMs: 1_500, uses: 10, referenced },
    });
    const given = answer(check([], { engine: engineWith(() => made) }).reply);
    expect(given).toMatchObject({
      verdict: Verdict.ALLOWED,
      reason: "rule",
      statusCode: 0,
      rule: { name: "shop/readers", location: "shop.yaml:7" },
      snapshot: "snapshot-1",
      decisionId: "d-1",
      requestHeaders: { set: [{ name: "x-a", value: "1" }], add: [], remove: [] },
      responseHeaders: { set: [], add: [], remove: ["server"] },
      query: { set: [{ name: "v", value: "a b" }], remove: [] },
      validity: { duration: { seconds: 1n, nanos: 500_000_000 }, useCount: 10 },
    });
    expect(given.validity?.referenced).toEqual([
      { attribute: "request.headers", key: "x-user", condition: Condition.EXACT },
      { attribute: "source.principal", condition: Condition.ABSENT },
    ]);
    expect(given.directResponse).toBeUndefined();
  });

  test.each([
    ["denied", 403, Verdict.DENIED, 7],
    ["denied", 401, Verdict.DENIED, 16],
    ["limited", 429, Verdict.LIMITED, 8],
    ["undecided", 403, Verdict.UNDECIDED, 9],
  ] as const)("that is %s with %d says so by its verdict and status code %d", (verdict, code, said, grpc) => {
    const made = decision({ verdict, response: { status: code, headers: [["x", "y"]], body: "no" } });
    const given = answer(check([], { engine: engineWith(() => made) }).reply);
    expect([given.verdict, given.statusCode]).toEqual([said, grpc]);
    expect(given.directResponse).toEqual({ status: code, headers: [{ name: "x", value: "y" }], body: "no" });
  });

  test("is given the limits it asks for, answered in their order, then the others", () => {
    const limits = [
      { rule: "p/a", onRequest: true },
      { rule: "p/b", onRequest: true },
      { rule: "p/always", onRequest: false },
    ];
    const result = (rule: string, granted: bigint) => ({
      reference: { rule, file: "p.yaml", line: 1 },
      granted,
      remaining: 3n,
      max: 10n,
      retryAfterMs: undefined,
      verdict: "allowed" as const,
      reason: "limit" as const,
      validity: { forMs: 0, uses: 0, referenced: [] },
    });
    const engine = new FakeEngine(fakeSnapshot({ limits }), () =>
      decision({ limits: [result("p/always", 1n), result("p/a", 2n)] }),
    );
    const quotas = [
      { name: "p/b", bestEffort: true },
      { name: "p/a", amount: 2n, bestEffort: false },
    ];
    const given = answer(check([], { engine, request: { quotas, deduplicationId: "x" } }).reply);
    expect(engine.checks[0]).toMatchObject({
      quotas: [
        { name: "p/b", amount: 1n, bestEffort: true },
        { name: "p/a", amount: 2n, bestEffort: false },
      ],
      deduplicationId: "x",
    });
    expect(given.quotas.map(({ name, granted, verdict }) => [name, granted, verdict])).toEqual([
      ["p/b", 1n, Verdict.ALLOWED],
      ["p/a", 2n, Verdict.ALLOWED],
      ["p/always", 1n, Verdict.ALLOWED],
    ]);
  });

  test("is granted nothing when it was refused before it came to limits", () => {
    const engine = new FakeEngine(fakeSnapshot({ limits: [{ rule: "p/a", onRequest: true }] }), () =>
      decision({ verdict: "denied", reason: "unmatched" }),
    );
    const given = answer(check([], { engine, request: { quotas: [{ name: "p/a", bestEffort: false }] } }).reply);
    expect(given.quotas).toMatchObject([{ name: "p/a", verdict: Verdict.DENIED, reason: "unmatched", granted: 0n }]);
  });

  test.each([
    ["p/no", "no limit on this door is called `p/no`"],
    ["p/always", "limit `p/always` is charged by every check it applies to: it has no `on-request: true`"],
  ])("that asks for %s is told what is wrong", (name, problem) => {
    const engine = new FakeEngine(fakeSnapshot({ limits: [{ rule: "p/always", onRequest: false }] }));
    expect(status(check([], { engine, request: { quotas: [{ name, bestEffort: false }] } }).reply)).toEqual([
      3,
      problem,
    ]);
  });

  test("that asks for one limit twice is told so", () => {
    const engine = new FakeEngine(fakeSnapshot({ limits: [{ rule: "p/a", onRequest: true }] }));
    const quotas = [
      { name: "p/a", bestEffort: false },
      { name: "p/a", bestEffort: false },
    ];
    expect(status(check([], { engine, request: { quotas } }).reply)?.[0]).toBe(3);
  });

  test("asks for so many limits and no more", () => {
    const quotas = Array.from({ length: MAX_REQUESTED_QUOTAS + 1 }, (_, n) => ({ name: `p/l${n}`, bestEffort: false }));
    expect(status(check([], { request: { quotas } }).reply)?.[1]).toContain(`at most ${MAX_REQUESTED_QUOTAS}`);
  });

  test("for quota alone needs the grant", () => {
    expect(status(check([], { peer: REMOTE, request: { quotaOnly: true } }).reply)?.[0]).toBe(7);
    expect(check([], { request: { quotaOnly: true } }).engine.checks[0]?.quotaOnly).toBe(true);
  });

  test("that is too large is not read, and refused as what could not be decided", () => {
    const engine = new FakeEngine(SNAPSHOT, (_, { refused }) =>
      decision({
        verdict: "undecided",
        reason: refused?.reason ?? "rule",
        response: { status: 403, headers: [], body: "" },
      }),
    );
    const { maxCheckBytes } = fakeDeps().limits;
    const large = check([["request.method", text("x".repeat(maxCheckBytes))]], { engine });
    expect(answer(large.reply)).toMatchObject({ verdict: Verdict.UNDECIDED, reason: "too-large", statusCode: 9 });
    expect(large.read("request.method")).toBe(ABSENT);
    expect(engine.held).toBe(0);
  });

  test("that is none is told so, and one while the engine cannot work fails", () => {
    const deps = fakeDeps();
    const garbage = weirCheckDoor(nativeCheck(new FakeEngine(SNAPSHOT), deps)).handle(
      new Uint8Array([0xff]),
      fakeCall(),
    );
    expect(garbage).toMatchObject({ kind: "status", code: 3 });
    expect(deps.events.seen).toEqual(["undecodable weir"]);
    const engine = new FakeEngine(SNAPSHOT);
    engine.turnAway = "draining";
    expect(status(check([], { engine }).reply)?.[0]).toBe(14);
  });

  test("is refused while its door is off", () => {
    const engine = new FakeEngine(fakeSnapshot({ off: ["weir"] }));
    check([], { engine });
    expect(engine.checks[0]?.refused?.reason).toBe("door-off");
  });

  test("lets go of its snapshot however it ends", () => {
    const broken = engineWith(() => {
      throw new Error("bug");
    });
    expect(status(check([], { engine: broken }).reply)?.[0]).toBe(13);
    const mistaken = check([["request.method", int(1n)]]).engine;
    expect([broken.held, mistaken.held, check([]).engine.held]).toEqual([0, 0, 0]);
  });
});

describe("a native Report", () => {
  const record = (attributes: Attributes) => new Map(attributes);
  const message = (id: string, ...records: readonly ReadonlyMap<string, AttributeValue>[]) =>
    ReportRequest.toBinary(encodeReport(records, id));
  function door(engine = new FakeEngine(SNAPSHOT)) {
    let nowMs = 0;
    const report = weirReportDoor(nativeReport(engine, { ...fakeDeps(), claims: new ReportIds(() => nowMs) }));
    return {
      engine,
      wait: (ms: number) => {
        nowMs += ms;
      },
      send: (bytes: Uint8Array, peer: Partial<Call["peer"]> = {}) => {
        const reply = report.handle(bytes, fakeCall(peer));
        if (reply instanceof Promise) throw new Error("nothing had to wait");
        return reply;
      },
    };
  }
  const accepted = (reply: Reply) => {
    const { accepted: count, alreadyAccepted } = ReportResponse.fromBinary(bytesOf(reply));
    return [count, alreadyAccepted];
  };

  test("becomes a record for each of its records, each as a delta on the one before", () => {
    const { engine, send } = door();
    const first = record([
      ["request.method", text("GET")],
      ["response.code", int(200n)],
    ]);
    const second = record([
      ["request.method", text("GET")],
      ["response.code", int(503n)],
    ]);
    expect(accepted(send(message("", first, second)))).toEqual([2, false]);
    const codes = engine.records.map(({ source }) => source.read(slotOf("response.code", SNAPSHOT)));
    expect(codes).toEqual([200n, 503n]);
    expect(engine.records.map(({ error, derive, door: name }) => [error, derive, name])).toEqual([
      [false, true, "weir"],
      [true, true, "weir"],
    ]);
  });

  test("has its times from the request, and the time of arrival where it says none", () => {
    const { engine, send } = door();
    const timed = record([
      ["request.time", { kind: { oneofKind: "timestamp", timestamp: { seconds: 10n, nanos: 0 } } }],
      ["request.duration", { kind: { oneofKind: "duration", duration: { seconds: 2n, nanos: 5 } } }],
      ["request.headers", map({ Traceparent: "00-a-b-01" })],
    ]);
    send(message("", timed, record([["request.method", text("GET")]])));
    expect(engine.records).toMatchObject([
      { startNanos: 10_000_000_000n, endNanos: 12_000_000_005n, timeNanos: 12_000_000_005n, traceparent: "00-a-b-01" },
      { startNanos: undefined, timeNanos: fakeDeps().epochNanos() },
    ]);
  });

  test("is believed about decisions only where its sender may assert", () => {
    const { engine, send } = door();
    const decided = record([
      ["check.verdict", text("denied")],
      ["response.code", int(403n)],
    ]);
    send(message("", decided));
    send(message("", decided), REMOTE);
    const verdicts = engine.records.map(({ source }) => source.read(slotOf("check.verdict", SNAPSHOT)));
    expect(verdicts).toEqual(["denied", ABSENT]);
    expect(engine.records.map(({ source }) => source.read(slotOf("response.code", SNAPSHOT)))).toEqual([403n, 403n]);
  });

  test("is taken once, however often one peer sends its id", () => {
    const { engine, send, wait } = door();
    const one = message("r-1", record([["request.method", text("GET")]]));
    expect(accepted(send(one))).toEqual([1, false]);
    expect(accepted(send(one, { address: "127.0.0.1:60000" }))).toEqual([1, true]);
    expect(engine.records).toHaveLength(1);
    expect(accepted(send(one, REMOTE))).toEqual([1, false]);
    wait(REPORT_ID_LIFE_MS);
    expect(accepted(send(one))).toEqual([1, false]);
  });

  test("is refused whole by overload, and may be sent again under its id", () => {
    const { engine, send } = door();
    engine.reportAnswer = "overloaded";
    const one = message("r-1", record([["request.method", text("GET")]]));
    expect(send(one)).toMatchObject({ kind: "status", code: 8 });
    engine.reportAnswer = "queued";
    expect(accepted(send(one))).toEqual([1, false]);
  });

  test("is refused whole where one record is wrong, and says which", () => {
    const { engine, send } = door();
    const wrong = message("", record([["request.method", text("GET")]]), record([["request.method", int(1n)]]));
    expect(send(wrong)).toMatchObject({
      kind: "status",
      code: 3,
      message: "record 1: attribute `request.method` is an int and must be of type string",
    });
    expect(send(message("x".repeat(MAX_REPORT_ID_LENGTH + 1)))).toMatchObject({ kind: "status", code: 3 });
    expect(send(new Uint8Array([0xff]))).toMatchObject({ kind: "status", code: 3 });
    expect(engine.records).toEqual([]);
    expect(engine.held).toBe(0);
  });

  test("shows bytes that are not UTF-8, so that the record of who sent them is not the one that is missing", () => {
    const { engine, send } = door();
    const bytes = Buffer.from(message("", record([["source.principal", text("ana\u00ff")]])));
    // "ÿ" is C3 BF; its second byte alone is no character.
    bytes[bytes.indexOf(0xc3)] = 0x61;
    send(new Uint8Array(bytes));
    expect(engine.records[0]?.source.read(slotOf("source.principal", SNAPSHOT))).toBe("anaa\ufffd");
  });

  test("may hold everything that the vocabulary knows only afterwards", () => {
    const late = VOCABULARY.filter((row) => row.afterwards && row.type === "string").map((row) => row.name);
    const { engine, send } = door();
    send(message("", record(late.map((name) => [name, text("x")] as const))));
    const read = late.filter((name) => engine.records[0]?.source.read(slotOf(name, SNAPSHOT)) === "x");
    expect(read).toEqual(late);
    expect(lookup("check.verdict")?.afterwards).toBe(true);
  });
});
