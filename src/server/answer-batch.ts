import type { CheckId } from "./check-batch.ts";

/** How large a message of answers may become before the next one is begun, in bytes. */
export const MAX_ANSWERS_BYTES = 256 * 1024;

/** The fields of `CheckBatchResponse.Item` that an answer may be. */
export const ITEM = { decision: 2, failure: 3 } as const;

/** What is to be written. It is not changed until it is. */
export interface BatchedAnswer {
  readonly id: CheckId;
  readonly field: (typeof ITEM)[keyof typeof ITEM];
  /** The bytes of a CheckResponse or CheckFailure. */
  readonly body: Uint8Array;
}

interface BatchedNotice {
  readonly field: "notice";
  /** The bytes of a SnapshotNotice. */
  readonly body: Uint8Array;
}

/** Answers that wait to be written, and notices among them, in order. */
export class AnswerBatch {
  #waiting: (BatchedAnswer | BatchedNotice)[] = [];

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(answer: BatchedAnswer): void {
    this.#waiting.push(answer);
  }

  /** What is added from now on comes after it. Of two without an answer between them the later one says it all. */
  notice(body: Uint8Array): void {
    if (this.#waiting.at(-1)?.field === "notice") this.#waiting.pop();
    this.#waiting.push({ field: "notice", body });
  }

  /**
   * Takes the first ones off, until there are none left.
   * @param inFlight loses the answers that were taken.
   * @returns them as a `CheckBatchResponse`
   */
  take(inFlight: Map<CheckId, unknown>): Buffer {
    const waiting = this.#waiting;
    let bytes = 0;
    let count = 0;
    for (; count < waiting.length; count++) {
      const next = waiting[count];
      // A notice holds for the whole message that it is in, and so begins one.
      if (next === undefined || (count > 0 && next.field === "notice")) break;
      const more = sizeOf(next);
      if (count > 0 && bytes + more > MAX_ANSWERS_BYTES) break;
      bytes += more;
    }
    const message = Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let index = 0; index < count; index++) {
      const taken = waiting[index];
      if (taken === undefined) break;
      at = write(message, at, taken);
      // An answer to a check whose id was in use is not the one that this id waits for.
      if (taken.field !== "notice" && inFlight.get(taken.id) === taken) inFlight.delete(taken.id);
    }
    this.#waiting = count === waiting.length ? [] : waiting.slice(count);
    return message;
  }

  clear(): void {
    this.#waiting = [];
  }
}

const BYTES = 2;
const ITEMS_TAG = (1 << 3) | BYTES;
const NOTICE_TAG = (2 << 3) | BYTES;
const ID_TAG = 1 << 3;

function sizeOf(entry: BatchedAnswer | BatchedNotice): number {
  const held = entry.field === "notice" ? entry.body.length : itemSize(entry);
  return 1 + sizeOfVarint(held) + held;
}

/** The id and the answer, each with its tag. */
function itemSize({ id, body }: BatchedAnswer): number {
  return 1 + sizeOfVarint(id) + 1 + sizeOfVarint(body.length) + body.length;
}

function write(message: Buffer, start: number, entry: BatchedAnswer | BatchedNotice): number {
  const { body } = entry;
  let at = start;
  if (entry.field === "notice") message[at++] = NOTICE_TAG;
  else {
    message[at++] = ITEMS_TAG;
    at = writeVarint(message, at, itemSize(entry));
    message[at++] = ID_TAG;
    at = writeVarint(message, at, entry.id);
    message[at++] = (entry.field << 3) | BYTES;
  }
  at = writeVarint(message, at, body.length);
  message.set(body, at);
  return at + body.length;
}

function sizeOfVarint(value: CheckId): number {
  let size = 1;
  if (typeof value === "bigint") for (let rest = value >> 7n; rest > 0n; rest >>= 7n) size++;
  else for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeVarint(bytes: Buffer, start: number, value: CheckId): number {
  let at = start;
  if (typeof value === "bigint") {
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) bytes[at++] = Number(rest & 0x7fn) | 0x80;
    bytes[at++] = Number(rest);
    return at;
  }
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}
