import { type ClientHttp2Session, connect, constants } from "node:http2";
import { connect as connectNet } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, ECHO, echo, LOG, message, say, serve } from "../../test/wire/echo-server.ts";
import { callHeaders, FLAG, FRAME, frame, grpcMessage } from "../../test/wire/frames.ts";
import { RawClient } from "../../test/wire/raw-http2.ts";
import type { Reply, StreamDoor } from "./door.ts";
import type { RunningServer } from "./server.ts";

/** `text` as a gRPC message: not compressed, four bytes of length. */
function framed(text: string): Buffer {
  const length = Buffer.alloc(5);
  length.writeUInt32BE(text.length, 1);
  return Buffer.concat([length, Buffer.from(text)]);
}

function sessionOf(server: RunningServer): ClientHttp2Session {
  const session = connect(`http://${server.address}`);
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

const HEADERS = { ":method": "POST", ":path": ECHO, "content-type": "application/grpc", te: "trailers" };

/** @returns the status of one call, `reset` where there was none. */
function call(session: ClientHttp2Session, text = ""): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request(HEADERS);
    let status = "reset";
    stream.on("response", (headers) => {
      status = String(headers["grpc-status"] ?? status);
    });
    stream.on("trailers", (trailers) => {
      status = String(trailers["grpc-status"]);
    });
    stream.on("error", () => undefined);
    stream.on("close", () => resolve(status));
    stream.resume();
    stream.end(framed(text));
  });
}

function wholeCall(stream: number): readonly Buffer[] {
  return [
    frame(FRAME.headers, FLAG.endHeaders, stream, callHeaders(ECHO)),
    frame(FRAME.data, FLAG.endStream, stream, grpcMessage(Buffer.from("x"))),
  ];
}

describe("a connection that is to move", () => {
  test("is told so at once, and closes when nothing is open on it", async () => {
    const { server, ended } = await serve([echo(() => message("ok"))]);
    const session = sessionOf(server);
    const told: number[] = [];
    session.on("goaway", (code, last) => told.push(code, last));
    const closed = new Promise<void>((resolve) => session.once("close", resolve));
    expect(await call(session)).toBe("0");
    expect(server.connections).toBe(1);
    expect(server.moveAway(5)).toBe(1);
    expect(server.moveAway(5)).toBe(0);
    await closed;
    expect(told.slice(0, 2)).toEqual([constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1]);
    expect(ended).toEqual(["balance"]);
  });

  test("answers what its client sent before it heard of it", async () => {
    const first = Promise.withResolvers<Reply>();
    const begun = Promise.withResolvers<void>();
    const { server } = await serve([
      echo((text) => {
        begun.resolve();
        return text === "slow" ? first.promise : message(text);
      }),
    ]);
    const session = sessionOf(server);
    const slow = call(session, "slow");
    await begun.promise;
    server.moveAway(1);
    // All in one turn: none of them can have heard of it.
    const answers = Array.from({ length: 50 }, (_, n) => call(session, String(n)));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, () => "0"));
    first.resolve(message("at last"));
    expect(await slow).toBe("0");
  });

  test("answers a call whose bytes came together with the word that there will be no more", async () => {
    const { server } = await serve([echo(() => message("ok"))]);
    const raw = await RawClient.connect(server.address);
    server.moveAway(1);
    raw.write(...wholeCall(1));
    const ping = await raw.frame(({ type }) => type === FRAME.ping);
    // As Envoy does it: what it sent before it heard, and what it says to it, in one piece.
    raw.write(...wholeCall(3), frame(FRAME.ping, FLAG.ack, 0, ping.payload));
    const answered = new Set<number>();
    while (answered.size < 2) {
      const { type, flags, stream, payload } = await raw.frame(() => true);
      if (type === FRAME.goaway) expect([2 ** 31 - 1, 3]).toContain(payload.readUInt32BE(0));
      if (type === FRAME.headers && (flags & FLAG.endStream) !== 0) answered.add(stream);
      expect(type).not.toBe(FRAME.reset);
    }
  });

  test("because the server ends is counted as no other", async () => {
    const { server, ended } = await serve([echo(() => message("ok"))]);
    const session = sessionOf(server);
    expect(await call(session)).toBe("0");
    await server.drain(5_000);
    expect(ended).toEqual([]);
  });

  test("has a stream that lasts: it is told at once, and the stream goes on", async () => {
    const opened = Promise.withResolvers<(bytes: Uint8Array) => boolean>();
    const log: StreamDoor = {
      kind: "stream",
      path: LOG,
      open(_, out) {
        opened.resolve((bytes) => out.send(bytes));
        return { message: () => undefined, end: () => message("end"), cancel: () => undefined };
      },
    };
    const { server } = await serve([log]);
    const session = sessionOf(server);
    const told = new Promise<void>((resolve) => session.once("goaway", () => resolve()));
    const stream = session.request({ ...HEADERS, ":path": LOG });
    stream.on("error", () => undefined);
    const send = await opened.promise;
    server.moveAway(1);
    await told;
    const heard = new Promise<Buffer>((resolve) => stream.once("data", resolve));
    send(Buffer.from("still here"));
    expect((await heard).subarray(5).toString()).toBe("still here");
  });

  test("loses no call, however often: callers that never rest, over connections of a tenth of a second", async () => {
    const { server, connections } = await serve([echo((text) => message(text))], { limits: { connectionAgeMs: 100 } });
    const client = clientOf(server);
    const calls = 40;
    let moved = 0;
    // Until the connection has been moved a few times, however long that takes.
    const caller = async (name: number): Promise<void> => {
      for (let n = 0; moved < 5; n += 1) {
        expect(await say(client, `${name}-${n}`)).toEqual({ bytes: `${name}-${n}` });
        moved = connections.opened - 1;
      }
    };
    await Promise.all(Array.from({ length: calls }, (_, name) => caller(name)));
    expect(moved).toBeGreaterThanOrEqual(5);
  });
});

describe("a connection is closed", () => {
  test("when nobody called on it for a while", async () => {
    const { server, ended } = await serve([echo(() => message("ok"))], { limits: { connectionIdleMs: 50 } });
    const session = sessionOf(server);
    expect(await call(session)).toBe("0");
    await new Promise<void>((resolve) => session.once("close", resolve));
    expect(ended).toEqual(["idle"]);
  });

  test("but not while a stream is open on it", async () => {
    const limits = { connectionIdleMs: 20, stuckMs: 40 };
    const ended = Promise.withResolvers<string>();
    const log: StreamDoor = {
      kind: "stream",
      path: LOG,
      open: (_, out) => ({
        message: (bytes) => void out.send(bytes),
        end: () => message(""),
        cancel: () => undefined,
      }),
    };
    const served = await serve([log, echo(() => message("ok"))], { limits });
    const session = sessionOf(served.server);
    session.once("close", () => ended.resolve("closed"));
    const stream = session.request({ ...HEADERS, ":path": LOG });
    stream.on("error", () => undefined);
    // Another connection comes and goes meanwhile, so that time is known to have passed.
    const other = sessionOf(served.server);
    await new Promise<void>((resolve) => other.once("close", resolve));
    const third = sessionOf(served.server);
    third.request(HEADERS).on("error", () => undefined);
    await new Promise<void>((resolve) => third.once("close", resolve));
    const answer = new Promise<Buffer>((resolve) => stream.once("data", resolve));
    stream.write(framed("alive"));
    expect((await answer).subarray(5).toString()).toBe("alive");
    expect(served.ended).toEqual(["idle", "stuck"]);
  });

  test("when its client never says a word of HTTP/2, or half of one", async () => {
    const { server, ended } = await serve([echo(() => message("ok"))], { limits: { prefaceMs: 50 } });
    const [host, port] = server.address.split(":");
    for (const said of ["", "PRI * HTT"]) {
      const socket = connectNet(Number(port), host);
      onTestFinished(() => void socket.destroy());
      socket.write(said);
      socket.resume();
      await new Promise((resolve) => socket.once("close", resolve));
    }
    expect(ended).toEqual(["silent", "silent"]);
  });

  test("when a call on it is not sent whole, while others on it are", async () => {
    const { server, ended } = await serve([echo(() => message("ok"))], { limits: { stuckMs: 60 } });
    const session = sessionOf(server);
    session.request(HEADERS).on("error", () => undefined);
    while (!session.closed) await call(session);
    expect(ended).toEqual(["stuck"]);
    expect(await say(clientOf(server), "")).toEqual({ bytes: "ok" });
  });
});

test("headers of more bytes than the limit end their own call and nothing else", async () => {
  const { server } = await serve([echo(() => message("ok"))]);
  const session = sessionOf(server);
  const settings = new Promise<{ maxHeaderListSize?: number }>((resolve) => session.once("remoteSettings", resolve));
  expect((await settings).maxHeaderListSize).toBe(64 * 1024);
  await new Promise((resolve) => session.ping(resolve));
  const large = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, "v".repeat(4_000)]));
  const stream = session.request({ ...HEADERS, ...large });
  const code = await new Promise((resolve) => {
    stream.on("error", () => undefined);
    stream.once("close", () => resolve(stream.rstCode));
  });
  expect(code).not.toBe(constants.NGHTTP2_NO_ERROR);
  expect(await call(session)).toBe("0");
});
