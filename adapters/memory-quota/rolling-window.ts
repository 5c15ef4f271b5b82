/** Grants of one key that are near each other in time. They leave the window together, when the last of them does. */
export interface Part {
  readonly firstMs: number;
  lastMs: number;
  amount: bigint;
}

/** A part holds the grants of at most this share of `every`: the bound of what is refused although it would fit. */
const PARTS_PER_WINDOW = 10;

/**
 * What was granted to one key, as far as it still counts. A grant at time t counts during [t, t + every), and a little longer when it shares
 * a part with later ones: never shorter, so no window of that length ever holds more than what was granted as fitting; and longer by less
 * than `every` / 10.
 *
 * `every` comes with each call: when a limit is edited, what was granted under the old one goes on counting.
 */
export class RollingWindow {
  /** Oldest first; at most a dozen. */
  #parts: Part[] = [];
  #used = 0n;
  everyMs: number;

  constructor(everyMs: number) {
    this.everyMs = everyMs;
  }

  /** What counts at this time. */
  used(nowMs: number, everyMs: number): bigint {
    for (let first = this.#parts[0]; first && nowMs - first.lastMs >= everyMs; first = this.#parts[0]) {
      this.#used -= first.amount;
      this.#parts.shift();
    }
    return this.#used;
  }

  /** Takes a grant in. @returns the part it belongs to. */
  grant(amount: bigint, nowMs: number, everyMs: number): Part {
    this.everyMs = everyMs;
    this.#used += amount;
    const newest = this.#parts.at(-1);
    if (newest && nowMs - newest.firstMs < everyMs / PARTS_PER_WINDOW) {
      newest.lastMs = nowMs;
      newest.amount += amount;
      return newest;
    }
    const part = { firstMs: nowMs, lastMs: nowMs, amount };
    this.#parts.push(part);
    return part;
  }

  /** Takes back what `part` was granted. Nothing when the part has left the window. */
  takeBack(part: Part, amount: bigint): void {
    if (!this.#parts.includes(part)) return;
    const taken = amount < part.amount ? amount : part.amount;
    part.amount -= taken;
    this.#used -= taken;
  }

  /**
   * Takes back a grant of which only the amount is known. From the oldest part: one that is too old makes the rest count for longer than
   * it must, one that is too new would make it count for shorter.
   */
  takeBackOldest(amount: bigint): void {
    let left = amount;
    for (const part of this.#parts) {
      // biome-ignore lint/complexity/useMathMinMax: Math.min knows no bigint
      const taken = left < part.amount ? left : part.amount;
      part.amount -= taken;
      this.#used -= taken;
      left -= taken;
    }
  }

  /** @returns milliseconds until no more than `used` counts, when nothing more is granted; Infinity when that is below 0. */
  waitUntil(used: bigint, nowMs: number, everyMs: number): number {
    if (used < 0n) return Number.POSITIVE_INFINITY;
    let counting = this.used(nowMs, everyMs);
    let waitMs = 0;
    for (const part of this.#parts) {
      if (counting <= used) break;
      counting -= part.amount;
      waitMs = part.lastMs + everyMs - nowMs;
    }
    return waitMs;
  }

  /** Whether nothing counts any more. */
  isEmpty(nowMs: number): boolean {
    return this.used(nowMs, this.everyMs) === 0n;
  }
}
