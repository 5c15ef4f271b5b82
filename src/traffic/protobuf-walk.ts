/** A part of a message's bytes. `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface WireField extends Range {
  readonly number: number;
  readonly wireType: number;
  /** Of a varint; 0 for the others. */
  readonly varint: number;
}

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

const MASKED_BYTE = "*".charCodeAt(0);

/** Overwrites bytes with `*`: their number stays. */
export function fill(bytes: Buffer, { start, end }: Range): void {
  bytes.fill(MASKED_BYTE, start, end);
}

/**
 * @returns the fields of a message, in order. Where the bytes stop being one, what is left is overwritten: nobody can say what is in it. The
 * fields of a group are given as if they were the message's own, which masks rather more than less.
 */
export function fieldsOf(bytes: Buffer, { start, end }: Range): readonly WireField[] {
  const fields: WireField[] = [];
  for (let at = start; at < end; ) {
    const field = readField(bytes, at, end);
    if (field === undefined) {
      fill(bytes, { start: at, end });
      break;
    }
    fields.push(field);
    at = field.end;
  }
  return fields;
}

/** @returns the last field of this number: the one that counts. */
export function lastField(fields: readonly WireField[], number: number): WireField | undefined {
  return fields.findLast((field) => field.number === number);
}

export function textOf(bytes: Buffer, range: Range | undefined): string {
  return range === undefined ? "" : bytes.toString("utf8", range.start, range.end);
}

function readField(bytes: Buffer, at: number, end: number): WireField | undefined {
  const tag = readVarint(bytes, at, end);
  if (tag === undefined) return undefined;
  const wireType = tag.value % 8;
  const number = Math.floor(tag.value / 8);
  if (number === 0) return undefined;
  const field = (start: number, stop: number, varint = 0): WireField | undefined =>
    stop <= end ? { number, wireType, start, end: stop, varint } : undefined;
  switch (wireType) {
    case WIRE.varint: {
      const value = readVarint(bytes, tag.end, end);
      return value && field(tag.end, value.end, value.value);
    }
    case WIRE.fixed64:
      return field(tag.end, tag.end + 8);
    case WIRE.bytes: {
      const length = readVarint(bytes, tag.end, end);
      return length && field(length.end, length.end + length.value);
    }
    case WIRE.startGroup:
    case WIRE.endGroup:
      return field(tag.end, tag.end);
    case WIRE.fixed32:
      return field(tag.end, tag.end + 4);
    default:
      return undefined;
  }
}

const MAX_VARINT_BYTES = 10;

/** @returns the number (what is above 2^53 only roughly: no index or length is) and where it ends. */
export function readVarint(bytes: Buffer, at: number, end: number): { value: number; end: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let read = 0; read < MAX_VARINT_BYTES && at + read < end; read++) {
    const byte = bytes[at + read] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + read + 1 };
    scale *= 128;
  }
  return undefined;
}
