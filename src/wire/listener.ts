import { lstat, unlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { type Address, formatAddress } from "./address.ts";

/** Who is told of connections. */
export interface ListenerEvents {
  opened(socket: Socket): void;
  closed(): void;
  /** There are too many already. */
  refused(): void;
}

/** Our own listening socket: it counts connections, bounds them and can close them all. */
export class Listener {
  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();
  #gone: () => void = () => undefined;

  constructor(maxConnections: number, events: ListenerEvents) {
    // Answers are small and waited for.
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      this.#sockets.add(socket);
      // The session hears of it too, but only while it has the socket.
      socket.on("error", () => socket.destroy());
      socket.once("close", () => {
        this.#sockets.delete(socket);
        events.closed();
        if (this.#sockets.size === 0) this.#gone();
      });
      events.opened(socket);
    });
    this.#server.maxConnections = maxConnections;
    this.#server.on("drop", () => events.refused());
  }

  /**
   * @param shared others listen on the same port, and the system deals connections out among them.
   * @returns the address it listens on, with the real port; or in words why it cannot.
   */
  async listen(
    address: Address,
    shared: boolean,
  ): Promise<{ readonly address: string } | { readonly problem: string }> {
    if (address.kind === "unix") await removeStale(address.path);
    const { promise, resolve } = Promise.withResolvers<{ address: string } | { problem: string }>();
    const failed = (error: NodeJS.ErrnoException): void => resolve({ problem: whyNot(address, error) });
    this.#server.once("error", failed);
    const listening = (): void => {
      this.#server.off("error", failed);
      resolve({ address: boundAddress(address, this.#server.address()) });
    };
    if (address.kind === "unix") this.#server.listen(address.path, listening);
    else this.#server.listen({ host: address.host, port: address.port, reusePort: shared }, listening);
    return promise;
  }

  /** No new connections; those that are open stay. */
  close(): void {
    this.#server.close();
  }

  /** Resolves when no connection is open. */
  async emptied(): Promise<void> {
    if (this.#sockets.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = resolve;
    await promise;
  }

  /** Closes every connection at once. @returns how many there were. */
  destroyAll(): number {
    const open = [...this.#sockets];
    for (const socket of open) socket.destroy();
    return open.length;
  }
}

function boundAddress(asked: Address, bound: AddressInfo | string | null): string {
  if (asked.kind === "unix" || bound === null || typeof bound === "string") return formatAddress(asked);
  // The host as it was asked for: `localhost` stays `localhost`.
  return formatAddress({ ...asked, port: bound.port });
}

/** @returns in words for people why an address cannot be listened on. */
export function whyNot(address: Address, { code, message }: NodeJS.ErrnoException): string {
  const where = formatAddress(address);
  switch (code) {
    case "EADDRINUSE":
      return `cannot listen on ${where}: somebody else does already`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `cannot listen on ${where}: this machine has no such address`;
    case "EACCES":
      return `cannot listen on ${where}: not permitted`;
    default:
      return `cannot listen on ${where}: ${message}`;
  }
}

/** A process that was killed leaves its socket behind. It is taken away only when nobody answers there. */
async function removeStale(path: string): Promise<void> {
  const isSocket = await lstat(path).then(
    (stat) => stat.isSocket(),
    () => false,
  );
  if (isSocket && !(await answers(path))) await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}
