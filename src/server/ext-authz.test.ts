import { describe, expect, test } from "vitest";
import { CheckRequest, CheckResponse } from "#proto/envoy/service/auth/v3/external_auth";
import {
  bytesOf,
  decision,
  everything,
  FakeEngine,
  fakeCall,
  fakeDeps,
  fakeSnapshot,
  namesOf,
  recorded,
} from "../../test/server/fakes.ts";
import { fromJson, type Json } from "../attribute/json.ts";
import { type CelValue, Invalid, type Outcome, Timestamp } from "../attribute/value.ts";
import { lookup } from "../attribute/vocabulary.ts";
import type { DoorName } from "../policy/authored.ts";
import type { Reply, UnaryDoor } from "../wire/door.ts";
import { EXT_AUTHZ_PATH, extAuthzDoor } from "./ext-authz.ts";
import { EXT_AUTHZ_ATTRIBUTES } from "./ext-authz-attributes.ts";

/** What is read of the recorded JSON. */
interface RecordedCheck {
  readonly attributes: {
    readonly source: RecordedPeer;
    readonly destination: RecordedPeer;
    readonly request?: { readonly time: string; readonly http: RecordedHttp };
    readonly contextExtensions?: Readonly<Record<string, string>>;
    readonly metadataContext?: RecordedMetadata;
    readonly routeMetadataContext?: RecordedMetadata;
    readonly tlsSession?: { readonly sni?: string };
  };
}

interface RecordedPeer {
  readonly address: {
    readonly socketAddress?: { readonly address: string; readonly portValue: number };
    readonly pipe?: { readonly path: string };
  };
  readonly principal?: string;
  readonly service?: string;
  readonly certificate?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

interface RecordedHttp {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  readonly protocol: string;
  readonly size?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly headerMap?: { readonly headers: readonly { readonly key: string; readonly rawValue: string }[] };
}

interface RecordedMetadata {
  readonly filterMetadata?: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

const MESSAGES = recorded<RecordedCheck>("ext_authz");
const SNAPSHOT = fakeSnapshot();

/** What every attribute must be, worked out from the recorded JSON by other means than the door's. */
function expected({ attributes }: RecordedCheck): Map<string, Outcome> {
  const { source, destination, request, contextExtensions, metadataContext, routeMetadataContext, tlsSession } =
    attributes;
  const values = new Map<string, Outcome>([["peer.address", "127.0.0.1"]]);
  const put: Put = (name, value) => value !== undefined && value !== "" && values.set(name, value);
  for (const [side, peer] of [
    ["source", source],
    ["destination", destination],
  ] as const) {
    const { socketAddress, pipe } = peer.address;
    put(`${side}.address`, socketAddress?.address ?? pipe?.path);
    if (socketAddress) put(`${side}.port`, BigInt(socketAddress.portValue));
    put(`${side}.principal`, peer.principal);
  }
  if (destination.labels) put("destination.labels", celOf(destination.labels));
  if (!request) put("destination.service", destination.service);
  if (source.certificate) put("connection.peer_certificate", unescaped(source.certificate));
  put("connection.requested_server_name", tlsSession?.sni);
  put("context", celOf(contextExtensions ?? {}));
  put("metadata", celOf(metadataContext?.filterMetadata ?? {}));
  if (routeMetadataContext?.filterMetadata) put("xds.route_metadata", celOf(routeMetadataContext.filterMetadata));
  if (request)
    expectedRequest(request, metadataContext?.filterMetadata?.["envoy.filters.http.jwt_authn"]?.["jwt"], put);
  return values;
}

type Put = (name: string, value: Outcome | undefined) => unknown;

function expectedRequest({ time, http }: { time: string; http: RecordedHttp }, jwt: Json | undefined, put: Put): void {
  const headers = headersOf(http);
  put("request.method", http.method);
  put("request.path", http.path);
  put("request.url_path", http.path.split("?")[0]);
  put("request.host", http.host);
  put("request.scheme", http.scheme);
  put("request.protocol", http.protocol);
  put("request.time", timeOf(time));
  put("request.headers", headers);
  put("request.id", headers.get("x-request-id"));
  put("request.referer", headers.get("referer"));
  put("request.useragent", headers.get("user-agent"));
  if (http.size) put("request.size", BigInt(http.size));
  const claims = celOf(jwt ?? {});
  put("request.auth.claims", claims);
  if (!(claims instanceof Map)) return;
  put("request.auth.subject", claims.get("sub"));
  put("request.auth.presenter", claims.get("azp"));
  if (claims.has("sub")) put("request.auth.principal", `${claims.get("iss")}/${claims.get("sub")}`);
  if (claims.has("aud")) put("request.auth.audiences", [claims.get("aud")].flat());
}

function headersOf({ headers = {}, headerMap }: RecordedHttp): Map<CelValue, CelValue> {
  const joined = new Map<CelValue, CelValue>();
  const raw = headerMap?.headers.map(({ key, rawValue }) => [key, Buffer.from(rawValue, "base64").toString()] as const);
  for (const [name, value] of raw ?? Object.entries(headers)) {
    if (name.startsWith(":")) continue;
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return joined;
}

function celOf(json: Json): CelValue {
  const value = fromJson(json, { kind: "dyn" });
  if (value instanceof Invalid) throw new Error(value.reason);
  return value;
}

function timeOf(text: string): Timestamp {
  const [, seconds, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(text) ?? [];
  return new Timestamp(BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0")));
}

function unescaped(text: string): string {
  return new URLSearchParams(`x=${text.replaceAll("+", "%2B")}`).get("x") ?? "";
}

/** Looked at by tests of their own, below. */
const APART = new Set(["request.query", "request.canonical_path", "request.body", "request.raw_body"]);

function check(bytes: Uint8Array, options: { engine?: FakeEngine; deps?: ReturnType<typeof fakeDeps> } = {}) {
  const engine = options.engine ?? new FakeEngine(SNAPSHOT);
  const deps = options.deps ?? fakeDeps();
  const reply = extAuthzDoor(engine, deps).handle(bytes, fakeCall());
  if (reply instanceof Promise) throw new Error("nothing had to wait");
  return { reply, input: engine.checks[0], engine, events: deps.events };
}

function attributesOf(name: string): Map<string, Outcome> {
  const message = MESSAGES.find((one) => one.case === name);
  const { input } = check(message?.bytes ?? new Uint8Array());
  if (message === undefined || input === undefined) throw new Error(`no recording ${name}`);
  return everything(input.source, SNAPSHOT);
}

describe("what Envoy sent", () => {
  test.each(MESSAGES.filter((message) => !message.invalidUtf8).map((message) => [message.case, message] as const))(
    "%s: every attribute is what the recording says",
    (_, { bytes, json }) => {
      const { input } = check(bytes);
      const values = input ? everything(input.source, SNAPSHOT) : new Map();
      for (const name of APART) values.delete(name);
      expect(values).toEqual(expected(json));
      expect(input?.door).toBe(json.attributes.request ? "ext-authz" : "ext-authz-tcp");
      expect(input?.refused).toBeUndefined();
      expect(input?.deduplicationId).toBe(json.attributes.request?.http.id ?? "");
    },
  );

  test("every attribute the vocabulary promises has its reader, and no other has one", () => {
    expect([...EXT_AUTHZ_ATTRIBUTES.keys()].sort()).toEqual(namesOf("ext-authz", "ext-authz-tcp"));
  });

  test("what the vocabulary calls always is in every recording of its door", () => {
    for (const { bytes, case: name } of MESSAGES) {
      const { input } = check(bytes);
      if (input === undefined) throw new Error(name);
      const values = everything(input.source, SNAPSHOT);
      const always = SNAPSHOT.plan.slots.filter((slot) => alwaysOn(slot.name, input.door));
      expect(always.filter((slot) => !values.has(slot.name)).map((slot) => `${name} ${slot.name}`)).toEqual([]);
    }
  });

  test("nothing the vocabulary calls never comes from any recording", () => {
    for (const { bytes } of MESSAGES) {
      const { input } = check(bytes);
      const supplied = input?.door === "ext-authz" ? namesOf("ext-authz") : namesOf("ext-authz-tcp");
      const names = input ? [...everything(input.source, SNAPSHOT).keys()] : [];
      expect(names.filter((name) => !supplied.includes(name))).toEqual([]);
    }
  });

  test("bytes that are not UTF-8 spoil what they are in, and nothing else", () => {
    const values = attributesOf("rl-request-headers-non-utf8");
    expect(values.get("metadata")).toBeInstanceOf(Invalid);
    expect(values.get("request.path")).toBe("/rl/headers");
    expect(values.get("request.headers")).toBeInstanceOf(Map);
  });

  test("a header called __proto__ is a header", () => {
    const headers = attributesOf("hdr-proto-keys").get("request.headers");
    expect(headers instanceof Map && [headers.get("__proto__"), headers.get("constructor")]).toEqual(["x", "y"]);
  });

  test("raw headers keep what is repeated apart, cookies in their own way", () => {
    const headers = attributesOf("raw-duplicates").get("request.headers");
    expect(headers instanceof Map && [headers.get("x-role"), headers.get("cookie")]).toEqual([
      "user, admin",
      "a=1; b=2",
    ]);
  });

  test.each([
    ["path-encoded-slash", "! `%2"],
    ["path-dot-segments", "/admin/users"],
    ["path-semicolon", "! `..;"],
    ["path-backslash", "! `\\`"],
    ["path-encoded-letters", "/admin/users"],
    ["path-invalid-percent", "! hexadecimal"],
    ["norm-dot-segments", "/admin/users"],
  ])("%s: the canonical path is %s", (name, path) => {
    const value = attributesOf(name).get("request.canonical_path");
    if (path.startsWith("! ")) expect(value instanceof Invalid && value.reason).toContain(path.slice(2));
    else expect(value).toBe(path);
  });

  test.each([
    ["body-form", "name=Ana+M&city=K%C3%B6ln", undefined],
    ["raw-body-json", '{"sku":"A-1","qty":2}', new TextEncoder().encode('{"sku":"A-1","qty":2}')],
    ["body-partial", "error", undefined],
    ["raw-body-partial", "error", "error"],
    ["post-json", undefined, undefined],
    ["body-empty", undefined, undefined],
  ])("%s: the body is %s", (name, text, bytes) => {
    const values = attributesOf(name);
    const shown = (value: Outcome | undefined) => (value instanceof Invalid ? "error" : value);
    expect([shown(values.get("request.body")), shown(values.get("request.raw_body"))]).toEqual([text, bytes]);
  });

  test("the query is empty when there is none", () => {
    expect(attributesOf("path-query-only").get("request.query")).toBe("");
    expect(attributesOf("path-absolute-form").get("request.query")).toBe("x=1");
    expect(attributesOf("get-curl-h1").get("request.query")).toBe("");
  });
});

function alwaysOn(name: string, door: DoorName): boolean {
  return lookup(name)?.doors[door].supply === "always";
}

function answerOf(door: UnaryDoor, bytes: Uint8Array): Reply {
  const reply = door.handle(bytes, fakeCall());
  if (reply instanceof Promise) throw new Error("nothing had to wait");
  return reply;
}

describe("the door", () => {
  const hello = MESSAGES[0]?.bytes ?? new Uint8Array();

  test("listens where Envoy calls", () => {
    expect(extAuthzDoor(new FakeEngine(SNAPSHOT), fakeDeps()).path).toBe(EXT_AUTHZ_PATH);
  });

  test("asks before it looks: where the engine cannot work, the call fails and nothing is decided", () => {
    const engine = new FakeEngine(SNAPSHOT);
    engine.turnAway = "overload";
    expect(check(hello, { engine }).reply).toMatchObject({ kind: "status", code: 14 });
    expect(engine.checks).toEqual([]);
  });

  test("gives what is no message to the engine to be refused, and never fails the call", () => {
    const { input, events } = check(new Uint8Array([0xff, 0xff, 0xff]));
    expect(input?.refused?.reason).toBe("undecodable");
    expect(events.seen).toEqual(["undecodable ext-authz"]);
  });

  test("does not look at a message that is larger than it takes, and refuses it by an answer", () => {
    const engine = new FakeEngine(SNAPSHOT, () => decision({ verdict: "undecided", reason: "too-large" }));
    const deps = fakeDeps();
    const large = new Uint8Array(deps.limits.maxCheckBytes + 1);
    large.set(hello);
    const reply = answerOf(extAuthzDoor(engine, deps), large);
    expect(CheckResponse.fromBinary(bytesOf(reply)).status?.code).toBe(9);
    expect(engine.checks.map(({ door, refused }) => [door, refused?.reason])).toEqual([["ext-authz", "too-large"]]);
    expect(deps.events.seen).toEqual([]);
    const smaller = extAuthzDoor(engine, { ...deps, limits: { ...deps.limits, maxCheckBytes: hello.length } });
    bytesOf(answerOf(smaller, hello));
    bytesOf(answerOf(smaller, new Uint8Array([...hello, 0])));
    expect(engine.checks.slice(1).map(({ refused }) => refused?.reason)).toEqual([undefined, "too-large"]);
  });

  test("tells a gRPC client the status in a header, by a form as well", () => {
    const response = { status: 403, headers: [], body: "" };
    const engine = new FakeEngine(SNAPSHOT, () => decision({ verdict: "denied", response }));
    const door = extAuthzDoor(engine, fakeDeps());
    const message = CheckRequest.fromBinary(hello);
    message.attributes?.request?.http?.headers.push({ key: "Content-Type", value: "application/grpc+proto" });
    const grpc = CheckRequest.toBinary(message);
    const statusOf = (bytes: Uint8Array): unknown => {
      const { httpResponse } = CheckResponse.fromBinary(bytesOf(answerOf(door, bytes)));
      return httpResponse.oneofKind === "deniedResponse" && httpResponse.deniedResponse.headers[0]?.header?.value;
    };
    const statuses = [1, 2, 3, 4].map(() => [statusOf(grpc), statusOf(hello)]);
    expect(statuses).toEqual([1, 2, 3, 4].map(() => ["7", undefined]));
  });

  test("refuses TCP where it was not enabled", () => {
    const tcp = MESSAGES.find((message) => message.case === "tcp-ok")?.bytes ?? new Uint8Array();
    const { input } = check(tcp, { engine: new FakeEngine(fakeSnapshot({ off: ["ext-authz-tcp"] })) });
    expect([input?.door, input?.refused?.reason]).toEqual(["ext-authz-tcp", "door-off"]);
  });

  test("takes a message without a request for TCP: it allows nothing that TCP rules do not", () => {
    expect(check(new Uint8Array()).input?.door).toBe("ext-authz-tcp");
  });

  test("lets go of its snapshot whether it waits or not, and when we fail", async () => {
    const engine = new FakeEngine(SNAPSHOT, async () => decision());
    const reply = extAuthzDoor(engine, fakeDeps()).handle(hello, fakeCall());
    expect(engine.held).toBe(1);
    await reply;
    expect(engine.held).toBe(0);
    const { engine: sync } = check(hello);
    expect(sync.held).toBe(0);
  });

  test.each([
    [
      "at once",
      () => {
        throw new Error("bug");
      },
    ],
    ["later", () => Promise.reject(new Error("bug"))],
  ])("answers a bug of ours, thrown %s, with a refusal that Envoy reads as one", async (_, decide) => {
    const engine = new FakeEngine(SNAPSHOT, decide);
    const deps = fakeDeps();
    const answer = CheckResponse.fromBinary(bytesOf(await extAuthzDoor(engine, deps).handle(hello, fakeCall())));
    expect(answer.status?.code).toBe(9);
    expect(answer.httpResponse.oneofKind).toBe("deniedResponse");
    expect(deps.events.seen).toEqual(["failed ext-authz"]);
    expect(engine.held).toBe(0);
  });
});
