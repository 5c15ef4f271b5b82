import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** HTTP/2 by the byte, for what no library would send or show. Numbers by RFC 9113. */

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEADER_BYTES = 9;

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A header block that needs no table: each name and value as it is. Of at most 126 bytes each. */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value),
    ]),
  );
}

/** A connection that has said its preface. It ends with the test. */
export class RawClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #arrived = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    socket.on("close", () => this.#wake());
    onTestFinished(() => void socket.destroy());
  }

  /** @param address `127.0.0.1:9091` */
  static async connect(address: string): Promise<RawClient> {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    const client = new RawClient(socket);
    client.write(Buffer.from(PREFACE), frame(FRAME.settings, 0, 0));
    await client.frame(({ type, flags }) => type === FRAME.settings && flags === 0);
    client.write(frame(FRAME.settings, FLAG.ack, 0));
    return client;
  }

  /** All in one piece. */
  write(...frames: readonly Buffer[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  /** @returns the next frame that is meant; those before it are passed over. Rejects when the connection is closed first. */
  async frame(meant: (frame: RawFrame) => boolean): Promise<RawFrame> {
    for (;;) {
      const next = this.#take();
      if (next === undefined) {
        if (this.#socket.destroyed) throw new Error("the connection was closed");
        await this.#arrived.promise;
      } else if (meant(next)) return next;
    }
  }

  #take(): RawFrame | undefined {
    const bytes = this.#received;
    if (bytes.length < FRAME_HEADER_BYTES) return undefined;
    const end = FRAME_HEADER_BYTES + bytes.readUIntBE(0, 3);
    if (bytes.length < end) return undefined;
    this.#received = bytes.subarray(end);
    const payload = bytes.subarray(FRAME_HEADER_BYTES, end);
    return { type: bytes.readUInt8(3), flags: bytes.readUInt8(4), stream: bytes.readUInt32BE(5), payload };
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
