import { type AttributeRow, row } from "./vocabulary-row.ts";

const OVER = "Not known before the request is over.";
const NO_TCP = "Not an HTTP request.";

/** The request as the client sent it, and who it says it is from. */
export const REQUEST_ROWS: readonly AttributeRow[] = [
  row("request.method", "string", "The method, in the letters the client used: `GET`.", {
    http: "always",
    log: "sometimes",
    trust: "client",
    absent: "In the access log a method that is in no standard: Envoy does not say which.",
  }),
  row(
    "request.path",
    "string",
    "The path with its query, as the client sent it: compare `request.canonical_path` instead.",
    {
      http: "always",
      log: "sometimes",
      trust: "client",
      carriedFirst: true,
    },
  ),
  row("request.url_path", "string", "The path without its query, otherwise as the client sent it.", {
    http: "always",
    log: "sometimes",
    trust: "client",
    carriedFirst: true,
    workedOutFrom: "request.path",
  }),
  row(
    "request.canonical_path",
    "string",
    "The path as a server should understand it: decoded, dots resolved; an error when servers could disagree.",
    {
      http: "always",
      log: "sometimes",
      trust: "client",
      carriedFirst: true,
      workedOutFrom: "request.path",
    },
  ),
  row("request.query", "string", "The query without its `?`, not decoded; empty when there is none.", {
    http: "always",
    log: "sometimes",
    trust: "client",
    carriedFirst: true,
    workedOutFrom: "request.path",
  }),
  row(
    "request.upstream_path",
    "string",
    "The path with its query as it went upstream, after Envoy's and our own changes.",
    {
      log: "sometimes",
      afterwards: true,
      trust: "client",
    },
  ),
  row("request.host", "string", "The host that the client asked for, with the port if it sent one.", {
    http: "always",
    log: "sometimes",
    trust: "client",
    absent: "Empty.",
    carriedFirst: true,
  }),
  row("request.scheme", "string", "`http` or `https`.", {
    http: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "Empty.",
  }),
  row("request.protocol", "string", "`HTTP/1.0`, `HTTP/1.1`, `HTTP/2` or `HTTP/3`.", {
    http: "always",
    log: "sometimes",
    trust: "client",
    absent: "Empty.",
  }),
  row(
    "request.headers",
    "map(string, string)",
    "The headers by lower-case name; repeated ones are joined by `, `, cookies by `; `.",
    {
      http: "always",
      log: "sometimes",
      trust: "client",
      absent: "Pseudo-headers are never in it. The access log has only those that the logger's configuration names.",
    },
  ),
  row("request.headers_bytes", "int", "Bytes of the headers.", { log: "sometimes", afterwards: true, absent: NO_TCP }),
  row("request.id", "string", "The header `x-request-id`, which Envoy makes where the client sent none.", {
    http: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "Empty.",
  }),
  row("request.referer", "string", "The header `referer`.", {
    http: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "Empty in the access log.",
  }),
  row("request.useragent", "string", "The header `user-agent`.", {
    http: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "Empty in the access log.",
  }),
  row("request.time", "timestamp", "When the first byte arrived; of a TCP connection, when it was accepted.", {
    http: "always",
    log: "sometimes",
  }),
  row("request.size", "int", "Bytes of the body.", {
    http: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "In a Check −1, 0 or unset: Envoy says it only where it buffered the body.",
  }),
  row(
    "request.body",
    "string",
    "The body as text, where Envoy sends it; an error when it is only a part or not UTF-8.",
    {
      http: "sometimes",
      trust: "client",
      absent: "Empty or not sent, which look the same.",
    },
  ),
  row(
    "request.raw_body",
    "bytes",
    "The body as bytes, where Envoy sends it so (`pack_as_bytes`); an error when it is only a part.",
    {
      http: "sometimes",
      trust: "client",
      absent: "Empty, not sent, or sent as text.",
    },
  ),
  row("request.duration", "duration", "From the first byte of the request to the last of the response.", {
    log: "sometimes",
    afterwards: true,
    absent: OVER,
  }),
  row("request.total_size", "int", "Bytes of the request, headers and body.", {
    log: "sometimes",
    afterwards: true,
    absent: OVER,
  }),
  row("request.reason", "string", "Why the proxy answered in place of the service, in Mixer's words.", {
    afterwards: true,
  }),
  row("request.api_key", "string", "The API key, as the proxy found it.", { trust: "client" }),

  row("request.auth.subject", "string", "Claim `sub` of the verified token.", {
    http: "sometimes",
    absent: "No verified token, or no such claim.",
  }),
  row("request.auth.principal", "string", "Claims `iss` and `sub` of the verified token, joined by `/`.", {
    http: "sometimes",
    absent: "No verified token, or one of the claims is missing.",
  }),
  row(
    "request.auth.audiences",
    "list(string)",
    "Claim `aud` of the verified token, as a list even when it is one text.",
    {
      http: "sometimes",
      absent: "No verified token, or no such claim.",
    },
  ),
  row("request.auth.presenter", "string", "Claim `azp` of the verified token: who it was given to.", {
    http: "sometimes",
    absent: "No verified token, or no such claim.",
  }),
  row(
    "request.auth.claims",
    "map(string, dyn)",
    "All claims of the verified token; empty when there is none. Numbers are doubles.",
    { http: "always" },
  ),
];
