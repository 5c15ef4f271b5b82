import { ABSENT, type Outcome } from "../attribute/value.ts";
import type { Peer } from "../wire/door.ts";

/** `peer.*` comes from our own connection on every door, never from a message. */
export function peerAddress({ address }: Peer): string {
  if (address.startsWith("unix:")) return "unix:";
  const port = address.lastIndexOf(":");
  // `::1` without a port would lose its end: an address with several colons has a port only behind brackets.
  const bare =
    port > 0 && (address.indexOf(":") === port || address[port - 1] === "]") ? address.slice(0, port) : address;
  return bare.replace(/^\[(.*)\]$/, "$1");
}

export function peerPrincipal({ principal }: Peer): Outcome {
  return principal === undefined || principal === "" ? ABSENT : principal;
}
