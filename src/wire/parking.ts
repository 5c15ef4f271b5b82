import type { Socket } from "node:net";

/** How long a connection waits at the least. Milliseconds. */
const WAIT_MS = 200;

/** Those that wait go on one after the other, so far apart: a connection costs as much as ten calls. Milliseconds. */
const APART_MS = 10;

/** Addresses that are remembered; of those beyond, new connections do not wait. */
const MAX_ADDRESSES = 10_000;

/**
 * Where new connections wait during an overload, when a connection from the same address was sent away: not a byte of them is read meanwhile.
 * Others, such as a prober of our health, pass.
 */
export class Parking {
  readonly #monotonicMs: () => number;
  readonly #addresses = new Set<string>();
  readonly #waiting = new Map<NodeJS.Timeout, () => void>();
  #lastMs = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** New connections from there wait. */
  mark(address: string): void {
    if (this.#addresses.size < MAX_ADDRESSES) this.#addresses.add(address);
  }

  /** Lets the connection go on, now or later. */
  pass(socket: Socket, address: string, go: () => void): void {
    if (!this.#addresses.has(address)) {
      go();
      return;
    }
    const nowMs = this.#monotonicMs();
    this.#lastMs = Math.max(nowMs + WAIT_MS, this.#lastMs + APART_MS);
    const timer = setTimeout(() => this.#go(timer), this.#lastMs - nowMs);
    this.#waiting.set(timer, () => {
      if (!socket.destroyed) go();
    });
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#addresses.clear();
    for (const timer of [...this.#waiting.keys()]) this.#go(timer);
  }

  #go(timer: NodeJS.Timeout): void {
    clearTimeout(timer);
    const go = this.#waiting.get(timer);
    this.#waiting.delete(timer);
    go?.();
  }
}
