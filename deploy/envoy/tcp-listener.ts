import { type LogOptions, logTimes, tcpLog } from "./access-log.ts";
import { extension, type JsonObject } from "./json.ts";
import { downstreamTls, type TlsOptions } from "./tls.ts";
import { type AskOptions, askFields } from "./weir-cluster.ts";

/** Connections that Envoy passes on without looking inside: one Check and one log entry each. */
export interface TcpListener {
  readonly kind: "tcp";
  readonly name: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** Among the upstreams. */
  readonly upstream: string;
  readonly authz?: AskOptions;
  readonly log?: LogOptions;
  readonly tls?: TlsOptions;
}

export function tcpFilterChain({ name, upstream, authz = {}, log = {}, tls }: TcpListener): JsonObject {
  return {
    transport_socket: tls && downstreamTls(tls, []),
    filters: [
      extension("envoy.filters.network.ext_authz", "envoy.extensions.filters.network.ext_authz.v3.ExtAuthz", {
        ...askFields(authz),
        stat_prefix: name,
      }),
      extension("envoy.filters.network.tcp_proxy", "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", {
        stat_prefix: name,
        cluster: upstream,
        access_log: [tcpLog(name, log)],
        access_log_options: logTimes("flush_access_log_on_start", log),
      }),
    ],
  };
}
