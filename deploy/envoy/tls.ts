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

function inline(text: string): JsonObject {
  return { inline_string: text };
}
