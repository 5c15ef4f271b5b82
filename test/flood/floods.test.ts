/** Floods and malformed things over the wire, at a Weir as a user starts it: nothing ends it, nothing stays behind, and others are answered. */
import { connect as connectHttp2 } from "node:http2";
import { gzipSync } from "node:zlib";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AttributeContext_HttpRequest } from "#proto/envoy/service/auth/v3/attribute_context";
import { CheckRequest, CheckResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { seeded } from "../../bench/check/random.ts";
import { grpcUnary } from "../../deploy/clients/grpc.ts";
import { LOOPBACK } from "../../deploy/loopback.ts";
import { startWeir, type WeirProcess } from "../../deploy/weir-process.ts";
import { eventually } from "../e2e/support/eventually.ts";
import { readMetrics } from "../e2e/support/observed.ts";
import { Folder } from "../e2e/weir-command.ts";
import { recorded } from "../server/fakes.ts";
import {
  callHeaders,
  FLAG,
  FRAME,
  frame,
  grpcMessage,
  headerBlock,
  PREFACE,
  settings,
  streamNumber,
  uint32,
} from "../wire/frames.ts";
import { open, pour, randomBytes } from "./attacker.ts";

const CHECK = "/envoy.service.auth.v3.Authorization/Check";
const UNARY_DOORS = [CHECK, "/weir.v1.Weir/Check", "/weir.v1.Weir/Report"] as const;
const STREAM_DOORS = [
  "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs",
  "/weir.v1.Weir/CheckStream",
  "/weir.v1.Weir/ReportStream",
] as const;

const POLICY = `policy: open
check:
  - allow: open
    when: request.canonical_path.startsWith("/open/")
`;

/** Limits of time, short enough to be seen. */
const LIMITS = ["--limit", "preface-ms=1500", "--limit", "stuck-ms=1500"];

/** What memory may have grown by when a flood is over: what the runtime keeps for itself. */
const HEAP_GROWTH_BYTES = 48 * 2 ** 20;
/** A second flood finds what the first one left, and leaves no more than so much. */
const AGAIN_GROWTH_BYTES = 96 * 2 ** 20;
const RSS_GROWTH_BYTES = 512 * 2 ** 20;

const ATTACKERS = 4;

let folder: Folder;
let weir: WeirProcess;
let before: Memory;

beforeAll(async () => {
  folder = new Folder({ "weir.yaml": "", "open.yaml": POLICY });
  weir = await startWeir({ policies: folder.path, args: LIMITS });
  for (let n = 0; n < 300; n += 1) await rightlyAnswered();
  before = await memory();
});

afterAll(async () => {
  expect(await weir.stop()).toBe(0);
  folder[Symbol.dispose]();
});

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

async function memory(): Promise<Memory> {
  const metrics = await readMetrics(weir.adminUrl);
  const heap = metrics.sum("nodejs_heap_size_used_bytes") + metrics.sum("nodejs_external_memory_bytes");
  return { heap, rss: metrics.sum("process_resident_memory_bytes") };
}

function checkOf(path: string): Uint8Array {
  const http = AttributeContext_HttpRequest.create({ method: "GET", path, host: "shop", scheme: "http" });
  return CheckRequest.toBinary({ attributes: { request: { http }, contextExtensions: [] } });
}

function codeOf(answer: Uint8Array | undefined): number {
  return answer === undefined || answer.length === 0 ? -1 : (CheckResponse.fromBinary(answer).status?.code ?? 0);
}

/** Over a new connection: one request that is allowed, one that is not. */
async function rightlyAnswered(): Promise<void> {
  for (const [path, code] of [
    ["/open/a", status.OK],
    ["/closed/a", status.PERMISSION_DENIED],
  ] as const) {
    const { messages } = await grpcUnary({ port: weir.grpcPort, path: CHECK, message: checkOf(path) });
    expect(codeOf(messages[0])).toBe(code);
  }
}

/** Somebody who asks, one call after the other on one connection, while the flood lasts; he repeats what failed, as a client does. */
async function askedMeanwhile(flood: () => Promise<unknown>): Promise<void> {
  const client = new Client(`${LOOPBACK}:${weir.grpcPort}`, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const ask = (path: string): Promise<number | undefined> =>
    new Promise((resolve) => {
      const options = { deadline: Date.now() + 10_000 };
      const message = Buffer.from(checkOf(path));
      client.makeUnaryRequest(CHECK, same, same, message, new Metadata(), options, (error, answer) =>
        resolve(error ? undefined : codeOf(answer)),
      );
    });
  let over = false;
  const flooding = flood().finally(() => {
    over = true;
  });
  const codes: (number | undefined)[] = [];
  while (!over) codes.push(await ask(codes.length % 2 === 0 ? "/open/a" : "/closed/a"));
  await flooding;
  client.close();
  const wrong = codes.filter((code, n) => code !== undefined && code !== (n % 2 === 0 ? 0 : status.PERMISSION_DENIED));
  expect(wrong).toEqual([]);
  expect(codes.filter((code) => code !== undefined).length).toBeGreaterThan(0);
}

/** The process lives, answers, and has let go of what the flood made it keep. */
async function unharmed(): Promise<void> {
  await rightlyAnswered();
  await eventually("memory is let go", async () => {
    // Garbage is collected when there is work.
    for (let n = 0; n < 20; n += 1) await rightlyAnswered();
    const now = await memory();
    return now.heap - before.heap < HEAP_GROWTH_BYTES && now.rss - before.rss < RSS_GROWTH_BYTES;
  });
  expect((await readMetrics(weir.adminUrl)).sum("weir_bugs_total")).toBe(0);
}

/** The same from several attackers, each as often as is said: a connection that the server closed is followed by the next. */
async function attack(times: number, pieces: () => Iterable<Uint8Array>): Promise<void> {
  const attacker = async (): Promise<void> => {
    for (let n = 0; n < times; n += 1) await pour(weir.grpcPort, pieces());
  };
  await Promise.all(Array.from({ length: ATTACKERS }, attacker));
}

function* greeting(values: Readonly<Record<number, number>> = {}): Iterable<Uint8Array> {
  yield PREFACE;
  yield settings(values);
}

function* repeated(count: number, piece: (n: number) => Uint8Array): Iterable<Uint8Array> {
  yield* greeting();
  for (let n = 0; n < count; n += 1) yield piece(n);
}

const BLOCK = callHeaders(CHECK);
const LARGE = "v".repeat(4_000);
const CANCEL = uint32(8);

/** What one attacker writes on one connection; and how often. */
const FLOODS: Readonly<Record<string, { readonly times: number; readonly pieces: () => Iterable<Uint8Array> }>> = {
  "calls that are taken back at once, a hundred thousand": {
    times: 10,
    pieces: () =>
      repeated(2_500, (n) =>
        Buffer.concat([
          frame(FRAME.headers, FLAG.endHeaders, streamNumber(n), BLOCK),
          frame(FRAME.reset, FLAG.none, streamNumber(n), CANCEL),
        ]),
      ),
  },
  "calls that were sent whole and are taken back": {
    times: 5,
    pieces: () =>
      repeated(1_000, (n) =>
        Buffer.concat([
          frame(FRAME.headers, FLAG.endHeaders, streamNumber(n), BLOCK),
          frame(FRAME.data, FLAG.endStream, streamNumber(n), grpcMessage(checkOf("/open/a"))),
          frame(FRAME.reset, FLAG.none, streamNumber(n), CANCEL),
        ]),
      ),
  },
  "headers that never end": {
    times: 5,
    pieces: () =>
      repeated(5_000, (n) =>
        n === 0
          ? frame(FRAME.headers, FLAG.none, 1, BLOCK)
          : frame(FRAME.continuation, FLAG.none, 1, headerBlock({ [`x-${n}`]: "v" })),
      ),
  },
  pings: { times: 2, pieces: () => repeated(25_000, () => frame(FRAME.ping, FLAG.none, 0, Buffer.alloc(8))) },
  settings: { times: 2, pieces: () => repeated(10_000, (n) => settings({ 4: 1_000 + n })) },
  "window updates, beyond what a window may be": {
    times: 5,
    pieces: () => repeated(20_000, () => frame(FRAME.windowUpdate, FLAG.none, 0, uint32(2 ** 31 - 1))),
  },
  "header lists of most of a megabyte": {
    times: 5,
    pieces: () =>
      repeated(20, (n) =>
        Buffer.concat([
          frame(FRAME.headers, FLAG.none, streamNumber(n), BLOCK),
          ...Array.from({ length: 200 }, (_, part) =>
            frame(FRAME.continuation, FLAG.none, streamNumber(n), headerBlock({ [`x-${part}`]: LARGE })),
          ),
          frame(FRAME.continuation, FLAG.endHeaders, streamNumber(n)),
        ]),
      ),
  },
  "headers that are four thousand times as long as what is written": {
    times: 5,
    pieces: () =>
      repeated(100, (n) =>
        frame(
          FRAME.headers,
          FLAG.endHeaders,
          streamNumber(n),
          // The first adds an entry to the table; each byte of the others names it.
          n === 0 ? headerBlock({ "x-bomb": LARGE }, true) : Buffer.concat([BLOCK, Buffer.alloc(8_000, 0x80 | 62)]),
        ),
      ),
  },
  "ten thousand calls at a time on one connection": {
    times: 2,
    pieces: () => repeated(10_000, (n) => frame(FRAME.headers, FLAG.endHeaders, streamNumber(n), BLOCK)),
  },
};

describe("a flood of", () => {
  test.each(Object.entries(FLOODS))("%s", async (_, { times, pieces }) => {
    await askedMeanwhile(() => attack(times, pieces));
    await unharmed();
  });

  test("calls that are taken back, once more, leaves no more behind than the first time", async () => {
    const [first] = Object.values(FLOODS);
    const { rss } = await memory();
    if (first) await attack(first.times, first.pieces);
    await unharmed();
    expect((await memory()).rss - rss).toBeLessThan(AGAIN_GROWTH_BYTES);
  });

  test("random bytes, before and after a greeting", async () => {
    const random = seeded(1);
    await askedMeanwhile(() =>
      attack(25, function* () {
        if (random() < 0.5) yield* greeting();
        yield randomBytes(random, 2_000);
      }),
    );
    await unharmed();
  });

  test("frames of random kinds, flags and lengths", async () => {
    const random = seeded(2);
    const upTo = (most: number): number => Math.floor(random() * most);
    await askedMeanwhile(() =>
      attack(25, () => repeated(200, () => frame(upTo(12), upTo(256), upTo(9), randomBytes(random, upTo(60))))),
    );
    await unharmed();
  });

  test("connections that say nothing, or half of a greeting: they are closed", async () => {
    const halves = [undefined, PREFACE.subarray(0, 9)];
    await askedMeanwhile(async () => {
      const sockets = await Promise.all(Array.from({ length: 500 }, (_, n) => open(weir.grpcPort, halves[n % 2])));
      await Promise.all(sockets.map((socket) => socket && new Promise((resolve) => socket.once("close", resolve))));
    });
    const metrics = await readMetrics(weir.adminUrl);
    expect(metrics.sum("weir_connections_ended_total", { why: "silent" })).toBeGreaterThanOrEqual(500);
    await unharmed();
  });

  test.each([
    ["calls that are never sent whole", {}, [frame(FRAME.data, FLAG.none, 1, Buffer.of(0, 0, 0))]],
    ["answers that are never read", { 4: 0 }, [frame(FRAME.data, FLAG.endStream, 1, grpcMessage(checkOf("/open/a")))]],
  ])("%s: their connections are closed", async (_, values, rest) => {
    const ended = async (): Promise<number> =>
      (await readMetrics(weir.adminUrl)).sum("weir_connections_ended_total", { why: "stuck" });
    const already = await ended();
    const first = Buffer.concat([...greeting(values), frame(FRAME.headers, FLAG.endHeaders, 1, BLOCK), ...rest]);
    await askedMeanwhile(async () => {
      const sockets = await Promise.all(Array.from({ length: 100 }, () => open(weir.grpcPort, first)));
      await Promise.all(sockets.map((socket) => socket && new Promise((resolve) => socket.once("close", resolve))));
    });
    expect(await ended()).toBeGreaterThanOrEqual(already + 100);
    await unharmed();
  });
});

describe("messages that are not what they say", () => {
  const bomb = gzipSync(Buffer.alloc(100 * 2 ** 20));

  test.each([
    ["gzip that unpacks to a hundred megabytes", "gzip", bomb, status.RESOURCE_EXHAUSTED],
    ["gzip that is none", "gzip", Buffer.from("no such thing"), status.INTERNAL],
    ["deflate that is none", "deflate", Buffer.from("no such thing"), status.INTERNAL],
    ["a packing that nobody knows", "zstd", Buffer.from("what"), status.UNIMPLEMENTED],
    ["packed without saying how", undefined, Buffer.from("what"), status.INTERNAL],
  ])("%s", async (_, encoding, packed, code) => {
    const headers = callHeaders(CHECK, encoding === undefined ? {} : { "grpc-encoding": encoding });
    const call = Buffer.concat([
      ...greeting(),
      frame(FRAME.headers, FLAG.endHeaders, 1, headers),
      ...framesOf(grpcMessage(packed, true)),
    ]);
    await askedMeanwhile(() => attack(15, () => [call]));
    expect(await statusOfPacked(packed, encoding)).toBe(code);
    await unharmed();
  });

  test("messages that were cut, changed or put together of others, at every door", async () => {
    const random = seeded(3);
    const seeds = [...recorded("ext_authz"), ...recorded("als")].map(({ bytes }) => Buffer.from(bytes));
    await askedMeanwhile(() =>
      attack(20, function* () {
        yield* greeting();
        for (let n = 0; n < 60; n += 1) {
          const doors = [...UNARY_DOORS, ...STREAM_DOORS];
          const path = doors[Math.floor(random() * doors.length)] ?? CHECK;
          const message = mutated(seeds[Math.floor(random() * seeds.length)] ?? Buffer.alloc(0), random);
          yield frame(FRAME.headers, FLAG.endHeaders, streamNumber(n), callHeaders(path));
          yield* framesOf(grpcMessage(message), streamNumber(n));
        }
      }),
    );
    await unharmed();
  });
});

/** Largest frame that anyone must take. */
const MAX_FRAME_BYTES = 16_384;

/** A message in frames, within the window that a stream has at the beginning. */
function framesOf(message: Buffer, stream = 1): readonly Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length; at += MAX_FRAME_BYTES) {
    const end = Math.min(at + MAX_FRAME_BYTES, message.length);
    frames.push(
      frame(FRAME.data, end === message.length ? FLAG.endStream : FLAG.none, stream, message.subarray(at, end)),
    );
  }
  return frames;
}

async function statusOfPacked(packed: Buffer, encoding: string | undefined): Promise<number | undefined> {
  const session = connectHttp2(`http://${LOOPBACK}:${weir.grpcPort}`);
  const stream = session.request({
    ":method": "POST",
    ":path": CHECK,
    "content-type": "application/grpc",
    ...(encoding === undefined ? {} : { "grpc-encoding": encoding }),
  });
  stream.on("error", () => undefined);
  stream.end(grpcMessage(packed, true));
  const code = await new Promise<number | undefined>((resolve) => {
    stream.on("response", (headers) => {
      if (headers["grpc-status"] !== undefined) resolve(Number(headers["grpc-status"]));
    });
    stream.on("trailers", (trailers) => resolve(Number(trailers["grpc-status"])));
    stream.on("close", () => resolve(undefined));
  });
  session.destroy();
  return code;
}

function mutated(bytes: Buffer, random: () => number): Buffer {
  const copy = Buffer.from(bytes);
  const within = (most: number): number => Math.floor(random() * most);
  switch (within(4)) {
    case 0:
      return copy.subarray(0, within(copy.length + 1));
    case 1:
      return randomBytes(random, within(300));
    default:
      for (let flips = 1 + within(6); flips > 0; flips -= 1) copy[within(copy.length)] = within(256);
      return copy;
  }
}
