import type { Peer } from "../wire/door.ts";
import { peerAddress } from "./peer-values.ts";

/** How many reports are remembered, of all peers together, and for how long: a caller that repeats does so within seconds. */
export const MAX_REPORT_IDS = 10_000;
export const REPORT_ID_LIFE_MS = 10 * 60 * 1000;
/** Longer ones are refused: they would be kept as long as the others. */
export const MAX_REPORT_ID_LENGTH = 256;

/** Which Reports were accepted before: one memory for all request threads, so that it may have to be asked elsewhere. */
export interface ReportClaims {
  /** Asks to take a Report, before anything of it is taken. `unavailable`: nobody can tell, and nothing may be taken. */
  claim(key: string, records: number): Claimed | "unavailable" | Promise<Claimed | "unavailable">;
}

export interface Claimed {
  /** How many records were accepted under this key before; undefined when none was: then they count as accepted from now on. */
  readonly before: number | undefined;
  /** The Report was refused after all. */
  undo(): void;
}

/** Reports that were accepted, by who sent them and the id they gave. What is repeated is answered and not taken again. */
export class ReportIds implements ReportClaims {
  readonly #monotonicMs: () => number;
  /** In the order in which they were accepted, the oldest first. */
  readonly #accepted = new Map<string, { readonly records: number; readonly atMs: number }>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  claim(key: string, records: number): Claimed {
    const nowMs = this.#monotonicMs();
    const known = this.#accepted.get(key);
    if (known !== undefined && nowMs - known.atMs < REPORT_ID_LIFE_MS) return { before: known.records, undo: NOTHING };
    const entry = { records, atMs: nowMs };
    this.#accepted.delete(key);
    this.#accepted.set(key, entry);
    this.#forgetOldest(nowMs);
    return { before: undefined, undo: () => this.#undo(key, entry) };
  }

  #undo(key: string, entry: object): void {
    if (this.#accepted.get(key) === entry) this.#accepted.delete(key);
  }

  #forgetOldest(nowMs: number): void {
    for (const [oldest, { atMs }] of this.#accepted) {
      if (this.#accepted.size <= MAX_REPORT_IDS && nowMs - atMs < REPORT_ID_LIFE_MS) break;
      this.#accepted.delete(oldest);
    }
  }
}

const NOTHING = (): void => undefined;

/** @returns what a Report is remembered by. A repeat may come over another connection: the port says nothing. */
export function reportKey(peer: Peer, id: string): string {
  return JSON.stringify([peer.principal ?? "", peerAddress(peer), id]);
}
