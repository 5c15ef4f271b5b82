import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { FLAG, FRAME, FRAME_HEAD_BYTES, frame, PREFACE, settings } from "./frames.ts";

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
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
    client.write(PREFACE, settings());
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
    if (bytes.length < FRAME_HEAD_BYTES) return undefined;
    const end = FRAME_HEAD_BYTES + bytes.readUIntBE(0, 3);
    if (bytes.length < end) return undefined;
    this.#received = bytes.subarray(end);
    const payload = bytes.subarray(FRAME_HEAD_BYTES, end);
    return { type: bytes.readUInt8(3), flags: bytes.readUInt8(4), stream: bytes.readUInt32BE(5), payload };
  }

  #wake(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}
