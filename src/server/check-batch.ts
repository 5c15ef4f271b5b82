/**
 * The messages of a stream of checks, without the checks: a `CheckBatchRequest` is cut into its checks, which are read one by one so that one
 * that is broken fails alone, and answers that are bytes already are put together to a `CheckBatchResponse`.
 */

/** Checks in one message of a stream; with more it is none: all of them are decided before anybody else is served. */
export const MAX_CHECKS_PER_MESSAGE = 256;

/** The id of a check as its caller chose it; a bigint where a number would not be exact. */
export type CheckId = number | bigint;

export interface CheckBatch {
  readonly ids: CheckId[];
  /** The bytes of each CheckRequest. */
  readonly checks: Uint8Array[];
}

/** @returns undefined for what is no `CheckBatchRequest`, or holds too many checks. Groups, which proto3 does not have, make it none. */
export function readBatch(message: Uint8Array): CheckBatch | undefined {
  const batch: CheckBatch = { ids: [], checks: [] };
  const cursor = new Cursor(message);
  while (cursor.next(message.length)) {
    if (cursor.field !== ITEMS) continue;
    if (cursor.wireType !== BYTES || batch.ids.length === MAX_CHECKS_PER_MESSAGE) return undefined;
    if (!readItem(message, cursor.start, cursor.end, batch)) return undefined;
  }
  return cursor.broken ? undefined : batch;
}

const ITEMS = 1;
const ITEM_ID = 1;
const ITEM_CHECK = 2;
const NOTHING = new Uint8Array();

function readItem(message: Uint8Array, start: number, end: number, batch: CheckBatch): boolean {
  const cursor = new Cursor(message, start);
  let id: CheckId = 0;
  let check: Uint8Array | undefined;
  while (cursor.next(end)) {
    if (cursor.field === ITEM_ID) {
      if (cursor.wireType !== VARINT) return false;
      id = idAt(message, cursor.start, cursor.end);
    } else if (cursor.field === ITEM_CHECK) {
      if (cursor.wireType !== BYTES) return false;
      const part = message.subarray(cursor.start, cursor.end);
      // A message that comes in parts is what its parts say one after the other.
      check = check === undefined ? part : Buffer.concat([check, part]);
    }
  }
  if (cursor.broken) return false;
  batch.ids.push(id);
  batch.checks.push(check ?? NOTHING);
  return true;
}

/** Numbers are exact up to here, and below it seven bits at a time do not add up to more. */
const EXACT_BYTES = 7;

function idAt(message: Uint8Array, start: number, end: number): CheckId {
  if (end - start <= EXACT_BYTES) {
    let id = 0;
    for (let at = end - 1; at >= start; at--) id = id * 0x80 + ((message[at] ?? 0) & 0x7f);
    return id;
  }
  let id = 0n;
  for (let at = end - 1; at >= start; at--) id = id * 0x80n + BigInt((message[at] ?? 0) & 0x7f);
  const unsigned = BigInt.asUintN(64, id);
  // One id, one form, however it was written.
  return unsigned <= Number.MAX_SAFE_INTEGER ? Number(unsigned) : unsigned;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const MAX_VARINT_BYTES = 10;
const MAX_SIZE_BYTES = 4;

/** Steps from field to field of a message. */
class Cursor {
  field = 0;
  wireType = 0;
  /** Of the value. */
  start = 0;
  end = 0;
  /** The bytes stopped being a message. */
  broken = false;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** @returns false at the end, and where no field can be read. */
  next(end: number): boolean {
    if (this.#at === end) return false;
    const tag = this.#size(end);
    this.field = tag >>> 3;
    this.wireType = tag & 7;
    const length = tag < 0 || this.field === 0 ? -1 : this.#length(end);
    this.start = this.#at;
    this.end = this.#at + length;
    this.broken = length < 0 || this.end > end;
    this.#at = this.end;
    return !this.broken;
  }

  /** @returns how many bytes the value has, -1 where that cannot be told. */
  #length(end: number): number {
    switch (this.wireType) {
      case VARINT:
        return this.#varint(end);
      case FIXED64:
        return 8;
      case FIXED32:
        return 4;
      case BYTES:
        return this.#size(end);
      default:
        return -1;
    }
  }

  #varint(end: number): number {
    const most = Math.min(end - this.#at, MAX_VARINT_BYTES);
    for (let length = 1; length <= most; length++) if ((this.#bytes[this.#at + length - 1] ?? 0) < 0x80) return length;
    return -1;
  }

  /** @returns a tag or a length, and goes past it; -1 for none of 28 bits, which no field of ours and no message of 4 MiB needs more of. */
  #size(end: number): number {
    const stop = Math.min(end, this.#at + MAX_SIZE_BYTES);
    let value = 0;
    for (let shift = 0; this.#at < stop; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  }
}
