/** The exact account of one handler name, across being opened anew: accepted = delivered + dropped + queued, in records. */
export class Ledger {
  accepted = 0n;
  delivered = 0n;
  dropped = 0n;
  lastError: string | undefined;
  readonly #queues = new Set<() => number>();

  /** Waiting or being delivered, in every handler of this name that is not closed yet. */
  get queued(): bigint {
    let queued = 0;
    for (const size of this.#queues) queued += size();
    return BigInt(queued);
  }

  /** Counts a queue in. @returns what takes it out again, once it is empty for good. */
  watch(size: () => number): () => void {
    this.#queues.add(size);
    return () => void this.#queues.delete(size);
  }
}
