/**
 * Where reading fields is stricter than decoding: told here once more, by other means, so that a test knows exactly what is refused although
 * protobuf-ts takes it.
 */
import { type FieldInfo, type IMessageType, ScalarType, WireType } from "@protobuf-ts/runtime";

export type Strictness = "wire type" | "beyond its message" | "long varint";

class Found extends Error {
  readonly why: Strictness;
  constructor(why: Strictness) {
    super(why);
    this.why = why;
  }
}

/** @returns the first reason to refuse bytes that protobuf-ts decodes; undefined for none. */
export function strictness(type: IMessageType<object>, bytes: Uint8Array): Strictness | undefined {
  try {
    judge(type, bytes, 0, bytes.length);
    return undefined;
  } catch (error) {
    if (error instanceof Found) return error.why;
    throw error;
  }
}

function judge(type: IMessageType<object>, bytes: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; ) {
    const tag = size(bytes, at, end);
    const number = Math.floor(tag.value / 8);
    const wireType = tag.value % 8;
    const info = type.fields.find(({ no }) => no === number);
    if (info !== undefined && wireTypeOf(info) !== wireType) throw new Found("wire type");
    const value = valueAt(bytes, tag.end, end, wireType);
    if (value.end > end) throw new Found("beyond its message");
    if (info?.kind === "message") judge(info.T(), bytes, value.start, value.end);
    at = value.end;
  }
}

function wireTypeOf(info: FieldInfo): WireType {
  if (info.kind === "message") return WireType.LengthDelimited;
  const type = info.kind === "scalar" ? info.T : ScalarType.INT32;
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return WireType.LengthDelimited;
  return type === ScalarType.DOUBLE ? WireType.Bit64 : WireType.Varint;
}

function valueAt(bytes: Uint8Array, at: number, end: number, wireType: number): { start: number; end: number } {
  switch (wireType) {
    case WireType.Varint:
      return { start: at, end: at + varintLength(bytes, at, end, 10) };
    case WireType.Bit64:
      return { start: at, end: at + 8 };
    case WireType.Bit32:
      return { start: at, end: at + 4 };
    case WireType.LengthDelimited: {
      const length = size(bytes, at, end);
      return { start: length.end, end: length.end + length.value };
    }
    case WireType.StartGroup: {
      let inner = at;
      for (;;) {
        const tag = size(bytes, inner, end);
        inner = tag.end;
        if (tag.value % 8 === WireType.EndGroup) return { start: at, end: inner };
        inner = valueAt(bytes, inner, end, tag.value % 8).end;
        if (inner > end) throw new Found("beyond its message");
      }
    }
    default:
      // Refused by protobuf-ts too, if it gets here.
      throw new Found("wire type");
  }
}

function size(bytes: Uint8Array, at: number, end: number): { value: number; end: number } {
  const length = varintLength(bytes, at, end, 5);
  let value = 0n;
  for (let index = length - 1; index >= 0; index--) value = value * 128n + BigInt((bytes[at + index] ?? 0) & 0x7f);
  if (value > 0xffff_ffffn) throw new Found("long varint");
  return { value: Number(value), end: at + length };
}

function varintLength(bytes: Uint8Array, at: number, end: number, most: number): number {
  for (let length = 1; length <= most; length++) {
    if (at + length > end) throw new Found("beyond its message");
    if ((bytes[at + length - 1] ?? 0) < 0x80) return length;
  }
  throw new Found("long varint");
}
