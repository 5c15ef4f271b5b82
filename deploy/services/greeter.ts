/** A sample service: gRPC over HTTP/2 without TLS. It needs no schema: an answer is the request's own message. */
import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import { frame, Unframer } from "../grpc-frames.ts";
import { type HeaderPairs, pairs } from "../headers.ts";
import { type Listening, listen } from "../loopback.ts";
import { Received } from "../received.ts";

interface GreeterRequest {
  /** `/greeter.v1.Greeter/Greet` */
  readonly path: string;
  /** Pseudo-headers included. */
  readonly headers: HeaderPairs;
  readonly messages: readonly Buffer[];
}

export interface Greeter extends Listening {
  readonly requests: Received<GreeterRequest>;
}

const STATUS = { ok: 0, failedPrecondition: 9 } as const;

/**
 * Every method echoes the messages it was sent, with the status OK in the trailers; one called `Fail` ends with FAILED_PRECONDITION and no
 * message, one called `Reset` resets its stream.
 */
export async function startGreeter(): Promise<Greeter> {
  const requests = new Received<GreeterRequest>();
  const server = createServer();
  // A client that goes away is no event of this service.
  server.on("sessionError", () => undefined);
  server.on("stream", (stream, { ":path": path = "" }, _flags, rawHeaders) => {
    stream.on("error", () => stream.destroy());
    const unframer = new Unframer();
    const messages: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => messages.push(...unframer.take(bytes)));
    stream.on("end", () => {
      requests.push({ path, headers: pairs(rawHeaders), messages });
      answer(stream, path.slice(path.lastIndexOf("/") + 1), messages);
    });
  });
  return { ...(await listen(server)), requests };
}

function answer(stream: ServerHttp2Stream, method: string, messages: readonly Buffer[]): void {
  if (method === "Reset") {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const failed = method === "Fail";
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => {
    stream.sendTrailers({
      "grpc-status": failed ? STATUS.failedPrecondition : STATUS.ok,
      "grpc-message": failed ? "asked to fail" : "",
    });
  });
  stream.end(failed ? undefined : Buffer.concat(messages.map(frame)));
}
