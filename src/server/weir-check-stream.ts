import { CheckFailure, SnapshotNotice } from "#proto/weir/v1/stream";
import type { Engine } from "../engine/engine.ts";
import {
  type Call,
  type OpenStream,
  type Peer,
  type Reply,
  STATUS,
  type StatusCode,
  type StreamDoor,
  type StreamHandler,
} from "../wire/door.ts";
import { AnswerBatch, type BatchedAnswer, ITEM } from "./answer-batch.ts";
import { type CheckId, MAX_CHECKS_PER_MESSAGE, readBatch } from "./check-batch.ts";
import type { DoorDeps } from "./door-deps.ts";
import type { NativeCheck } from "./weir-check.ts";

const WEIR_CHECK_STREAM_PATH = "/weir.v1.Weir/CheckStream";

/** Checks of one stream that were read and whose answers are not written yet. From there on the stream is not read. */
export const MAX_CHECKS_IN_FLIGHT = 1_024;

/** Streams that are told of a switch in one turn of the event loop: calls are waiting behind them. */
const NOTICES_PER_TURN = 100;

/** How long a stream that is to end goes on being read while something comes, in turns of the event loop. */
const MAX_LAST_TURNS = 100;

/** The native API's CheckStream: the unary Check, many times over. */
export function weirCheckStreamDoor(check: NativeCheck, engine: Engine, deps: DoorDeps): StreamDoor {
  const shared: Shared = { check, deps, serving: undefined, open: new Set() };
  engine.watchSnapshot((snapshot) => {
    shared.serving = { notice: SnapshotNotice.toBinary({ snapshot }) };
    announceTo([...shared.open], 0);
  });
  return {
    kind: "stream",
    path: WEIR_CHECK_STREAM_PATH,
    open: (call, stream) => new CheckStream(shared, call, stream),
  };
}

/** What the streams of one door have in common. */
interface Shared {
  readonly check: NativeCheck;
  readonly deps: DoorDeps;
  /** The policies that checks are admitted to now; undefined while there are none. */
  serving: { readonly notice: Uint8Array } | undefined;
  readonly open: Set<CheckStream>;
}

/** A stream that answers a check before its turn has come announces it by itself. */
function announceTo(streams: readonly CheckStream[], from: number): void {
  const next = Math.min(from + NOTICES_PER_TURN, streams.length);
  for (let index = from; index < next; index++) streams[index]?.announce();
  if (next < streams.length) setImmediate(announceTo, streams, next);
}

/** INVARIANT: a check is in `#inFlight` from its reading until its answer is written; it is answered once. */
class CheckStream implements StreamHandler {
  readonly #shared: Shared;
  readonly #call: Call;
  readonly #stream: OpenStream;
  readonly #inFlight = new Map<CheckId, StreamedCheck>();
  readonly #answers = new AnswerBatch();
  #announced: Shared["serving"];
  /** `#turnIsOver` will be called. */
  #inTurn = false;
  readonly #turnIsOver = (): void => this.#afterTurn();
  /** Something was read since the end of the last turn. */
  #read = false;
  #turnsLeft = MAX_LAST_TURNS;
  /** Nobody reads what is written. */
  #congested = false;
  /** Nothing is read until there is room in flight. */
  #held = false;
  /** Set when the stream is to end: how, and what ends it. */
  #last: Reply | undefined;
  #finish: ((reply: Reply) => void) | undefined;

  constructor(shared: Shared, call: Call, stream: OpenStream) {
    this.#shared = shared;
    this.#call = call;
    this.#stream = stream;
    shared.open.add(this);
    this.announce();
  }

  message(bytes: Uint8Array): void {
    // It ends because of what came before this.
    if (this.#last !== undefined && this.#last !== ENDED) return;
    this.#read = true;
    const batch = readBatch(bytes);
    if (batch === undefined) {
      this.#refuseMessage();
      return;
    }
    const arrivedMs = this.#shared.deps.monotonicMs();
    for (let index = 0; index < batch.ids.length; index++) {
      this.#take(new StreamedCheck(batch.ids[index] ?? 0, this.#call, arrivedMs), batch.checks[index] ?? NO_BYTES);
    }
    if (this.#held || this.#inFlight.size < MAX_CHECKS_IN_FLIGHT) return;
    this.#held = true;
    this.#stream.pause();
  }

  drained(): void {
    this.#congested = false;
    this.#awaitTurn();
  }

  end(): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.#endWhenAnswered(this.#last ?? ENDED, resolve);
    return promise;
  }

  cancel(): void {
    this.#shared.open.delete(this);
    for (const check of this.#inFlight.values()) check.abort();
    this.#inFlight.clear();
    this.#answers.clear();
  }

  /** Says which policies decide from now on, unless that was said. */
  announce(): void {
    const { serving, open } = this.#shared;
    if (serving === undefined || serving === this.#announced || !open.has(this)) return;
    this.#announced = serving;
    this.#answers.notice(serving.notice);
    this.#awaitTurn();
  }

  #take(check: StreamedCheck, bytes: Uint8Array): void {
    if (this.#inFlight.has(check.id)) {
      this.#answer(check, ID_IN_USE);
      return;
    }
    this.#inFlight.set(check.id, check);
    const reply = this.#shared.check(bytes, check);
    if (!(reply instanceof Promise)) {
      this.#answer(check, reply);
      return;
    }
    reply.then(
      (settled) => this.#answer(check, settled),
      (error) => {
        this.#shared.deps.events.failed("weir", error);
        this.#answer(check, BUG);
      },
    );
  }

  #answer(check: StreamedCheck, reply: Reply): void {
    // Nobody is there any more.
    if (!this.#shared.open.has(this)) return;
    check.answer(reply);
    this.announce();
    this.#answers.add(check);
    this.#awaitTurn();
  }

  /** Nobody can say which checks it was to hold, so that no later one can be trusted to be meant either. */
  #refuseMessage(): void {
    this.#shared.deps.events.undecodable("weir");
    this.#endWhenAnswered(NO_BATCH, this.#finish ?? ((reply) => this.#stream.close(reply)));
  }

  #endWhenAnswered(last: Reply, finish: (reply: Reply) => void): void {
    this.#last = last;
    this.#finish = finish;
    this.#awaitTurn();
  }

  #awaitTurn(): void {
    if (this.#inTurn) return;
    this.#inTurn = true;
    this.#stream.afterTurn(this.#turnIsOver);
  }

  #afterTurn(): void {
    this.#inTurn = false;
    this.#write();
    if (this.#last === undefined || this.#inFlight.size > 0 || !this.#answers.empty) return;
    if (this.#read && this.#turnsLeft > 0) {
      // More of what had arrived before the end may be on its way to us.
      this.#read = false;
      this.#turnsLeft -= 1;
      this.#awaitTurn();
      return;
    }
    this.#shared.open.delete(this);
    this.#finish?.(this.#last);
  }

  #write(): void {
    while (!this.#congested && !this.#answers.empty) {
      this.#congested = !this.#stream.send(this.#answers.take(this.#inFlight));
    }
    if (!this.#held || this.#inFlight.size >= MAX_CHECKS_IN_FLIGHT) return;
    this.#held = false;
    this.#read = true;
    this.#stream.resume();
  }
}

const NO_BYTES = new Uint8Array();
const ENDED: Reply = { kind: "status", code: STATUS.ok, message: "" };
const NO_BATCH = refusal(
  STATUS.invalidArgument,
  `a message is no weir.v1.CheckBatchRequest of at most ${MAX_CHECKS_PER_MESSAGE} checks`,
);
const ID_IN_USE = refusal(STATUS.invalidArgument, "a check with this `id` has no answer yet");
const BUG = refusal(STATUS.internal, "a bug of the engine's, which has been logged");

function refusal(code: StatusCode, message: string): Reply {
  return { kind: "status", code, message };
}

/** One check of a stream: a call to who decides it, an entry to who writes the answers. */
class StreamedCheck implements Call, BatchedAnswer {
  readonly id: CheckId;
  readonly peer: Peer;
  readonly arrivedMs: number;
  /** That of the stream is not that of its checks; what is left is the limit of the door. */
  readonly deadlineMs = undefined;
  field: BatchedAnswer["field"] = ITEM.failure;
  body: Uint8Array = NO_BYTES;
  readonly #stream: Call;
  #abort: AbortController | undefined = undefined;

  constructor(id: CheckId, stream: Call, arrivedMs: number) {
    this.id = id;
    this.peer = stream.peer;
    this.arrivedMs = arrivedMs;
    this.#stream = stream;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  metadata(key: string): string | undefined {
    return this.#stream.metadata(key);
  }

  abort(): void {
    this.#abort ??= new AbortController();
    this.#abort.abort(new Error("the caller went away"));
  }

  answer(reply: Reply): void {
    if (reply.kind === "message") {
      this.field = ITEM.decision;
      this.body = reply.bytes;
    } else this.body = CheckFailure.toBinary({ statusCode: reply.code, message: reply.message.toWellFormed() });
  }
}
