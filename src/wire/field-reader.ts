import { WireType } from "@protobuf-ts/runtime";
import type { FieldSelection, KeyPicker, MessageNode, NodeField } from "./field-selection.ts";
import { decodeText, MAX_MESSAGE_DEPTH, MAX_MESSAGES } from "./lenient.ts";

/**
 * Reads a message without decoding it: one walk over the bytes notes where the wanted fields stand, and a value is made of them only when
 * somebody asks. A door writes down its fields as paths, in one table; `selectFields` turns the rows that a snapshot reads into a tree of
 * the message's own fields, taken from the generated type, so that nothing is written by hand per field.
 *
 * The whole message is walked by its type, unread parts too, so that what full decoding refuses is refused here. What it takes means the
 * same: the last of a repeated scalar counts, a message sent in parts is their sum, the last member of a oneof clears the others, unknown
 * fields are skipped. Stricter than protobuf-ts, which would read something else than was meant or sent:
 * - a known field of another wire type;
 * - a field, known or not, that ends after the message it is in;
 * - a tag or length of more than five bytes or 32 bits, any other varint of more than ten bytes.
 * Nothing is laxer.
 */
export function readFields(selection: FieldSelection, message: Uint8Array): FieldRanges | undefined {
  const bytes = Buffer.isBuffer(message)
    ? message
    : Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const ranges = new FieldRanges(bytes, selection.slots);
  return ranges.walk(selection.root) ? ranges : undefined;
}

/** What one walk found. It reads the message's bytes when it is asked, so that these must stay as they are. */
export class FieldRanges {
  readonly bytes: Buffer;
  /** By slot, where the value begins, its length before it. At 0 there is none: before every value is its tag. */
  readonly #slots: number[];
  /** By slot, every such place of what came in parts. Made for the first: messages in parts are for attackers. */
  #parts: Map<number, number[]> | undefined = undefined;
  #messages = 0;
  /** Where the varint that was read last ends. */
  #next = 0;
  /** The key of the entry that was walked over last. */
  #keyStart = 0;
  #keyEnd = 0;
  /** The field that was looked for last. */
  #foundStart = 0;
  #foundEnd = 0;

  constructor(bytes: Buffer, slots: number) {
    this.bytes = bytes;
    this.#slots = new Array(slots).fill(0);
  }

  /** @returns false for what is no such message. */
  walk(root: MessageNode): boolean {
    return this.#message(root, 0, this.bytes.length, 0);
  }

  /** Whether the field was sent; an empty text may not be. */
  has(slot: number): boolean {
    return this.#at(slot) !== 0;
  }

  /** @returns the text in a slot, "" when it was not sent; bytes that are not UTF-8 are kept as `lenientReadOptions` does. */
  text(slot: number): string {
    this.#locate(this.#at(slot));
    return this.#foundText();
  }

  /** @returns how many bytes the value in a slot has; 0 when it was not sent. */
  size(slot: number): number {
    this.#locate(this.#at(slot));
    return this.#foundEnd - this.#foundStart;
  }

  /** @returns the bytes in a slot, none when it was not sent; a view. */
  bytesOf(slot: number): Buffer {
    this.#locate(this.#at(slot));
    return this.bytes.subarray(this.#foundStart, this.#foundEnd);
  }

  /**
   * @returns the bytes of a message in a slot: a view where it came once. Those of one that came in parts are joined, which merges it, as
   * protobuf has it.
   */
  part(slot: number): Buffer {
    const places = this.places(slot);
    if (places.length <= 2) return this.bytesOf(slot);
    const parts: Buffer[] = [];
    for (let at = 0; at < places.length; at += 2) parts.push(this.bytes.subarray(places[at], places[at + 1]));
    return Buffer.concat(parts);
  }

  /** @returns the start and end of each occurrence of a message or entry, in order. */
  places(slot: number): readonly number[] {
    const last = this.#at(slot);
    if (last === 0) return [];
    const places: number[] = [];
    for (const at of this.#parts?.get(slot) ?? [last]) {
      this.#locate(at);
      places.push(this.#foundStart, this.#foundEnd);
    }
    return places;
  }

  /** Whether a message or entry came more than once, or in parts. */
  isRepeated(slot: number): boolean {
    return this.#parts?.has(slot) === true;
  }

  /** @returns the start and end of each occurrence of a field within the message in a slot: of bytes, text or messages. */
  placesIn(slot: number, field: number): readonly number[] {
    const found: number[] = [];
    const places = this.places(slot);
    for (let at = 0; at < places.length; at += 2) this.#find(places[at] ?? 0, places[at + 1] ?? 0, field, found);
    return found;
  }

  /** @returns the text of a field within the message that stands from `start` to `end`; "" when it was not sent. */
  textIn(start: number, end: number, field: number): string {
    this.#find(start, end, field);
    return this.#foundText();
  }

  /** @returns the text of a field within the message in a slot, of which there is one. */
  textWithin(slot: number, field: number): string {
    this.#locate(this.#at(slot));
    return this.textIn(this.#foundStart, this.#foundEnd, field);
  }

  /** The same of bytes; a view. */
  bytesIn(start: number, end: number, field: number): Buffer {
    this.#find(start, end, field);
    return this.bytes.subarray(this.#foundStart, this.#foundEnd);
  }

  /** @returns the unsigned 32 bits of a varint, 0 when it was not sent. */
  uint32(slot: number): number {
    return Number(BigInt.asUintN(32, this.#varint(slot)));
  }

  /** @returns the signed 64 bits of a varint, 0 when it was not sent. */
  int64(slot: number): bigint {
    return BigInt.asIntN(64, this.#varint(slot));
  }

  /** @returns where the value in a slot begins, its length before it; 0 when it was not sent. */
  #at(slot: number): number {
    const at = this.#slots[slot];
    // Nothing may be taken for absent that was not looked for.
    if (at === undefined) throw new Error(`slot ${slot} was not selected`);
    return at;
  }

  /** Finds the bytes behind the length at `at`, which was walked over before; none at 0. */
  #locate(at: number): void {
    const length = at === 0 ? 0 : this.#size(at, this.bytes.length);
    this.#foundStart = at === 0 ? 0 : this.#next;
    this.#foundEnd = this.#foundStart + length;
  }

  #foundText(): string {
    return this.#foundStart === this.#foundEnd ? "" : decodeText(this.bytes, this.#foundStart, this.#foundEnd);
  }

  /** Looks for a field in a message that was walked over before: it is one. @param places where each occurrence is put, not the last alone */
  #find(start: number, end: number, field: number, places?: number[]): void {
    this.#foundStart = 0;
    this.#foundEnd = 0;
    for (let at = start; at < end; ) {
      const tag = this.#size(at, end);
      const value = this.#next;
      at = this.#skip(tag & 7, value, end);
      if (at < 0) throw new Error("a message that was read is none");
      if (tag >>> 3 !== field || (tag & 7) !== WireType.LengthDelimited) continue;
      this.#size(value, end);
      this.#foundStart = this.#next;
      this.#foundEnd = at;
      places?.push(this.#next, at);
    }
  }

  #varint(slot: number): bigint {
    const start = this.#at(slot);
    const end = start === 0 ? 0 : this.#skipVarint(start, this.bytes.length);
    let value = 0n;
    for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt((this.bytes[at] ?? 0) & 0x7f);
    return value;
  }

  #message({ fields }: MessageNode, start: number, end: number, depth: number): boolean {
    const { bytes } = this;
    for (let at = start; at < end; ) {
      let tag = bytes[at++] ?? 0;
      if (tag > 0x7f) {
        tag = this.#size(at - 1, end);
        at = this.#next;
      }
      const number = tag >>> 3;
      if (tag < 0 || number === 0) return false;
      const field = number < fields.length ? fields[number] : undefined;
      if (field === undefined) {
        at = this.#skip(tag & 7, at, end);
        if (at < 0) return false;
        continue;
      }
      if ((tag & 7) !== field.wireType) return false;
      const valueAt = at;
      let valueStart = at;
      let valueEnd: number;
      if (field.wireType === WireType.LengthDelimited) {
        let length = at < end ? (bytes[at++] ?? 0) : -1;
        if (length > 0x7f) {
          length = this.#size(at - 1, end);
          at = this.#next;
        }
        if (length < 0 || length > end - at) return false;
        valueStart = at;
        valueEnd = at + length;
        const { child } = field;
        if (child !== undefined && !this.#inner(field, child, valueStart, valueEnd, valueAt, depth)) return false;
      } else {
        valueEnd = this.#skip(field.wireType, at, end);
        if (valueEnd < 0) return false;
      }
      for (let index = 0; index < field.clears.length; index++) this.#clear(field.clears[index] ?? 0);
      if (field.slot >= 0) this.#note(field.slot, field.parts, valueAt);
      if (field.isKey) {
        this.#keyStart = valueStart;
        this.#keyEnd = valueEnd;
      }
      at = valueEnd;
    }
    return true;
  }

  #inner(field: NodeField, child: MessageNode, start: number, end: number, at: number, depth: number): boolean {
    if (depth >= MAX_MESSAGE_DEPTH || ++this.#messages > MAX_MESSAGES) return false;
    if (field.picker === undefined) return this.#message(child, start, end, depth + 1);
    if (!this.#isPlainEntry(field.picker, start, end)) {
      this.#keyStart = 0;
      this.#keyEnd = 0;
      if (!this.#message(child, start, end, depth + 1)) return false;
    }
    const slot = this.#pick(field.picker);
    if (slot >= 0) this.#note(slot, true, at);
    return true;
  }

  /**
   * Nearly every entry is a key and one text behind it, the key of less than 128 bytes and the text of less than 16384: then this is all there
   * is to walk. @returns false, without having looked for more, where it is anything else.
   */
  #isPlainEntry({ keyTag, plainTags }: KeyPicker, start: number, end: number): boolean {
    const { bytes } = this;
    if (end - start < SMALLEST_ENTRY || bytes[start] !== keyTag) return false;
    const keyStart = start + 2;
    const keyLength = bytes[start + 1] ?? 0;
    const value = keyStart + keyLength;
    if (keyLength > 0x7f || value + 2 > end || plainTags[bytes[value] ?? 0] !== true) return false;
    const first = bytes[value + 1] ?? 0;
    if (first < 0x80) {
      if (value + 2 + first !== end) return false;
    } else {
      const second = value + 2 < end ? (bytes[value + 2] ?? 0) : 0x80;
      if (second > 0x7f || value + 3 + (first & 0x7f) + second * 0x80 !== end) return false;
    }
    this.#keyStart = keyStart;
    this.#keyEnd = value;
    return true;
  }

  #note(slot: number, parts: boolean, at: number): void {
    const before = this.#slots[slot] ?? 0;
    if (parts && before !== 0) {
      this.#parts ??= new Map();
      const known = this.#parts.get(slot);
      if (known !== undefined) known.push(at);
      else this.#parts.set(slot, [before, at]);
    }
    this.#slots[slot] = at;
  }

  #clear(slot: number): void {
    this.#slots[slot] = 0;
    this.#parts?.delete(slot);
  }

  /** @returns the slot of the entry whose key was walked over last; -1 for none. */
  #pick({ byLength, ignoreCase }: KeyPicker): number {
    const start = this.#keyStart;
    const length = this.#keyEnd - start;
    const candidates = length < byLength.length ? byLength[length] : undefined;
    if (candidates === undefined) return -1;
    for (let index = 0; index < candidates.length; index++) {
      const candidate = candidates[index];
      if (candidate !== undefined && this.#sameKey(candidate.bytes, start, ignoreCase)) return candidate.slot;
    }
    return -1;
  }

  #sameKey(key: Uint8Array, start: number, ignoreCase: boolean): boolean {
    const { bytes } = this;
    for (let index = 0; index < key.length; index++) {
      const byte = bytes[start + index] ?? 0;
      const isUpper = ignoreCase && byte >= 0x41 && byte <= 0x5a;
      if ((isUpper ? byte | 0x20 : byte) !== key[index]) return false;
    }
    return true;
  }

  /** @returns a tag or length; -1 where there is none. It ends at `#next`. */
  #size(start: number, end: number): number {
    const { bytes } = this;
    const stop = Math.min(end, start + MAX_SIZE_BYTES);
    let value = 0;
    let scale = 1;
    for (let at = start; at < stop; at++) {
      const byte = bytes[at] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.#next = at + 1;
        return value > MAX_SIZE ? -1 : value;
      }
      scale *= 0x80;
    }
    this.#next = end;
    return -1;
  }

  /** @returns where the value ends; -1 where it does not. */
  #skip(wireType: number, start: number, end: number): number {
    switch (wireType) {
      case WireType.Varint:
        return this.#skipVarint(start, end);
      case WireType.Bit64:
        return start + 8 <= end ? start + 8 : -1;
      case WireType.Bit32:
        return start + 4 <= end ? start + 4 : -1;
      case WireType.LengthDelimited: {
        const length = this.#size(start, end);
        return length >= 0 && length <= end - this.#next ? this.#next + length : -1;
      }
      case WireType.StartGroup:
        return this.#skipGroup(start, end);
      default:
        return -1;
    }
  }

  #skipVarint(start: number, end: number): number {
    const stop = Math.min(end, start + MAX_VARINT_BYTES);
    for (let at = start; at < stop; at++) if ((this.bytes[at] ?? 0) < 0x80) return at + 1;
    return -1;
  }

  /** In a loop: two megabytes of groups in groups are cheap to send. */
  #skipGroup(start: number, end: number): number {
    let at = start;
    for (let open = 1; open > 0; ) {
      const tag = this.#size(at, end);
      if (tag < 8) return -1;
      at = this.#next;
      if ((tag & 7) === WireType.StartGroup) open++;
      else if ((tag & 7) === WireType.EndGroup) open--;
      else at = this.#skip(tag & 7, at, end);
      if (at < 0) return -1;
    }
    return at;
  }
}

/** Two tags and two lengths. */
const SMALLEST_ENTRY = 4;
const MAX_SIZE_BYTES = 5;
const MAX_SIZE = 0xffff_ffff;
const MAX_VARINT_BYTES = 10;
