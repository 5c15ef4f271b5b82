import type { Http2SecureServer, Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** What grpc-js does with a call that has just begun. */
export type CarryStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface StreamsAndSessions {
  /** A client connected. */
  session(session: Http2Session): void;
  /** A call begins. Whoever takes it hands it to `carry`, at once or later, or answers it himself. */
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, carry: CarryStream): void;
}

/**
 * Puts us between node's HTTP/2 server and grpc-js, which has no option for the header list's size, shows no sessions, and begins a call only
 * after it has paid for it. To be called when the injector was created.
 */
export function interceptHttp2(server: Server, maxHeaderListBytes: number, taken: StreamsAndSessions): void {
  const http2 = http2ServerOf(server);
  http2.updateSettings({ maxHeaderListSize: maxHeaderListBytes });
  http2.on("session", (session) => taken.session(session));
  const [carry, ...others] = http2.listeners("stream");
  if (carry === undefined || others.length > 0) throw new Error("grpc-js takes calls in a way that is not known here");
  http2.removeAllListeners("stream");
  const carryStream: CarryStream = (stream, headers) => void Reflect.apply(carry, http2, [stream, headers]);
  http2.on("stream", (stream, headers) => taken.stream(stream, headers, carryStream));
}

/** The HTTP/2 server that an injector feeds is kept where TypeScript says `private`; tests of this folder hold us to the version in use. */
function http2ServerOf(server: Server): Http2Server | Http2SecureServer {
  const servers: unknown = Reflect.get(server, "http2Servers");
  const [http2, ...others] = servers instanceof Map ? [...servers.keys()] : [];
  if (http2 === undefined || others.length > 0)
    throw new Error("grpc-js keeps its HTTP/2 server where it is not known here");
  return http2;
}
