import type { ReportBatch } from "../snapshot/handler-set.ts";
import { TALLY, type Tally } from "../telemetry/tally.ts";
import {
  type Delivery,
  type Drop,
  type FromThread,
  MAX_LINES_A_TURN,
  MAX_SENT_BYTES,
  MAX_SENT_INSTANCES,
  type Question,
  RECEIPTS,
  type Receipts,
  type RecordedBytes,
} from "./protocol.ts";

export interface OutboxOptions {
  readonly post: (message: FromThread) => void;
  readonly tally: Tally;
  readonly receipts: Receipts;
}

/** What a request thread has for the supervisor, collected over one turn of the event loop and sent as one message. Bounded, and never waits. */
export class Outbox {
  readonly #post: (message: FromThread) => void;
  readonly #tally: Tally;
  readonly #receipts: Receipts;
  #deliveries: Delivery[] = [];
  #questions: Question[] = [];
  #withdrawn: number[] = [];
  #lines: string[] = [];
  #recorded: RecordedBytes[] = [];
  /** By handler. */
  #drops = new Map<string, number>();
  #scheduled = false;

  constructor({ post, tally, receipts }: OutboxOptions) {
    this.#post = post;
    this.#tally = tally;
    this.#receipts = receipts;
  }

  deliver(generation: number, handler: string, batch: ReportBatch): void {
    const instances = batch.instances.length;
    if (this.#reserve(TALLY.sentInstances, RECEIPTS.instances, instances, MAX_SENT_INSTANCES)) {
      this.#deliveries.push({ generation, handler, batch });
    } else this.#drops.set(handler, (this.#drops.get(handler) ?? 0) + instances);
    this.#schedule();
  }

  ask(question: Question): void {
    this.#questions.push(question);
    this.#schedule();
  }

  withdraw(id: number): void {
    this.#withdrawn.push(id);
    this.#schedule();
  }

  line(line: string): void {
    if (this.#lines.length < MAX_LINES_A_TURN) this.#lines.push(line);
    else if (this.#lines.length === MAX_LINES_A_TURN) this.#lines.push(LINES_DROPPED);
    this.#schedule();
  }

  /** @returns false when there is no room. Keeps no hold of `bytes`. */
  record(path: string, peer: string, bytes: Uint8Array): boolean {
    if (!this.#reserve(TALLY.sentBytes, RECEIPTS.bytes, bytes.length, MAX_SENT_BYTES)) return false;
    // Of its own memory: a message that is a part of a larger piece would take all of it along.
    this.#recorded.push({ path, peer, bytes: new Uint8Array(bytes) });
    this.#schedule();
    return true;
  }

  /** Sends what there is, now. */
  flush(): void {
    if (!this.#scheduled) return;
    this.#scheduled = false;
    const drops: Drop[] = [...this.#drops].map(([handler, instances]) => ({ handler, instances }));
    const work = {
      kind: "work",
      deliveries: this.#deliveries,
      drops,
      questions: this.#questions,
      withdrawn: this.#withdrawn,
      lines: this.#lines,
      recorded: this.#recorded,
    } as const;
    this.#deliveries = [];
    this.#questions = [];
    this.#withdrawn = [];
    this.#lines = [];
    this.#recorded = [];
    this.#drops = new Map();
    this.#post(work);
  }

  #reserve(sent: number, taken: number, amount: number, most: number): boolean {
    const before = this.#tally[sent] ?? 0;
    if (before - (this.#receipts[taken] ?? 0) + amount > most) return false;
    this.#tally[sent] = before + amount;
    return true;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }
}

const LINES_DROPPED = `${JSON.stringify({ level: "warn", message: "a request thread had more to log than there is room for" })}\n`;
