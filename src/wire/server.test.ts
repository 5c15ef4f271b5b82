import { spawnSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectNet, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, Metadata, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, ECHO, echo, identity, message, say, serve } from "../../test/wire/echo-server.ts";
import { parseAddress } from "./address.ts";
import type { Reply } from "./door.ts";

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
  onTestFinished(() => void second.destroy());
  await new Promise((resolve) => second.once("close", resolve));
  expect(connections.refused).toBe(1);
});

test("a connection has no more calls at a time than the limit", async () => {
  const limits = { maxStreamsPerConnection: 2 };
  const { server } = await serve([echo(() => message("ok"))], { limits });
  const session = connectHttp2(`http://${server.address}`);
  onTestFinished(() => session.destroy());
  const settings = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
    session.once("remoteSettings", resolve),
  );
  expect(settings.maxConcurrentStreams).toBe(2);
});

test("headers beyond reason end their own stream and nothing else", async () => {
  const { server } = await serve([echo(() => message("ok"))]);
  const session = connectHttp2(`http://${server.address}`, { settings: {} });
  onTestFinished(() => session.destroy());
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
    onTestFinished(() => void taken.close());
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
