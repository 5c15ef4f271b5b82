import { once } from "node:events";
import type { Server, Socket } from "node:net";

/** Everything here binds to it and connects to it, never elsewhere. */
export const LOOPBACK = "127.0.0.1";

/** A server on a free port of loopback, in this process. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  /** Ends every connection and gives the port back. */
  stop(): Promise<void>;
}

export async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: portOf(server), stop, [Symbol.asyncDispose]: stop };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");
  return address.port;
}
