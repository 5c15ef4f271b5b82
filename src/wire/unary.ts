import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Carrier } from "./carry.ts";
import { type Call, type Door, type Peer, type Reply, STATUS, type UnaryDoor } from "./door.ts";
import { nobodyAsks } from "./http2-server.ts";

/**
 * Unary calls as nearly all callers send them, carried straight between node's HTTP/2 and a door: the five bytes before a message and the
 * status behind the answer are all that gRPC adds to HTTP/2 here (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). A call costs a third less than
 * by way of grpc-js, which makes a chain of objects for each. What is unusual is left to it: messages that may be packed, other methods and
 * content types.
 */
export class UnaryCalls {
  readonly #doors: ReadonlyMap<string, UnaryDoor>;
  readonly #carrier: UnaryCarrier;

  constructor(doors: readonly Door[], carrier: UnaryCarrier) {
    this.#doors = new Map(doors.filter((door) => door.kind === "unary").map((door) => [door.path, door]));
    this.#carrier = carrier;
  }

  /** @returns whether there is a unary door at a path. */
  isOne(path: string | undefined): boolean {
    return this.#doors.has(path ?? "");
  }

  /** @returns whether it takes the call; otherwise nothing was done with it. */
  take(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): boolean {
    const door = this.#doors.get(headers[":path"] ?? "");
    if (door === undefined || !isPlain(headers)) return false;
    new UnaryCall(stream, headers, {
      door,
      withinMs: timeoutMs(headers["grpc-timeout"]),
      carrier: this.#carrier,
    }).begin();
    return true;
  }
}

export interface UnaryCarrier extends Carrier {
  /** Bytes of one message. */
  readonly maxMessageBytes: number;
  readonly peerOf: (session: Http2Session | undefined) => Peer;
}

/** Before each message: one byte whether it is packed, four for its length. */
const PREFIX_BYTES = 5;

const NOTHING = Buffer.alloc(0);

const CONTENT_TYPE = "application/grpc";
const CONTENT_TYPES: ReadonlySet<string | undefined> = new Set([CONTENT_TYPE, `${CONTENT_TYPE}+proto`]);

const ANSWER_HEADERS = {
  [constants.HTTP2_HEADER_STATUS]: constants.HTTP_STATUS_OK,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: CONTENT_TYPE,
};
const ANSWER_OPTIONS = { waitForTrailers: true, sendDate: false };
const REFUSAL_OPTIONS = { endStream: true, sendDate: false };
const OK_TRAILERS = { "grpc-status": STATUS.ok };

type Refusal = Extract<Reply, { kind: "status" }>;

const BUG = refusal(STATUS.internal, "internal error");
const TOO_LATE = refusal(STATUS.deadlineExceeded, "the deadline passed");
const NO_TIMEOUT = refusal(STATUS.internal, "grpc-timeout holds no timeout");
const NO_MESSAGE = refusal(STATUS.internal, "a call of one message has one, and not packed unless it says how");

/** One call, as its door is told of it. */
class UnaryCall implements Call {
  arrivedMs = 0;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #door: UnaryDoor;
  readonly #carrier: UnaryCarrier;
  /** From the call's beginning; `Infinity` where its caller did not say. */
  readonly #withinMs: number;
  readonly #beganMs: number;
  readonly peer: Peer;
  #answered = false;
  /** What has come, and behind it perhaps room for more. */
  #message: Buffer = NOTHING;
  #bytes = 0;
  #abort: AbortController | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    {
      door,
      withinMs,
      carrier,
    }: { readonly door: UnaryDoor; readonly withinMs: number; readonly carrier: UnaryCarrier },
  ) {
    this.#stream = stream;
    this.#headers = headers;
    this.#door = door;
    this.#carrier = carrier;
    this.#withinMs = withinMs;
    this.#beganMs = carrier.monotonicMs();
    this.peer = carrier.peerOf(stream.session);
  }

  begin(): void {
    const stream = this.#stream;
    stream.on("error", nobodyAsks);
    stream.on("wantTrailers", sendOk);
    stream.on("data", (bytes: Buffer) => this.#received(bytes));
    stream.on("end", () => this.#ended());
    if (Number.isNaN(this.#withinMs)) this.#refuse(NO_TIMEOUT);
  }

  get deadlineMs(): number | undefined {
    return this.#withinMs === Number.POSITIVE_INFINITY ? undefined : this.#beganMs + this.#withinMs;
  }

  get signal(): AbortSignal {
    this.#abort ??= this.#listen(new AbortController());
    return this.#abort.signal;
  }

  metadata(key: string): string | undefined {
    const value = this.#headers[key];
    return typeof value === "string" ? value : value?.[0];
  }

  #received(bytes: Buffer): void {
    if (this.#answered) return;
    // Nearly always it is all in one piece.
    if (this.#bytes === 0) this.#message = bytes;
    else this.#append(bytes);
    this.#bytes += bytes.length;
    const { maxMessageBytes } = this.#carrier;
    const announced = this.#bytes < PREFIX_BYTES ? 0 : this.#message.readUInt32BE(1);
    if (Math.max(announced, this.#bytes - PREFIX_BYTES) > maxMessageBytes)
      this.#refuse(refusal(STATUS.resourceExhausted, `the message is larger than ${maxMessageBytes} bytes`));
  }

  /** In memory that grows with what has come, and not with the number of pieces, each of which may be a byte. */
  #append(bytes: Buffer): void {
    const whole = this.#bytes + bytes.length;
    if (whole > this.#message.length) {
      const larger = Buffer.allocUnsafeSlow(2 * whole);
      this.#message.copy(larger, 0, 0, this.#bytes);
      this.#message = larger;
    }
    bytes.copy(this.#message, this.#bytes);
  }

  /** Everything was sent: exactly one message. */
  #ended(): void {
    if (this.#answered) return;
    const whole = this.#message.subarray(0, this.#bytes);
    this.#message = NOTHING;
    this.arrivedMs = this.#carrier.monotonicMs();
    if (whole.length < PREFIX_BYTES || whole[0] !== 0 || whole.readUInt32BE(1) !== whole.length - PREFIX_BYTES)
      this.#refuse(NO_MESSAGE);
    else if (this.arrivedMs - this.#beganMs >= this.#withinMs) this.#refuse(TOO_LATE);
    else this.#ask(whole.subarray(PREFIX_BYTES));
  }

  #ask(message: Buffer): void {
    this.#carrier.inFlight.begin();
    let reply: Reply | Promise<Reply>;
    try {
      reply = this.#door.handle(message, this);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (!(reply instanceof Promise)) this.#finish(reply);
    else
      reply.then(
        (settled) => this.#finish(settled),
        (error) => this.#fail(error),
      );
  }

  #fail(error: unknown): void {
    this.#carrier.telemetry.failed(this.#door.path, error);
    this.#finish(BUG);
  }

  #finish(reply: Reply): void {
    this.#carrier.inFlight.end();
    if (this.#answered) return;
    if (reply.kind === "status") this.#refuse(reply);
    else this.#answer(reply.bytes);
  }

  #answer(bytes: Uint8Array): void {
    this.#answered = true;
    const stream = this.#stream;
    // Its caller has taken it back.
    if (stream.destroyed || stream.closed) return;
    stream.respond(ANSWER_HEADERS, ANSWER_OPTIONS);
    stream.end(prefixed(bytes));
  }

  #refuse({ code, message }: Refusal): void {
    this.#answered = true;
    this.#message = NOTHING;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    stream.respond({ ...ANSWER_HEADERS, "grpc-status": code, "grpc-message": asHeader(message) }, REFUSAL_OPTIONS);
    // What it goes on sending is not wanted.
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  }

  #listen(abort: AbortController): AbortController {
    const end = (): void => {
      clearTimeout(timer);
      if (this.#answered) return;
      abort.abort(new Error("the caller went away or its deadline passed"));
      this.#refuse(TOO_LATE);
    };
    const { deadlineMs } = this;
    const timer = deadlineMs === undefined ? undefined : setTimeout(end, deadlineMs - this.#carrier.monotonicMs());
    if (this.#stream.destroyed) end();
    else this.#stream.once("close", end);
    return abort;
  }
}

function isPlain(headers: IncomingHttpHeaders): boolean {
  const encoding = headers["grpc-encoding"];
  return (
    headers[":method"] === "POST" &&
    CONTENT_TYPES.has(headers["content-type"]) &&
    (encoding === undefined || encoding === "identity")
  );
}

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
const TIMEOUT = /^\d{1,8}[HMSmun]$/;

/** Longer than a timer can wait is as good as for ever. */
const LONGEST_MS = 2 ** 31 - 1;

/** @returns milliseconds; `Infinity` where there is none, NaN where it is not one. */
function timeoutMs(text: string | string[] | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (typeof text !== "string" || !TIMEOUT.test(text)) return Number.NaN;
  const ms = Number(text.slice(0, -1)) * (UNITS_MS[text.slice(-1)] ?? Number.NaN);
  return ms > LONGEST_MS ? Number.POSITIVE_INFINITY : ms;
}

function prefixed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

function refusal(code: Refusal["code"], message: string): Refusal {
  return { kind: "status", code, message };
}

/** All but printable ASCII is percent-encoded, as UTF-8. */
function asHeader(message: string): string {
  return message.toWellFormed().replace(/[^ -$&-~]+/gu, encodeURIComponent);
}

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS);
}
