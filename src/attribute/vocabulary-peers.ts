import { type AttributeRow, row } from "./vocabulary-row.ts";

const EMPTY = "Empty.";

/** Who sends, who receives, and who asks us. */
export const PEER_ROWS: readonly AttributeRow[] = [
  row("source.address", "string", "The IP address of the direct peer, without its port; the path of a Unix socket.", {
    http: "always",
    tcp: "always",
    log: "sometimes",
    absent: EMPTY,
  }),
  row("source.port", "int", "The port of the direct peer.", {
    http: "sometimes",
    tcp: "sometimes",
    log: "sometimes",
    absent: "A Unix socket.",
  }),
  row(
    "source.remote_address",
    "string",
    "The IP address that the proxy believes the request comes from, by `x-forwarded-for`.",
    {
      log: "sometimes",
      absent: "Empty. A Check does not say it.",
    },
  ),
  row(
    "source.principal",
    "string",
    "Who the direct peer's certificate says it is: URI, DNS name or subject. The proxy may not have verified it.",
    {
      http: "sometimes",
      tcp: "sometimes",
      log: "sometimes",
      absent: "Empty: no certificate.",
    },
  ),
  row(
    "source.service",
    "string",
    "The service that sends; not taken from Envoy, where any client can write it into a header.",
    {},
  ),
  row("source.service_name", "string", "The short name of the service that sends.", {}),
  row("source.service_namespace", "string", "The namespace of the service that sends.", {}),
  row("source.service_host", "string", "The host name of the service that sends.", {}),
  row("source.name", "string", "The name of the workload instance that sends.", {}),
  row("source.namespace", "string", "The namespace of the workload instance that sends.", {}),
  row("source.uid", "string", "Identifies the workload instance that sends, for the platform it runs on.", {}),
  row("source.owner", "string", "What controls the workload instance that sends.", {}),
  row("source.labels", "map(string, string)", "Labels of the workload instance that sends.", {}),
  row("source.workload_name", "string", "The name of the workload that sends.", {}),
  row("source.workload_namespace", "string", "The namespace of the workload that sends.", {}),
  row("source.workload_uid", "string", "Identifies the workload that sends.", {}),

  row(
    "destination.address",
    "string",
    "The IP address on which the proxy took the connection, without its port; the path of a Unix socket.",
    {
      http: "always",
      tcp: "always",
      log: "sometimes",
      absent: EMPTY,
    },
  ),
  row("destination.port", "int", "The port on which the proxy took the connection.", {
    http: "sometimes",
    tcp: "sometimes",
    log: "sometimes",
    absent: "A Unix socket.",
  }),
  row("destination.principal", "string", "Who the proxy's own certificate says it is.", {
    http: "sometimes",
    tcp: "sometimes",
    log: "sometimes",
    absent: "Empty: no TLS.",
  }),
  row(
    "destination.service",
    "string",
    "The service that is asked for. Envoy leaves it empty for HTTP and copies the client's SNI for TCP: derive it.",
    {
      tcp: "sometimes",
      trust: "client",
      absent: EMPTY,
    },
  ),
  row("destination.service_name", "string", "The short name of the service that is asked for.", {}),
  row("destination.service_namespace", "string", "The namespace of the service that is asked for.", {}),
  row("destination.service_host", "string", "The host name of the service that is asked for.", {}),
  row("destination.service_uid", "string", "Identifies the service that is asked for.", {}),
  row("destination.name", "string", "The name of the workload instance that receives.", {}),
  row("destination.namespace", "string", "The namespace of the workload instance that receives.", {}),
  row("destination.uid", "string", "Identifies the workload instance that receives, for the platform it runs on.", {}),
  row("destination.owner", "string", "What controls the workload instance that receives.", {}),
  row(
    "destination.labels",
    "map(string, string)",
    "Labels of the workload that receives; in ext_authz those of the proxy's own node.",
    {
      http: "sometimes",
      tcp: "sometimes",
      absent: EMPTY,
    },
  ),
  row("destination.container_name", "string", "The name of the container that receives.", {}),
  row("destination.workload_name", "string", "The name of the workload that receives.", {}),
  row("destination.workload_namespace", "string", "The namespace of the workload that receives.", {}),
  row("destination.workload_uid", "string", "Identifies the workload that receives.", {}),

  row(
    "peer.address",
    "string",
    "The IP address of whoever asks us, the proxy as a rule, from our own connection; `unix:` for a Unix socket.",
    {
      weir: "always",
      http: "always",
      tcp: "always",
      log: "always",
      trust: "tls",
    },
  ),
  row("peer.principal", "string", "Who the certificate of whoever asks us says it is, verified by our own listener.", {
    http: "sometimes",
    tcp: "sometimes",
    log: "sometimes",
    trust: "tls",
    absent: "No mutual TLS.",
  }),
];
