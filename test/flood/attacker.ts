/** Who breaks the rules of HTTP/2 and gRPC on purpose: frames made by hand and written to a socket, on loopback only, and never without end. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { LOOPBACK } from "../../deploy/loopback.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { none: 0, endStream: 1, endHeaders: 4 } as const;

/** What a client says first; then its settings. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const FRAME_HEAD_BYTES = 9;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @param values by the number of the setting */
export function settings(values: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(values).map(([setting, value]) => {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16BE(Number(setting));
    bytes.writeUInt32BE(value, 2);
    return bytes;
  });
  return frame(FRAME.settings, FLAG.none, 0, Buffer.concat(entries));
}

const LITERAL = 0x00;
const ADD_TO_TABLE = 0x40;
const SEVEN_BITS = 0x7f;

/** Headers that no table keeps, or that are `added` to the server's. */
export function headerBlock(headers: Readonly<Record<string, string>>, added = false): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) =>
      Buffer.concat([Buffer.of(added ? ADD_TO_TABLE : LITERAL), text(name), text(value)]),
    ),
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < SEVEN_BITS) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [SEVEN_BITS];
  let rest = bytes.length - SEVEN_BITS;
  for (; rest > SEVEN_BITS; rest >>= 7) length.push((rest & SEVEN_BITS) | 0x80);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

/** The headers of a call. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
}

/** A gRPC message with its five bytes in front. */
export function grpcMessage(bytes: Uint8Array, compressed = false): Buffer {
  return Buffer.concat([Buffer.of(compressed ? 1 : 0), uint32(bytes.length), bytes]);
}

/** The number of the client's n-th stream. */
export function streamNumber(n: number): number {
  return 2 * n + 1;
}

/** How much is written at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Connects and writes everything, as fast as it is taken, until the server closes. Reads what comes and looks at nothing.
 * @returns how many pieces were handed to the socket.
 */
export async function pour(port: number, pieces: Iterable<Uint8Array>): Promise<number> {
  const socket = await open(port);
  if (socket === undefined) return 0;
  let count = 0;
  let chunk: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    count += 1;
    chunk.push(piece);
    bytes += piece.length;
    if (bytes < CHUNK_BYTES) continue;
    await write(socket, Buffer.concat(chunk));
    chunk = [];
    bytes = 0;
    if (socket.destroyed) break;
  }
  if (!socket.destroyed) await write(socket, Buffer.concat(chunk));
  // Until it was all taken: what is destroyed before is never sent.
  await new Promise<void>((resolve) => (socket.destroyed ? resolve() : socket.end(resolve)));
  socket.destroy();
  return count;
}

/** @returns a connection that stays open until the server or `destroy` closes it; undefined where it was refused. */
export async function open(port: number, first?: Uint8Array): Promise<Socket | undefined> {
  const socket = connect({ host: LOOPBACK, port });
  socket.on("error", () => socket.destroy());
  socket.resume();
  const connected = await Promise.race([
    once(socket, "connect").then(() => true),
    new Promise<boolean>((resolve) => socket.once("close", () => resolve(false))),
  ]);
  if (!connected) return undefined;
  if (first !== undefined) socket.write(first);
  return socket;
}

async function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.write(bytes)) return;
  await new Promise<void>((resolve) => {
    socket.once("drain", resolve);
    socket.once("close", () => resolve());
  });
}

/** Whatever a test does, it does again the same way. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export function randomBytes(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}
