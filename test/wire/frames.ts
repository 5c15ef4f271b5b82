/** HTTP/2 and gRPC by the byte, for what no library would send. Numbers by RFC 9113 and RFC 7541. */

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { none: 0, ack: 1, endStream: 1, endHeaders: 4 } as const;

/** What a client says first; then its settings. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FRAME_HEAD_BYTES = 9;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @param values by the number of the setting */
export function settings(values: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(values).map(([setting, value]) => {
    const bytes = Buffer.alloc(6);
    bytes.writeUInt16BE(Number(setting));
    bytes.writeUInt32BE(value, 2);
    return bytes;
  });
  return frame(FRAME.settings, FLAG.none, 0, Buffer.concat(entries));
}

const LITERAL = 0x00;
const ADD_TO_TABLE = 0x40;
const SEVEN_BITS = 0x7f;

/** Headers that no table keeps, or that are `added` to the server's. */
export function headerBlock(headers: Readonly<Record<string, string>>, added = false): Buffer {
  return Buffer.concat(
    Object.entries(headers).map(([name, value]) =>
      Buffer.concat([Buffer.of(added ? ADD_TO_TABLE : LITERAL), text(name), text(value)]),
    ),
  );
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < SEVEN_BITS) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [SEVEN_BITS];
  let rest = bytes.length - SEVEN_BITS;
  for (; rest > SEVEN_BITS; rest >>= 7) length.push((rest & SEVEN_BITS) | 0x80);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}

/** The headers of a call. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  return headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
}

/** A gRPC message with its five bytes in front. */
export function grpcMessage(bytes: Uint8Array, compressed = false): Buffer {
  return Buffer.concat([Buffer.of(compressed ? 1 : 0), uint32(bytes.length), bytes]);
}

/** The number of the client's n-th stream. */
export function streamNumber(n: number): number {
  return 2 * n + 1;
}
