import { constants, type Http2Session, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Peer } from "./door.ts";
import { type CarryStream, nobodyAsks } from "./http2-server.ts";
import type { WireLimits } from "./limits.ts";
import { UNKNOWN_PEER } from "./peers.ts";

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

/**
 * GOAWAY with the greatest number that a stream can have and no error (RFC 9113, sections 4.1 and 6.8): “connect anew for further calls”, and
 * yet none refused. Written past node's session: after its own `goaway` it takes no more calls, and says nothing of those that were on their
 * way. Whatever is written to a socket at once stays together, so that it cannot come into the middle of another frame.
 */
const MOVE_NOTICE = Buffer.from("000008" + "07" + "00" + "00000000" + "7fffffff" + "00000000", "hex");

/**
 * How long a client may take to confirm that it will connect anew; one that takes longer is gone or broken. Far longer than this thread may be
 * held up: a time that passed while nobody read what the client sent says nothing of the client. Milliseconds.
 */
const MOVE_CONFIRM_MS = 30_000;

/** How long a moment without a call is waited for on a TLS connection that is to move. Milliseconds. */
const MOVE_WITHIN_MS = 5_000;

/** How long a client has to read that no call is taken any more. Milliseconds. */
const MOVE_LINGER_MS = 250;

/** How often connections are looked at, at most; never less than some ten times within the shortest limit. Milliseconds. */
const MAX_SWEEP_MS = 1_000;
const SWEEPS_PER_LIMIT = 10;

/** Every connection of a listener: how old it is, whether it is in use, and how it goes without a call being lost. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #connections = new Map<Http2Session, Connection>();
  readonly #sweeping: NodeJS.Timeout;
  /** Calls are counted by when they began, in turns of `stuckMs`: 0 or 1. */
  #turn: Turn = 0;
  #turnBeganMs: number;
  /** Whose session will be next. */
  #next: { readonly socket: Socket; readonly peer: Peer } | undefined;

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

  /** To be called before the HTTP/2 server is given a connection. */
  next(socket: Socket, peer: Peer): void {
    this.#next = { socket, peer };
  }

  /** @returns who is at its other end. */
  peerOf(session: Http2Session | undefined): Peer {
    const connection = session && this.#connections.get(session);
    return connection === undefined ? UNKNOWN_PEER : connection.peer;
  }

  /**
   * Asks so many connections to connect anew, without the loss of a call.
   * @returns how many were asked: fewer where the others have been already.
   */
  moveAway(count: number): number {
    let asked = 0;
    for (const connection of this.#connections.values()) {
      if (asked === count) break;
      if (connection.state !== "usual") continue;
      this.#move(connection, "balance");
      asked += 1;
    }
    return asked;
  }

  /** Asks all of them, because we end: none is counted as one that ended while we serve. @returns when no call of any of them can be on its way any more. */
  async moveAllAway(): Promise<void> {
    for (const connection of this.#connections.values()) if (connection.state === "usual") this.#move(connection);
    await Promise.all([...this.#connections.values()].map(({ moved }) => moved.promise));
  }

  /** Looks at connections no more. */
  stop(): void {
    clearInterval(this.#sweeping);
  }

  session(session: Http2Session): void {
    const { limits, monotonicMs, random, takenBack } = this.#options;
    const spread = 1 + AGE_SPREAD * (2 * random() - 1);
    const next = this.#next;
    if (next === undefined) throw new Error("a session without a connection");
    this.#next = undefined;
    const aging = { bornMs: monotonicMs(), maxAgeMs: limits.connectionAgeMs * spread };
    const connection = new Connection(session, next, aging, takenBack);
    this.#connections.set(session, connection);
    session.once("remoteSettings", () => {
      connection.heard = true;
    });
    session.once("close", () => {
      this.#connections.delete(session);
      connection.state = "gone";
      connection.moved.resolve();
      clearTimeout(connection.confirming);
    });
  }

  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, carry: CarryStream): void {
    const connection = stream.session === undefined ? undefined : this.#connections.get(stream.session);
    // Without one it is gone, and nobody waits for an answer.
    if (connection === undefined) return void stream.on("error", nobodyAsks);
    const lasts = this.#options.lasts(headers[":path"] ?? "");
    connection.began(stream, lasts ? "lasting" : this.#turn);
    carry(stream, headers);
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
      connection.moved.resolve();
      connection.session.close();
    } else if (connection.state === "usual" && nowMs - connection.bornMs >= connection.maxAgeMs)
      this.#move(connection, "age");
  }

  #cut(connection: Connection, why: EndedWhy): void {
    if (connection.state === "gone") return;
    this.#options.ended(why);
    connection.session.destroy();
  }

  /**
   * Until the client has confirmed that it heard, calls of it may be on their way. It sends none after that. Over TLS there is no such word: a
   * call that is sent in the moment of the end was not taken, which the client is told, so that it may send it again (Envoy: `refused-stream`).
   */
  #move(connection: Connection, why?: EndedWhy): void {
    const { session, socket } = connection;
    if (session.destroyed) return;
    connection.state = "moving";
    if (why !== undefined) this.#options.ended(why);
    const moved = (): void => this.#moved(connection);
    if (socket instanceof TLSSocket) {
      // Node's TLS takes one write at a time, and its HTTP/2 asks nobody: two would end the process. So at a moment when no call is open.
      connection.emptied = () => refuseFurther(connection, moved);
      connection.confirming = setTimeout(connection.emptied, MOVE_WITHIN_MS);
      if (connection.calls[0] + connection.calls[1] === 0) connection.emptied();
      return;
    }
    socket.write(MOVE_NOTICE);
    connection.confirming = setTimeout(moved, MOVE_CONFIRM_MS);
    session.ping(moved);
  }

  #moved(connection: Connection): void {
    if (connection.state !== "moving") return;
    connection.state = "moved";
    connection.moved.resolve();
    clearTimeout(connection.confirming);
    // It closes when the last call was answered.
    connection.session.close();
  }
}

type Turn = 0 | 1;

/** The connection has to outlast the word: bytes that come to a closed one would take the word back that the client has not read yet. */
function refuseFurther(connection: Connection, moved: () => void): void {
  connection.emptied = undefined;
  clearTimeout(connection.confirming);
  connection.session.goaway(constants.NGHTTP2_NO_ERROR);
  connection.confirming = setTimeout(moved, MOVE_LINGER_MS);
}

class Connection {
  readonly session: Http2Session;
  readonly socket: Socket;
  readonly peer: Peer;
  readonly bornMs: number;
  readonly maxAgeMs: number;
  /** Its client has said something that is HTTP/2. */
  heard = false;
  /** When it was last seen with a call; `used`: it had one since. */
  usedMs: number;
  used = false;
  /** `moving`: told so and not yet confirmed; `moved`: it closes with its last call. */
  state: "usual" | "moving" | "moved" | "gone" = "usual";
  readonly calls = { 0: 0, 1: 0, lasting: 0 };
  confirming: NodeJS.Timeout | undefined;
  /** Told when no call is open, but for those that last. */
  emptied: (() => void) | undefined;
  /** Resolves when no call of it can be on its way any more. */
  readonly moved = Promise.withResolvers<void>();
  // One function each for all calls of the connection.
  readonly #over = { 0: this.#atEnd(0), 1: this.#atEnd(1), lasting: this.#atEnd("lasting") };
  readonly #takenBack: (session: Http2Session) => void;

  constructor(
    session: Http2Session,
    { socket, peer }: { readonly socket: Socket; readonly peer: Peer },
    { bornMs, maxAgeMs }: { readonly bornMs: number; readonly maxAgeMs: number },
    takenBack: (session: Http2Session) => void,
  ) {
    this.#takenBack = takenBack;
    this.session = session;
    this.socket = socket;
    this.peer = peer;
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
    stream.on("close", this.#over[kind]);
  }

  #ended(kind: Turn | "lasting", rstCode: number | undefined): void {
    this.calls[kind] -= 1;
    if (this.emptied !== undefined && this.calls[0] + this.calls[1] === 0) this.emptied();
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
