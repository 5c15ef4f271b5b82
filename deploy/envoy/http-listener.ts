import { httpLog, type LogOptions, logTimes } from "./access-log.ts";
import { extension, type JsonObject, seconds, typed } from "./json.ts";
import { downstreamTls, type TlsOptions } from "./tls.ts";
import { type AskOptions, askFields } from "./weir-cluster.ts";

const EXT_AUTHZ = "envoy.filters.http.ext_authz";
const JWT_AUTHN = "envoy.filters.http.jwt_authn";
/** The room that large cookies and tokens need; Envoy's own default is 60 KiB. */
const DEFAULT_MAX_HEADERS_KB = 96;

/** HTTP/1.1, HTTP/2, gRPC and WebSockets on one port: one Check and one log entry per request. */
export interface HttpListener {
  readonly kind: "http";
  readonly name: string;
  /** Default 0: any free one. */
  readonly port?: number;
  /** The first that matches is taken. */
  readonly routes: readonly Route[];
  readonly authz?: HttpAskOptions;
  readonly log?: LogOptions;
  readonly tls?: TlsOptions;
  readonly jwt?: JwtOptions;
  /** Default: normalised. */
  readonly paths?: PathOptions;
  /** KiB of a request's headers; more is answered 431 by Envoy. Default 96. */
  readonly maxHeadersKb?: number;
  /** How many headers a request may have; more is answered 431 by Envoy. Default 100, as Envoy's. */
  readonly maxHeaders?: number;
  /** Takes HTTP/1.0 too. Default false: Envoy answers 426. */
  readonly http10?: boolean;
}

interface Route {
  readonly name: string;
  readonly prefix: string;
  /** Headers a request must have, with exactly these values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Among the upstreams. */
  readonly upstream: string;
  /** In place of the prefix on the way up; the Check has what the client sent. */
  readonly rewrite?: string;
  /** How long the upstream may take. Default 15 s, as Envoy's. */
  readonly timeoutMs?: number;
  /** `context.*` in Weir. */
  readonly context?: Readonly<Record<string, string>>;
  /** `off`: Weir is not asked. */
  readonly authz?: "off";
}

interface HttpAskOptions extends AskOptions {
  /** What the client gets when Weir cannot be asked. Default 403, which looks like a denial; 503 tells them apart. */
  readonly statusOnError?: number;
  /** Sends the body along, up to so many bytes. A longer one is cut when `partial`, otherwise Envoy answers 413 without asking. */
  readonly body?: { readonly maxBytes: number; readonly partial?: boolean };
}

interface PathOptions {
  /** Dot segments resolved, slashes merged, unreserved characters decoded, before Weir and the routes look. Default true. */
  readonly normalize?: boolean;
  /** What happens to `%2F` and `%5C`. Default `reject`: see `envoy.yaml`. */
  readonly escapedSlashes?: keyof typeof ESCAPED_SLASHES;
}

const ESCAPED_SLASHES = {
  reject: "REJECT_REQUEST",
  keep: "KEEP_UNCHANGED",
  redirect: "UNESCAPE_AND_REDIRECT",
  forward: "UNESCAPE_AND_FORWARD",
} as const;

/** Tokens are verified by Envoy; Weir reads the claims. A request without a token passes, one with a bad token does not. */
interface JwtOptions {
  readonly issuer: string;
  /** One of them must be the token's. Default: any audience. */
  readonly audiences?: readonly string[];
  /** A JSON Web Key Set, as text. */
  readonly jwks: string;
  /** The name that the claims get in Envoy's metadata. Default `jwt`. */
  readonly key?: string;
}

export function httpFilterChain(listener: HttpListener): JsonObject {
  const { tls } = listener;
  return {
    transport_socket: tls && downstreamTls(tls, ["h2", "http/1.1"]),
    filters: [
      extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        connectionManager(listener),
      ),
    ],
  };
}

function connectionManager(listener: HttpListener): JsonObject {
  const { name, routes, authz = {}, log = {}, jwt, paths = {}, tls } = listener;
  return {
    stat_prefix: name,
    codec_type: "AUTO",
    // The client's address is the connection's, and what a client claims in x-forwarded-for and x-envoy-* is not believed.
    use_remote_address: true,
    normalize_path: paths.normalize ?? true,
    merge_slashes: paths.normalize ?? true,
    path_with_escaped_slashes_action: ESCAPED_SLASHES[paths.escapedSlashes ?? "reject"],
    max_request_headers_kb: listener.maxHeadersKb ?? DEFAULT_MAX_HEADERS_KB,
    common_http_protocol_options:
      listener.maxHeaders === undefined ? undefined : { max_headers_count: listener.maxHeaders },
    http_protocol_options: listener.http10 === undefined ? undefined : { accept_http_10: listener.http10 },
    forward_client_cert_details: tls && "SANITIZE_SET",
    set_current_client_cert_details: tls && { uri: true, dns: true, subject: true },
    upgrade_configs: [{ upgrade_type: "websocket" }],
    access_log: [httpLog(name, log)],
    access_log_options: logTimes("flush_access_log_on_new_request", log),
    route_config: { name, virtual_hosts: [{ name, domains: ["*"], routes: routes.map(routeOf) }] },
    http_filters: [
      ...(jwt ? [jwtFilter(jwt)] : []),
      extension(EXT_AUTHZ, "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", authzFields(authz, jwt)),
      extension("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router"),
    ],
  };
}

function authzFields(authz: HttpAskOptions, jwt: JwtOptions | undefined): JsonObject {
  const { statusOnError, body } = authz;
  return {
    ...askFields(authz),
    // Duplicates apart and bytes as they are; otherwise Envoy joins them and writes `!` for what is not UTF-8.
    encode_raw_headers: true,
    // A header that Weir set or removed may be what a route looks at: without this the client's own value has chosen.
    clear_route_cache: true,
    status_on_error: statusOnError === undefined ? undefined : { code: statusOnError },
    with_request_body: body && {
      max_request_bytes: body.maxBytes,
      allow_partial_message: body.partial ?? false,
      pack_as_bytes: true,
    },
    metadata_context_namespaces: jwt && [JWT_AUTHN],
  };
}

function routeOf({ name, prefix, headers = {}, upstream, rewrite, timeoutMs, context, authz }: Route): JsonObject {
  const perRoute =
    authz === "off" ? { disabled: true } : context && { check_settings: { context_extensions: context } };
  const matchers = Object.entries(headers).map(([header, value]) => ({ name: header, string_match: { exact: value } }));
  return {
    name,
    match: { prefix, headers: matchers.length > 0 ? matchers : undefined },
    route: {
      cluster: upstream,
      prefix_rewrite: rewrite,
      timeout: timeoutMs === undefined ? undefined : seconds(timeoutMs),
    },
    typed_per_filter_config: perRoute && {
      [EXT_AUTHZ]: typed("envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", perRoute),
    },
  };
}

function jwtFilter({ issuer, audiences, jwks, key = "jwt" }: JwtOptions): JsonObject {
  return extension(JWT_AUTHN, "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication", {
    providers: {
      provider: {
        issuer,
        audiences,
        forward: true,
        payload_in_metadata: key,
        local_jwks: { inline_string: jwks },
      },
    },
    rules: [
      {
        match: { prefix: "/" },
        requires: { requires_any: { requirements: [{ provider_name: "provider" }, { allow_missing: {} }] } },
      },
    ],
  });
}
