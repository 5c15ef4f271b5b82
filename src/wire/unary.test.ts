import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { clientOf, ECHO, echo, message, say, serve } from "../../test/wire/echo-server.ts";
import { type Reply, STATUS } from "./door.ts";
import type { RunningServer } from "./server.ts";

function sessionOf(server: RunningServer): ClientHttp2Session {
  const session = connect(`http://${server.address}`);
  session.on("error", () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

interface Outcome {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  /** `grpc-status`, wherever it stood. */
  readonly status: number;
  readonly bytes: Buffer;
}

interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Each in a frame of its own. */
  readonly pieces: readonly Buffer[];
  /** The client goes on. */
  readonly open?: boolean;
}

function call(session: ClientHttp2Session, { headers = {}, pieces, open = false }: Sent): Promise<Outcome> {
  const usual = { ":method": "POST", ":path": ECHO, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({ ...usual, ...headers });
  stream.on("error", () => undefined);
  for (const piece of pieces) stream.write(piece);
  if (!open) stream.end();
  const seen = { headers: {}, trailers: {}, chunks: [] as Buffer[] };
  stream.on("response", (some) => Object.assign(seen.headers, some));
  stream.on("trailers", (some) => Object.assign(seen.trailers, some));
  stream.on("data", (chunk: Buffer) => seen.chunks.push(chunk));
  return new Promise((resolve) =>
    stream.once("close", () => {
      const all: Record<string, unknown> = { ...seen.headers, ...seen.trailers };
      const { headers: first, trailers, chunks } = seen;
      resolve({
        headers: first,
        trailers,
        status: Number(all["grpc-status"] ?? Number.NaN),
        bytes: Buffer.concat(chunks),
      });
    }),
  );
}

function prefixed(text: string | Buffer, packed = 0): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.from([packed, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const shout = echo((text) => message(`${text}!`));

test("an answer is a message and a status behind it, and nothing that nobody asked for", async () => {
  const { server } = await serve([shout]);
  const { headers, trailers, bytes } = await call(sessionOf(server), { pieces: [prefixed("a")] });
  expect(Object.fromEntries(Object.entries(headers))).toEqual({ ":status": 200, "content-type": "application/grpc" });
  expect(Object.fromEntries(Object.entries(trailers))).toEqual({ "grpc-status": "0" });
  expect(bytes).toEqual(prefixed("a!"));
});

test("a message arrives whole, however it is cut", async () => {
  const { server } = await serve([shout]);
  const session = sessionOf(server);
  const cuts = fc.array(fc.nat(40), { maxLength: 6 });
  const property = fc.asyncProperty(fc.string({ maxLength: 30, unit: "grapheme" }), cuts, async (text, at) => {
    const whole = prefixed(text);
    const ends = [...at.filter((one) => one < whole.length), whole.length].toSorted((a, b) => a - b);
    const pieces = ends
      .map((end, index) => whole.subarray(ends[index - 1] ?? 0, end))
      .filter(({ length }) => length > 0);
    expect((await call(session, { pieces })).bytes).toEqual(prefixed(`${text}!`));
  });
  await fc.assert(property, { numRuns: 200 });
});

test("a long message arrives whole in very many pieces", async () => {
  const { server } = await serve([shout]);
  const text = Array.from({ length: 3_000 }, (_, n) => String(n)).join(" ");
  const whole = prefixed(text);
  const pieces = Array.from(whole, (byte) => Buffer.of(byte));
  expect((await call(sessionOf(server), { pieces })).bytes).toEqual(prefixed(`${text}!`));
});

describe("what is not one message is refused, and the door does not see it", () => {
  const limit = 1_000;
  const large = prefixed("x".repeat(limit + 1));
  test.each<[string, readonly Buffer[], number]>([
    ["nothing", [], STATUS.internal],
    ["a piece of the prefix", [Buffer.from([0, 0])], STATUS.internal],
    ["less than is announced", [prefixed("abc").subarray(0, 7)], STATUS.internal],
    ["more than is announced", [prefixed("abc"), Buffer.from("d")], STATUS.internal],
    ["two messages", [prefixed("a"), prefixed("b")], STATUS.internal],
    ["one that says it is packed, and not how", [prefixed(gzipSync("a"), 1)], STATUS.internal],
    ["a larger one than the limit", [large], STATUS.resourceExhausted],
    ["a larger one in pieces", [large.subarray(0, 3), large.subarray(3)], STATUS.resourceExhausted],
    ["one that announces too much", [Buffer.from([0, 0xff, 0xff, 0xff, 0xff])], STATUS.resourceExhausted],
  ])("%s", async (_, pieces, expected) => {
    let seen = 0;
    const door = echo(() => {
      seen += 1;
      return message("");
    });
    const { server, failed } = await serve([door], { limits: { maxMessageBytes: limit } });
    const { status, headers } = await call(sessionOf(server), { pieces });
    expect([status, seen, failed]).toEqual([expected, 0, []]);
    expect(headers["grpc-message"]).toBeTruthy();
    expect(await say(clientOf(server), "x".repeat(limit))).toEqual({ bytes: "" });
  });

  test("one that is too large is refused before it was sent, and its connection serves others", async () => {
    const { server } = await serve([shout], { limits: { maxMessageBytes: limit } });
    const session = sessionOf(server);
    const { status } = await call(session, { pieces: [large.subarray(0, 10)], open: true });
    expect(status).toBe(STATUS.resourceExhausted);
    expect((await call(session, { pieces: [prefixed("a")] })).status).toBe(STATUS.ok);
  });
});

test.each<[string, Readonly<Record<string, string>>, Buffer]>([
  ["packed", { "grpc-encoding": "gzip" }, prefixed(gzipSync("a"), 1)],
  ["said to be packed perhaps, and is not", { "grpc-encoding": "gzip" }, prefixed("a")],
  ["said not to be packed", { "grpc-encoding": "identity" }, prefixed("a")],
  ["protobuf, which is what it is", { "content-type": "application/grpc+proto" }, prefixed("a")],
  ["waited for until the end of days", { "grpc-timeout": "99999999H" }, prefixed("a")],
  ["waited for a while", { "grpc-timeout": "1M" }, prefixed("a")],
])("a message that is %s is answered", async (_, headers, piece) => {
  const { server } = await serve([shout]);
  const { status, bytes } = await call(sessionOf(server), { headers, pieces: [piece] });
  expect([status, bytes]).toEqual([STATUS.ok, prefixed("a!")]);
});

test.each(["soon", "", "1", "-1S", "1.5S", "123456789S", "1s"])("a timeout of `%s` is none", async (timeout) => {
  const { server } = await serve([shout]);
  const { status } = await call(sessionOf(server), { headers: { "grpc-timeout": timeout }, pieces: [prefixed("a")] });
  expect(status).toBe(STATUS.internal);
});

test("what a status says is written so that a header can hold it", async () => {
  const said = 'no: 100 % "schlecht", größer\n';
  const { server } = await serve([
    echo(() => ({ kind: "status", code: STATUS.permissionDenied, message: `${said}\ud800` })),
  ]);
  const { status, headers, trailers } = await call(sessionOf(server), { pieces: [prefixed("a")] });
  expect(status).toBe(STATUS.permissionDenied);
  expect(Object.fromEntries(Object.entries(trailers))).toEqual({});
  expect(headers["grpc-message"]).toBe('no: 100 %25 "schlecht", gr%C3%B6%C3%9Fer%0A%EF%BF%BD');
});

test("a caller whose deadline passes meanwhile is told so, and not told the rest", async () => {
  const late = Promise.withResolvers<Reply>();
  const { server, failed } = await serve([
    echo((_, { signal }) => {
      signal.addEventListener("abort", () => late.resolve(message("too late")));
      return late.promise;
    }),
  ]);
  const headers = { "grpc-timeout": "50m" };
  const { status, bytes } = await call(sessionOf(server), { headers, pieces: [prefixed("a")] });
  expect([status, bytes.length, failed]).toEqual([STATUS.deadlineExceeded, 0, []]);
  expect(server.inFlight).toBe(0);
});

test("a caller that takes its call back is told nothing, and the connection goes on", async () => {
  const arrived = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const never = Promise.withResolvers<Reply>();
  const { server, failed } = await serve([
    echo((text, { signal }) => {
      if (text === "stay") return message("here");
      signal.addEventListener("abort", () => gone.resolve());
      arrived.resolve();
      return never.promise;
    }),
  ]);
  const session = sessionOf(server);
  const stream = session.request({ ":method": "POST", ":path": ECHO, "content-type": "application/grpc" });
  stream.end(prefixed("go"));
  await arrived.promise;
  stream.close(constants.NGHTTP2_CANCEL);
  await gone.promise;
  expect(server.inFlight).toBe(1);
  never.resolve(message("nobody"));
  expect((await call(session, { pieces: [prefixed("stay")] })).bytes).toEqual(prefixed("here"));
  expect([server.inFlight, failed]).toEqual([0, []]);
});

test("a caller that takes its call back before it has sent it is not asked about", async () => {
  let seen = 0;
  const { server } = await serve([
    echo(() => {
      seen += 1;
      return message("");
    }),
  ]);
  const session = sessionOf(server);
  const stream = session.request({ ":method": "POST", ":path": ECHO, "content-type": "application/grpc" });
  stream.on("error", () => undefined);
  await new Promise<void>((resolve) => stream.write(prefixed("abc").subarray(0, 6), () => resolve()));
  stream.close(constants.NGHTTP2_CANCEL);
  expect((await call(session, { pieces: [prefixed("")] })).status).toBe(STATUS.ok);
  expect(seen).toBe(1);
});
