/** A message in gRPC's framing: a byte for compression (none), its length in four, itself. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const HEAD_BYTES = 5;

/** Takes messages out of a stream of bytes, however it was cut. Compressed ones come out as they are. */
export class Unframer {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the messages that these bytes completed. */
  take(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const messages: Buffer[] = [];
    for (;;) {
      if (this.#rest.length < HEAD_BYTES) return messages;
      const end = HEAD_BYTES + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) return messages;
      messages.push(this.#rest.subarray(HEAD_BYTES, end));
      this.#rest = this.#rest.subarray(end);
    }
  }
}
