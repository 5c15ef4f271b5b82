import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { valuesOf } from "../headers.ts";
import { acceptOf, closeFrame, readFrame, textFrame } from "../websocket-frames.ts";
import { exchange, type RawRequest } from "./http.ts";
import type { HttpResponse } from "./http-response.ts";

const KEY_BYTES = 16;
const MASK_BYTES = 4;
const ECHO_WITHIN_MS = 10_000;

/** What became of asking for a WebSocket: the answer is a plain one when somebody refused. */
export type Handshake =
  | { readonly kind: "open"; readonly response: HttpResponse; readonly link: WebSocketLink }
  | { readonly kind: "refused"; readonly response: HttpResponse };

interface WebSocketLink {
  /** Sends a text and waits for one. @throws when the other end closes first, or after 10 seconds. */
  exchange(text: string): Promise<string>;
  /** Says goodbye and ends the connection. */
  close(): void;
}

/** Node's own client hides the answer of a refused handshake; this one shows it. */
export async function openWebSocket(request: Omit<RawRequest, "method" | "body">): Promise<Handshake> {
  const key = randomBytes(KEY_BYTES).toString("base64");
  const { response, socket } = await exchange({
    ...request,
    headers: [
      ["connection", "Upgrade"],
      ["upgrade", "websocket"],
      ["sec-websocket-version", "13"],
      ["sec-websocket-key", key],
      ...(request.headers ?? []),
    ],
  });
  if (response.status !== 101) {
    socket.destroy();
    return { kind: "refused", response };
  }
  if (!valuesOf(response.headers, "sec-websocket-accept").includes(acceptOf(key))) {
    socket.destroy();
    throw new Error("the WebSocket was accepted with another's key");
  }
  return { kind: "open", response, link: linkOver(socket, response.rest) };
}

function linkOver(socket: Socket, first: Buffer): WebSocketLink {
  let bytes = first;
  return {
    exchange: (text) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          socket.off("data", read).off("close", closed);
          act();
        };
        const read = (chunk: Buffer) => {
          bytes = Buffer.concat([bytes, chunk]);
          const frame = readFrame(bytes);
          if (!frame) return;
          bytes = frame.rest;
          if (frame.kind === "text") settle(() => resolve(frame.text));
        };
        const closed = () => settle(() => reject(new Error("the WebSocket was closed")));
        const timer = setTimeout(
          () => settle(() => reject(new Error(`nothing came back within ${ECHO_WITHIN_MS} ms`))),
          ECHO_WITHIN_MS,
        );
        socket.on("data", read).on("close", closed);
        socket.write(textFrame(text, randomBytes(MASK_BYTES)));
      }),
    close: () => {
      socket.end(closeFrame(randomBytes(MASK_BYTES)));
    },
  };
}
