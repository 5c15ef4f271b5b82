/** Who breaks the rules of HTTP/2 and gRPC on purpose: frames made by hand and written to a socket, on loopback only, and never without end. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { LOOPBACK } from "../../deploy/loopback.ts";

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

export function randomBytes(random: () => number, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}
