import { extension, type JsonObject } from "./json.ts";

export interface TlsOptions {
  /** PEM, the certificate first. */
  readonly certificate: string;
  /** PEM */
  readonly key: string;
  /** PEM of the authority whose client certificates are trusted. Without it none is asked for. */
  readonly clientCa?: string;
  /** Default true where there is a `clientCa`: no connection without a certificate. */
  readonly clientRequired?: boolean;
}

/** @param alpn protocols offered to the client; none for plain TCP. */
export function downstreamTls(tls: TlsOptions, alpn: readonly string[]): JsonObject {
  return extension("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext", {
    require_client_certificate: tls.clientCa !== undefined && (tls.clientRequired ?? true),
    common_tls_context: {
      alpn_protocols: alpn,
      tls_certificates: [{ certificate_chain: inline(tls.certificate), private_key: inline(tls.key) }],
      validation_context: tls.clientCa === undefined ? undefined : { trusted_ca: inline(tls.clientCa) },
    },
  });
}

/** How Envoy calls a service by mutual TLS. */
export interface UpstreamTls {
  /** PEM, the certificate first. */
  readonly certificate: string;
  /** PEM */
  readonly key: string;
  /** PEM of the authority whose server certificates are trusted. */
  readonly serverCa: string;
  /** The name that the server's certificate must have. */
  readonly serverUri: string;
}

export function upstreamTls({ certificate, key, serverCa, serverUri }: UpstreamTls): JsonObject {
  return extension("envoy.transport_sockets.tls", "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", {
    common_tls_context: {
      tls_certificates: [{ certificate_chain: inline(certificate), private_key: inline(key) }],
      validation_context: {
        trusted_ca: inline(serverCa),
        match_typed_subject_alt_names: [{ san_type: "URI", matcher: { exact: serverUri } }],
      },
    },
  });
}

function inline(text: string): JsonObject {
  return { inline_string: text };
}
