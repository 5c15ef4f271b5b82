import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { Log } from "../telemetry/index.ts";
import { principalOf } from "./principal.ts";
import { secureOptions, type TlsMaterial } from "./tls-material.ts";

/** Whether clients must show a certificate. One that is shown and not believed is refused either way. */
export type TlsClients = "require" | "optional";

/** How a listener does TLS. Plain data: it crosses to threads. */
export interface TlsSettings {
  readonly material: TlsMaterial;
  /** Of no account without a `clientCa`: then none is asked for. */
  readonly clients: TlsClients;
}

export type HandshakeFailure = "no-certificate" | "bad-certificate" | "no-http2" | "protocol" | "timeout" | "closed";

export interface TlsEvents {
  /** A handshake was done. `principal`: who the client's certificate says it is, where it was verified. */
  secured(socket: TLSSocket, principal: string | undefined): void;
  failed(why: HandshakeFailure): void;
}

export interface TlsOptions extends TlsSettings {
  /** How long a handshake may take. Milliseconds. */
  readonly handshakeMs: number;
  readonly log: Log;
  readonly events: TlsEvents;
}

/**
 * Does the handshakes of connections that were accepted elsewhere and hands on what comes of them. By itself and not by grpc-js: so the
 * certificates can be replaced between two handshakes, and the client's is looked at once and by us.
 */
export class TlsFront {
  readonly #server: Server;
  readonly #clients: TlsClients | "none";
  readonly #log: Log;
  readonly #events: TlsEvents;
  #closed = false;

  constructor({ material, clients, handshakeMs, log, events }: TlsOptions) {
    this.#clients = material.clientCa === undefined ? "none" : clients;
    this.#log = log;
    this.#events = events;
    this.#server = createServer({
      ...secureOptions(material),
      ALPNProtocols: ["h2"],
      handshakeTimeout: handshakeMs,
      requestCert: this.#clients !== "none",
      rejectUnauthorized: this.#clients === "require",
    });
    this.#server.on("secureConnection", (socket) => this.#secured(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#failed(error, socket));
  }

  /** Begins the handshake of a connection. Whoever hands it over listens for its errors. */
  take(socket: Socket): void {
    this.#server.emit("connection", socket);
  }

  /** From the next handshake on these count; connections that are open go on. */
  use(material: TlsMaterial): void {
    this.#server.setSecureContext(secureOptions(material));
  }

  /** What is in the middle of a handshake comes too late. */
  close(): void {
    this.#closed = true;
  }

  #secured(socket: TLSSocket): void {
    // Unheard, an error of the connection would end the process; its session hears of it only while it has the socket.
    socket.on("error", (error) => this.#log.debug("a TLS connection broke", { error }));
    const certificate = this.#clients === "none" ? undefined : socket.getPeerX509Certificate();
    if (certificate !== undefined && !socket.authorized) {
      this.#refuse(socket, "bad-certificate", String(socket.authorizationError));
    } else if (socket.alpnProtocol !== "h2") {
      this.#refuse(socket, "no-http2", "the client did not offer HTTP/2 (ALPN h2)");
    } else if (this.#closed) {
      this.#refuse(socket, "closed", "shutting down");
    } else {
      this.#events.secured(socket, certificate && principalOf(certificate));
    }
  }

  #failed(error: Error, socket: TLSSocket): void {
    const refused = socket.authorizationError;
    // Typed as an error, it is the code of one.
    if (refused) this.#refuse(socket, "bad-certificate", String(refused));
    else this.#refuse(socket, whyOf(error), error.message);
  }

  /** Told at debug: anybody who reaches the port can cause it. */
  #refuse(socket: TLSSocket, why: HandshakeFailure, detail: string): void {
    this.#events.failed(why);
    this.#log.debug("a TLS handshake failed", { why, detail, peer: socket.remoteAddress });
    socket.destroy();
  }
}

function whyOf(error: Error): HandshakeFailure {
  switch ("code" in error ? error.code : undefined) {
    case "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE":
      return "no-certificate";
    case "ERR_SSL_NO_APPLICATION_PROTOCOL":
      return "no-http2";
    case "ERR_TLS_HANDSHAKE_TIMEOUT":
      return "timeout";
    case "ECONNRESET":
    case "EPIPE":
      return "closed";
    default:
      return "protocol";
  }
}
