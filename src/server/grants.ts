import type { PeerPlan } from "../snapshot/plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Peer } from "../wire/door.ts";

/** What a peer may do. */
export interface Grants {
  /** Ask about requests. */
  readonly check: boolean;
  /** Charge limits without being checked (`quota_only`). */
  readonly quotaOnly: boolean;
  /** Tell of requests. */
  readonly report: boolean;
  /** Its word on `source.*`, and on `check.*` in reports, counts. */
  readonly assertSource: boolean;
  /** Ask and tell as a proxy does: what Envoy sends says by its nature who the source is. */
  readonly proxy: boolean;
}

/** On loopback and Unix sockets. */
const ALL: Grants = { check: true, quotaOnly: true, report: true, assertSource: true, proxy: true };

/** From elsewhere, where `weir.yaml` does not say who may what: everybody speaks for himself, and proxies as proxies. */
const UNLISTED: Grants = { check: true, quotaOnly: false, report: true, assertSource: false, proxy: true };

/** Who may do what by one snapshot. A peer is looked up once. */
export class GrantTable {
  readonly #listed: readonly PeerPlan[] | undefined;
  readonly #known = new WeakMap<Peer, Grants>();

  constructor(snapshot: Snapshot) {
    this.#listed = snapshot.plan.settings.peers;
  }

  of(peer: Peer): Grants {
    if (peer.local) return ALL;
    if (this.#listed === undefined) return UNLISTED;
    const known = this.#known.get(peer);
    if (known !== undefined) return known;
    const grants = grantsBy(this.#listed, peer.principal);
    this.#known.set(peer, grants);
    return grants;
  }
}

/** What every entry that means the peer says, taken together; nothing where none does. */
function grantsBy(listed: readonly PeerPlan[], principal: string | undefined): Grants {
  const may = new Set(listed.filter(({ peer }) => means(peer, principal)).flatMap((entry) => entry.may));
  const assertSource = may.has("assert-source");
  return {
    check: may.has("check"),
    quotaOnly: may.has("check"),
    report: may.has("report"),
    assertSource,
    proxy: assertSource,
  };
}

function means(pattern: string, principal: string | undefined): boolean {
  if (principal === undefined) return pattern === "anonymous";
  if (pattern === "*") return true;
  if (!pattern.endsWith("/*")) return pattern === principal;
  const above = pattern.slice(0, -1);
  return principal.length > above.length && principal.startsWith(above);
}
