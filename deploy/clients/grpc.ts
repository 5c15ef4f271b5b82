/** A gRPC client without schema or library, so that a demo and a test see what came over the wire. */
import { type ClientHttp2Stream, connect } from "node:http2";
import { frame, Unframer } from "../grpc-frames.ts";
import { type HeaderPairs, pairs, valuesOf } from "../headers.ts";
import { LOOPBACK } from "../loopback.ts";

const DEFAULT_WITHIN_MS = 10_000;

export interface GrpcCall {
  /** On loopback, HTTP/2 without TLS. */
  readonly port: number;
  /** `/greeter.v1.Greeter/Greet` */
  readonly path: string;
  /** Encoded, without gRPC's framing. */
  readonly message: Uint8Array;
  readonly headers?: HeaderPairs;
  readonly withinMs?: number;
}

export interface GrpcAnswer {
  readonly httpStatus: number;
  /** The gRPC status, from the trailers or from the headers of an answer that has no others; undefined when none was sent. */
  readonly status: number | undefined;
  /** `grpc-message`, as it was encoded. */
  readonly statusMessage: string;
  /** Pseudo-headers included. */
  readonly headers: HeaderPairs;
  readonly trailers: HeaderPairs;
  readonly messages: readonly Buffer[];
}

/**
 * One unary call on a connection of its own.
 * @throws when the stream is reset or the connection fails, or the time is over. A gRPC status that is not OK is an answer.
 */
export async function grpcUnary(call: GrpcCall): Promise<GrpcAnswer> {
  const session = connect(`http://${LOOPBACK}:${call.port}`);
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = session.request([
        ...[":method", "POST", ":path", call.path, ":scheme", "http", ":authority", `localhost:${call.port}`],
        ...["content-type", "application/grpc", "te", "trailers"],
        ...(call.headers ?? []).flat(),
      ]);
      const { withinMs = DEFAULT_WITHIN_MS } = call;
      const timer = setTimeout(() => reject(new Error(`no whole answer within ${withinMs} ms`)), withinMs);
      stream.on("close", () => clearTimeout(timer));
      collect(stream, resolve, reject);
      stream.end(frame(call.message));
    });
  } finally {
    session.destroy();
  }
}

function collect(
  stream: ClientHttp2Stream,
  resolve: (answer: GrpcAnswer) => void,
  reject: (error: Error) => void,
): void {
  let headers: HeaderPairs = [];
  let trailers: HeaderPairs = [];
  const unframer = new Unframer();
  const messages: Buffer[] = [];
  stream.on("response", (_headers, _flags, raw) => {
    headers = pairs(raw);
  });
  stream.on("trailers", (_headers, _flags, raw) => {
    trailers = pairs(raw);
  });
  stream.on("data", (bytes: Buffer) => messages.push(...unframer.take(bytes)));
  stream.on("error", reject);
  stream.on("end", () => {
    const last = trailers.length > 0 ? trailers : headers;
    const [status] = valuesOf(last, "grpc-status");
    resolve({
      httpStatus: Number(valuesOf(headers, ":status")[0]),
      status: status === undefined ? undefined : Number(status),
      statusMessage: valuesOf(last, "grpc-message")[0] ?? "",
      headers,
      trailers,
      messages,
    });
  });
  // After an answer this comes too late to matter.
  stream.on("close", () => reject(new Error("the stream ended without an answer")));
}
