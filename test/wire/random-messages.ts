/** Messages as somebody might send them: of the right fields in any order and number, cut, flipped, or of something else. */
import { type FieldInfo, type IMessageType, ScalarType, WireType } from "@protobuf-ts/runtime";
import type { Random } from "../random.ts";

export interface MessageOptions {
  /** Texts to choose from, besides any bytes: keys that are looked for, for example. */
  readonly texts: readonly string[];
  /** Fields to put into all messages of one together, at most. */
  readonly fields: number;
}

/** @returns a message of this type as bytes: fields repeated, out of order, unknown, in parts. It can be decoded. */
export function randomMessage(type: IMessageType<object>, random: Random, { texts, fields }: MessageOptions): Buffer {
  return inner(type, { random, texts, left: 1 + random(fields) });
}

/** What is left to be made of one message. */
interface Making {
  readonly random: Random;
  readonly texts: readonly string[];
  left: number;
}

function inner(type: IMessageType<object>, making: Making): Buffer {
  const { random } = making;
  const parts: Buffer[] = [];
  for (let wanted = random(6); wanted > 0 && making.left > 0; wanted--) {
    making.left--;
    const info = type.fields[random(type.fields.length)];
    // One in sixteen is of a newer version than ours.
    parts.push(info === undefined || random(16) === 0 ? unknownField(random) : randomField(info, making));
  }
  return Buffer.concat(parts);
}

function randomField(info: FieldInfo, making: Making): Buffer {
  const { random } = making;
  if (info.kind === "message") return delimited(info.no, inner(info.T(), making), random);
  const type = info.kind === "scalar" ? info.T : ScalarType.INT32;
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return delimited(info.no, randomText(random, making.texts), random);
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
      return Buffer.concat([tag(info.no, WireType.Bit64), randomBytes(8, random)]);
    default:
      return Buffer.concat([tag(info.no, WireType.Varint), randomVarint(random)]);
  }
}

function randomText(random: Random, texts: readonly string[]): Buffer {
  const chosen = texts[random(texts.length)] ?? "";
  switch (random(8)) {
    case 0:
      return randomBytes(random(20), random);
    case 1:
      return Buffer.from(chosen.toUpperCase());
    case 2:
      return Buffer.alloc(0);
    default:
      return Buffer.from(chosen);
  }
}

function randomBytes(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/** Up to ten bytes, often longer than needed. */
function randomVarint(random: Random): Buffer {
  const bytes = Array.from({ length: random(10) }, () => 0x80 | random(128));
  return Buffer.from([...bytes, random(128)]);
}

const UNKNOWN_NUMBERS = [14, 15, 16, 99, 2000];

function unknownField(random: Random): Buffer {
  const number = UNKNOWN_NUMBERS[random(UNKNOWN_NUMBERS.length)] ?? 99;
  switch (random(5)) {
    case 0:
      return Buffer.concat([tag(number, WireType.Varint), randomVarint(random)]);
    case 1:
      return Buffer.concat([tag(number, WireType.Bit64), randomBytes(8, random)]);
    case 2:
      return Buffer.concat([tag(number, WireType.Bit32), randomBytes(4, random)]);
    case 3:
      return delimited(number, randomBytes(random(200), random), random);
    default:
      return Buffer.concat([
        tag(number, WireType.StartGroup),
        ...(random(2) === 0 ? [unknownField(random)] : []),
        tag(number, WireType.EndGroup),
      ]);
  }
}

function tag(number: number, wireType: WireType): Buffer {
  return varint(number * 8 + wireType);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return Buffer.of(...bytes, value);
}

export function delimited(number: number, content: Uint8Array, random: Random = () => 1): Buffer {
  const length = varint(content.length);
  // A length may be written longer than needed.
  if (random(32) === 0 && length.length < 4) {
    length[length.length - 1] = (length.at(-1) ?? 0) | 0x80;
    return Buffer.concat([tag(number, WireType.LengthDelimited), length, Buffer.of(0), content]);
  }
  return Buffer.concat([tag(number, WireType.LengthDelimited), length, content]);
}

/** What goes wrong on a wire, and what somebody would try: flipped bytes, cuts, repeats, other people's pieces. */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Buffer {
  const mutated = Buffer.from(bytes);
  switch (random(6)) {
    case 0:
      return mutated.subarray(0, random(mutated.length + 1));
    case 1: {
      const from = random(mutated.length + 1);
      return Buffer.concat([mutated, mutated.subarray(from, from + random(200))]);
    }
    case 2:
      return Buffer.concat([mutated.subarray(0, random(mutated.length + 1)), other.subarray(random(other.length + 1))]);
    case 3: {
      const at = random(mutated.length + 1);
      return Buffer.concat([mutated.subarray(0, at), randomBytes(1 + random(4), random), mutated.subarray(at)]);
    }
    default:
      if (mutated.length > 0)
        for (let flips = 1 + random(4); flips > 0; flips--) mutated[random(mutated.length)] = random(256);
      return mutated;
  }
}
