import type { Http2SecureServer, Http2Server, Http2Session, IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Server } from "@grpc/grpc-js";

/** Takes a call that has just begun. */
export type CarryStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface StreamsAndSessions {
  /** A client connected. */
  session(session: Http2Session): void;
  /** A call begins. */
  stream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void;
}

/**
 * Puts us between node's HTTP/2 server and grpc-js, which has no option for the header list's size, shows no sessions, and begins a call only
 * after it has paid for it. To be called when the injector was created.
 * @param intercept is told how to hand a call to grpc-js, and returns who takes them
 */
export function interceptHttp2(
  server: Server,
  maxHeaderListBytes: number,
  intercept: (carry: CarryStream) => StreamsAndSessions,
): void {
  const http2 = http2ServerOf(server);
  http2.updateSettings({ maxHeaderListSize: maxHeaderListBytes });
  const [carry, ...others] = http2.listeners("stream");
  if (carry === undefined || others.length > 0) throw new Error("grpc-js takes calls in a way that is not known here");
  http2.removeAllListeners("stream");
  const carryStream: CarryStream = (stream, headers) => void Reflect.apply(carry, http2, [stream, headers]);
  const taken = intercept(carryStream);
  http2.on("session", (session) => taken.session(session));
  http2.on("stream", (stream, headers) => taken.stream(stream, headers));
}

/** To be told of the errors of a call that nobody waits for: it ends by its `close`, but an error that is not heard would end the process. */
export function nobodyAsks(): void {
  // There is nothing to be done.
}

/** The HTTP/2 server that an injector feeds is kept where TypeScript says `private`; tests of this folder hold us to the version in use. */
function http2ServerOf(server: Server): Http2Server | Http2SecureServer {
  const servers: unknown = Reflect.get(server, "http2Servers");
  const [http2, ...others] = servers instanceof Map ? [...servers.keys()] : [];
  if (http2 === undefined || others.length > 0)
    throw new Error("grpc-js keeps its HTTP/2 server where it is not known here");
  return http2;
}
