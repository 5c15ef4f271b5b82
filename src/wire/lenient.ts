import { BinaryReader, type BinaryReadOptions, WireType } from "@protobuf-ts/runtime";

/**
 * How deep messages may be nested inside each other. A JSON object in a JWT arrives as three messages per level, and Envoy takes 100 levels:
 * all of those must be readable, or one client's token would cost us the access log entries of the others in its batch.
 */
export const MAX_MESSAGE_DEPTH = 400;

/** How many messages may be in one. An empty one takes two bytes to send and some hundred to keep. */
export const MAX_MESSAGES = 250_000;

/**
 * For `fromBinary` of everything that comes over the network. Text that is not UTF-8 is kept, not refused: one byte from a client must not make
 * a request undecodable. Each byte that is no part of a character, `b`, is kept as the lone surrogate U+DC00 + b; ask `hasInvalidBytes`.
 *
 * Fields we do not know are skipped. Reading throws on what is not a message, and on one that is nested too deep or holds too many.
 */
export const lenientReadOptions: Partial<BinaryReadOptions> = {
  readUnknownField: false,
  readerFactory: (bytes) => new LenientReader(bytes),
};

/** @returns whether this text arrived with bytes that are not UTF-8: an error to a rule that reads it. */
export function hasInvalidBytes(text: string): boolean {
  return !text.isWellFormed();
}

/** @returns the text with U+FFFD for every byte that is not UTF-8, as it goes into logs and metrics. */
export function replaceInvalid(text: string): string {
  return text.toWellFormed();
}

/** @returns the bytes that were sent for a text decoded here. */
export function originalBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    // Above U+FFFF the first unit is a high surrogate, so that a pair is stepped over whole.
    const point = text.codePointAt(at) ?? 0;
    if (point > 0xffff) at++;
    if (point < FIRST_ESCAPE || point > LAST_ESCAPE) continue;
    parts.push(Buffer.from(text.slice(from, at), "utf8"), Buffer.of(point - ESCAPE_BASE));
    from = at + 1;
  }
  parts.push(Buffer.from(text.slice(from), "utf8"));
  return Buffer.concat(parts);
}

const ESCAPE_BASE = 0xdc00;
const FIRST_ESCAPE = ESCAPE_BASE + 0x80;
const LAST_ESCAPE = ESCAPE_BASE + 0xff;

/** Our `string()` asks no decoder. Without this one the runtime would make a new one for every message. */
const UNASKED_DECODER = new TextDecoder();

class LenientReader extends BinaryReader {
  readonly #bytes: Buffer;
  /** Where the messages that are being read end, the outermost first. Those that ended are taken off when the next one begins. */
  readonly #ends: number[] = [];
  #messages = 0;

  constructor(bytes: Uint8Array) {
    super(bytes, UNASKED_DECODER);
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.uint32 = readUint32;
  }

  override string(): string {
    const length = this.uint32();
    const start = this.pos;
    this.pos += length;
    this.assertBounds();
    return decodeText(this.#bytes, start, this.pos);
  }

  /** Groups are skipped in a loop: protobuf-ts calls itself once per level, and two megabytes of levels are cheap to send. */
  override skip(wireType: WireType): Uint8Array {
    if (wireType !== WireType.StartGroup) return super.skip(wireType);
    const start = this.pos;
    for (let open = 1; open > 0; ) {
      const [, inner] = this.tag();
      if (inner === WireType.StartGroup) open++;
      else if (inner === WireType.EndGroup) open--;
      else super.skip(inner);
    }
    return this.#bytes.subarray(start, this.pos);
  }

  /** A message of `length` bytes begins here. */
  enter(length: number, wireType: WireType): void {
    if (wireType !== WireType.LengthDelimited) throw new Error(`wire type ${wireType} where a message should be`);
    const ends = this.#ends;
    // One that ended did so before the tag and the length that were just read; one that ends right here is still open.
    while (ends.length > 0 && (ends.at(-1) ?? 0) < this.pos) ends.pop();
    const end = this.pos + length;
    if (end > (ends.at(-1) ?? this.len)) throw new Error("a message ends after the one it is in");
    ends.push(end);
    if (ends.length > MAX_MESSAGE_DEPTH) throw new Error(`more than ${MAX_MESSAGE_DEPTH} messages inside each other`);
    this.#messages++;
    if (this.#messages > MAX_MESSAGES) throw new Error(`more than ${MAX_MESSAGES} messages in one`);
  }
}

/** The runtime keeps it as a property of each reader and exports it under no name. */
const readVarint32: (this: BinaryReader) => number = new BinaryReader(new Uint8Array()).uint32;

/** Generated code names the wire type where it reads the length of a message, and only there. */
function readUint32(this: LenientReader, wireType?: WireType): number {
  const value = readVarint32.call(this);
  if (wireType !== undefined) this.enter(value, wireType);
  return value;
}

export function decodeText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString(undefined, start, end);
  // Nearly always there is none. A U+FFFD that was sent takes the slow way and comes out the same.
  return text.includes("\ufffd") ? decodeEscaping(bytes, start, end) : text;
}

function decodeEscaping(bytes: Buffer, start: number, end: number): string {
  // Never more UTF-16 units than bytes.
  const units = Buffer.allocUnsafe((end - start) * 2);
  let size = 0;
  const put = (unit: number): void => {
    size = units.writeUInt16LE(unit, size);
  };
  for (let at = start; at < end; ) {
    const length = characterLength(bytes, at, end);
    if (length === 0) {
      put(ESCAPE_BASE + (bytes[at] ?? 0));
      at++;
      continue;
    }
    const point = codePoint(bytes, at, length);
    if (point > 0xffff) {
      put(0xd800 + ((point - 0x10000) >> 10));
      put(0xdc00 + ((point - 0x10000) & 0x3ff));
    } else put(point);
    at += length;
  }
  return units.toString("utf16le", 0, size);
}

/** @returns how many bytes the character at `at` has; 0 where none begins. By the table of well-formed sequences in the Unicode standard. */
function characterLength(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  const second = bytes[at + 1] ?? 0;
  // No longer form than needed, no surrogates, nothing above U+10FFFF.
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  for (let next = at + 1; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

function codePoint(bytes: Buffer, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  let point = length === 1 ? first : first & (0xff >> (length + 1));
  for (let next = at + 1; next < at + length; next++) point = (point << 6) | ((bytes[next] ?? 0) & 0x3f);
  return point;
}
