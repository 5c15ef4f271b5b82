/** A real Envoy with our configuration, between our clients and our sample services; a scripted engine stands where Weir will. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AccessLogType } from "#proto/envoy/data/accesslog/v3/accesslog";
import type { Field } from "#proto/weir/wire/v1/struct";
import { grpcUnary } from "../../deploy/clients/grpc.ts";
import { rawRequest } from "../../deploy/clients/http.ts";
import { openWebSocket } from "../../deploy/clients/websocket.ts";
import { makeMint } from "../../deploy/demo/tokens.ts";
import type { HttpListener } from "../../deploy/envoy/http-listener.ts";
import type { RunningEnvoy } from "../../deploy/envoy/run.ts";
import { valuesOf } from "../../deploy/headers.ts";
import { pollUntil } from "../../deploy/poll.ts";
import { type Greeter, startGreeter } from "../../deploy/services/greeter.ts";
import { type Orders, startOrders } from "../../deploy/services/orders.ts";
import { makeAuthority } from "../wire/certificates.ts";
import { envoyWith, WITHOUT_ENVOY } from "./support/envoy.ts";
import { allowed, attributesOf, denied, httpEntry, tcpEntry } from "./support/envoy-messages.ts";
import { type Answer, type ScriptedServer, startScriptedServer } from "./support/scripted-server.ts";

const CART = "spiffe://shop.example/ns/shop/sa/cart";
const KIB = 1024;

const authority = makeAuthority("test authority", Date.now());
const gateway = authority.issue("gateway", { dns: ["localhost"] });
const mint = makeMint(Date.now());

const routes: HttpListener["routes"] = [
  { name: "greeter", prefix: "/greeter.v1.Greeter/", upstream: "greeter" },
  { name: "unasked", prefix: "/unasked", upstream: "orders", authz: "off" },
  { name: "blue", prefix: "/coloured", headers: { "x-colour": "blue" }, rewrite: "/blue", upstream: "orders" },
  { name: "impatient", prefix: "/impatient/", upstream: "orders", timeoutMs: 50 },
  { name: "gone", prefix: "/gone", upstream: "gone" },
  { name: "orders", prefix: "/", upstream: "orders", context: { team: "shop" } },
];

let engine: ScriptedServer;
let orders: Orders;
let greeter: Greeter;
let envoy: RunningEnvoy;

describe.skipIf(WITHOUT_ENVOY)("a real Envoy with our configuration", () => {
  beforeAll(async () => {
    [engine, orders, greeter] = await Promise.all([startScriptedServer(allow), startOrders(), startGreeter()]);
    const { port: closed, stop } = await startOrders();
    await stop();
    envoy = await envoyWith({
      weirPort: engine.port,
      upstreams: {
        orders: { port: orders.port },
        greeter: { port: greeter.port, protocol: "h2" },
        gone: { port: closed },
      },
      listeners: [
        { kind: "http", name: "edge", routes, log: { requestHeaders: ["x-colour"], tags: { mesh: "shop" } } },
        { kind: "http", name: "open", routes, authz: { failureModeAllow: true } },
        { kind: "http", name: "told-apart", routes, authz: { statusOnError: 503, timeoutMs: 100 } },
        { kind: "http", name: "raw-paths", routes, paths: { normalize: false, escapedSlashes: "keep" } },
        { kind: "http", name: "body", routes, authz: { body: { maxBytes: 4, partial: true } } },
        { kind: "http", name: "whole-body", routes, authz: { body: { maxBytes: 4 } } },
        { kind: "http", name: "events", routes, log: { atStart: true, everyMs: 20, flushMs: 10 } },
        { kind: "http", name: "tokens", routes, jwt: { issuer: mint.issuer, jwks: mint.jwks } },
        {
          kind: "http",
          name: "mtls",
          routes,
          tls: { ...gateway, clientCa: authority.certificate },
          authz: { peerCertificate: true },
        },
        { kind: "tcp", name: "tcp", upstream: "orders" },
      ],
    });
  });

  afterAll(async () => {
    await envoy?.stop();
    await Promise.all([engine, orders, greeter].map((server) => server?.stop()));
  });

  test("an allowed request reaches the service exactly as it was sent", async () => {
    engine.follow(allow);
    const response = await rawRequest({
      port: envoy.port("edge"),
      method: "POST",
      path: "/exactly?a=%20&a=2&flag",
      headers: [
        ["x-colour", "red"],
        ["x-colour", "blue"],
        ["x-odd", Uint8Array.of(0x66, 0xff, 0xfe)],
        ["constructor", "c"],
        ["__proto__", "p"],
        ["x-large", "x".repeat(64 * KIB)],
      ],
      body: "a body",
    });
    expect(response.status).toBe(200);
    const request = await orders.requests.first(({ path }) => path.startsWith("/exactly"));
    expect(request).toMatchObject({ method: "POST", path: "/exactly?a=%20&a=2&flag", body: "a body" });
    expect(valuesOf(request.headers, "x-colour")).toEqual(["red", "blue"]);
    expect(valuesOf(request.headers, "x-odd")).toEqual(["f\xff\xfe"]);
    expect(valuesOf(request.headers, "constructor")).toEqual(["c"]);
    expect(valuesOf(request.headers, "__proto__")).toEqual(["p"]);
    expect(valuesOf(request.headers, "x-large")[0]).toHaveLength(64 * KIB);
  });

  test("the Check holds raw headers, duplicates apart, and what the operator says about the route", async () => {
    engine.follow(allow);
    const headers = [
      ["x-two", "1"],
      ["x-two", "2"],
      ["x-odd", Uint8Array.of(0xff)],
    ] as const;
    await rawRequest({ port: envoy.port("edge"), path: "/raw-headers", headers });
    const { request, contextExtensions } = await checkOf("/raw-headers");
    const sent = request?.http?.headerMap?.headers.filter(({ key }) => key.startsWith("x-two") || key === "x-odd");
    expect(sent?.map(({ rawValue }) => Buffer.from(rawValue).toString("latin1"))).toEqual(["1", "2", "\xff"]);
    expect(request?.http?.headers).toEqual([]);
    expect(contextExtensions).toEqual([{ key: "team", value: "shop" }]);
  });

  test("a denial is what the client gets, and the service gets nothing", async () => {
    engine.follow(() => message(denied(403, "no")));
    const response = await get("edge", "/denied");
    expect({ status: response.status, body: response.body.toString() }).toEqual({ status: 403, body: "no" });
    expect(orders.requests.all.filter(({ path }) => path === "/denied")).toEqual([]);
  });

  test.each([
    ["allowed", (metadata: Field) => allowed({}, [metadata]), 200, ""],
    ["denied", (metadata: Field) => denied(403, "", [metadata]), 403, "ext_authz_denied"],
  ])(
    "the log entry of a request that was %s comes with the metadata of its answer",
    async (name, answer, code, details) => {
      const decision = {
        key: "decision_id",
        value: { kind: { oneofKind: "stringValue", stringValue: name } },
      } as const;
      engine.follow(() => message(answer(decision)));
      await get("edge", `/logged/${name}`, [["x-colour", "red"]]);
      const { commonProperties, request, response } = await httpEntry(engine.logged, loggedPath(`/logged/${name}`));
      expect(response?.responseCode?.value).toBe(code);
      expect(response?.responseCodeDetails).toContain(details);
      expect(request?.requestHeaders).toContainEqual({ key: "x-colour", value: "red" });
      expect(commonProperties?.customTags).toEqual([{ key: "mesh", value: "shop" }]);
      const metadata = commonProperties?.metadata?.filterMetadata.find(
        ({ key }) => key === "envoy.filters.http.ext_authz",
      );
      expect(metadata?.value?.fields).toContainEqual(decision);
    },
  );

  test("an empty answer lets the request through: the trap that our types and assertions are there for", async () => {
    engine.follow(() => message(new Uint8Array()));
    expect(await get("edge", "/empty")).toMatchObject({ status: 200 });
  });

  const whole = denied(403, "no");
  const failures: readonly (readonly [string, Answer])[] = [
    ["a message cut short", message(whole.subarray(0, -1))],
    ["a message that is none", message(Uint8Array.of(0xff, 0xff, 0xff))],
    ["a frame that promises more than comes", { kind: "frames", bytes: Uint8Array.of(0, 0, 0, 0, 9, 8, 0) }],
    ["a frame without its length", { kind: "frames", bytes: Uint8Array.of(0, 0) }],
    ["OK and no message", { kind: "status", code: 0 }],
    ["a denial sent as an RPC status", { kind: "status", code: 7 }],
    ["a reset stream", { kind: "reset" }],
  ];

  test.each(failures)(
    "%s is an error to Envoy: refused, and let through where the operator said so",
    async (_, answer) => {
      engine.follow(() => answer);
      const before = await errors();
      expect(await get("edge", "/failed")).toMatchObject({ status: 403 });
      expect(await errors()).toBe(before + 1);
      expect(await get("told-apart", "/failed")).toMatchObject({ status: 503 });
      expect(await get("open", "/failed")).toMatchObject({ status: 200 });
    },
  );

  test("an answer that never comes is an error once the time is over", async () => {
    engine.follow(() => ({ kind: "never" }));
    expect(await get("told-apart", "/never")).toMatchObject({ status: 503 });
  });

  test("an answer that comes late is waited for", async () => {
    const late = Promise.withResolvers<Answer>();
    engine.follow(() => late.promise);
    const asked = get("edge", "/late");
    await checkOf("/late");
    late.resolve(message(allowed()));
    expect(await asked).toMatchObject({ status: 200 });
  });

  test("Envoy's counters can be read", async () => {
    engine.follow(() => message(denied(403, "")));
    const before = await envoy.stats();
    await get("edge", "/counted");
    const after = await envoy.stats();
    const name = "http.edge.ext_authz.denied";
    expect(after.get(name)).toBe((before.get(name) ?? 0) + 1);
  });

  test("the route is chosen again by the headers that the engine set", async () => {
    const header = { header: { key: "x-colour", value: "blue" } };
    engine.follow(() => message(allowed({ headers: [header] })));
    const response = await get("edge", "/coloured", [["x-colour", "red"]]);
    expect(JSON.parse(response.body.toString())).toMatchObject({ path: "/blue" });
  });

  test("a route can go without being asked about", async () => {
    engine.follow(() => message(denied(403, "")));
    expect(await get("edge", "/unasked")).toMatchObject({ status: 200 });
  });

  test.each([
    ["/a/../b//c", "/b/c"],
    ["/%61dmin", "/admin"],
    ["/a\\b", "/a/b"],
  ])(
    "the path %s is %s to the engine and to the service, and as it was where paths are kept raw",
    async (path, tidy) => {
      engine.follow(allow);
      await get("edge", path);
      await checkOf(tidy);
      await orders.requests.first((request) => request.path === tidy);
      await get("raw-paths", path);
      await checkOf(path);
      await orders.requests.first((request) => request.path === path);
    },
  );

  test("an escaped slash is refused by Envoy itself, and logged; where paths are kept raw the engine sees it", async () => {
    engine.follow(allow);
    expect(await get("edge", "/escaped%2fslash")).toMatchObject({ status: 400 });
    const entry = await httpEntry(engine.logged, ({ response }) => response?.responseCode?.value === 400);
    expect(entry.response?.responseCodeDetails).toBe("path_normalization_failed");
    expect(engine.checks.all.filter((check) => check.includes("/escaped%2fslash"))).toEqual([]);
    expect(await get("raw-paths", "/escaped%2fslash")).toMatchObject({ status: 200 });
    await checkOf("/escaped%2fslash");
  });

  test("a body goes along with the Check, cut where that is allowed, otherwise refused when it is too long", async () => {
    engine.follow(allow);
    const send = (listener: string, path: string, body: string) =>
      rawRequest({ port: envoy.port(listener), method: "POST", path, body });
    expect(await send("body", "/long-body", "123456")).toMatchObject({ status: 200 });
    const { request } = await checkOf("/long-body");
    expect(Buffer.from(request?.http?.rawBody ?? []).toString()).toBe("1234");
    expect(await orders.requests.first(({ path }) => path === "/long-body")).toMatchObject({ body: "123456" });
    expect(await send("whole-body", "/whole", "1234")).toMatchObject({ status: 200 });
    expect(await send("whole-body", "/whole", "12345")).toMatchObject({ status: 413 });
  });

  test("a gRPC call goes through, trailers and all", async () => {
    engine.follow(allow);
    const headers = [["x-odd", "1"]] as const;
    const call = {
      port: envoy.port("edge"),
      path: "/greeter.v1.Greeter/Greet",
      message: Buffer.from("hello"),
      headers,
    };
    const answer = await grpcUnary(call);
    expect(answer).toMatchObject({ httpStatus: 200, status: 0 });
    expect(Buffer.concat(answer.messages).toString()).toBe("hello");
    const request = await greeter.requests.first();
    expect(valuesOf(request.headers, "x-odd")).toEqual(["1"]);
  });

  test.each([
    ["fails", "Fail", 9],
    ["is reset", "Reset", 14],
  ])("a gRPC call that %s has its status at the client and in the log", async (_, method, status) => {
    engine.follow(allow);
    const path = `/greeter.v1.Greeter/${method}`;
    expect(await grpcUnary({ port: envoy.port("edge"), path, message: Buffer.from("hello") })).toMatchObject({
      status,
    });
    const { response } = await httpEntry(engine.logged, loggedPath(path));
    const last = [...(response?.responseTrailers ?? []), ...(response?.responseHeaders ?? [])];
    expect(last).toContainEqual({ key: "grpc-status", value: String(status) });
  });

  test("a gRPC call that is refused gets a gRPC status without a message", async () => {
    engine.follow(() => message(denied(403, "")));
    const path = "/greeter.v1.Greeter/Refused";
    const answer = await grpcUnary({ port: envoy.port("edge"), path, message: Buffer.from("hello") });
    expect(answer).toMatchObject({ httpStatus: 200, status: 7, messages: [] });
  });

  test("a WebSocket is asked about once, at the handshake", async () => {
    engine.follow(allow);
    engine.checks.clear();
    const handshake = await openWebSocket({ port: envoy.port("edge"), path: "/ws" });
    if (handshake.kind === "refused") throw new Error(`refused with ${handshake.response.status}`);
    expect(await handshake.link.exchange("hello")).toBe("hello");
    expect(await handshake.link.exchange("x".repeat(KIB))).toHaveLength(KIB);
    handshake.link.close();
    expect((await httpEntry(engine.logged, loggedPath("/ws"))).response?.responseCode?.value).toBe(101);
    expect(engine.checks.all).toHaveLength(1);
  });

  test("a refused WebSocket has a plain answer", async () => {
    engine.follow(() => message(denied(403, "no")));
    const handshake = await openWebSocket({ port: envoy.port("edge"), path: "/ws" });
    expect(handshake).toMatchObject({ kind: "refused", response: { status: 403 } });
  });

  test.each([
    ["breaks the connection", "/reset", 503, "upstreamConnectionTermination"],
    ["is not there", "/gone", 503, "upstreamConnectionFailure"],
    ["takes too long", "/impatient/slow", 504, "upstreamRequestTimeout"],
  ] as const)("a service that %s is told from one that answers", async (_, path, code, flag) => {
    engine.follow(allow);
    expect(await get("edge", path)).toMatchObject({ status: code });
    const { commonProperties, response } = await httpEntry(engine.logged, loggedPath(path));
    expect(response?.responseCode?.value).toBe(code);
    expect(commonProperties?.responseFlags).toMatchObject({ [flag]: true });
  });

  test("the service answers with the status that the path asks for", async () => {
    engine.follow(allow);
    expect(await get("edge", "/orders/502")).toMatchObject({ status: 502 });
  });

  test("entries at the start, in between and at the end of a request are told apart", async () => {
    engine.follow(allow);
    const asked = get("events", "/events/slow");
    for (const type of [AccessLogType.DownstreamStart, AccessLogType.DownstreamPeriodic]) {
      await httpEntry(engine.logged, typedEntry("/events/slow", type));
    }
    expect(orders.release()).toBe(1);
    expect(await asked).toMatchObject({ status: 200 });
    await httpEntry(engine.logged, typedEntry("/events/slow", AccessLogType.DownstreamEnd));
  });

  test("a verified token's claims reach the Check, a bad token is refused, none is none", async () => {
    engine.follow(allow);
    const token = mint.token({ sub: "ann" });
    expect(await get("tokens", "/with-token", [["authorization", `Bearer ${token}`]])).toMatchObject({ status: 200 });
    const metadata = (await checkOf("/with-token")).metadataContext?.filterMetadata ?? [];
    const claims = metadata.find(({ key }) => key === "envoy.filters.http.jwt_authn")?.value?.fields;
    expect(claims?.map(({ key }) => key)).toEqual(["jwt"]);
    expect(JSON.stringify(claims)).toContain('"stringValue":"ann"');
    const forged = makeMint(Date.now()).token({ sub: "ann" });
    expect(await get("tokens", "/forged", [["authorization", `Bearer ${forged}`]])).toMatchObject({ status: 401 });
    expect(await get("tokens", "/no-token")).toMatchObject({ status: 200 });
  });

  test("a client certificate's name reaches the Check; without one there is no connection", async () => {
    engine.follow(allow);
    const { certificate: cert, key } = authority.issue("cart", { uris: [CART] });
    const port = envoy.port("mtls");
    const tls = { ca: authority.certificate, servername: "localhost" };
    expect(await rawRequest({ port, path: "/mtls", tls: { ...tls, cert, key } })).toMatchObject({ status: 200 });
    const { source, tlsSession } = await checkOf("/mtls");
    expect(source?.principal).toBe(CART);
    expect(decodeURIComponent(source?.certificate ?? "")).toBe(cert);
    expect(tlsSession?.sni).toBe("localhost");
    await expect(rawRequest({ port, path: "/mtls", tls })).rejects.toThrow();
  });

  test("a TCP connection is asked about and logged; a refused one is closed", async () => {
    engine.follow(allow);
    engine.checks.clear();
    const port = envoy.port("tcp");
    expect(await rawRequest({ port, path: "/over-tcp" })).toMatchObject({ status: 200 });
    expect(attributesOf(await engine.checks.first()).request?.http).toBeUndefined();
    const ended = await tcpEntry(engine.logged, () => true);
    expect(ended.connectionProperties?.receivedBytes).toBeGreaterThan(0n);
    engine.follow(() => message(denied(403, "")));
    await expect(rawRequest({ port, path: "/over-tcp" })).rejects.toThrow();
    await pollUntil(async () => (await envoy.stats()).get("ext_authz.tcp.denied") === 1, {
      what: "the refused connection counted",
      withinMs: 5_000,
    });
  });

  test("bytes can be sent that are no HTTP at all", async () => {
    const response = await rawRequest({ port: envoy.port("edge"), bytes: "NONSENSE\r\n\r\n" });
    expect(response.status).toBe(400);
  });
});

function allow(): Answer {
  return message(allowed());
}

function message(bytes: Uint8Array): Answer {
  return { kind: "message", bytes };
}

function get(listener: string, path: string, headers: readonly (readonly [string, string])[] = []) {
  return rawRequest({ port: envoy.port(listener), path, headers });
}

async function checkOf(path: string) {
  return attributesOf(await engine.checks.first((check) => attributesOf(check).request?.http?.path === path));
}

async function errors(): Promise<number> {
  return (await envoy.stats()).get("http.edge.ext_authz.error") ?? 0;
}

type Entry = Parameters<Parameters<typeof httpEntry>[1]>[0];

function loggedPath(path: string) {
  return ({ request }: Entry) => request?.path === path;
}

function typedEntry(path: string, type: AccessLogType) {
  return (entry: Entry) => loggedPath(path)(entry) && entry.commonProperties?.accessLogType === type;
}
