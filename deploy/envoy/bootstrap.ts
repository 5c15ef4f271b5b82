/** The configuration of an Envoy that asks Weir before each request and tells it after each. `envoy.yaml` is one that this made, with reasons. */
import { LOOPBACK } from "../loopback.ts";
import { type HttpListener, httpFilterChain } from "./http-listener.ts";
import { extension, type JsonObject, seconds, typed } from "./json.ts";
import { type TcpListener, tcpFilterChain } from "./tcp-listener.ts";
import { type UpstreamTls, upstreamTls } from "./tls.ts";
import { WEIR_CLUSTER } from "./weir-cluster.ts";

/** At a time. Envoy's default is three: when a connection ends, more calls than that may be on their way. */
const MAX_RETRIES = 1_000;

const CONNECT_TIMEOUT_MS = 1_000;
/** Without a limit whoever opens connections fastest takes Envoy's memory. */
const MAX_CONNECTIONS = 10_000;
/** As many calls at a time on one connection as Weir takes: what is more is refused on a connection that has not heard of it. */
const MAX_STREAMS = 100;

export interface EnvoyOptions {
  /** Weir's gRPC port: Checks and access logs go there. */
  readonly weirPort: number;
  /** The IP address of Weir. Default: loopback. */
  readonly weirHost?: string;
  /** Weir is called by mutual TLS. */
  readonly weirTls?: UpstreamTls;
  /** So many calls to Weir on one connection, then another. Default: any number. */
  readonly weirCallsPerConnection?: number;
  /** The services, by the name that routes use. Any name but `weir`. */
  readonly upstreams: Readonly<Record<string, Upstream>>;
  readonly listeners: readonly Listener[];
  /** Who Envoy says it is, in the first message of each access log. */
  readonly node?: { readonly id: string; readonly cluster: string };
  /** Default 0: any free one. */
  readonly adminPort?: number;
}

export type Listener = HttpListener | TcpListener;

interface Upstream {
  /** On loopback. */
  readonly port: number;
  /** `h2` is what gRPC services need. Default `http/1.1`. */
  readonly protocol?: "http/1.1" | "h2";
}

/** @returns what Envoy reads with `-c`, in a file whose name ends with `.json`. */
export function envoyBootstrap(options: EnvoyOptions): JsonObject {
  const {
    weirPort,
    weirHost,
    weirTls,
    weirCallsPerConnection,
    upstreams,
    listeners,
    node = { id: "weir-envoy", cluster: "weir" },
    adminPort = 0,
  } = options;
  if (WEIR_CLUSTER in upstreams)
    throw new Error(`an upstream cannot be called \`${WEIR_CLUSTER}\`: that is Weir itself`);
  return {
    node,
    // Whoever reaches it can end Envoy and read its secrets: loopback alone.
    admin: { address: socketAddress(adminPort) },
    overload_manager: {
      resource_monitors: [
        extension(
          "envoy.resource_monitors.global_downstream_max_connections",
          "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
          { max_active_downstream_connections: MAX_CONNECTIONS },
        ),
      ],
    },
    static_resources: {
      listeners: listeners.map(listenerOf),
      clusters: [
        cluster(
          WEIR_CLUSTER,
          { port: weirPort, protocol: "h2" },
          { host: weirHost, tls: weirTls, calls: weirCallsPerConnection },
        ),
        ...Object.entries(upstreams).map(([name, upstream]) => cluster(name, upstream)),
      ],
    },
  };
}

function listenerOf(listener: Listener): JsonObject {
  const { name, port = 0, tls } = listener;
  return {
    name,
    address: socketAddress(port),
    // It reads the server name that the client asked for, before the handshake.
    listener_filters: tls && [
      extension(
        "envoy.filters.listener.tls_inspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
      ),
    ],
    filter_chains: [listener.kind === "http" ? httpFilterChain(listener) : tcpFilterChain(listener)],
  };
}

interface Reached {
  readonly host?: string | undefined;
  readonly tls?: UpstreamTls | undefined;
  readonly calls?: number | undefined;
}

function cluster(
  name: string,
  { port, protocol = "http/1.1" }: Upstream,
  { host, tls, calls }: Reached = {},
): JsonObject {
  const options = typed("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", {
    common_http_protocol_options: calls === undefined ? undefined : { max_requests_per_connection: calls },
    explicit_http_config: { http2_protocol_options: { max_concurrent_streams: MAX_STREAMS } },
  });
  return {
    name,
    type: "STATIC",
    connect_timeout: seconds(CONNECT_TIMEOUT_MS),
    circuit_breakers: name === WEIR_CLUSTER ? { thresholds: [{ max_retries: MAX_RETRIES }] } : undefined,
    typed_extension_protocol_options:
      protocol === "h2" ? { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options } : undefined,
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port, host) } }] }],
    },
    transport_socket: tls && upstreamTls(tls),
  };
}

function socketAddress(port: number, host: string = LOOPBACK): JsonObject {
  return { socket_address: { address: host, port_value: port } };
}
