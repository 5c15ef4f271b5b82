import { describe, expect, test } from "vitest";
import { StreamAccessLogsMessage } from "#proto/envoy/service/accesslog/v3/als";
import {
  everything,
  FakeEngine,
  FakeStream,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
  namesOf,
  type Recorded,
  recorded,
  slotOf,
} from "../../test/server/fakes.ts";
import type { Json } from "../attribute/json.ts";
import { fromJson } from "../attribute/json.ts";
import { parseType } from "../attribute/type.ts";
import { ABSENT, type CelValue, Duration, Invalid, type Outcome, Timestamp, Uint } from "../attribute/value.ts";
import { lookup } from "../attribute/vocabulary.ts";
import type { ReportRecord } from "../report/record.ts";
import { ACCESS_LOG_PATH, accessLogDoor } from "./access-log.ts";
import { ACCESS_LOG_READERS } from "./access-log-attributes.ts";
import { structOf } from "./envoy-values.ts";

/** What is read of the recorded JSON. */
interface RecordedLog {
  readonly identifier?: { readonly logName: string };
  readonly httpLogs?: { readonly logEntry: readonly HttpEntry[] };
  readonly tcpLogs?: { readonly logEntry: readonly TcpEntry[] };
}

interface HttpEntry {
  readonly commonProperties: Common;
  readonly protocolVersion?: string;
  readonly request?: Texts & { readonly requestHeaders?: Texts };
  readonly response?: {
    readonly responseCode?: number;
    readonly responseHeaders?: Texts;
    readonly responseTrailers?: Texts;
  } & Texts;
}

interface TcpEntry {
  readonly commonProperties: Common;
  readonly connectionProperties?: { readonly receivedBytes?: string; readonly sentBytes?: string };
}

type Texts = { readonly [name: string]: unknown };

interface Common extends Texts {
  readonly accessLogType?: string;
  readonly startTime: string;
  readonly duration?: string;
  readonly responseFlags?: Texts;
  readonly metadata?: { readonly filterMetadata?: { readonly [filter: string]: { readonly [key: string]: Json } } };
  readonly customTags?: Texts;
  readonly tlsProperties?: {
    readonly tlsVersion?: string;
    readonly tlsSniHostname?: string;
    readonly peerCertificateProperties?: Certificate;
  };
}

interface Certificate {
  readonly subject?: string;
  readonly subjectAltName?: readonly { readonly uri?: string; readonly dns?: string }[];
}

const MESSAGES = recorded<RecordedLog>("als");
const SNAPSHOT = fakeSnapshot();
const ENDS = ["DownstreamEnd", "TcpConnectionEnd"];

function entriesOf({ httpLogs, tcpLogs }: RecordedLog): readonly (HttpEntry | TcpEntry)[] {
  return httpLogs?.logEntry ?? tcpLogs?.logEntry ?? [];
}

function stream(engine = new FakeEngine(SNAPSHOT), deps = fakeDeps()) {
  const handler = accessLogDoor(engine, deps).open(fakeCall(), new FakeStream());
  return { handler, engine, deps, seen: deps.events.seen };
}

function recordsOf({ bytes }: Recorded<RecordedLog>): readonly ReportRecord[] {
  const { handler, engine } = stream();
  handler.message(bytes);
  return engine.records;
}

function named(name: string): Recorded<RecordedLog> {
  const message = MESSAGES.find((one) => one.case === name);
  if (message === undefined) throw new Error(`no recording ${name}`);
  return message;
}

function read(name: string, attribute: string, at = 0): Outcome {
  const record = recordsOf(named(name))[at];
  if (record === undefined) throw new Error(`${name} has no record ${at}`);
  return record.source.read(slotOf(attribute, SNAPSHOT));
}

function nanosOf(text: string): bigint {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?[Zs]$/.exec(text) ?? [];
  const whole = text.endsWith("Z") ? BigInt(Date.parse(`${seconds}Z`) / 1000) : BigInt(seconds);
  return whole * 1_000_000_000n + BigInt(fraction.padEnd(9, "0"));
}

type Shown = readonly [attribute: string, value: CelValue | undefined];

const bytesOf = (value: unknown): bigint => BigInt(String(value ?? 0));
const textOf = (value: unknown): string | undefined =>
  value === undefined || value === "" ? undefined : String(value);

/** Attributes of an HTTP entry, worked out from its JSON. */
function expectedHttp({
  commonProperties: common,
  protocolVersion,
  request = {},
  response = {},
}: HttpEntry): readonly Shown[] {
  const path = textOf(request["originalPath"] ?? request["path"]);
  const protocol = { HTTP10: "HTTP/1.0", HTTP11: "HTTP/1.1", HTTP2: "HTTP/2" }[protocolVersion ?? ""];
  return [
    ["request.method", textOf(request["requestMethod"])],
    ["request.path", path],
    ["request.url_path", path?.split("?")[0]],
    ["request.upstream_path", textOf(request["path"])],
    ["request.host", textOf(request["authority"])],
    ["request.scheme", textOf(request["scheme"])],
    ["request.protocol", protocol],
    ["request.id", textOf(request["requestId"])],
    ["request.useragent", textOf(request["userAgent"])],
    ["request.headers", new Map(Object.entries(request.requestHeaders ?? {})) as CelValue],
    ["request.headers_bytes", bytesOf(request["requestHeadersBytes"])],
    ["request.size", bytesOf(request["requestBodyBytes"])],
    ["request.total_size", bytesOf(request["requestHeadersBytes"]) + bytesOf(request["requestBodyBytes"])],
    ["request.duration", common.duration === undefined ? undefined : new Duration(nanosOf(common.duration))],
    ["response.code", response.responseCode ? BigInt(response.responseCode) : undefined],
    ["response.code_details", textOf(response["responseCodeDetails"])],
    ["response.size", bytesOf(response["responseBodyBytes"])],
    ["connection.received_bytes", undefined],
  ];
}

function expectedCommon(common: Common, identifier: string | undefined): readonly Shown[] {
  const left = common.metadata?.filterMetadata;
  const decision = left?.["envoy.filters.http.ext_authz"] ?? left?.["envoy.filters.network.ext_authz"];
  return [
    ["request.time", new Timestamp(nanosOf(common.startTime))],
    ["response.flags", FLAGS[Object.keys(common.responseFlags ?? {}).join()] ?? -1n],
    ["metadata", celOf(common.metadata?.filterMetadata ?? {})],
    ["log.tags", celOf((common.customTags ?? {}) as Json)],
    ["log.name", identifier],
    ["check.decision_id", textOf(decision?.["decision_id"])],
    ["check.verdict", undefined],
    ["xds.cluster_name", textOf(common["upstreamCluster"])],
    ["xds.route_name", textOf(common["routeName"])],
    [
      "upstream.request_attempt_count",
      common["upstreamRequestAttemptCount"] ? new Uint(bytesOf(common["upstreamRequestAttemptCount"])) : undefined,
    ],
    ["connection.requested_server_name", textOf(common.tlsProperties?.tlsSniHostname)],
    ["connection.tls_version", common.tlsProperties?.tlsVersion?.replace("_", ".")],
    ["source.principal", principalOf(common.tlsProperties?.peerCertificateProperties)],
    ["connection.mtls", principalOf(common.tlsProperties?.peerCertificateProperties) !== undefined],
    ["source.address", addressOf(common["downstreamDirectRemoteAddress"])],
    ["source.remote_address", addressOf(common["downstreamRemoteAddress"])],
    ["destination.address", addressOf(common["downstreamLocalAddress"])],
    ["upstream.address", addressOf(common["upstreamRemoteAddress"])],
  ];
}

/** By Envoy's own table: the combinations that were recorded. */
const FLAGS: Readonly<Record<string, bigint>> = {
  "": 0n,
  noHealthyUpstream: 0x2n,
  upstreamRequestTimeout: 0x4n,
  upstreamConnectionFailure: 0x20n,
  upstreamConnectionTermination: 0x40n,
  rateLimited: 0x800n,
  unauthorizedDetails: 0x1000n,
  rateLimitServiceError: 0x2000n,
  downstreamConnectionTermination: 0x4000n,
};

function principalOf(certificate: Certificate | undefined): string | undefined {
  const names = certificate?.subjectAltName ?? [];
  return names.find(({ uri }) => uri)?.uri ?? names.find(({ dns }) => dns)?.dns ?? certificate?.subject;
}

function addressOf(address: unknown): string | undefined {
  // As the recordings have it.
  const { socketAddress, pipe } = (address ?? {}) as { socketAddress?: { address: string }; pipe?: { path: string } };
  return socketAddress?.address ?? pipe?.path;
}

function celOf(json: Json): CelValue {
  const value = fromJson(json, parseType("dyn"));
  if (value instanceof Invalid) throw new Error(value.reason);
  return value;
}

describe("what Envoy sent", () => {
  test.each(MESSAGES.filter((message) => !message.invalidUtf8).map((message) => [message.case, message] as const))(
    "%s: a record for each end, with the attributes that the recording says",
    (_, message) => {
      const records = recordsOf(message);
      const ended = entriesOf(message.json).filter(({ commonProperties }) =>
        ENDS.includes(commonProperties.accessLogType ?? ""),
      );
      expect(records).toHaveLength(ended.length);
      for (const [at, entry] of ended.entries()) {
        const values = records[at] ? everything(records[at].source, SNAPSHOT) : new Map();
        const http = message.json.httpLogs ? expectedHttp(entry) : [];
        const want = [...http, ...expectedCommon(entry.commonProperties, message.json.identifier?.logName)];
        expect(want.map(([name]) => [name, values.get(name)])).toEqual(want);
      }
    },
  );

  test("every attribute the vocabulary promises has its reader, and no other has one", () => {
    expect([...ACCESS_LOG_READERS.keys()].sort()).toEqual(namesOf("access-log"));
  });

  test("what the vocabulary calls always is in every record, and nothing is of another type than it says", () => {
    const kinds = { string: "string", int: "bigint", bool: "boolean" } as const;
    for (const { source } of MESSAGES.flatMap(recordsOf)) {
      const values = everything(source, SNAPSHOT);
      for (const { name } of SNAPSHOT.slots) {
        const row = lookup(name);
        const value = values.get(name);
        if (row?.doors["access-log"].supply === "always") expect([name, values.has(name)]).toEqual([name, true]);
        const kind = row && row.type in kinds ? kinds[row.type as keyof typeof kinds] : undefined;
        if (value !== undefined && kind !== undefined && !(value instanceof Invalid))
          expect([name, typeof value]).toEqual([name, kind]);
      }
    }
  });

  test.each([
    ["upstream-500", true],
    ["upstream-401", false],
    ["get-browser-h2", false],
    ["denied-401", true],
    ["denied-grpc", true],
    ["grpc-status-in-trailer", true],
    ["upstream-refused", true],
    ["tcp-mtls-denied", true],
    ["tcp-ok", false],
  ])("%s failed: %s", (name, failed) => {
    expect(recordsOf(named(name)).map((record) => record.error)).toEqual([failed]);
  });

  test("times are those of the request, and the record is of when it ended", () => {
    const [record] = recordsOf(named("get-browser-h2"));
    expect([record?.startNanos, record?.endNanos, record?.timeNanos]).toEqual([
      1_795_235_251_521_486_000n,
      1_795_235_251_522_821_010n,
      1_795_235_251_522_821_010n,
    ]);
  });

  test("the path is the client's where Envoy rewrote it, and what went upstream stands beside it", () => {
    expect(read("route-rewrite", "request.path")).toBe("/v1/items?x=1");
    expect(read("route-rewrite", "request.canonical_path")).toBe("/v1/items");
    expect(read("route-rewrite", "request.upstream_path")).toBe("/api/items?x=1");
  });

  test("a method that is in no standard and a code that was never sent are absent", () => {
    expect(read("method-custom", "request.method")).toBe(ABSENT);
    expect(read("grpc-status-in-trailer", "response.grpc_status")).toBe(5n);
    expect(read("denied-grpc", "response.grpc_status")).toBe(16n);
  });

  test("bytes of a client that are not UTF-8 are shown, not lost", () => {
    const tags = read("rl-request-headers-non-utf8", "log.tags");
    expect(tags instanceof Map && [...tags.values()]).toContainEqual(expect.stringMatching(/^caf\ufffd+$/));
  });

  test("a TCP entry that no decision was made for has none, though Envoy left its own time there", () => {
    expect(read("tcp-ok-with-headers-2", "check.decision_id")).toBe(ABSENT);
    expect(read("tcp-ok-with-headers-2", "connection.received_bytes")).toBe(5n);
  });
});

/** The bytes of one entry with our own answer in its metadata. */
function decided(attr: Readonly<Record<string, Json>>): Uint8Array {
  const message = StreamAccessLogsMessage.fromBinary(named("get-browser-h2").bytes);
  if (message.logEntries.oneofKind !== "httpLogs") throw new Error("no HTTP entry");
  const [entry] = message.logEntries.httpLogs.logEntry;
  const fields = {
    decision_id: "d-7",
    verdict: "denied",
    reason: "rule",
    rule: "shop/readers",
    snapshot: "s-1",
    took_us: 250,
    attr,
  };
  if (entry?.commonProperties?.metadata) {
    const value = structOf(Object.entries(fields));
    entry.commonProperties.metadata.filterMetadata = [{ key: "envoy.filters.http.ext_authz", value }];
  }
  return StreamAccessLogsMessage.toBinary(message);
}

describe("an entry with its decision", () => {
  const slots = [
    { name: "check.verdict", carried: false },
    { name: "check.took_us", carried: false },
    { name: "check.rule", carried: false },
    { name: "request.auth.subject", type: parseType("string"), carried: true },
    { name: "request.path", type: parseType("string"), carried: true },
    { name: "order.total", type: parseType("int"), carried: true },
    { name: "request.host", type: parseType("string"), carried: true },
  ];
  const snapshot = fakeSnapshot({ slots });
  const values = (attr: Readonly<Record<string, Json>>): readonly Outcome[] => {
    const { handler, engine } = stream(new FakeEngine(snapshot));
    handler.message(decided(attr));
    return slots.map((_, slot) => engine.records[0]?.source.read(slot) ?? ABSENT);
  };

  test("says what was decided, and has the values that the decision carried, by their types", () => {
    const carried = { "request.auth.subject": "ana", "request.path": "/before?x", "order.total": "9007199254740993" };
    expect(values(carried)).toEqual([
      "denied",
      250n,
      "shop/readers",
      "ana",
      "/before?x",
      9_007_199_254_740_993n,
      "www.shop.example",
    ]);
  });

  test("knows what it can where the decision carried nothing", () => {
    expect(values({})).toEqual([
      "denied",
      250n,
      "shop/readers",
      ABSENT,
      "/catalog?page=2&sort=price",
      ABSENT,
      "www.shop.example",
    ]);
  });

  test("takes a value of the wrong type for an error", () => {
    expect(values({ "order.total": "many" })[5]).toBeInstanceOf(Invalid);
  });

  test("was a failure when it was refused", () => {
    const { handler, engine } = stream(new FakeEngine(snapshot));
    handler.message(decided({}));
    expect(engine.records.map((record) => record.error)).toEqual([true]);
  });
});

describe("the stream", () => {
  const end = named("get-browser-h2").bytes;

  test("is where Envoy sends it, and ends with an answer", async () => {
    const { handler, engine, deps } = stream();
    expect(accessLogDoor(engine, deps).path).toBe(ACCESS_LOG_PATH);
    expect(await handler.end()).toEqual({ kind: "message", bytes: new Uint8Array() });
  });

  test("keeps who is sending from its first message", () => {
    const { handler, engine } = stream();
    handler.message(named("get-curl-h1").bytes);
    handler.message(end);
    const node = engine.records.map(({ source }) => source.readKey(slotOf("xds.node", SNAPSHOT), "id"));
    expect(node).toHaveLength(2);
    expect(node[0]).toBeTypeOf("string");
    expect(node[1]).toBe(node[0]);
  });

  test("counts entries that tell of no end by their type", () => {
    const { handler, engine, seen } = stream();
    handler.message(named("events-slow").bytes);
    handler.message(named("mtls-no-cert").bytes);
    expect(engine.records).toEqual([]);
    expect(seen).toEqual(["skipped UpstreamPoolReady 1", "skipped NotSet 1"]);
  });

  test("goes on after a message that is none", () => {
    const { handler, engine, seen } = stream();
    handler.message(new Uint8Array([0xff]));
    handler.message(end);
    expect(seen).toEqual(["undecodable access-log"]);
    expect(engine.records).toHaveLength(1);
  });

  test.each(["overload", "draining", "no-snapshot"] as const)("counts every record that is lost to %s", (why) => {
    const engine = new FakeEngine(SNAPSHOT);
    engine.turnAway = why;
    const { handler, seen } = stream(engine);
    handler.message(named("als-batch").bytes);
    expect(seen).toEqual([`dropped access-log ${why} ${entriesOf(named("als-batch").json).length}`]);
  });

  test("counts what the engine does not take, and what comes while the door is off", () => {
    const full = new FakeEngine(SNAPSHOT);
    full.reportAnswer = "overloaded";
    const overloaded = stream(full);
    overloaded.handler.message(end);
    const off = stream(new FakeEngine(fakeSnapshot({ off: ["access-log"] })));
    off.handler.message(end);
    expect([overloaded.seen, off.seen]).toEqual([["dropped access-log overload 1"], ["dropped access-log door-off 1"]]);
    expect([full.held, off.engine.held]).toEqual([0, 0]);
  });

  test("counts what is lost to a bug of ours and goes on", () => {
    class Broken extends FakeEngine {
      override report(): never {
        throw new Error("bug");
      }
    }
    const { handler, seen, engine } = stream(new Broken(SNAPSHOT));
    handler.message(end);
    expect(seen).toEqual(["failed access-log", "dropped access-log failed 1"]);
    expect(engine.held).toBe(0);
  });
});
