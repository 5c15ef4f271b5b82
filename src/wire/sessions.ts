import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { CarryStream, StreamsAndSessions } from "./http2-server.ts";
import type { WireLimits } from "./limits.ts";

/** Why a connection was ended by us: see `weir_connections_ended_total` in docs/operations.md. */
export type EndedWhy = "age" | "balance" | "idle" | "silent" | "stuck";

export interface SessionsOptions {
  readonly limits: Pick<WireLimits, "connectionAgeMs" | "connectionIdleMs" | "prefaceMs" | "stuckMs">;
  /** @returns whether calls of this path may stay open as long as they like. */
  readonly lasts: (path: string) => boolean;
  readonly ended: (why: EndedWhy) => void;
  /** A caller took back a call before it was answered. */
  readonly takenBack: (session: Http2Session) => void;
  readonly monotonicMs: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Connections do not all end at once: their age differs by so much either way. */
const AGE_SPREAD = 0.1;

/** The greatest number that a stream can have: “no more calls after this one” and yet none refused. */
const ANY_STREAM = 2 ** 31 - 1;

/** How long a client may take to confirm that it will connect anew; after that it is believed. Milliseconds. */
const MOVE_CONFIRM_MS = 1_000;

/** How often connections are looked at, at most; never less than some ten times within the shortest limit. Milliseconds. */
const MAX_SWEEP_MS = 1_000;
const SWEEPS_PER_LIMIT = 10;

/** Every connection of a listener: how old it is, whether it is in use, and how it goes without a call being lost. */
export class Sessions implements StreamsAndSessions {
  readonly #options: SessionsOptions;
  readonly #connections = new Map<Http2Session, Connection>();
  readonly #sweeping: NodeJS.Timeout;
  /** Calls are counted by when they began, in turns of `stuckMs`: 0 or 1. */
  #turn: Turn = 0;
  #turnBeganMs: number;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#turnBeganMs = options.monotonicMs();
    const shortestMs = Math.min(...Object.values(options.limits));
    this.#sweeping = setInterval(() => this.#sweep(), Math.min(MAX_SWEEP_MS, shortestMs / SWEEPS_PER_LIMIT));
    this.#sweeping.unref();
  }

  /** Connections that speak HTTP/2. */
  get open(): number {
    return this.#connections.size;
  }

  /** Those that were not asked to connect anew. */
  get staying(): number {
    let staying = 0;
    for (const { state } of this.#connections.values()) if (state === "usual") staying += 1;
    return staying;
  }

  /**
   * Asks so many connections to connect anew, without the loss of a call: each as soon as it has one.
   * @returns how many were asked: fewer where the others have been already.
   */
  moveAway(count: number): number {
    let asked = 0;
    for (const connection of this.#connections.values()) {
      if (asked === count) break;
      if (connection.state !== "usual") continue;
      this.#askToMove(connection, "balance");
      asked += 1;
    }
    return asked;
  }

  /** Looks at connections no more. */
  stop(): void {
    clearInterval(this.#sweeping);
  }

  session(session: Http2Session): void {
    const { limits, monotonicMs, random, takenBack } = this.#options;
    const spread = 1 + AGE_SPREAD * (2 * random() - 1);
    const connection = new Connection(session, monotonicMs(), limits.connectionAgeMs * spread, takenBack);
    this.#connections.set(session, connection);
    session.once("remoteSettings", () => {
      connection.heard = true;
    });
    session.once("close", () => {
      this.#connections.delete(session);
      connection.state = "gone";
      clearTimeout(connection.confirming);
    });
  }

  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, carry: CarryStream): void {
    const connection = stream.session === undefined ? undefined : this.#connections.get(stream.session);
    // Without one it is gone, and nobody waits for an answer.
    if (connection === undefined) return void stream.on("error", nobodyAsks);
    const lasts = this.#options.lasts(headers[":path"] ?? "");
    connection.began(stream, lasts ? "lasting" : this.#turn);
    if (connection.state === "asked") this.#move(connection);
    if (connection.state === "moving") {
      stream.on("error", nobodyAsks);
      connection.held.push({ stream, headers, carry });
    } else carry(stream, headers);
  }

  #sweep(): void {
    const nowMs = this.#options.monotonicMs();
    const { limits } = this.#options;
    const turnEnds = nowMs - this.#turnBeganMs >= limits.stuckMs;
    const before: Turn = this.#turn === 0 ? 1 : 0;
    for (const connection of this.#connections.values()) {
      if (turnEnds && connection.calls[before] > 0) this.#cut(connection, "stuck");
      else this.#judge(connection, nowMs);
    }
    if (!turnEnds) return;
    this.#turn = before;
    this.#turnBeganMs = nowMs;
  }

  #judge(connection: Connection, nowMs: number): void {
    const { connectionIdleMs, prefaceMs } = this.#options.limits;
    if (connection.state === "moved") return;
    if (connection.used || connection.open > 0) connection.usedMs = nowMs;
    connection.used = false;
    if (!connection.heard && nowMs - connection.bornMs >= prefaceMs) this.#cut(connection, "silent");
    else if (nowMs - connection.usedMs >= connectionIdleMs) {
      this.#options.ended("idle");
      connection.state = "moved";
      connection.session.close();
    } else if (connection.state === "usual" && nowMs - connection.bornMs >= connection.maxAgeMs)
      this.#askToMove(connection, "age");
  }

  #cut(connection: Connection, why: EndedWhy): void {
    if (connection.state === "gone") return;
    this.#options.ended(why);
    connection.session.destroy();
  }

  #askToMove(connection: Connection, why: EndedWhy): void {
    connection.state = "asked";
    this.#options.ended(why);
    if (connection.calls.lasting > 0) this.#move(connection);
  }

  /**
   * INVARIANT: a call of this connection is open. Once it was told to go, and without an open call, node reads a connection no more: calls that
   * the client sent before it heard of it would wait for ever. So calls are held until the client has confirmed; it sends none after that.
   */
  #move(connection: Connection): void {
    const { session } = connection;
    if (session.destroyed) return;
    connection.state = "moving";
    const confirmed = (): void => this.#moved(connection);
    session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
    connection.confirming = setTimeout(confirmed, MOVE_CONFIRM_MS);
    session.ping(confirmed);
  }

  #moved(connection: Connection): void {
    if (connection.state !== "moving") return;
    connection.state = "moved";
    clearTimeout(connection.confirming);
    for (const { stream, headers, carry } of connection.held.splice(0)) if (!stream.destroyed) carry(stream, headers);
    // It closes when the last call was answered.
    connection.session.close();
  }
}

function nobodyAsks(): void {
  // A call that breaks ends by its `close`; unheard, its error would end the process.
}

type Turn = 0 | 1;

interface Held {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly carry: CarryStream;
}

class Connection {
  readonly session: Http2Session;
  readonly bornMs: number;
  readonly maxAgeMs: number;
  /** Its client has said something that is HTTP/2. */
  heard = false;
  /** When it was last seen with a call; `used`: it had one since. */
  usedMs: number;
  used = false;
  /** `asked`: it moves with its next call; `moving`: told so and not yet confirmed; `moved`: it closes with its last call. */
  state: "usual" | "asked" | "moving" | "moved" | "gone" = "usual";
  readonly calls = { 0: 0, 1: 0, lasting: 0 };
  /** Calls that wait for the confirmation. */
  readonly held: Held[] = [];
  confirming: NodeJS.Timeout | undefined;
  // One function each for all calls of the connection.
  readonly #over = { 0: this.#atEnd(0), 1: this.#atEnd(1), lasting: this.#atEnd("lasting") };
  readonly #takenBack: (session: Http2Session) => void;

  constructor(session: Http2Session, bornMs: number, maxAgeMs: number, takenBack: (session: Http2Session) => void) {
    this.#takenBack = takenBack;
    this.session = session;
    this.bornMs = bornMs;
    this.usedMs = bornMs;
    this.maxAgeMs = maxAgeMs;
  }

  get open(): number {
    return this.calls[0] + this.calls[1] + this.calls.lasting;
  }

  began(stream: ServerHttp2Stream, kind: Turn | "lasting"): void {
    this.used = true;
    this.calls[kind] += 1;
    stream.once("close", this.#over[kind]);
  }

  #ended(kind: Turn | "lasting", rstCode: number | undefined): void {
    this.calls[kind] -= 1;
    if (rstCode === constants.NGHTTP2_CANCEL) this.#takenBack(this.session);
  }

  #atEnd(kind: Turn | "lasting"): (this: ServerHttp2Stream) => void {
    const ended = (rstCode: number | undefined): void => this.#ended(kind, rstCode);
    // An event's `this` is who emits it: without it each call would need a function of its own.
    return function over(this: ServerHttp2Stream) {
      ended(this.rstCode);
    };
  }
}
