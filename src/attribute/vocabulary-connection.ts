import { type AttributeRow, type RowOptions, row } from "./vocabulary-row.ts";

const LOGGED: RowOptions = { log: "sometimes" };
const AFTER: RowOptions = { log: "sometimes", afterwards: true };
const EMPTY = "Empty.";

/** The connection to the proxy, the one from there upstream, and what the proxy's configuration says. */
export const CONNECTION_ROWS: readonly AttributeRow[] = [
  row("connection.id", "uint", "The proxy's number for the connection.", {}),
  row("connection.mtls", "bool", "Whether the peer showed a certificate.", { log: "always" }),
  row("connection.requested_server_name", "string", "The name that the peer asked for in TLS (SNI).", {
    http: "sometimes",
    tcp: "sometimes",
    log: "sometimes",
    trust: "client",
    absent: "Empty; in a Check, also where Envoy is not told to include it.",
  }),
  row("connection.tls_version", "string", "`TLSv1.2`, `TLSv1.3`.", LOGGED),
  row(
    "connection.peer_certificate",
    "string",
    "The peer's certificate as PEM, where Envoy is told to include it; it may not have verified it.",
    {
      http: "sometimes",
      tcp: "sometimes",
    },
  ),
  row("connection.sha256_peer_certificate_digest", "string", "SHA-256 of the peer's certificate, in hexadecimal.", {}),
  row("connection.subject_peer_certificate", "string", "Subject of the peer's certificate.", {
    ...LOGGED,
    absent: EMPTY,
  }),
  row("connection.subject_local_certificate", "string", "Subject of the proxy's certificate.", {
    ...LOGGED,
    absent: EMPTY,
  }),
  row("connection.dns_san_peer_certificate", "string", "First DNS name of the peer's certificate.", LOGGED),
  row("connection.dns_san_local_certificate", "string", "First DNS name of the proxy's certificate.", LOGGED),
  row("connection.uri_san_peer_certificate", "string", "First URI of the peer's certificate.", LOGGED),
  row("connection.uri_san_local_certificate", "string", "First URI of the proxy's certificate.", LOGGED),
  row("connection.transport_failure_reason", "string", "Why the peer's TLS handshake failed.", {
    ...AFTER,
    absent: EMPTY,
  }),
  row("connection.termination_details", "string", "Why the proxy ended the connection.", { ...AFTER, absent: EMPTY }),
  row("connection.event", "string", "Of a native TCP report: `open`, `continue` or `close`.", { afterwards: true }),
  row("connection.duration", "duration", "Of a TCP connection: from its beginning to its end.", AFTER),
  row("connection.received_bytes", "int", "Of a TCP connection: bytes received from the peer.", AFTER),
  row("connection.sent_bytes", "int", "Of a TCP connection: bytes sent to the peer.", AFTER),

  row(
    "upstream.address",
    "string",
    "The IP address of the host that the request went to, without its port; the path of a Unix socket.",
    {
      ...AFTER,
      absent: "No host was chosen.",
    },
  ),
  row("upstream.port", "int", "The port of the host that the request went to.", AFTER),
  row("upstream.local_address", "string", "The proxy's own IP address on the connection upstream.", AFTER),
  row("upstream.transport_failure_reason", "string", "Why the connection upstream failed.", {
    ...AFTER,
    absent: EMPTY,
  }),
  row("upstream.request_attempt_count", "uint", "How often the request was sent upstream: retries count.", {
    ...AFTER,
    absent: "0: it never was.",
  }),
  row("upstream.num_endpoints", "uint", "Hosts of the cluster that was chosen.", { afterwards: true }),
  row("upstream.cx_pool_ready_duration", "duration", "From the beginning of the request to a connection upstream.", {
    afterwards: true,
  }),
  row("upstream.locality", "string", "Where the host upstream is.", { afterwards: true }),
  row("upstream.tls_version", "string", "TLS version of the connection upstream.", { afterwards: true }),
  row("upstream.sha256_peer_certificate_digest", "string", "SHA-256 of the certificate of the host upstream.", {
    afterwards: true,
  }),
  row("upstream.subject_peer_certificate", "string", "Subject of the certificate of the host upstream.", {
    afterwards: true,
  }),
  row("upstream.subject_local_certificate", "string", "Subject of the certificate that the proxy showed upstream.", {
    afterwards: true,
  }),
  row("upstream.dns_san_peer_certificate", "string", "First DNS name of the certificate of the host upstream.", {
    afterwards: true,
  }),
  row(
    "upstream.dns_san_local_certificate",
    "string",
    "First DNS name of the certificate that the proxy showed upstream.",
    { afterwards: true },
  ),
  row("upstream.uri_san_peer_certificate", "string", "First URI of the certificate of the host upstream.", {
    afterwards: true,
  }),
  row("upstream.uri_san_local_certificate", "string", "First URI of the certificate that the proxy showed upstream.", {
    afterwards: true,
  }),

  row("xds.node", "map(string, dyn)", "The proxy: `id`, `cluster`, `metadata`, `region`, `zone`, `sub_zone`.", LOGGED),
  row("xds.cluster_name", "string", "The cluster that the request went to.", { ...LOGGED, absent: EMPTY }),
  row("xds.cluster_metadata", "map(string, dyn)", "Metadata of that cluster.", {}),
  row("xds.route_name", "string", "The route that matched.", { ...LOGGED, absent: EMPTY }),
  row("xds.route_metadata", "map(string, dyn)", "Metadata of that route, by filter.", { http: "sometimes" }),
  row("xds.virtual_host_name", "string", "The virtual host that matched.", {}),
  row("xds.virtual_host_metadata", "map(string, dyn)", "Metadata of that virtual host.", {}),
  row("xds.upstream_host_metadata", "map(string, dyn)", "Metadata of the host upstream.", { afterwards: true }),
  row("xds.upstream_host_locality_metadata", "map(string, dyn)", "Metadata of where that host is.", {
    afterwards: true,
  }),
  row("xds.listener_direction", "int", "0 not said, 1 inbound, 2 outbound.", {}),
  row("xds.listener_metadata", "map(string, dyn)", "Metadata of the listener.", {}),
  row("xds.filter_chain_name", "string", "The filter chain that took the connection.", {}),

  row(
    "context",
    "map(string, string)",
    "What the route's configuration gives to ext_authz (`context_extensions`); empty when it gives nothing.",
    {
      http: "always",
      tcp: "always",
    },
  ),
  row("metadata", "map(string, dyn)", "What the proxy's filters left behind, by filter. Numbers are doubles.", {
    http: "always",
    tcp: "always",
    log: "always",
  }),
  row("filter_state", "map(string, dyn)", "What the proxy's filters share with each other, as bytes.", LOGGED),
  row("upstream_filter_state", "map(string, dyn)", "The same for the connection upstream.", { afterwards: true }),

  row("log.name", "string", "The name of the logger that wrote the entry.", {
    log: "sometimes",
    weir: "never",
    absent: "Empty.",
  }),
  row("log.tags", "map(string, string)", "Custom tags of the logger's configuration.", {
    log: "always",
    weir: "never",
  }),
  row("api.service", "string", "The API that is called.", {}),
  row("api.version", "string", "The version of that API.", {}),
  row("api.operation", "string", "The operation of that API.", {}),
  row("api.protocol", "string", "How that API is called: `http`, `grpc`.", {}),
];
