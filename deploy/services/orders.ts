/** A sample service: HTTP/1.1. It tells what it received, so that a client sees what Envoy and Weir made of its request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type HeaderPairs, pairs } from "../headers.ts";
import { type Listening, listen } from "../loopback.ts";
import { Received } from "../received.ts";
import { acceptOf, closeFrame, readFrame, textFrame } from "../websocket-frames.ts";

/** Far above what Envoy lets through, so that large headers are never this service's refusal. */
const MAX_HEADER_BYTES = 256 * 1024;

export interface OrdersRequest {
  readonly method: string;
  /** As it came, with the query. */
  readonly path: string;
  readonly headers: HeaderPairs;
  readonly body: string;
}

export interface Orders extends Listening {
  readonly requests: Received<OrdersRequest>;
  /** Answers the requests to `/slow` that wait. @returns how many there were. */
  release(): number;
}

/**
 * What the last part of a path asks for: `reset` closes the connection without an answer, `slow` is answered by `release()`, a number of
 * three digits (`/orders/503`) is the status, `ws` echoes over a WebSocket. Everything else is 200.
 */
export async function startOrders(): Promise<Orders> {
  const requests = new Received<OrdersRequest>();
  const waiting = new Set<() => void>();
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (incoming, response) => {
    bodyOf(incoming).then(
      (body) => {
        const request = seen(incoming, body);
        requests.push(request);
        answer(request, incoming, response, waiting);
      },
      // The client went away within its body: nobody is left to answer.
      () => response.destroy(),
    );
  });
  server.on("upgrade", (incoming, socket) => {
    requests.push(seen(incoming, ""));
    upgrade(incoming, socket);
  });
  return { ...(await listen(server)), requests, release: () => release(waiting) };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of incoming.setEncoding("utf8")) body += chunk;
  return body;
}

function seen(incoming: IncomingMessage, body: string): OrdersRequest {
  const { method = "", url = "", rawHeaders } = incoming;
  return { method, path: url, headers: pairs(rawHeaders), body };
}

function answer(
  request: OrdersRequest,
  incoming: IncomingMessage,
  response: ServerResponse,
  waiting: Set<() => void>,
): void {
  const asked = lastPart(request.path);
  const respond = () => {
    response.writeHead(/^[2-5]\d\d$/.test(asked) ? Number(asked) : 200, { "content-type": "application/json" });
    response.end(`${JSON.stringify({ service: "orders", ...request })}\n`);
  };
  if (asked === "reset") {
    incoming.socket.resetAndDestroy();
  } else if (asked === "slow") {
    waiting.add(respond);
    response.on("close", () => waiting.delete(respond));
  } else {
    respond();
  }
}

function lastPart(path: string): string {
  return path.replace(/\?.*$/s, "").replace(/^.*\//s, "");
}

function release(waiting: Set<() => void>): number {
  const count = waiting.size;
  for (const respond of waiting) respond();
  waiting.clear();
  return count;
}

function upgrade(incoming: IncomingMessage, socket: Duplex): void {
  const key = incoming.headers["sec-websocket-key"];
  if (lastPart(incoming.url ?? "") !== "ws" || key === undefined) {
    socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${acceptOf(key)}\r\n\r\n`,
  );
  socket.on("error", () => socket.destroy());
  let bytes: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (let frame = readFrame(bytes); frame; frame = readFrame(bytes)) {
      bytes = frame.rest;
      if (frame.kind === "text") socket.write(textFrame(frame.text));
      if (frame.kind === "close") socket.end(closeFrame());
    }
  });
}
