/** How many are kept of what a service or a test server received. */
const KEPT = 10_000;
const DEFAULT_WITHIN_MS = 10_000;

/** What arrived somewhere, in order, for those who want to look at it or wait for it. The oldest go when there are more than 10,000. */
export class Received<T> {
  #kept: T[] = [];
  readonly #awaited = new Set<(item: T) => void>();

  push(item: T): void {
    this.#kept.push(item);
    if (this.#kept.length > KEPT) this.#kept.shift();
    for (const tell of this.#awaited) tell(item);
  }

  get all(): readonly T[] {
    return this.#kept;
  }

  /** Forgets what arrived so far, so that `first` speaks of what comes after. */
  clear(): void {
    this.#kept = [];
  }

  /**
   * @returns the first that matches, of those kept or, when none does, of those to come.
   * @throws when none has come in time.
   */
  first(matches: (item: T) => boolean = () => true, withinMs: number = DEFAULT_WITHIN_MS): Promise<T> {
    const found = this.#kept.find(matches);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#awaited.delete(look);
      };
      const look = (item: T) => {
        if (!matches(item)) return;
        settle();
        resolve(item);
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`none of the ${this.#kept.length} received matches, after ${withinMs} ms`));
      }, withinMs);
      this.#awaited.add(look);
    });
  }
}
