import { createServer, type Server } from "node:net";
import type { Address } from "./address.ts";
import { whyNot } from "./listener.ts";

type TcpAddress = Extract<Address, { kind: "tcp" }>;

/** A port that several listeners of this process will share. */
export interface PortClaim {
  /** With the real port. */
  readonly address: TcpAddress;
  /** When none of them listens any more. */
  release(): void;
}

/**
 * Makes sure that a port is ours alone before several listeners share it: who shares a port lets everybody share it who asks in the same
 * way, and a second Weir would take half of the connections without a word. It is bound exclusively, which fails where anybody listens, and
 * let go for the listeners to take. In that moment another Weir is kept out by a name that both want: a socket in the abstract namespace,
 * which Linux has beside the ports of each network and which goes with its process.
 */
export async function claimPort(address: TcpAddress): Promise<PortClaim | { readonly problem: string }> {
  const exclusive = createServer((socket) => socket.destroy());
  const failed = await listen(exclusive, { host: address.host, port: address.port });
  if (failed) return { problem: whyNot(address, failed) };
  const bound = exclusive.address();
  const claimed = { ...address, port: bound !== null && typeof bound === "object" ? bound.port : address.port };
  const lock = createServer((socket) => socket.destroy());
  const taken = process.platform === "linux" ? await listen(lock, { path: lockName(claimed) }) : undefined;
  await new Promise((resolve) => exclusive.close(resolve));
  if (taken) return { problem: whyNot(claimed, taken) };
  lock.unref();
  return { address: claimed, release: () => void lock.close() };
}

function lockName({ host, port }: TcpAddress): string {
  return `\0weir-mesh/grpc/${host}:${port}`;
}

/** @returns why it does not listen, undefined when it does. */
function listen(server: Server, where: { host: string; port: number } | { path: string }) {
  return new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen({ ...where, exclusive: true }, () => {
      server.off("error", resolve);
      resolve(undefined);
    });
  });
}
