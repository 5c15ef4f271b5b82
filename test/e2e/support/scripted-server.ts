/** A policy engine that does exactly what a test tells it, also what Weir never would: for what Envoy makes of it. */
import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import { frame, Unframer } from "../../../deploy/grpc-frames.ts";
import { type Listening, listen } from "../../../deploy/loopback.ts";
import { Received } from "../../../deploy/received.ts";

export type Answer =
  /** A message, whatever its bytes are. */
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  /** The bytes of the stream as they are, then a good end: a frame that promises more than it holds. */
  | { readonly kind: "frames"; readonly bytes: Uint8Array }
  /** A gRPC status and no message; OK is a lie about one. */
  | { readonly kind: "status"; readonly code: number }
  /** RST_STREAM */
  | { readonly kind: "reset" }
  /** Until Envoy gives up. */
  | { readonly kind: "never" };

/** What to answer to a CheckRequest. An answer that comes late is a promise that is resolved late. */
export type Script = (check: Buffer) => Answer | Promise<Answer>;

export interface ScriptedServer extends Listening {
  /** CheckRequests as they came. */
  readonly checks: Received<Buffer>;
  /** StreamAccessLogsMessages as they came. */
  readonly logged: Received<Buffer>;
  /** From the next Check on. */
  follow(script: Script): void;
}

const CHECK = "/envoy.service.auth.v3.Authorization/Check";
const ACCESS_LOG = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const STATUS = { ok: 0, unimplemented: 12 } as const;

export async function startScriptedServer(first: Script): Promise<ScriptedServer> {
  let script = first;
  const checks = new Received<Buffer>();
  const logged = new Received<Buffer>();
  const server = createServer();
  // Envoy is ended in the middle of things: no event of this server.
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, { ":path": path }) => {
    stream.on("error", () => stream.destroy());
    if (path === CHECK) {
      onMessage(stream, (check) => {
        checks.push(check);
        void answerBy(script, check, stream);
      });
    } else if (path === ACCESS_LOG) {
      onMessage(stream, (entries) => logged.push(entries));
    } else {
      end(stream, STATUS.unimplemented);
    }
  });
  const follow = (next: Script) => {
    script = next;
  };
  return { ...(await listen(server)), checks, logged, follow };
}

function onMessage(stream: ServerHttp2Stream, tell: (message: Buffer) => void): void {
  const unframer = new Unframer();
  stream.on("data", (bytes: Buffer) => {
    for (const message of unframer.take(bytes)) tell(message);
  });
}

async function answerBy(script: Script, check: Buffer, stream: ServerHttp2Stream): Promise<void> {
  const answer = await script(check);
  if (stream.destroyed) return;
  switch (answer.kind) {
    case "message":
      return end(stream, STATUS.ok, frame(answer.bytes));
    case "frames":
      return end(stream, STATUS.ok, answer.bytes);
    case "status":
      return end(stream, answer.code);
    case "reset":
      return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    case "never":
      return;
  }
}

function end(stream: ServerHttp2Stream, status: number, bytes?: Uint8Array): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(bytes);
}
