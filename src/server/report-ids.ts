import type { Peer } from "../wire/door.ts";
import { peerAddress } from "./peer-values.ts";

/** How many reports are remembered, of all peers together, and for how long: a caller that repeats does so within seconds. */
export const MAX_REPORT_IDS = 10_000;
export const REPORT_ID_LIFE_MS = 10 * 60 * 1000;
/** Longer ones are refused: they would be kept as long as the others. */
export const MAX_REPORT_ID_LENGTH = 256;

/** Reports that were accepted, by who sent them and the id they gave. What is repeated is answered and not taken again. */
export class ReportIds {
  /** In the order in which they were accepted, the oldest first. */
  readonly #accepted = new Map<string, { readonly records: number; readonly atMs: number }>();

  /** @returns how many records were accepted under this id, undefined when none was, or not lately. */
  find(peer: Peer, id: string, nowMs: number): number | undefined {
    const entry = this.#accepted.get(keyOf(peer, id));
    return entry !== undefined && nowMs - entry.atMs < REPORT_ID_LIFE_MS ? entry.records : undefined;
  }

  remember(peer: Peer, id: string, records: number, nowMs: number): void {
    const key = keyOf(peer, id);
    this.#accepted.delete(key);
    this.#accepted.set(key, { records, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#accepted) {
      if (this.#accepted.size <= MAX_REPORT_IDS && nowMs - atMs < REPORT_ID_LIFE_MS) break;
      this.#accepted.delete(oldest);
    }
  }
}

/** A repeat may come over another connection: the port says nothing. */
function keyOf(peer: Peer, id: string): string {
  return JSON.stringify([peer.principal ?? "", peerAddress(peer), id]);
}

export class ReportMemory {
  readonly #accepted = new Map<string, { readonly records: number; readonly atMs: number }>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  claim(key: string, records: number): number | undefined {
    const nowMs = this.#monotonicMs();
    const entry = this.#accepted.get(key);
    if (entry !== undefined && nowMs - entry.atMs < REPORT_ID_LIFE_MS) return entry.records;
    this.#accepted.delete(key);
    this.#accepted.set(key, { records, atMs: nowMs });
    for (const [oldest, { atMs }] of this.#accepted) {
      if (this.#accepted.size <= MAX_REPORT_IDS && nowMs - atMs < REPORT_ID_LIFE_MS) break;
      this.#accepted.delete(oldest);
    }
    return undefined;
  }

  unclaim(key: string): void {
    this.#accepted.delete(key);
  }
}
