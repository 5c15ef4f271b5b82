/** An HTTP/1.1 client that sends exactly what it is told: other clients tidy paths, join headers and refuse odd bytes. */
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { LOOPBACK } from "../loopback.ts";
import { type HttpResponse, readResponse } from "./http-response.ts";

const DEFAULT_WITHIN_MS = 10_000;
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/** Text goes out as UTF-8, bytes as they are. */
type Raw = string | Uint8Array;

interface Target {
  /** On loopback. */
  readonly port: number;
  /** Speaks TLS: at least `ca`; `cert` and `key` for a client certificate. */
  readonly tls?: ConnectionOptions;
  readonly withinMs?: number;
}

export interface RawRequest extends Target {
  readonly method?: string;
  readonly path?: Raw;
  /**
   * In this order, duplicates and odd names included. Added when no header of the name is given: `host`, `connection: close`, and
   * `content-length` for a body (unless there is a `transfer-encoding`).
   */
  readonly headers?: readonly (readonly [name: Raw, value: Raw])[];
  readonly body?: Raw;
}

/** The bytes of a whole request; nothing is added. */
export interface RawBytes extends Target {
  readonly bytes: Raw;
}

/**
 * One request on a connection of its own.
 * @throws when the connection ends before a whole answer, the answer is not HTTP/1 or longer than 16 MiB, or the time is over.
 */
export async function rawRequest(request: RawRequest | RawBytes): Promise<HttpResponse> {
  const { response, socket } = await exchange(request);
  socket.destroy();
  return response;
}

/** As `rawRequest`, and the connection stays: the caller ends it. */
export function exchange(request: RawRequest | RawBytes): Promise<{ response: HttpResponse; socket: Socket }> {
  const { port, tls, withinMs = DEFAULT_WITHIN_MS } = request;
  const method = "bytes" in request ? methodOf(request.bytes) : (request.method ?? "GET");
  const socket = tls ? connectTls({ ...tls, host: LOOPBACK, port }) : connect({ host: LOOPBACK, port });
  socket.write("bytes" in request ? request.bytes : encode(request));
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    const settle = () => {
      clearTimeout(timer);
      socket.removeAllListeners();
      // A reset of a connection that has done its work is nothing to anybody.
      socket.on("error", () => socket.destroy());
    };
    const fail = (error: unknown) => {
      settle();
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`no whole answer within ${withinMs} ms: ${shown(bytes)}`)), withinMs);
    const read = (ended: boolean) => {
      try {
        const response = readResponse(bytes, { method, ended });
        if (response) {
          settle();
          resolve({ response, socket });
        } else if (ended || bytes.length > MAX_RESPONSE_BYTES) {
          fail(new Error(`${ended ? "the connection ended before" : "too long for"} a whole answer: ${shown(bytes)}`));
        }
      } catch (error) {
        fail(error);
      }
    };
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      read(false);
    });
    socket.on("end", () => read(true));
    socket.on("error", fail);
  });
}

function shown(bytes: Buffer): string {
  return bytes.length === 0 ? "nothing came" : JSON.stringify(bytes.toString("latin1", 0, 200));
}

function methodOf(bytes: Raw): string {
  return Buffer.from(bytes).toString("latin1").split(" ", 1)[0] ?? "";
}

function encode({ port, method = "GET", path = "/", headers = [], body }: RawRequest): Buffer {
  const named = (name: string) => headers.some(([own]) => Buffer.from(own).toString("latin1").toLowerCase() === name);
  const added: (readonly [Raw, Raw])[] = [];
  if (!named("host")) added.push(["host", `localhost:${port}`]);
  if (!named("connection")) added.push(["connection", "close"]);
  if (body !== undefined && !named("content-length") && !named("transfer-encoding")) {
    added.push(["content-length", String(Buffer.from(body).length)]);
  }
  const lines = [...added, ...headers].flatMap(([name, value]) => [name, ": ", value, "\r\n"]);
  const parts = [method, " ", path, " HTTP/1.1\r\n", ...lines, "\r\n", body ?? ""];
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
