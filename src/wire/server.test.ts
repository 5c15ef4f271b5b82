import { spawnSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectNet, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Client, type ClientDuplexStream, credentials, Metadata, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterEach, describe, expect, test } from "vitest";
import { SILENT } from "../telemetry/index.ts";
import { type Address, parseAddress } from "./address.ts";
import type { Call, Door, Reply, StreamHandler } from "./door.ts";
import type { WireLimits } from "./limits.ts";
import { type RunningServer, startServer } from "./server.ts";

const ECHO = "/test.v1.Echo/Say";
const LOG = "/test.v1.Echo/Log";

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

/** A server of these doors on a free port, and what it told of itself. */
async function serve(doors: readonly Door[], options: { address?: Address; limits?: Partial<WireLimits> } = {}) {
  const failed: unknown[] = [];
  const connections = { opened: 0, closed: 0, refused: 0 };
  const server = await startServer({
    doors,
    address: options.address ?? { kind: "tcp", host: "127.0.0.1", port: 0 },
    insecure: false,
    log: SILENT,
    telemetry: {
      failed: (_where, error) => failed.push(error),
      connection: (event) => {
        connections[event] += 1;
      },
    },
    monotonicMs: () => performance.now(),
    ...(options.limits ? { limits: options.limits } : {}),
  });
  if ("problem" in server) throw new Error(server.problem);
  opened.push({ close: () => server.drain(0) });
  return { server, failed, connections };
}

function clientOf(server: RunningServer, options = {}): Client {
  const client = new Client(server.address, credentials.createInsecure(), options);
  opened.push(client);
  return client;
}

const identity = (bytes: Buffer): Buffer => bytes;

type Answer = { readonly bytes: string } | { readonly code: number; readonly details: string };

/** One call, its answer as a value. */
function say(client: Client, text: string, path = ECHO, metadata = new Metadata(), options = {}): Promise<Answer> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, Buffer.from(text), metadata, options, (error, bytes) =>
      resolve(bytes ? { bytes: bytes.toString() } : { code: error?.code ?? -1, details: error?.details ?? "" }),
    );
  });
}

function echo(handle: (text: string, call: Call) => Reply | Promise<Reply>): Door {
  return { kind: "unary", path: ECHO, handle: (bytes, call) => handle(Buffer.from(bytes).toString(), call) };
}

const message = (text: string): Reply => ({ kind: "message", bytes: new TextEncoder().encode(text) });

describe("a unary door", () => {
  test("answers at once or later, over one connection", async () => {
    const { server } = await serve([
      echo((text) => (text === "later" ? Promise.resolve(message("slow")) : message(`${text}!`))),
    ]);
    const client = clientOf(server);
    expect(await Promise.all([say(client, "a"), say(client, "later"), say(client, "")])).toEqual([
      { bytes: "a!" },
      { bytes: "slow" },
      { bytes: "!" },
    ]);
  });

  test("answers with a status, whatever its text holds", async () => {
    const { server } = await serve([
      echo(() => ({ kind: "status", code: status.UNAVAILABLE, message: "später \ud800" })),
    ]);
    expect(await say(clientOf(server), "")).toEqual({ code: status.UNAVAILABLE, details: "später \ufffd" });
  });

  test("that throws or rejects has a bug: it is reported, the caller learns nothing of it, the next call is served", async () => {
    const { server, failed } = await serve([
      echo((text) => {
        if (text === "throw") throw new Error("secret inside");
        return text === "reject" ? Promise.reject(new Error("secret too")) : message("fine");
      }),
    ]);
    const client = clientOf(server);
    const bug = { code: status.INTERNAL, details: "internal error" };
    expect([await say(client, "throw"), await say(client, "reject"), await say(client, "")]).toEqual([
      bug,
      bug,
      { bytes: "fine" },
    ]);
    expect(failed.map(String)).toEqual(["Error: secret inside", "Error: secret too"]);
  });

  test("knows its caller: address, metadata, deadline", async () => {
    const seen: Call[] = [];
    const { server } = await serve([
      echo((_, call) => {
        seen.push(call);
        return message("");
      }),
    ]);
    const metadata = new Metadata();
    metadata.set("x-who", "ana");
    await say(clientOf(server), "", ECHO, metadata, { deadline: Date.now() + 60_000 });
    await say(clientOf(server), "");
    const [first, second] = seen;
    expect(first?.peer).toMatchObject({ local: true, principal: undefined });
    expect(first?.peer.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect([first?.metadata("x-who"), first?.metadata("x-other")]).toEqual(["ana", undefined]);
    expect((first?.deadlineMs ?? 0) - (first?.arrivedMs ?? 0)).toBeGreaterThan(30_000);
    expect((first?.deadlineMs ?? 0) - (first?.arrivedMs ?? 0)).toBeLessThan(61_000);
    expect(second?.deadlineMs).toBeUndefined();
  });

  test.each(["the deadline passes", "the caller goes away"])("is told when %s", async (how) => {
    const arrived = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const never = Promise.withResolvers<Reply>();
    const { server } = await serve([
      echo((_, { signal }) => {
        signal.addEventListener("abort", () => aborted.resolve());
        arrived.resolve();
        return never.promise;
      }),
    ]);
    const client = clientOf(server);
    const options = how === "the deadline passes" ? { deadline: Date.now() + 200 } : {};
    const sent = client.makeUnaryRequest(
      ECHO,
      identity,
      identity,
      Buffer.from(""),
      new Metadata(),
      options,
      () => undefined,
    );
    await arrived.promise;
    if (how === "the caller goes away") sent.cancel();
    await aborted.promise;
    never.resolve(message("too late"));
  });

  test("sees no message larger than the limit, packed or not, and none that is not what it says", async () => {
    let seen = 0;
    const { server } = await serve(
      [
        echo(() => {
          seen += 1;
          return message("ok");
        }),
      ],
      { limits: { maxMessageBytes: 1_000 } },
    );
    const client = clientOf(server);
    expect(await say(client, "x".repeat(1_001))).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await raw(server, gzipSync(Buffer.alloc(100_000)), "gzip")).toBe(String(status.RESOURCE_EXHAUSTED));
    expect(await raw(server, Buffer.from("not gzip at all"), "gzip")).toBe(String(status.INTERNAL));
    expect(seen).toBe(0);
    expect(await say(client, "x".repeat(1_000))).toEqual({ bytes: "ok" });
  });
});

/** A message flagged as compressed, as grpc-js' own client would never send it. @returns `grpc-status`. */
function raw(server: RunningServer, body: Buffer, encoding: string, path = ECHO): Promise<string> {
  const session = connectHttp2(`http://${server.address}`);
  opened.push(session);
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-encoding": encoding,
  });
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt32BE(body.length, 1);
  stream.end(Buffer.concat([head, body]));
  stream.resume();
  return new Promise((resolve, reject) => {
    const take = (headers: Record<string, unknown>): void => {
      if (headers["grpc-status"] !== undefined) resolve(String(headers["grpc-status"]));
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", reject);
  });
}

/** One call frame by frame. @returns when the stream is over, however it ended. */
function send(server: RunningServer, headers: Record<string, string>, body: Buffer): Promise<void> {
  const session = connectHttp2(`http://${server.address}`);
  opened.push(session);
  session.on("error", () => undefined);
  const stream = session.request({
    ":method": "POST",
    ":path": ECHO,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => undefined);
  stream.resume();
  stream.end(body);
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

const frame = (text: string): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text)]);

test.each<[string, Record<string, string>, Buffer]>([
  ["a timeout that is none", { "grpc-timeout": "soon" }, frame("a")],
  ["a timeout beyond all bounds", { "grpc-timeout": "99999999H" }, frame("a")],
  ["a timeout of nothing", { "grpc-timeout": "0n" }, frame("a")],
  ["an unknown encoding", { "grpc-encoding": "br" }, Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), Buffer.from("a")])],
  ["another content type", { "content-type": "text/html" }, frame("a")],
  ["another method", { ":method": "GET" }, frame("a")],
  ["no message", {}, Buffer.alloc(0)],
  ["two messages", {}, Buffer.concat([frame("a"), frame("b")])],
  ["a message cut short", {}, frame("abc").subarray(0, 6)],
  ["a length beyond all bounds", {}, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0])],
  ["metadata that is not UTF-8", { "x-bin": "%%%", "x-odd": "\u00e9\u00ff" }, frame("a")],
])("%s harms nobody else", async (_, headers, body) => {
  const { server, failed } = await serve([
    echo((_text, call) => {
      call.metadata("x-odd");
      call.metadata("x-bin");
      return message("ok");
    }),
  ]);
  await send(server, headers, body);
  expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
  expect(failed).toEqual([]);
});

test("an unknown method is UNIMPLEMENTED, whatever it is called", async () => {
  const { server } = await serve([echo(() => message("ok"))]);
  expect(await say(clientOf(server), "", "/test.v1.Echo/Shout")).toMatchObject({ code: status.UNIMPLEMENTED });
  const paths = [
    "/",
    "",
    "*",
    "/__proto__/constructor",
    `/${"a".repeat(20_000)}`,
    "/\u00ff\u00fe",
    "/test.v1.Echo/Say/",
  ];
  for (const path of paths) await raw(server, Buffer.from(""), "identity", path).catch(() => "reset");
  expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
});

describe("a stream door", () => {
  /** Remembers what came in; answers with it in the end. */
  function journal() {
    const events: string[] = [];
    const cancelled = Promise.withResolvers<void>();
    const handler: StreamHandler = {
      message: (bytes) => void events.push(Buffer.from(bytes).toString()),
      end: () => message(events.join(" ")),
      cancel: () => {
        events.push("cancelled");
        cancelled.resolve();
      },
    };
    return { events, cancelled: cancelled.promise, handler };
  }

  function openStream(server: RunningServer): ClientDuplexStream<Buffer, Buffer> {
    return clientOf(server).makeBidiStreamRequest(LOG, identity, identity, new Metadata());
  }

  function outcome(stream: ClientDuplexStream<Buffer, Buffer>): Promise<{ answers: string[]; code: number }> {
    const answers: string[] = [];
    stream.on("data", (bytes: Buffer) => answers.push(bytes.toString()));
    stream.on("error", () => undefined);
    return new Promise((resolve) => stream.on("status", ({ code }) => resolve({ answers, code })));
  }

  test("gets every message in order and answers when the client has sent all", async () => {
    const { handler } = journal();
    const { server } = await serve([{ kind: "stream", path: LOG, open: () => handler }]);
    const stream = openStream(server);
    const done = outcome(stream);
    for (let n = 0; n < 50; n++) stream.write(Buffer.from(String(n)));
    stream.end();
    expect(await done).toEqual({ answers: [[...Array(50).keys()].join(" ")], code: status.OK });
  });

  test("may speak before the client has ended", async () => {
    const { server } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: (_, send) => ({
          message: (bytes) => send(bytes),
          end: () => ({ kind: "status", code: status.INVALID_ARGUMENT, message: "enough" }),
          cancel: () => undefined,
        }),
      },
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.write(Buffer.from("a"));
    await new Promise((resolve) => stream.once("data", resolve));
    stream.end();
    expect(await done).toEqual({ answers: ["a"], code: status.INVALID_ARGUMENT });
  });

  test("is told when the client goes away", async () => {
    const { handler, cancelled, events } = journal();
    const { server } = await serve([{ kind: "stream", path: LOG, open: () => handler }]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.cancel();
    await done;
    // Cancelled before the server saw it, it was never opened.
    if (events.length > 0) await cancelled;
    expect(events.filter((event) => event !== "cancelled")).toEqual([]);
  });

  test("that throws has a bug: the stream ends, the door hears of it, the server lives", async () => {
    const { server, failed } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: () => ({
          message: () => {
            throw new Error("inside");
          },
          end: () => message(""),
          cancel: () => undefined,
        }),
      },
      echo(() => message("alive")),
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.write(Buffer.from("a"));
    expect(await done).toEqual({ answers: [], code: status.INTERNAL });
    expect(failed.map(String)).toEqual(["Error: inside"]);
    expect(await say(clientOf(server), "")).toEqual({ bytes: "alive" });
  });

  test("is ended by a drain with what it has, after the last call in flight was answered", async () => {
    const { handler, events } = journal();
    const first = Promise.withResolvers<void>();
    const slow = Promise.withResolvers<Reply>();
    const called = Promise.withResolvers<void>();
    const { server } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: () => ({
          ...handler,
          message: (bytes) => {
            handler.message(bytes);
            first.resolve();
          },
        }),
      },
      echo(() => {
        called.resolve();
        return slow.promise;
      }),
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.write(Buffer.from("a"));
    const answer = say(clientOf(server), "");
    await Promise.all([first.promise, called.promise]);
    const drained = server.drain(30_000);
    expect(events).toEqual(["a"]);
    slow.resolve(message("answered"));
    expect(await answer).toEqual({ bytes: "answered" });
    expect(await done).toEqual({ answers: ["a"], code: status.OK });
    expect(await drained).toBe(0);
  });
});

describe("a drain", () => {
  test("loses none of the calls in flight and takes no new ones", async () => {
    const calls = 40;
    const release = Promise.withResolvers<Reply>();
    const all = Promise.withResolvers<void>();
    let arrived = 0;
    const { server } = await serve([
      echo(() => {
        arrived += 1;
        if (arrived === calls) all.resolve();
        return release.promise;
      }),
    ]);
    const clients = [clientOf(server), clientOf(server), clientOf(server)];
    const answers = Array.from({ length: calls }, (_, n) => say(clients[n % 3] ?? clientOf(server), String(n)));
    await all.promise;
    expect(server.inFlight).toBe(calls);
    const drained = server.drain(30_000);
    expect(await say(clientOf(server), "late")).toMatchObject({ code: status.UNAVAILABLE });
    release.resolve(message("kept"));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: calls }, () => ({ bytes: "kept" })));
    expect(await drained).toBe(0);
    expect(server.inFlight).toBe(0);
  });

  test("cuts what takes longer than the grace period, and the door is told", async () => {
    const arrived = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const { server, connections } = await serve([
      echo((_, { signal }) => {
        signal.addEventListener("abort", () => aborted.resolve());
        arrived.resolve();
        return new Promise(() => undefined);
      }),
    ]);
    const answer = say(clientOf(server), "");
    await arrived.promise;
    expect(await server.drain(1)).toBe(1);
    await aborted.promise;
    expect(await answer).toMatchObject({ code: expect.toBeOneOf([status.CANCELLED, status.UNAVAILABLE]) });
    expect(connections).toEqual({ opened: 1, closed: 1, refused: 0 });
  });
});

test("a connection more than the limit is refused and counted", async () => {
  const { server, connections } = await serve([echo(() => message("ok"))], { limits: { maxConnections: 1 } });
  expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
  const [host, port] = server.address.split(":");
  const second = connectNet(Number(port), host);
  opened.push({ close: () => second.destroy() });
  await new Promise((resolve) => second.once("close", resolve));
  expect(connections.refused).toBe(1);
});

test("a connection has no more calls at a time than the limit", async () => {
  const limits = { maxStreamsPerConnection: 2 };
  const { server } = await serve([echo(() => message("ok"))], { limits });
  const session = connectHttp2(`http://${server.address}`);
  opened.push(session);
  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    session.once("remoteSettings", resolve),
  );
  expect(settings.maxConcurrentStreams).toBe(2);
});

test("headers beyond reason end their own stream and nothing else", async () => {
  const { server } = await serve([echo(() => message("ok"))]);
  const session = connectHttp2(`http://${server.address}`, { settings: {} });
  opened.push(session);
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, "v".repeat(100)]));
  const stream = session.request({ ":method": "POST", ":path": ECHO, "content-type": "application/grpc", ...many });
  stream.end();
  const code = await new Promise((resolve) => {
    stream.on("error", () => undefined);
    stream.once("close", () => resolve(stream.rstCode));
  });
  expect(code).not.toBe(constants.NGHTTP2_NO_ERROR);
  expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
});

describe("health", () => {
  const check = healthService["Check"];
  const watch = healthService["Watch"];
  if (!check || !watch) throw new Error("the health library has no such methods");

  function healthOf(client: Client, service: string): Promise<unknown> {
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        check?.path ?? "",
        (request: object) => check?.requestSerialize(request) ?? Buffer.alloc(0),
        (bytes) => check?.responseDeserialize(bytes),
        { service },
        (error, answer) => resolve(error ? error.code : answer),
      );
    });
  }

  test("is told for the server and for each service, and of no other", async () => {
    const { server } = await serve([echo(() => message(""))]);
    const client = clientOf(server);
    expect(await healthOf(client, "")).toEqual({ status: "SERVING" });
    expect(await healthOf(client, "test.v1.Echo")).toEqual({ status: "SERVING" });
    expect(await healthOf(client, "test.v1.Other")).toBe(status.NOT_FOUND);
    server.notServing();
    expect(await healthOf(client, "test.v1.Echo")).toEqual({ status: "NOT_SERVING" });
  });

  test("is NOT_SERVING to those who watch before a drain ends, and they do not hold it up", async () => {
    const { server } = await serve([echo(() => message(""))]);
    const seen: unknown[] = [];
    const stream = clientOf(server).makeServerStreamRequest(
      watch.path,
      (request: object) => watch.requestSerialize(request),
      (bytes) => watch.responseDeserialize(bytes),
      { service: "" },
    );
    stream.on("error", () => undefined);
    stream.on("data", (update) => seen.push(update));
    await new Promise((resolve) => stream.once("data", resolve));
    await server.drain(30_000);
    expect(seen).toEqual([{ status: "SERVING" }, { status: "NOT_SERVING" }]);
  });
});

test("reflection names our services", async () => {
  const { server } = await serve([]);
  const stream = clientOf(server).makeBidiStreamRequest(
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    identity,
    identity,
    new Metadata(),
  );
  stream.on("error", () => undefined);
  const answer = new Promise<Buffer>((resolve) => stream.once("data", resolve));
  // list_services = 7, with an empty text.
  stream.write(Buffer.from([0x3a, 0x00]));
  const text = (await answer).toString("latin1");
  for (const name of ["weir.v1.Weir", "envoy.service.auth.v3.Authorization"]) expect(text).toContain(name);
});

describe("addresses", () => {
  test("a Unix socket is served; its callers are local; one in use is not taken over", async () => {
    const path = join(tmpdir(), `weir-${process.pid}-${Math.trunc(performance.now() * 1000)}.sock`);
    const address = { kind: "unix", path } as const;
    const peers: unknown[] = [];
    const door = echo((_, { peer }) => {
      peers.push(peer);
      return message("ok");
    });
    const { server } = await serve([door], { address });
    expect(server.address).toBe(`unix:${path}`);
    expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
    expect(peers).toEqual([{ address: "unix:", principal: undefined, local: true }]);
    await expect(serve([door], { address })).rejects.toThrow("somebody else does already");
  });

  test("a socket that a killed process left behind is replaced", async () => {
    const path = join(tmpdir(), `weir-${process.pid}-${Math.trunc(performance.now() * 1000)}.sock`);
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["--eval", script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    const { server } = await serve([echo(() => message("ok"))], { address: { kind: "unix", path } });
    expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
  });

  test("one that is taken is said to be", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    opened.push({ close: () => taken.close() });
    await new Promise((resolve) => taken.once("listening", resolve));
    const bound = taken.address();
    const port = bound !== null && typeof bound === "object" ? bound.port : 0;
    await expect(serve([], { address: { kind: "tcp", host: "127.0.0.1", port } })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}: somebody else does already`,
    );
  });

  test("one that others can reach has to be asked for", async () => {
    for (const host of ["0.0.0.0", "::", "weir.internal"]) {
      await expect(serve([], { address: { kind: "tcp", host, port: 0 } })).rejects.toThrow("--insecure");
    }
  });

  test.each([
    ["127.0.0.1:9091", { kind: "tcp", host: "127.0.0.1", port: 9091 }],
    ["[::1]:0", { kind: "tcp", host: "::1", port: 0 }],
    ["localhost:1", { kind: "tcp", host: "localhost", port: 1 }],
    ["unix:/run/weir.sock", { kind: "unix", path: "/run/weir.sock" }],
  ])("%s is read", (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  test.each([
    "9091",
    ":9091",
    "::1:9091",
    "[localhost]:1",
    "a:99999",
    "unix:run/weir.sock",
    `unix:/${"a".repeat(108)}`,
    "",
  ])("`%s` is refused in words", (text) => {
    expect(parseAddress(text)).toMatchObject({ kind: "invalid", problem: expect.stringContaining("is no address") });
  });
});
