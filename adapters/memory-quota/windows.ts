import { RollingWindow } from "./rolling-window.ts";

/** Windows that are looked at for having run out whenever a new key comes. */
const SWEPT_PER_KEY = 2;

/**
 * The windows of all keys, bounded in number. Windows of equal length stand in the order of their last grants, so the one that runs out
 * first is the first of its length. Linked by hand: a Map that loses its first entry again and again gets slow to begin.
 */
export class Windows {
  readonly #byKey = new Map<string, Entry>();
  readonly #byLength = new Map<number, List>();

  get(key: string): RollingWindow | undefined {
    return this.#byKey.get(key)?.window;
  }

  /** Makes room for so many new keys. @returns false when there is none. */
  makeRoom(newKeys: number, maxKeys: number, nowMs: number): boolean {
    if (newKeys === 0) return true;
    this.#sweep(Math.max(newKeys * SWEPT_PER_KEY, this.#byKey.size + newKeys - maxKeys), nowMs);
    return this.#byKey.size + newKeys <= maxKeys;
  }

  /** @returns the key's window, new when it has none; the caller is about to grant and has made room. */
  toGrant(key: string, everyMs: number): RollingWindow {
    const entry = this.#byKey.get(key) ?? {
      key,
      window: new RollingWindow(everyMs),
      list: undefined,
      before: undefined,
      after: undefined,
    };
    this.#byKey.set(key, entry);
    this.#unlink(entry);
    this.#append(entry, everyMs);
    return entry.window;
  }

  /** Forgets up to `wanted` windows of each length in which nothing counts. */
  #sweep(wanted: number, nowMs: number): void {
    for (const list of this.#byLength.values()) {
      for (let left = wanted; left > 0 && list.first?.window.isEmpty(nowMs); left -= 1) {
        this.#byKey.delete(list.first.key);
        this.#unlink(list.first);
      }
    }
  }

  #append(entry: Entry, everyMs: number): void {
    let list = this.#byLength.get(everyMs);
    if (list === undefined) {
      list = { everyMs, first: undefined, last: undefined };
      this.#byLength.set(everyMs, list);
    }
    entry.list = list;
    entry.before = list.last;
    if (list.last) list.last.after = entry;
    else list.first = entry;
    list.last = entry;
  }

  #unlink(entry: Entry): void {
    const { list, before, after } = entry;
    if (list === undefined) return;
    if (before) before.after = after;
    else list.first = after;
    if (after) after.before = before;
    else list.last = before;
    entry.list = entry.before = entry.after = undefined;
    if (list.first === undefined) this.#byLength.delete(list.everyMs);
  }
}

interface Entry {
  readonly key: string;
  readonly window: RollingWindow;
  list: List | undefined;
  before: Entry | undefined;
  after: Entry | undefined;
}

/** The windows of one length, the one that was granted last at the end. */
interface List {
  readonly everyMs: number;
  first: Entry | undefined;
  last: Entry | undefined;
}
