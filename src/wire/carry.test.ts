import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { type ClientDuplexStream, Metadata, status } from "@grpc/grpc-js";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, ECHO, echo, identity, LOG, message, say, serve } from "../../test/wire/echo-server.ts";
import type { Call, OpenStream, Reply, StreamHandler } from "./door.ts";
import type { RunningServer } from "./server.ts";

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

  test("is not asked when its caller waits no longer", async () => {
    let asked = 0;
    const { server } = await serve([
      echo(() => {
        asked += 1;
        return message("too late");
      }),
    ]);
    const session = connectHttp2(`http://${server.address}`);
    onTestFinished(() => session.destroy());
    const stream = session.request({
      ":method": "POST",
      ":path": ECHO,
      "content-type": "application/grpc",
      "grpc-timeout": "0m",
    });
    stream.end(Buffer.alloc(5));
    const code = await new Promise((resolve) => stream.once("response", (headers) => resolve(headers["grpc-status"])));
    expect(Number(code)).toBe(status.DEADLINE_EXCEEDED);
    expect(await say(clientOf(server), "")).toEqual({ bytes: "too late" });
    expect(asked).toBe(1);
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
  onTestFinished(() => session.destroy());
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
  onTestFinished(() => session.destroy());
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
        open: (_, stream) => ({
          message: (bytes) => void stream.send(bytes),
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

  test("that wants no more is handed nothing, and everything in order when it does", async () => {
    const { handler, events } = journal();
    const paused = Promise.withResolvers<OpenStream>();
    const { server } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: (_, stream) => ({
          ...handler,
          message: (bytes) => {
            handler.message(bytes);
            if (events.length === 1) {
              stream.pause();
              stream.send(Buffer.from("paused"));
              paused.resolve(stream);
            }
          },
        }),
      },
      echo(() => message("here")),
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    for (let n = 0; n < 50; n++) stream.write(Buffer.from(String(n)));
    stream.end();
    const opened = await paused.promise;
    // A whole call on the same machine, and still nothing more.
    expect(await say(clientOf(server), "")).toEqual({ bytes: "here" });
    expect(events).toEqual(["0"]);
    opened.resume();
    expect(await done).toEqual({ answers: ["paused", [...Array(50).keys()].join(" ")], code: status.OK });
  });

  test("whose client does not read is told so, handed nothing meanwhile, and told when it does", async () => {
    const { handler, events } = journal();
    const full = Promise.withResolvers<number>();
    let drained = 0;
    let sent = 0;
    const { server } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: (_, stream) => ({
          ...handler,
          message: (bytes) => {
            handler.message(bytes);
            while (stream.send(Buffer.alloc(100_000))) sent += 1;
            sent += 1;
            full.resolve(events.length);
          },
          drained: () => {
            drained += 1;
          },
          end: () => ({ kind: "status", code: status.OK, message: "" }),
        }),
      },
      echo(() => message("here")),
    ]);
    const stream = openStream(server);
    for (let n = 0; n < 50; n++) stream.write(Buffer.from(String(n)));
    expect(await full.promise).toBe(1);
    expect(await say(clientOf(server), "")).toEqual({ bytes: "here" });
    expect([events.length, drained]).toEqual([1, 0]);
    const done = outcome(stream);
    stream.end();
    const { answers, code } = await done;
    expect([events.length, answers.length, code]).toEqual([50, sent, status.OK]);
    expect(drained).toBeGreaterThan(0);
  });

  test("may end what the client has not ended", async () => {
    const { server } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: (_, stream) => ({
          message: () =>
            stream.afterTurn(() => stream.close({ kind: "status", code: status.INVALID_ARGUMENT, message: "no" })),
          end: () => message("never"),
          cancel: () => undefined,
        }),
      },
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.write(Buffer.from("a"));
    expect(await done).toEqual({ answers: [], code: status.INVALID_ARGUMENT });
  });

  test("has a bug after a turn as it may have one in it: reported, and the stream ends", async () => {
    const { server, failed } = await serve([
      {
        kind: "stream",
        path: LOG,
        open: (_, stream) => ({
          message: () =>
            stream.afterTurn(() => {
              throw new Error("later");
            }),
          end: () => message("never"),
          cancel: () => undefined,
        }),
      },
    ]);
    const stream = openStream(server);
    const done = outcome(stream);
    stream.write(Buffer.from("a"));
    expect(await done).toEqual({ answers: [], code: status.INTERNAL });
    expect(failed.map(String)).toEqual(["Error: later"]);
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
