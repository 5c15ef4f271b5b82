import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { type ConnectionInjector, Server, ServerCredentials, setLogger } from "@grpc/grpc-js";
import type { Log, Telemetry } from "../telemetry/index.ts";
import { type Address, exposureOf } from "./address.ts";
import { type Carrier, carryStream, carryUnary } from "./carry.ts";
import type { Door, Peer } from "./door.ts";
import { Health, WATCH_PATH } from "./health.ts";
import { type CarryStream, interceptHttp2 } from "./http2-server.ts";
import { InFlight } from "./in-flight.ts";
import { grpcOptions, WIRE_LIMITS, type WireLimits } from "./limits.ts";
import { Listener } from "./listener.ts";
import { Overload } from "./overload.ts";
import { Parking } from "./parking.ts";
import { Peers } from "./peers.ts";
import { addReflection, REFLECTION_PREFIX } from "./reflection.ts";
import { Sessions } from "./sessions.ts";
import { TlsFront, type TlsSettings } from "./tls.ts";
import type { TlsMaterial } from "./tls-material.ts";
import { UnaryCalls } from "./unary.ts";

/**
 * How long a connection may stay open when nothing of ours is in flight on it any more: what was written must get out, and a health watch
 * never ends by itself. Milliseconds.
 */
const LINGER_MS = 500;

/** How long clients have to hear that no further calls are taken, when we end. Milliseconds. */
const LAST_CALLS_MS = 1_000;

/** How long clients may go on sending on a stream when the last call was answered: Envoy's access log comes after the request. Milliseconds. */
const LAST_WORDS_MS = 100;

export interface ServerOptions {
  readonly doors: readonly Door[];
  readonly address: Address;
  /** Others of this process listen on the port too: see `claim-port.ts`. Alone when left out. */
  readonly shared?: boolean;
  /** Serve without TLS although others than this machine can connect. */
  readonly insecure: boolean;
  /** Undefined: no TLS. */
  readonly tls?: TlsSettings | undefined;
  readonly log: Log;
  readonly telemetry: Pick<Telemetry, "failed" | "connection" | "connectionEnded" | "handshakeFailed" | "notAdmitted">;
  /** Monotonic milliseconds; the scale of `Call.arrivedMs`. */
  readonly monotonicMs: () => number;
  readonly limits?: Partial<WireLimits>;
}

export interface RunningServer {
  /** As people write it, with the real port. */
  readonly address: string;
  /** Unary calls without an answer. */
  readonly inFlight: number;
  /** Connections that speak HTTP/2. */
  readonly connections: number;
  /** Calls are being refused because there are too many. */
  readonly overloaded: boolean;
  /** Those that were not asked to connect anew. */
  readonly staying: number;
  /** Asks so many connections to connect anew, without the loss of a call. @returns how many were asked. */
  moveAway(count: number): number;
  /** Says NOT_SERVING to those who ask for its health; everything else goes on. */
  notServing(): void;
  /** From the next handshake on these certificates count; connections that are open go on. Without TLS it is a mistake to call it. */
  useCertificates(material: TlsMaterial): void;
  /**
   * Takes no new connections and no new calls, waits for the calls in flight, ends the streams, closes the connections. After `graceMs` it
   * waits no longer: what is still in flight is cancelled.
   * @returns the number of connections that had to be cut.
   */
  drain(graceMs: number): Promise<number>;
  /** Breaks every connection, as the end of the process would, and takes no more. */
  cut(): Promise<void>;
}

/** Serves the doors over gRPC. A problem is a sentence for people: the address is taken, or must not be used like this. */
export async function startServer(options: ServerOptions): Promise<RunningServer | { readonly problem: string }> {
  const { address, insecure, tls, shared = false } = options;
  const problem = exposureOf(address, insecure || tls !== undefined);
  if (problem !== undefined) return { problem };
  const server = new GrpcServer(options);
  const listening = await server.listen(address, shared);
  return "problem" in listening ? listening : server;
}

class GrpcServer implements RunningServer {
  readonly #inFlight = new InFlight();
  readonly #health: Health;
  readonly #injector: ConnectionInjector;
  readonly #listener: Listener;
  readonly #sessions: Sessions;
  readonly #overload: Overload;
  readonly #parking: Parking;
  readonly #peers: Peers;
  readonly #tls: TlsFront | undefined;
  readonly #log: Log;
  readonly #telemetry: ServerOptions["telemetry"];
  #address = "";

  constructor({ doors, address, tls, log, telemetry, monotonicMs, limits: given }: ServerOptions) {
    const limits = { ...WIRE_LIMITS, ...given };
    const { maxWaitingAnswers, maxMessageBytes, handshakeMs } = limits;
    this.#log = log;
    this.#telemetry = telemetry;
    this.#peers = new Peers(address.kind === "unix");
    this.#parking = new Parking(monotonicMs);
    this.#overload = this.#newOverload(limits, monotonicMs);
    this.#sessions = this.#newSessions(limits, monotonicMs, lastingCalls(doors));
    this.#tls =
      tls && new TlsFront({ ...tls, handshakeMs, log, events: { secured: this.#serve, failed: this.#failed } });
    this.#listener = this.#newListener(limits.maxConnections);
    quietLibrary(log);
    const server = new Server(grpcOptions(limits));
    const carrier = { peers: this.#peers, inFlight: this.#inFlight, telemetry, log, monotonicMs, maxWaitingAnswers };
    addDoors(server, doors, carrier);
    this.#health = new Health(doors.map(serviceOf), "SERVING");
    this.#health.addTo(server);
    addReflection(server);
    // Not grpc-js does the TLS, but we in front of it: what it gets to see is decrypted.
    this.#injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    const unary = { ...carrier, maxMessageBytes, peerOf: this.#peerOf };
    this.#intercept(server, limits, new UnaryCalls(doors, unary));
  }

  #newOverload(limits: WireLimits, monotonicMs: () => number): Overload {
    return new Overload({
      limits,
      events: {
        refused: () => this.#telemetry.notAdmitted("overload"),
        sentAway: (session) => {
          this.#telemetry.connectionEnded("overload");
          this.#parking.mark(addressOf(session.socket));
          session.close();
        },
        began: (delayMs) => this.#log.warn("overloaded: calls are refused", { delayMs: Math.round(delayMs) }),
        ended: (lastedMs, refused) => {
          this.#log.warn("no longer overloaded", { lastedMs: Math.round(lastedMs), refused });
          this.#parking.clear();
        },
      },
      connections: () => this.#sessions.open,
      monotonicMs,
      utilization: (now, before) => performance.eventLoopUtilization(now, before),
      cpuMs: threadCpuMs,
    });
  }

  #newSessions(limits: WireLimits, monotonicMs: () => number, lasts: (path: string) => boolean): Sessions {
    return new Sessions({
      limits,
      lasts,
      ended: (why) => this.#telemetry.connectionEnded(why),
      takenBack: (session) => this.#overload.takenBack(session),
      monotonicMs,
      random: Math.random,
    });
  }

  #newListener(maxConnections: number): Listener {
    return new Listener(maxConnections, {
      opened: (socket) => {
        this.#telemetry.connection("opened");
        this.#parking.pass(socket, addressOf(socket), () => {
          if (this.#tls === undefined) this.#serve(socket);
          else this.#tls.take(socket);
        });
      },
      closed: () => this.#telemetry.connection("closed"),
      refused: () => this.#telemetry.connection("refused"),
    });
  }

  /** Takes the doors' unary calls before grpc-js sees them, unless they are too many; all others go on to it. */
  #intercept(server: Server, { maxHeaderListBytes }: WireLimits, unary: UnaryCalls): void {
    interceptHttp2(server, maxHeaderListBytes, (carry) => {
      const carryUnary: CarryStream = (stream, headers) => {
        if (!unary.take(stream, headers)) carry(stream, headers);
      };
      const shed: CarryStream = (stream, headers) => this.#overload.stream(stream, headers, carryUnary);
      return {
        session: (session) => this.#sessions.session(session),
        stream: (stream, headers) =>
          this.#sessions.stream(stream, headers, unary.isOne(headers[":path"]) ? shed : carry),
      };
    });
  }

  /** @param principal that of the client's certificate, where it showed one. */
  readonly #serve = (socket: Socket, principal?: string): void => {
    const peer = this.#peers.join(socket, principal);
    if (peer === undefined) {
      socket.destroy();
      return;
    }
    this.#sessions.next(socket, peer);
    this.#injector.injectConnection(socket);
  };

  readonly #peerOf = (session: Http2Session | undefined): Peer => this.#sessions.peerOf(session);

  readonly #failed = (why: string): void => this.#telemetry.handshakeFailed(why);

  get address(): string {
    return this.#address;
  }

  get inFlight(): number {
    return this.#inFlight.calls;
  }

  get connections(): number {
    return this.#sessions.open;
  }

  get staying(): number {
    return this.#sessions.staying;
  }

  get overloaded(): boolean {
    return this.#overload.now;
  }

  moveAway(count: number): number {
    return this.#sessions.moveAway(count);
  }

  async listen(
    address: Address,
    shared: boolean,
  ): Promise<{ readonly address: string } | { readonly problem: string }> {
    const listening = await this.#listener.listen(address, shared);
    if ("address" in listening) this.#address = listening.address;
    return listening;
  }

  notServing(): void {
    this.#health.set("NOT_SERVING");
  }

  useCertificates(material: TlsMaterial): void {
    if (this.#tls === undefined) throw new Error("certificates for a server without TLS");
    this.#tls.use(material);
  }

  async drain(graceMs: number): Promise<number> {
    this.notServing();
    this.#listener.close();
    this.#tls?.close();
    await withLimit(Math.min(graceMs, LAST_CALLS_MS), () => this.#sessions.moveAllAway());
    this.#injector.drain(graceMs);
    await withLimit(graceMs, (signal) => Promise.race([this.#listener.emptied(), this.#quiet(signal)]));
    const cut = this.#listener.destroyAll();
    const unanswered = this.#inFlight.calls;
    if (unanswered > 0)
      this.#log.warn("calls were cut off: they took longer than the grace period", { unanswered, graceMs });
    await this.#listener.emptied();
    this.#injector.destroy();
    this.#sessions.stop();
    this.#overload.stop();
    return cut;
  }

  async cut(): Promise<void> {
    this.#listener.close();
    this.#tls?.close();
    this.#listener.destroyAll();
    await this.#listener.emptied();
  }

  /** Resolves when nothing was in flight for LINGER_MS. Streams are ended as soon as the last call was answered. */
  #quiet(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer: NodeJS.Timeout | undefined;
    const look = (): void => {
      clearTimeout(timer);
      if (signal.aborted) return;
      if (this.#inFlight.idle) timer = setTimeout(resolve, LINGER_MS);
      else if (this.#inFlight.calls === 0) timer = setTimeout(() => this.#inFlight.endStreams(), LAST_WORDS_MS);
    };
    this.#inFlight.onChange(look);
    signal.addEventListener("abort", () => clearTimeout(timer));
    look();
    return promise;
  }
}

/** grpc-js would write to standard error, in lines of its own, what any client can make it say. It has one logger for the whole process. */
function quietLibrary(log: Log): void {
  const say = (said: unknown): void => log.debug("grpc-js", { said: String(said) });
  setLogger({ error: say, info: say, debug: say });
}

function addDoors(server: Server, doors: readonly Door[], carrier: Carrier): void {
  for (const door of doors) {
    const added =
      door.kind === "unary"
        ? server.register(door.path, carryUnary(door, carrier), identity, identity, "unary")
        : // On the wire a client's stream is one that is answered once.
          server.register(door.path, carryStream(door, carrier), identity, identity, "bidi");
    if (!added) throw new Error(`two doors at ${door.path}`);
  }
}

function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** @returns whether calls of a path may stay open as long as they like. */
function lastingCalls(doors: readonly Door[]): (path: string) => boolean {
  const paths = new Set([WATCH_PATH, ...doors.filter(({ kind }) => kind === "stream").map(({ path }) => path)]);
  return (path) => paths.has(path) || path.startsWith(REFLECTION_PREFIX);
}

/** Clients of a Unix socket have none. */
function addressOf({ remoteAddress }: Pick<Socket, "remoteAddress">): string {
  return remoteAddress ?? "";
}

/** Doors take and give bytes. */
function identity(bytes: Buffer): Buffer {
  return bytes;
}

function serviceOf({ path }: Door): string {
  return path.slice(1, path.lastIndexOf("/"));
}

/** Waits for `work`, but no longer than `ms`; then its signal is aborted. */
async function withLimit(ms: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const abort = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work(abort.signal), promise]);
  clearTimeout(timer);
  abort.abort();
}
