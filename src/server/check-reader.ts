import { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest, QuotaRequest } from "#proto/weir/v1/check";
import type { Held } from "../attribute/entry-map.ts";
import type { Peer } from "../wire/door.ts";
import { readFields } from "../wire/field-reader.ts";
import { selectFields } from "../wire/field-selection.ts";
import { decodeText, lenientReadOptions } from "../wire/lenient.ts";
import type { SentCheck } from "./check-decoder.ts";
import { CheckSource } from "./check-source.ts";
import { type CheckTable, KIND, type NameRow } from "./check-table.ts";
import type { Grants } from "./grants.ts";
import { valueFromProto } from "./value-codec.ts";
import { takeAs } from "./weir-attributes.ts";

export interface CheckReaderOptions {
  readonly table: CheckTable;
  readonly maxAttributes: number;
  readonly pathParams: "refuse" | "keep";
}

/**
 * Reads a CheckRequest without decoding it: one walk over its bytes notes where the values are that the snapshot reads, and a value is made of
 * them when a rule asks for it.
 *
 * It takes messages as every encoder writes them: fields in the order of their numbers, none twice, none that we do not know, lengths in as
 * few bytes as they need or nearly, each attribute once, each value of its type. Of everything else it says nothing, and the message is decoded
 * whole. So there is no message that is refused here, none that is read otherwise than by decoding it, and what is rare has one place.
 */
export class CheckReader {
  readonly #options: CheckReaderOptions;
  /** For each row of the table, in which message it was seen last. */
  readonly #seen: Int32Array;
  #message = 0;
  /** Where the value begins of which the length was read last. */
  #start = 0;

  constructor(options: CheckReaderOptions) {
    this.#options = options;
    this.#seen = new Int32Array(options.table.rows.length);
  }

  /** @returns undefined for what has to be decoded. The bytes must stay as they are as long as somebody reads the source. */
  read(message: Uint8Array, peer: Peer, grants: Grants): SentCheck | undefined {
    const bytes = asBuffer(message);
    const { table, maxAttributes, pathParams } = this.#options;
    const source = new CheckSource(bytes, table, peer, pathParams);
    this.#nextMessage();
    let attributes = 0;
    let hasNested = false;
    let quotas: QuotaRequest[] | undefined;
    let quotaOnly = false;
    let deduplicationId = "";
    for (let at = 0; at < bytes.length; ) {
      const tag = bytes[at++];
      if (tag === QUOTA_ONLY) {
        const value = bytes[at++];
        if (value === undefined || value > 1) return undefined;
        quotaOnly = value === 1;
        continue;
      }
      const end = this.#end(bytes, at, bytes.length);
      if (end < 0) return undefined;
      at = end;
      if (tag === ATTRIBUTES) {
        attributes += 1;
        const kind = attributes > maxAttributes ? -1 : this.#attribute(bytes, this.#start, end, source, grants);
        if (kind < 0) return undefined;
        hasNested ||= kind === KIND.nested;
      } else if (tag === QUOTAS) {
        const quota = decoded(QuotaRequest, bytes, this.#start, end);
        if (quota === undefined) return undefined;
        quotas ??= [];
        quotas.push(quota);
      } else if (tag === DEDUPLICATION_ID) deduplicationId = decodeText(bytes, this.#start, end);
      else return undefined;
    }
    // What is nested may be anything: whether it is sound is for who knows the whole message.
    if (hasNested && readFields(NOTHING_SELECTED, bytes) === undefined) return undefined;
    return { attributes: source, quotas: quotas ?? NO_QUOTAS, quotaOnly, deduplicationId, problem: undefined };
  }

  #nextMessage(): void {
    this.#message += 1;
    if (this.#message < MAX_MESSAGES) return;
    this.#message = 1;
    this.#seen.fill(0);
  }

  /** @returns the kind of its value; -1 for what is written in another way, or comes twice, or is not of its type. */
  #attribute(bytes: Buffer, start: number, end: number, source: CheckSource, grants: Grants): number {
    if (bytes[start] !== NAME) return -1;
    const nameEnd = this.#end(bytes, start + 1, end);
    if (nameEnd < 0 || nameEnd >= end || bytes[nameEnd] !== VALUE) return -1;
    const row = this.#options.table.find(bytes, this.#start, nameEnd);
    if (this.#end(bytes, nameEnd + 1, end) !== end) return -1;
    const valueStart = this.#start;
    const kind = this.#kind(bytes, valueStart, end);
    if (kind < 0 || row === undefined || (row.asserted && !grants.assertSource)) return kind;
    if (this.#seen[row.index] === this.#message) return -1;
    this.#seen[row.index] = this.#message;
    if (
      row.taken[kind] === true ||
      (kind === KIND.nested && row.takesNestedMap && this.#isMap(bytes, valueStart, end))
    ) {
      if (row.position >= 0) source.note(row.position, valueStart, end);
      return kind;
    }
    const taken = takenAs(row, bytes, valueStart, end);
    if (taken === undefined) return -1;
    if (row.position >= 0) source.hold(row.position, taken);
    return kind;
  }

  /** Whether a nested value is a map and nothing besides. */
  #isMap(bytes: Buffer, start: number, end: number): boolean {
    const at = this.#end(bytes, start + 1, end) === end ? this.#start : end;
    return at < end && bytes[at] === NESTED_MAP && this.#end(bytes, at + 1, end) === end;
  }

  /** @returns the one field that an AttributeValue has, when what is in it is sound too; -1 for anything else. */
  #kind(bytes: Buffer, start: number, end: number): number {
    if (start === end) return KIND.none;
    const tag = bytes[start] ?? 0;
    const kind = tag >> 3;
    const at = start + 1;
    switch (tag & 7) {
      case LENGTH_DELIMITED:
        return kind > KIND.nested || this.#end(bytes, at, end) !== end || !this.#isSound(kind, bytes, this.#start, end)
          ? -1
          : kind;
      case VARINT:
        return (kind === KIND.int64 || kind === KIND.uint64 || kind === KIND.bool) && varintEnd(bytes, at, end) === end
          ? kind
          : -1;
      case FIXED_64:
        return kind === KIND.double && at + 8 === end ? kind : -1;
      default:
        return -1;
    }
  }

  #isSound(kind: number, bytes: Buffer, start: number, end: number): boolean {
    switch (kind) {
      case KIND.string:
      case KIND.bytes:
      // Looked at with the whole message.
      case KIND.nested:
        return true;
      case KIND.timestamp:
      case KIND.duration:
        return isMoment(bytes, start, end);
      case KIND.stringMap:
        return this.#isStringMap(bytes, start, end);
      case KIND.stringList:
        return this.#areTexts(bytes, start, end);
      default:
        return false;
    }
  }

  #isStringMap(bytes: Buffer, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      if (bytes[at] !== ENTRIES) return false;
      const entryEnd = this.#end(bytes, at + 1, end);
      if (entryEnd < 0) return false;
      let inside = this.#start;
      if (bytes[inside] === KEY && inside < entryEnd) inside = this.#end(bytes, inside + 1, entryEnd);
      if (inside < 0) return false;
      if (inside < entryEnd && (bytes[inside] !== ENTRY_VALUE || this.#end(bytes, inside + 1, entryEnd) !== entryEnd))
        return false;
      at = entryEnd;
    }
    return true;
  }

  #areTexts(bytes: Buffer, start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      if (bytes[at] !== ITEMS) return false;
      at = this.#end(bytes, at + 1, end);
      if (at < 0) return false;
    }
    return true;
  }

  /** @returns where the value ends whose length is at `at`, which is then at `#start`; -1 where there is none before `limit`. */
  #end(bytes: Buffer, at: number, limit: number): number {
    let length = bytes[at] ?? 0;
    let start = at + 1;
    if (length > 0x7f) {
      length &= 0x7f;
      for (let shift = 7; ; shift += 7) {
        if (shift > MAX_SHIFT) return -1;
        const byte = bytes[start++] ?? 0;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
    }
    this.#start = start;
    const end = start + length;
    return end > limit ? -1 : end;
  }
}

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH_DELIMITED = 2;

const tagOf = (field: number): number => (field << 3) | LENGTH_DELIMITED;
/** Of a CheckRequest. */
const ATTRIBUTES = tagOf(1);
const QUOTAS = tagOf(2);
const QUOTA_ONLY = (3 << 3) | VARINT;
const DEDUPLICATION_ID = tagOf(4);
/** Of an Attribute. */
const NAME = tagOf(1);
const VALUE = tagOf(2);
/** Of a StringMap, its entries, and a StringList. */
const ENTRIES = tagOf(1);
const KEY = tagOf(1);
const ENTRY_VALUE = tagOf(2);
const ITEMS = tagOf(1);
/** Of a Value. */
const NESTED_MAP = tagOf(11);

/** Lengths of four bytes are more than a message may have. */
const MAX_SHIFT = 21;
const MAX_VARINT_BYTES = 10;
/** Messages between two cleanings of what was seen. */
const MAX_MESSAGES = 2 ** 30;
const NO_QUOTAS: readonly QuotaRequest[] = [];
const NOTHING_SELECTED = selectFields(CheckRequest, []);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function varintEnd(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + MAX_VARINT_BYTES);
  for (let at = start; at < stop; at++) if ((bytes[at] ?? 0) < 0x80) return at + 1;
  return -1;
}

/** Seconds 1 and nanos 2, both varints. */
function isMoment(bytes: Buffer, start: number, end: number): boolean {
  let at = start;
  if (at < end && bytes[at] === ((1 << 3) | VARINT)) at = varintEnd(bytes, at + 1, end);
  if (at >= 0 && at < end && bytes[at] === ((2 << 3) | VARINT)) at = varintEnd(bytes, at + 1, end);
  return at === end;
}

function decoded<T extends object>(
  type: { fromBinary(bytes: Uint8Array, options: typeof lenientReadOptions): T },
  bytes: Buffer,
  start: number,
  end: number,
): T | undefined {
  try {
    return type.fromBinary(bytes.subarray(start, end), lenientReadOptions);
  } catch {
    // The runtime's only way to say that the bytes are no message.
    return undefined;
  }
}

/** @returns the value as one of the row's type; undefined when it is none. */
function takenAs({ type }: NameRow, bytes: Buffer, start: number, end: number): Held | undefined {
  const value = decoded(AttributeValue, bytes, start, end);
  return value && takeAs(valueFromProto(value, "error"), type);
}
