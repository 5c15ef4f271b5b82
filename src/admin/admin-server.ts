import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Log } from "../telemetry/index.ts";
import { PAGES, type Page, type PageRow, text } from "./pages.ts";
import type { AdminView } from "./view.ts";

/** Connections at a time; scrapers and people need a few. */
const MAX_CONNECTIONS = 100;
/** Bytes of a request's headers. */
const MAX_HEADER_BYTES = 8 * 1024;
/** How long a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5_000;
/** How often it is looked whether one takes longer, as a part of that time. Node's own 30 s would let a few slow clients lock all others out. */
const TIMEOUT_CHECKS = 5;
/** How long an idle connection stays open, in milliseconds; longer than scrapers' usual interval would be wasted. */
const KEEP_ALIVE_MS = 5_000;
/** How long a page may take to be made before it is answered by 503, in milliseconds: adapters have a part in `/metrics`. */
const PAGE_TIMEOUT_MS = 10_000;

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /**
   * `admin`: everything, for this machine alone: requests that name another host are refused, so that no web page can reach it through a
   * browser. `metrics`: health and metrics only, for whoever can connect.
   */
  readonly audience: "admin" | "metrics";
  readonly view: AdminView;
  readonly log: Log;
  /** How long a request may take to arrive. Default 5 s. */
  readonly requestTimeoutMs?: number;
}

export interface RunningAdmin {
  /** `host:port`, with the real port. */
  readonly address: string;
  /** Closes every connection. */
  close(): Promise<void>;
}

/** @returns the running server, or in words for people why it cannot listen. */
export async function startAdmin(options: AdminOptions): Promise<RunningAdmin | { readonly problem: string }> {
  const { host, port, audience, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options;
  if (audience === "admin" && !isLoopbackHost(host)) return { problem: exposed(host) };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.ceil(requestTimeoutMs / TIMEOUT_CHECKS),
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (request, response) => void answer(request, response, options),
  );
  server.maxConnections = MAX_CONNECTIONS;
  const problem = await listen(server, host, port);
  if (problem !== undefined) return { problem };
  return { address: addressOf(server, host), close: () => close(server) };
}

function exposed(host: string): string {
  return (
    `the admin pages are for this machine alone and ${host} can be reached from others: use a loopback address, and ` +
    "--metrics-address for health and metrics"
  );
}

async function answer(request: IncomingMessage, response: ServerResponse, options: AdminOptions): Promise<void> {
  // Whatever body came with it is not wanted.
  request.resume();
  try {
    const page = await pageFor(request, options);
    send(response, page, request.method === "HEAD");
  } catch (error) {
    options.log.error("an admin page could not be made", { path: request.url, error });
    send(response, text(500, "internal error\n"), request.method === "HEAD");
  }
}

function pageFor(request: IncomingMessage, { audience, view }: AdminOptions): Page | Promise<Page> {
  if (request.method !== "GET" && request.method !== "HEAD") return text(405, "only GET and HEAD\n");
  if (audience === "admin" && !isLocalHost(request.headers.host)) {
    return text(403, "this page is for this machine alone: ask for it by localhost or a loopback address\n");
  }
  const pages = PAGES.filter((row) => audience === "admin" || row.everywhere);
  const path = (request.url ?? "").split("?", 1)[0];
  const row = pages.find((one) => one.path === path);
  return row ? inTime(row, view) : text(404, `there is no such page; there are:\n${list(pages)}`);
}

function list(pages: readonly PageRow[]): string {
  return pages.map(({ path }) => `  ${path}\n`).join("");
}

/** A page that some adapter never finishes must not keep the connection. */
async function inTime(row: PageRow, view: AdminView): Promise<Page> {
  const late = Promise.withResolvers<Page>();
  const timer = setTimeout(() => late.resolve(text(503, "this takes too long\n")), PAGE_TIMEOUT_MS);
  try {
    return await Promise.race([row.render(view), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A name that a page in somebody's browser had resolved to 127.0.0.1 is none of these. */
function isLocalHost(host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, "").toLowerCase();
  return name !== undefined && (name === "[::1]" || (isIP(name) !== 6 && isLoopbackHost(name)));
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function send(response: ServerResponse, { status, type, body }: Page, headOnly: boolean): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 405 ? { allow: "GET, HEAD" } : {}),
  });
  response.end(headOnly ? undefined : body);
}

function listen(server: Server, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const why = error.code === "EADDRINUSE" ? "somebody else does already" : error.message;
      resolve(`cannot listen on ${bracketed(host)}:${port}: ${why}`);
    };
    server.once("error", failed);
    server.listen({ host, port }, () => {
      server.off("error", failed);
      resolve(undefined);
    });
  });
}

function addressOf(server: Server, host: string): string {
  const bound = server.address();
  // INVARIANT: it listens on a port.
  if (bound === null || typeof bound === "string") throw new Error("the admin server has no address");
  return `${bracketed(host)}:${bound.port}`;
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}

async function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}
