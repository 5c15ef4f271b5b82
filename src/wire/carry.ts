import type { Metadata, ServerDuplexStream, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { Log, Telemetry } from "../telemetry/index.ts";
import {
  type Call,
  type OpenStream,
  type Peer,
  type Reply,
  STATUS,
  type StreamDoor,
  type StreamHandler,
  type UnaryDoor,
} from "./door.ts";
import type { InFlight } from "./in-flight.ts";
import type { Peers } from "./peers.ts";

/** What it takes to carry calls between grpc-js and a door. */
export interface Carrier {
  readonly peers: Peers;
  readonly inFlight: InFlight;
  readonly telemetry: Pick<Telemetry, "failed">;
  readonly log: Log;
  readonly monotonicMs: () => number;
  readonly maxWaitingAnswers: number;
}

type UnaryCall = ServerUnaryCall<Buffer, Buffer>;
type StreamCall = ServerDuplexStream<Buffer, Buffer>;

type Refusal = Extract<Reply, { kind: "status" }>;

/** A bug of ours, said to the caller in one word: our inside is not his business. */
const BUG: Refusal = { kind: "status", code: STATUS.internal, message: "internal error" };

/** @returns a grpc-js handler that brings each message to the door and the door's reply back. Most calls never come here: see `unary.ts`. */
export function carryUnary(door: UnaryDoor, carrier: Carrier) {
  return (grpcCall: UnaryCall, respond: sendUnaryData<Buffer>): void => {
    const deadline = grpcCall.getDeadline();
    // Nobody waits for it any more. `Infinity` is what nearly all of them have.
    if (deadline !== Number.POSITIVE_INFINITY && Number(deadline) <= Date.now()) {
      respond({ code: STATUS.deadlineExceeded, details: "it came too late to be looked at" });
      return;
    }
    carrier.inFlight.begin();
    const finish = (reply: Reply): void => {
      carrier.inFlight.end();
      if (reply.kind === "message") respond(null, asBuffer(reply.bytes));
      else respond({ code: reply.code, details: reply.message.toWellFormed() });
    };
    const fail = (error: unknown): void => {
      carrier.telemetry.failed(door.path, error);
      finish(BUG);
    };
    try {
      const reply = door.handle(grpcCall.request, new GrpcCall(grpcCall, carrier));
      if (reply instanceof Promise) reply.then(finish, fail);
      else finish(reply);
    } catch (error) {
      fail(error);
    }
  };
}

/** @returns a grpc-js handler that opens the door for each stream. */
export function carryStream(door: StreamDoor, carrier: Carrier) {
  return (grpcCall: StreamCall): void => {
    new CarriedStream(door, grpcCall, carrier).start();
  };
}

/**
 * One stream on its way through a door. It is over when it was answered or the client went away, whichever comes first. It is read while its
 * handler wants more and while what it sends is read: a client that does neither is kept waiting, and costs no more than what is on its way.
 */
class CarriedStream implements OpenStream {
  readonly #door: StreamDoor;
  readonly #grpcCall: StreamCall;
  readonly #carrier: Carrier;
  #handler: StreamHandler | undefined;
  #state: "open" | "ending" | "over" = "open";
  /** The handler wants no message now. */
  #held = false;
  /** Messages that were sent and are not on their way yet: there is no room with the client. */
  #unwritten = 0;
  readonly #written = (): void => this.#drained();
  /** The client does not read. */
  #congested = false;
  #leave: () => void = () => undefined;

  constructor(door: StreamDoor, grpcCall: StreamCall, carrier: Carrier) {
    this.#door = door;
    this.#grpcCall = grpcCall;
    this.#carrier = carrier;
  }

  start(): void {
    const call = this.#grpcCall;
    // Before the listeners: grpc-js calls none of them for a call that was cancelled while it was being set up.
    if (call.cancelled) return;
    this.#leave = this.#carrier.inFlight.join(() => this.#end());
    call.on("cancelled", () => this.#cancel());
    // A stream that breaks says so by `cancelled` as well; unheard, the event would end the process.
    call.on("error", (error) => this.#carrier.log.debug("a stream broke", { path: this.#door.path, error }));
    this.#guarded(() => {
      this.#handler = this.#door.open(new GrpcCall(call, this.#carrier), this);
    });
    call.on("data", (bytes: Buffer) => this.#message(bytes));
    call.on("end", () => this.#end());
  }

  send(bytes: Uint8Array): boolean {
    if (this.#state === "over") return true;
    this.#unwritten += 1;
    this.#grpcCall.write(asBuffer(bytes), this.#written);
    if (this.#unwritten < this.#carrier.maxWaitingAnswers) return true;
    this.#congested = true;
    this.#read();
    return false;
  }

  pause(): void {
    this.#held = true;
    this.#read();
  }

  resume(): void {
    this.#held = false;
    this.#read();
  }

  afterTurn(work: () => void): void {
    setImmediate(() => {
      if (this.#state !== "over") this.#guarded(work);
    });
  }

  close(reply: Reply): void {
    this.#finish(reply);
  }

  #message(bytes: Buffer): void {
    if (this.#state === "over") return;
    try {
      this.#handler?.message(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #drained(): void {
    this.#unwritten -= 1;
    if (this.#state === "over" || !this.#congested || this.#unwritten > 0) return;
    this.#congested = false;
    this.#read();
    this.#guarded(() => this.#handler?.drained?.());
  }

  /** What is paused waits in the library, as much as its buffers take, and then with the client. */
  #read(): void {
    if (this.#state === "over") return;
    if (this.#held || this.#congested) this.#grpcCall.pause();
    else this.#grpcCall.resume();
  }

  #end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#guarded(() => {
      const reply = this.#handler?.end() ?? BUG;
      if (reply instanceof Promise)
        reply.then(
          (settled) => this.#finish(settled),
          (error) => this.#fail(error),
        );
      else this.#finish(reply);
    });
  }

  #cancel(): void {
    if (this.#state === "over") return;
    this.#over();
    // Nobody is left to be told of an error.
    try {
      this.#handler?.cancel();
    } catch (error) {
      this.#carrier.telemetry.failed(this.#door.path, error);
    }
  }

  #finish(reply: Reply): void {
    if (this.#state === "over") return;
    this.#over();
    if (reply.kind === "message") this.#grpcCall.write(asBuffer(reply.bytes));
    if (reply.kind === "message" || reply.code === STATUS.ok) this.#grpcCall.end();
    else refuseStream(this.#grpcCall, reply);
  }

  /** Ends the stream although the door had more to say. */
  #giveUp(reply: Refusal): void {
    this.#cancel();
    refuseStream(this.#grpcCall, reply);
  }

  #fail(error: unknown): void {
    this.#carrier.telemetry.failed(this.#door.path, error);
    if (this.#state !== "over") this.#giveUp(BUG);
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  #over(): void {
    this.#state = "over";
    // What the client still sends is thrown away rather than kept.
    this.#grpcCall.resume();
    this.#leave();
  }
}

/** grpc-js takes the status of a stream as an error event. */
function refuseStream(grpcCall: StreamCall, { code, message }: Refusal): void {
  grpcCall.emit("error", { code, details: message.toWellFormed() });
}

/** What doors are told of a call. Nothing is worked out that nobody asks for. */
class GrpcCall implements Call {
  readonly arrivedMs: number;
  /** Asked for at once: grpc-js has forgotten it when the call is over. */
  readonly peer: Peer;
  readonly #call: UnaryCall | StreamCall;
  readonly #carrier: Carrier;
  #abort: AbortController | undefined;

  constructor(call: UnaryCall | StreamCall, carrier: Carrier) {
    this.#call = call;
    this.#carrier = carrier;
    this.arrivedMs = carrier.monotonicMs();
    this.peer = carrier.peers.named(call.getPeer());
  }

  get deadlineMs(): number | undefined {
    const deadline = this.#call.getDeadline();
    // grpc-js tells it by the wall clock, on which it has only just put it.
    return typeof deadline === "number" && Number.isFinite(deadline)
      ? this.#carrier.monotonicMs() + (deadline - Date.now())
      : undefined;
  }

  get signal(): AbortSignal {
    this.#abort ??= this.#listen(new AbortController());
    return this.#abort.signal;
  }

  metadata(key: string): string | undefined {
    const metadata: Metadata = this.#call.metadata;
    const [value] = metadata.get(key);
    return typeof value === "string" ? value : value?.toString("base64");
  }

  #listen(abort: AbortController): AbortController {
    const end = (): void => abort.abort(new Error("the caller went away or its deadline passed"));
    if (this.#call.cancelled) end();
    else this.#call.once("cancelled", end);
    return abort;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
