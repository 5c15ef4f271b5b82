/** The parts of a workload's name, as certificates of a mesh have it. */
export interface SpiffeId {
  /** Who vouches for the name: `cluster.local`. */
  readonly trustDomain: string;
  /** Of Kubernetes; undefined where the name is not of the form `…/ns/NAMESPACE/sa/ACCOUNT`, as for each of the two. */
  readonly namespace: string | undefined;
  readonly serviceAccount: string | undefined;
}

/** What the SPIFFE standard allows an identifier and a trust domain to have. */
const MAX_ID = 2048;
const MAX_TRUST_DOMAIN = 255;

/**
 * Takes a name apart: a SPIFFE ID (`spiffe://cluster.local/ns/web/sa/shop`), or one of Kubernetes as Istio writes it, without `spiffe://`.
 * Strictly, since rules trust what comes of it: characters that the standard does not allow, empty segments and dots make it no name,
 * and a namespace is one only where nothing stands before, between or behind.
 *
 * @returns undefined for a text that is no such name, as the DNS name or subject of another certificate.
 */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const [, scheme, trustDomain = "", path = ""] = (text.length <= MAX_ID && ID.exec(text)) || [];
  if (trustDomain === "" || trustDomain.length > MAX_TRUST_DOMAIN) return undefined;
  const segments = path.split("/").slice(1);
  if (segments.some((segment) => segment === "." || segment === "..")) return undefined;
  const [ns, namespace, sa, serviceAccount] = segments;
  if (segments.length === 4 && ns === "ns" && sa === "sa") return { trustDomain, namespace, serviceAccount };
  // Without its scheme any other text would be a trust domain.
  return scheme === undefined ? undefined : { trustDomain, namespace: undefined, serviceAccount: undefined };
}

/** No two parts of it can take the same characters. */
const ID = /^(spiffe:\/\/)?([a-z0-9._-]+)((?:\/[a-zA-Z0-9._-]+)*)$/;
