import { RollingWindow } from "./rolling-window.ts";

/** Windows that are looked at for having run out whenever a new key comes. */
const SWEPT_PER_KEY = 2;

/**
 * The windows of all keys, bounded in number. Windows of equal length stand in the order of their last grants, so the one that runs out
 * first is the first of its length.
 */
export class Windows {
  readonly #byKey = new Map<string, RollingWindow>();
  /** By length, the keys in the order of their last grants. */
  readonly #byLength = new Map<number, Set<string>>();

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): RollingWindow | undefined {
    return this.#byKey.get(key);
  }

  /** Makes room for so many new keys. @returns false when there is none. */
  makeRoom(newKeys: number, maxKeys: number, nowMs: number): boolean {
    const wanted = Math.max(newKeys * SWEPT_PER_KEY, this.#byKey.size + newKeys - maxKeys);
    if (newKeys > 0) this.#sweep(wanted, nowMs);
    return this.#byKey.size + newKeys <= maxKeys;
  }

  /** @returns the key's window, new when it has none; the caller is about to grant and has made room. */
  toGrant(key: string, everyMs: number): RollingWindow {
    const window = this.#byKey.get(key) ?? new RollingWindow(everyMs);
    this.#leave(key, window.everyMs);
    this.#byKey.set(key, window);
    const keys = this.#byLength.get(everyMs);
    if (keys) keys.add(key);
    else this.#byLength.set(everyMs, new Set([key]));
    return window;
  }

  /** Forgets up to `wanted` windows of each length in which nothing counts. */
  #sweep(wanted: number, nowMs: number): void {
    for (const [everyMs, keys] of this.#byLength) {
      let left = wanted;
      for (const key of keys) {
        if (left === 0 || this.#byKey.get(key)?.isEmpty(nowMs) === false) break;
        this.#byKey.delete(key);
        this.#leave(key, everyMs);
        left -= 1;
      }
    }
  }

  #leave(key: string, everyMs: number): void {
    const keys = this.#byLength.get(everyMs);
    if (keys === undefined) return;
    keys.delete(key);
    if (keys.size === 0) this.#byLength.delete(everyMs);
  }
}
