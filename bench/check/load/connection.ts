import { connect, type Socket } from "node:net";
import { DEFAULT_TABLE_BYTES, type Header, HeaderReader, requestBlocks } from "./hpack.ts";

/** Told what comes back on one stream. */
export interface StreamEvents {
  /** @param bytes only good until this returns */
  message(bytes: Buffer): void;
  /** @param status the gRPC status; `LOST` when there was none: the stream was reset, or the connection closed. */
  ended(status: number): void;
}

export const LOST = -1;

const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 } as const;
const SETTING = { tableBytes: 1, concurrentStreams: 3, windowBytes: 4 } as const;
/** Why a stream is reset: nobody waits for it any more. */
const CANCEL = 8;
const FRAME_HEAD_BYTES = 9;
const MESSAGE_HEAD_BYTES = 5;
const DEFAULT_WINDOW_BYTES = 65_535;
const LARGEST_WINDOW_BYTES = 2 ** 31 - 1;
/** Frames are put together in pieces of memory this large; what is sent at once is written at once. */
const OUT_BYTES = 256 * 1_024;
/** Largest frame that anyone must take. */
const MAX_FRAME_BYTES = 16_384;
/** After so much has come in, the server is told that it may send as much again. */
const REFILL_BYTES = 2 ** 29;

interface OpenStream {
  readonly id: number;
  readonly events: StreamEvents;
  sendWindow: number;
  received: number;
  /** The beginning of a message whose end is still to come. */
  rest: Buffer | undefined;
}

/**
 * A client's end of one HTTP/2 connection, made for one thing: to ask as much as a server can take and cost less than it does. It knows
 * one request's headers, messages that fit into one frame, and flow control. Nothing is sent before `flush`.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #headers: { readonly first: Buffer; readonly later: Buffer };
  readonly #reader = new HeaderReader();
  readonly #streams = new Map<number, OpenStream>();
  readonly #waiting: (() => boolean)[] = [];
  #out: Buffer = Buffer.allocUnsafeSlow(OUT_BYTES);
  #filled = 0;
  #sent = 0;
  #rest: Buffer | undefined;
  #nextStream = 1;
  #sendWindow = DEFAULT_WINDOW_BYTES;
  #initialWindow = DEFAULT_WINDOW_BYTES;
  #received = 0;
  #concurrentStreams = Number.POSITIVE_INFINITY;
  #tableBytes = DEFAULT_TABLE_BYTES;
  #named = false;
  #settled: (() => void) | undefined;
  #over = false;

  private constructor(socket: Socket, headers: readonly Header[]) {
    this.#socket = socket;
    this.#headers = requestBlocks(headers);
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("close", () => this.#lose());
    // `close` follows, and says what matters.
    socket.on("error", () => undefined);
  }

  /** Resolves when the server has said what it allows. @throws when nobody listens there */
  static async open(port: number, headers: readonly Header[]): Promise<Connection> {
    const socket = connect({ host: "127.0.0.1", port });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve).once("error", reject);
    });
    const connection = new Connection(socket, headers);
    const settled = new Promise<void>((resolve) => {
      connection.#settled = resolve;
    });
    connection.#greet();
    await settled;
    if (connection.#over) throw new Error("the connection was closed before it could be used");
    return connection;
  }

  /** Nothing can be sent any more. */
  get over(): boolean {
    return this.#over;
  }

  /** How many streams may be open at a time. */
  get concurrentStreams(): number {
    return this.#concurrentStreams;
  }

  /** What was asked and could not be sent yet: the server has to take what was sent before. */
  get backlog(): number {
    return this.#waiting.length;
  }

  /** Asks for one answer. @returns the stream's number, for `cancel`; undefined while it cannot be sent */
  call(message: Uint8Array, events: StreamEvents): number | undefined {
    let id: number | undefined;
    this.#whenOpen(MESSAGE_HEAD_BYTES + message.length, () => {
      const stream = this.#begin(events);
      this.#putMessage(stream, message, FLAG.endStream);
      id = stream.id;
    });
    return id;
  }

  /** Takes back a call whose answer would come too late. Nothing more is told of it. */
  cancel(id: number): void {
    if (this.#over || !this.#streams.delete(id)) return;
    this.#frame(FRAME.reset, 0, id, 4);
    this.#filled = this.#out.writeUInt32BE(CANCEL, this.#filled);
  }

  /** @returns a function that sends one more message on a stream that stays open. */
  stream(events: StreamEvents): (message: Uint8Array) => void {
    const stream = this.#begin(events);
    return (message) => {
      const bytes = MESSAGE_HEAD_BYTES + message.length;
      const send = (): boolean => {
        if (stream.sendWindow < bytes || this.#sendWindow < bytes) return false;
        this.#putMessage(stream, message, 0);
        return true;
      };
      if (this.#waiting.length > 0 || !send()) this.#waiting.push(send);
    };
  }

  /** Sends what was asked since the last time. */
  flush(): void {
    if (this.#filled === this.#sent) return;
    this.#socket.write(this.#out.subarray(this.#sent, this.#filled));
    this.#sent = this.#filled;
  }

  close(): void {
    this.#socket.destroy();
  }

  #whenOpen(bytes: number, send: () => void): void {
    if (this.#over) throw new Error("the connection is closed");
    if (this.#waiting.length === 0 && this.#sendWindow >= bytes) send();
    else
      this.#waiting.push(() => {
        if (this.#sendWindow < bytes) return false;
        send();
        return true;
      });
  }

  #begin(events: StreamEvents): OpenStream {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const stream: OpenStream = { id, events, sendWindow: this.#initialWindow, received: 0, rest: undefined };
    this.#streams.set(id, stream);
    const block = this.#named ? this.#headers.later : this.#headers.first;
    // A server that keeps no table is told everything each time.
    this.#named = this.#tableBytes >= DEFAULT_TABLE_BYTES;
    this.#frame(FRAME.headers, FLAG.endHeaders, id, block.length);
    this.#filled += block.copy(this.#out, this.#filled);
    return stream;
  }

  #putMessage(stream: OpenStream, message: Uint8Array, flags: number): void {
    const length = MESSAGE_HEAD_BYTES + message.length;
    if (length > MAX_FRAME_BYTES) throw new Error("a message that does not fit into one frame");
    this.#frame(FRAME.data, flags, stream.id, length);
    this.#out[this.#filled] = 0;
    this.#out.writeUInt32BE(message.length, this.#filled + 1);
    this.#out.set(message, this.#filled + MESSAGE_HEAD_BYTES);
    this.#filled += length;
    stream.sendWindow -= length;
    this.#sendWindow -= length;
  }

  #greet(): void {
    this.#room(FRAME_HEAD_BYTES);
    this.#filled += this.#out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", this.#filled, "latin1");
    this.#frame(FRAME.settings, 0, 0, 6);
    this.#filled = this.#out.writeUInt16BE(SETTING.windowBytes, this.#filled);
    this.#filled = this.#out.writeUInt32BE(LARGEST_WINDOW_BYTES, this.#filled);
    this.#widen(0, LARGEST_WINDOW_BYTES - DEFAULT_WINDOW_BYTES);
    this.flush();
  }

  /** Puts the head of a frame, with room for its payload. */
  #frame(type: number, flags: number, stream: number, length: number): void {
    this.#room(FRAME_HEAD_BYTES + length);
    const out = this.#out;
    const at = this.#filled;
    out.writeUIntBE(length, at, 3);
    out[at + 3] = type;
    out[at + 4] = flags;
    out.writeUInt32BE(stream, at + 5);
    this.#filled = at + FRAME_HEAD_BYTES;
  }

  #room(bytes: number): void {
    if (this.#filled + bytes <= OUT_BYTES - FRAME_HEAD_BYTES) return;
    this.flush();
    // What was written belongs to the socket until it is sent.
    this.#out = Buffer.allocUnsafeSlow(OUT_BYTES);
    this.#filled = 0;
    this.#sent = 0;
  }

  #take(bytes: Buffer): void {
    const all = this.#rest === undefined ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length - at >= FRAME_HEAD_BYTES) {
      const length = all.readUIntBE(at, 3);
      const end = at + FRAME_HEAD_BYTES + length;
      if (end > all.length) break;
      this.#frameCame(
        all[at + 3] ?? 0,
        all[at + 4] ?? 0,
        all.readUInt32BE(at + 5),
        all.subarray(at + FRAME_HEAD_BYTES, end),
      );
      at = end;
    }
    this.#rest = at === all.length ? undefined : all.subarray(at);
    this.flush();
  }

  #frameCame(type: number, flags: number, id: number, payload: Buffer): void {
    switch (type) {
      case FRAME.data:
        this.#dataCame(flags, id, payload);
        break;
      case FRAME.headers:
        this.#headersCame(flags, id, payload);
        break;
      case FRAME.windowUpdate:
        this.#windowCame(id, payload.readUInt32BE(0));
        break;
      case FRAME.settings:
        this.#settingsCame(flags, payload);
        break;
      case FRAME.reset:
        this.#end(id, LOST);
        break;
      case FRAME.ping:
        this.#pingCame(flags, payload);
        break;
      case FRAME.goAway:
        // Streams that were begun may still be answered; the pool opens another connection for those to come.
        this.#over = true;
        break;
      default:
        // Frames of a kind that we do not know are passed over, as HTTP/2 wants it.
        break;
    }
  }

  #pingCame(flags: number, payload: Buffer): void {
    if ((flags & FLAG.ack) !== 0) return;
    this.#frame(FRAME.ping, FLAG.ack, 0, payload.length);
    this.#filled += payload.copy(this.#out, this.#filled);
  }

  #dataCame(flags: number, id: number, payload: Buffer): void {
    this.#received += payload.length;
    if (this.#received >= REFILL_BYTES) this.#received -= this.#widen(0, this.#received);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.received += payload.length;
    if (stream.received >= REFILL_BYTES) stream.received -= this.#widen(id, stream.received);
    const bytes = (flags & FLAG.padded) === 0 ? payload : payload.subarray(1, payload.length - (payload[0] ?? 0));
    readMessages(stream, bytes);
    if ((flags & FLAG.endStream) !== 0) this.#end(id, LOST);
  }

  #headersCame(flags: number, id: number, payload: Buffer): void {
    if ((flags & FLAG.endHeaders) === 0) throw new Error("an answer whose headers do not fit into one frame");
    const headers = this.#reader.read(payload);
    if ((flags & FLAG.endStream) === 0) return;
    const status = headers.get("grpc-status");
    this.#end(id, status === undefined ? LOST : Number(status));
  }

  #windowCame(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0) this.#sendWindow += bytes;
    else if (stream !== undefined) stream.sendWindow += bytes;
    this.#sendWaiting();
  }

  #settingsCame(flags: number, payload: Buffer): void {
    if ((flags & FLAG.ack) !== 0) return;
    for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    this.#frame(FRAME.settings, FLAG.ack, 0, 0);
    this.#settled?.();
  }

  #set(setting: number, value: number): void {
    if (setting === SETTING.concurrentStreams) this.#concurrentStreams = value;
    if (setting === SETTING.tableBytes) this.#tableBytes = value;
    if (setting !== SETTING.windowBytes) return;
    for (const stream of this.#streams.values()) stream.sendWindow += value - this.#initialWindow;
    this.#initialWindow = value;
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    while (this.#waiting[0]?.()) this.#waiting.shift();
  }

  /** Lets the server send more. @returns how much */
  #widen(id: number, bytes: number): number {
    this.#frame(FRAME.windowUpdate, 0, id, 4);
    this.#filled = this.#out.writeUInt32BE(bytes, this.#filled);
    return bytes;
  }

  #end(id: number, status: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.events.ended(status);
  }

  #lose(): void {
    this.#over = true;
    this.#settled?.();
    for (const id of [...this.#streams.keys()]) this.#end(id, LOST);
  }
}

/** Hands on every message that these bytes completed. */
function readMessages(stream: OpenStream, bytes: Buffer): void {
  const all = stream.rest === undefined ? bytes : Buffer.concat([stream.rest, bytes]);
  let at = 0;
  while (all.length - at >= MESSAGE_HEAD_BYTES) {
    const end = at + MESSAGE_HEAD_BYTES + all.readUInt32BE(at + 1);
    if (end > all.length) break;
    stream.events.message(all.subarray(at + MESSAGE_HEAD_BYTES, end));
    at = end;
  }
  stream.rest = at === all.length ? undefined : all.subarray(at);
}
