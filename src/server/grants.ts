import type { Peer } from "../wire/door.ts";

/** What a peer may do besides asking about its own requests. */
export interface Grants {
  /** Charge limits without being checked (`quota_only`). */
  readonly check: boolean;
  /** Its word on `source.*`, and on `check.*` in reports, counts. */
  readonly assertSource: boolean;
}

const ALL: Grants = { check: true, assertSource: true };
const NONE: Grants = { check: false, assertSource: false };

/** Everything on loopback and Unix sockets; nothing elsewhere, until grants can be written down. */
export function grantsOf(peer: Peer): Grants {
  return peer.local ? ALL : NONE;
}
