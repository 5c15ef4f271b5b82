import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { Peers } from "./peers.ts";

function socket(remoteAddress: string | undefined, remotePort = 4711): Socket {
  // Peers look at no more of a socket than this.
  return Object.assign(new EventEmitter(), { remoteAddress, remotePort }) as unknown as Socket;
}

test("two connections from one address and port cannot take each other's names: the second is not served", () => {
  const peers = new Peers(false);
  const first = socket("10.0.0.9");
  expect(peers.join(first, "spiffe://shop/ns/web")?.principal).toBe("spiffe://shop/ns/web");
  const second = socket("10.0.0.9");
  expect(peers.join(second, "spiffe://shop/ns/evil")).toBeUndefined();
  second.emit("close");
  expect(peers.named("10.0.0.9:4711").principal).toBe("spiffe://shop/ns/web");
  first.emit("close");
  expect(peers.named("10.0.0.9:4711").principal).toBeUndefined();
  expect(peers.join(socket("10.0.0.9"))).toBeDefined();
});

test("a peer is this machine's by its address, whatever way it is written", () => {
  const peers = new Peers(false);
  for (const address of ["127.0.0.1", "::ffff:127.0.0.9", "::1", "10.0.0.9", "fe80::1"]) peers.join(socket(address, 1));
  const of = (name: string) => [peers.named(name).address, peers.named(name).local];
  expect(of("::ffff:127.0.0.9:1")).toEqual(["127.0.0.9:1", true]);
  expect(of("::1:1")).toEqual(["[::1]:1", true]);
  expect(of("10.0.0.9:1")).toEqual(["10.0.0.9:1", false]);
  expect(of("fe80::1:1")).toEqual(["[fe80::1]:1", false]);
});

test("a connection that is gone already is not served", () => {
  expect(new Peers(false).join(socket(undefined))).toBeUndefined();
});
