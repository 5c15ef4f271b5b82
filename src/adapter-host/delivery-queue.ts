import type { ReportBatch } from "../snapshot/handler-set.ts";

export interface QueueOptions {
  /** Records that may wait. */
  readonly records: number;
  readonly onFull: "drop-oldest" | "drop-newest";
}

/**
 * What waits for a handler, bounded in records. Batches of one template that follow each other are taken together. A record is one
 * instance: a log entry, a span, or a series with what happened to it.
 */
export class DeliveryQueue {
  readonly #options: QueueOptions;
  /** Oldest first. The first batch may be partly gone: `#taken` says how much of it. */
  #batches: ReportBatch[] = [];
  #head = 0;
  #taken = 0;
  #size = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Records that wait. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes a batch in. `busy` records are being delivered: they count against the bound and can no longer be dropped.
   *
   * @returns how many records were dropped, old ones or new ones.
   */
  add(batch: ReportBatch, busy: number): number {
    const room = Math.max(0, this.#options.records - busy);
    const excess = Math.max(0, this.#size + batch.instances.length - room);
    if (this.#options.onFull === "drop-newest") {
      this.#push(part(batch, 0, batch.instances.length - Math.min(excess, batch.instances.length)));
      return Math.min(excess, batch.instances.length);
    }
    const old = Math.min(excess, this.#size);
    this.#forget(old);
    // What does not fit even into an empty queue: the oldest of the new.
    this.#push(part(batch, excess - old, batch.instances.length));
    return excess;
  }

  /** @returns up to `records` of the oldest records of one template, undefined when nothing waits. */
  take(records: number): ReportBatch | undefined {
    const first = this.#batches[this.#head];
    if (first === undefined) return undefined;
    let batch = part(first, this.#taken, Math.min(first.instances.length, this.#taken + records));
    this.#forget(batch.instances.length);
    while (batch.instances.length < records) {
      const next = this.#batches[this.#head];
      if (next?.template !== first.template) break;
      const more = part(
        next,
        this.#taken,
        Math.min(next.instances.length, this.#taken + records - batch.instances.length),
      );
      batch = joined(batch, more);
      this.#forget(more.instances.length);
    }
    return batch;
  }

  /** Empties the queue. @returns how many records waited. */
  clear(): number {
    const size = this.#size;
    this.#forget(size);
    return size;
  }

  #push(batch: ReportBatch): void {
    if (batch.instances.length === 0) return;
    this.#batches.push(batch);
    this.#size += batch.instances.length;
  }

  /** Lets go of the oldest records. */
  #forget(records: number): void {
    let left = records;
    while (left > 0) {
      const first = this.#batches[this.#head];
      // INVARIANT: nobody forgets more than there is.
      if (first === undefined) throw new Error("a delivery queue has fewer records than it counted");
      const here = Math.min(left, first.instances.length - this.#taken);
      left -= here;
      this.#taken += here;
      this.#size -= here;
      if (this.#taken === first.instances.length) this.#advance();
    }
  }

  #advance(): void {
    this.#head += 1;
    this.#taken = 0;
    // Moving the rest costs as much as was let go of since the last time.
    if (this.#head * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
  }
}

function part(batch: ReportBatch, from: number, to: number): ReportBatch {
  if (from === 0 && to === batch.instances.length) return batch;
  // The template stays with its instances; TypeScript does not follow a union through a spread.
  return { template: batch.template, instances: batch.instances.slice(from, to) } as ReportBatch;
}

/** Of one template: the caller has looked. */
function joined(first: ReportBatch, second: ReportBatch): ReportBatch {
  // TypeScript does not see that two of one template have instances of one type.
  return { template: first.template, instances: [...first.instances, ...second.instances] } as ReportBatch;
}
