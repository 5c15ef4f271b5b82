/** Text frames of RFC 6455, as far as an echo needs them: whole messages of at most 64 KiB. */
import { createHash } from "node:crypto";

const TEXT = 0x81;
const CLOSE = 0x88;
const MASKED = 0x80;
const LENGTH = 0x7f;
/** The lengths up to here are written in the frame's second byte. */
const SHORT_MAX = 125;
/** In place of a length: the next two bytes hold it. */
const TWO_BYTES = 126;
const TWO_BYTES_MAX = 0xffff;
const MASK_BYTES = 4;
const HANDSHAKE_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @returns the `sec-websocket-accept` that answers a `sec-websocket-key`. */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${HANDSHAKE_GUID}`).digest("base64");
}

/** @param mask given by clients, whose frames are masked; servers leave it out. */
export function textFrame(text: string, mask?: Buffer): Buffer {
  return encode(TEXT, Buffer.from(text), mask);
}

export function closeFrame(mask?: Buffer): Buffer {
  return encode(CLOSE, Buffer.alloc(0), mask);
}

function encode(opcode: number, payload: Buffer, mask: Buffer | undefined): Buffer {
  if (payload.length > TWO_BYTES_MAX)
    throw new Error(`a frame of ${payload.length} bytes is longer than ${TWO_BYTES_MAX}`);
  const short = payload.length <= SHORT_MAX;
  const head = Buffer.alloc(short ? 2 : 4);
  head[0] = opcode;
  head[1] = (mask ? MASKED : 0) | (short ? payload.length : TWO_BYTES);
  if (!short) head.writeUInt16BE(payload.length, 2);
  return mask ? Buffer.concat([head, mask, masked(payload, mask)]) : Buffer.concat([head, payload]);
}

interface Frame {
  readonly kind: "text" | "close" | "other";
  readonly text: string;
  /** What came after the frame. */
  readonly rest: Buffer;
}

/** @returns the first frame, undefined while it is not whole. */
export function readFrame(bytes: Buffer): Frame | undefined {
  const [opcode, second] = bytes;
  if (opcode === undefined || second === undefined) return undefined;
  const long = (second & LENGTH) === TWO_BYTES;
  let at = long ? 4 : 2;
  if (bytes.length < at) return undefined;
  const length = long ? bytes.readUInt16BE(2) : second & LENGTH;
  const mask = second & MASKED ? bytes.subarray(at, at + MASK_BYTES) : undefined;
  at += mask ? MASK_BYTES : 0;
  if (bytes.length < at + length) return undefined;
  const payload = bytes.subarray(at, at + length);
  return {
    kind: opcode === TEXT ? "text" : opcode === CLOSE ? "close" : "other",
    text: (mask ? masked(payload, mask) : payload).toString(),
    rest: bytes.subarray(at + length),
  };
}

function masked(payload: Buffer, mask: Buffer): Buffer {
  return Buffer.from(payload.map((byte, at) => byte ^ (mask[at % MASK_BYTES] ?? 0)));
}
