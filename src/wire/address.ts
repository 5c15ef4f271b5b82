import { isIP } from "node:net";

/** Where to listen or to call. */
export type Address =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Linux takes no longer path for a socket. In bytes. */
const MAX_SOCKET_PATH = 107;

const MAX_PORT = 65_535;

/**
 * Reads `127.0.0.1:9091`, `[::1]:9091`, `localhost:0`, `unix:/run/weir.sock`.
 * @returns what is wrong with it in words for people, where it is none of these.
 */
export function parseAddress(text: string): Address | { readonly kind: "invalid"; readonly problem: string } {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/")) return invalid(text, "the path of a Unix socket begins with `/`: `unix:/run/weir.sock`");
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
      return invalid(text, `the path of a Unix socket has at most ${MAX_SOCKET_PATH} bytes`);
    return { kind: "unix", path };
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const [, bracketed, plain, digits] = match ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined)
    return invalid(text, "write HOST:PORT, as in `127.0.0.1:9091` or `[::1]:9091`");
  if (bracketed !== undefined && isIP(bracketed) !== 6) return invalid(text, "only IPv6 addresses stand in brackets");
  const port = Number(digits);
  if (port > MAX_PORT) return invalid(text, `a port is at most ${MAX_PORT}`);
  return { kind: "tcp", host, port };
}

/** @returns the address as people write it, and as `parseAddress` reads it. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return isIP(address.host) === 6 ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** @returns whether only this machine reaches the address. A name other than `localhost` may mean anything. */
export function isLocal(address: Address): boolean {
  return address.kind === "unix" || address.host === "localhost" || isLoopback(address.host);
}

/** @returns whether an IP address is a loopback one. */
export function isLoopback(host: string): boolean {
  const mapped = host.toLowerCase().replace(/^::ffff:/, "");
  return (isIP(mapped) === 4 && mapped.startsWith("127.")) || host === "::1";
}

function invalid(text: string, problem: string) {
  return { kind: "invalid", problem: `\`${text}\` is no address: ${problem}` } as const;
}

/**
 * @param allowed there is TLS, or it was said that there need not be
 * @returns in words for people why an address must not be served like this; undefined when it may.
 */
export function exposureOf(address: Address, allowed: boolean): string | undefined {
  if (allowed || isLocal(address)) return undefined;
  return (
    `${formatAddress(address)} can be reached from other machines and would be served without TLS: whoever connects could ask and report ` +
    "what he likes; use a loopback address or a Unix socket, give certificates (--tls-cert, --tls-key, --tls-client-ca), or say --insecure " +
    "if the network in front of it keeps others out"
  );
}
