import type { Socket } from "node:net";
import { isLoopback } from "./address.ts";
import type { Peer } from "./door.ts";

/** The other end of a Unix socket: its address says nothing, and only this machine can be there. */
const UNIX_PEER: Peer = { address: "unix:", principal: undefined, local: true };

/** Nobody of whom something is known: a connection that is gone already. */
export const UNKNOWN_PEER: Peer = { address: "unknown", principal: undefined, local: false };

/** Who is at the other end of each open connection, worked out once per connection. */
export class Peers {
  readonly #unix: boolean;
  readonly #byName = new Map<string, Peer>();

  constructor(unix: boolean) {
    this.#unix = unix;
  }

  /**
   * To be called before the first call of the connection can arrive.
   * @param principal who the connection's certificate says it is, where it was verified
   * @returns undefined where calls of this connection could not be told from those of another: it must not be served. Of two connections
   *   from one address and port, to two addresses of ours, one may have another certificate than the other.
   */
  join(socket: Socket, principal?: string): Peer | undefined {
    const { remoteAddress, remotePort } = socket;
    if (this.#unix) return UNIX_PEER;
    if (remoteAddress === undefined) return undefined;
    const name = `${remoteAddress}:${remotePort}`;
    if (this.#byName.has(name)) return undefined;
    const host = remoteAddress.replace(/^::ffff:(?=\d+\.)/, "");
    const address = host.includes(":") ? `[${host}]:${remotePort}` : `${host}:${remotePort}`;
    const peer = { address, principal, local: isLoopback(host) };
    this.#byName.set(name, peer);
    socket.once("close", () => this.#byName.delete(name));
    return peer;
  }

  /** @param name what grpc-js calls the peer of a call: its address, a colon, its port. */
  named(name: string): Peer {
    return this.#unix ? UNIX_PEER : (this.#byName.get(name) ?? UNKNOWN_PEER);
  }
}
