import { type AttributeRow, type RowOptions, row } from "./vocabulary-row.ts";

const AFTER: RowOptions = { log: "sometimes", afterwards: true };

/** The answer the client got. */
export const RESPONSE_ROWS: readonly AttributeRow[] = [
  row("response.code", "int", "The HTTP status.", { ...AFTER, absent: "0 or unset: no response was sent." }),
  row(
    "response.code_details",
    "string",
    "Why the response has its status, in Envoy's words: `via_upstream`, `ext_authz_denied`.",
    {
      ...AFTER,
      absent: "Empty.",
    },
  ),
  row("response.flags", "int", "What went wrong, as the bits of Envoy's response flags; 0 when nothing did.", {
    ...AFTER,
    log: "always",
  }),
  row("response.grpc_status", "int", "The gRPC status from the trailers or, where there are none, the headers.", {
    ...AFTER,
    absent: "Not a gRPC response, or the logger's configuration does not name `grpc-status`.",
  }),
  row("response.grpc_message", "string", "The gRPC message, found as `response.grpc_status` is.", { ...AFTER }),
  row("response.headers", "map(string, string)", "The response headers that the logger's configuration names.", {
    ...AFTER,
  }),
  row("response.trailers", "map(string, string)", "The response trailers that the logger's configuration names.", {
    ...AFTER,
  }),
  row("response.headers_bytes", "int", "Bytes of the headers.", AFTER),
  row("response.size", "int", "Bytes of the body.", AFTER),
  row("response.total_size", "int", "Bytes of the response, headers and body.", AFTER),
  row("response.time", "timestamp", "When the first byte of the response was sent to the client.", AFTER),
  row("response.duration", "duration", "`request.duration` by Mixer's name for it.", AFTER),
  row(
    "response.backend_latency",
    "duration",
    "From the first byte sent upstream to the last one received from there.",
    AFTER,
  ),
];
