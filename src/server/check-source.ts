import { AttributeValue } from "#proto/weir/v1/attribute";
import { canonicalPath } from "../attribute/canonical-path.ts";
import { EntryMap, entriesOf, type Held, keyOf, wholeOf } from "../attribute/entry-map.ts";
import { ABSENT, type Absent, type CelMap, Invalid, type Outcome } from "../attribute/value.ts";
import type { Peer } from "../wire/door.ts";
import { decodeText, lenientReadOptions } from "../wire/lenient.ts";
import type { SentAttributes } from "./check-decoder.ts";
import { type CheckTable, KIND } from "./check-table.ts";
import { textOf } from "./envoy-values.ts";
import { cutPath, queryOf } from "./ext-authz-request.ts";
import { peerAddress, peerPrincipal } from "./peer-values.ts";
import { valueFromProto } from "./value-codec.ts";
import { normalized } from "./weir-attributes.ts";

/**
 * The attributes of one native Check: where they are in its bytes, and a value only for what was asked for. What was noted here was found sound
 * and of its type by the reader.
 */
export class CheckSource implements SentAttributes {
  readonly #bytes: Buffer;
  readonly #table: CheckTable;
  readonly #peer: Peer;
  readonly #pathParams: "refuse" | "keep";
  /** By position, where the AttributeValue begins and ends; 0 for what was not sent. */
  readonly #ranges: number[];
  /** By position, what was made of it. */
  readonly #held: (Held | undefined)[];
  #canonicalPath: Outcome | undefined = undefined;
  /** Keys that were asked for: a few headers, each by several rules. */
  #keys: KeyRead[] | undefined = undefined;
  /** Where the value ends of which the length was read last. */
  #end = 0;

  constructor(bytes: Buffer, table: CheckTable, peer: Peer, pathParams: "refuse" | "keep") {
    this.#bytes = bytes;
    this.#table = table;
    this.#peer = peer;
    this.#pathParams = pathParams;
    this.#ranges = new Array(table.positions * 2).fill(0);
    this.#held = new Array(table.positions).fill(undefined);
  }

  note(position: number, start: number, end: number): void {
    this.#ranges[position * 2] = start;
    this.#ranges[position * 2 + 1] = end;
  }

  /** What was looked at already. */
  hold(position: number, held: Held): void {
    this.#held[position] = this.#normal(position, held);
  }

  read(slot: number): Outcome {
    return wholeOf(this.#inSlot(slot));
  }

  readKey(slot: number, key: string): Outcome {
    const row = this.#table.slots[slot];
    if (row?.kind !== "sent" || row.position < 0) return keyOf(this.#inSlot(slot), key);
    return this.#keyAt(row.position, row.headers, key);
  }

  entries(slot: number): CelMap | Absent | Invalid {
    return entriesOf(this.#inSlot(slot));
  }

  isAbsent(slot: number): boolean {
    const row = this.#table.slots[slot];
    if (row?.kind !== "sent") return this.read(slot) === ABSENT;
    const { position } = row;
    return (
      position < 0 ||
      (this.#held[position] === undefined ? this.#ranges[position * 2] === 0 : this.#at(position) === ABSENT)
    );
  }

  textHeader(name: string): string | undefined {
    const value = this.#keyAt(this.#table.headersPosition, true, name);
    return typeof value === "string" ? value : undefined;
  }

  #inSlot(slot: number): Held {
    const row = this.#table.slots[slot];
    switch (row?.kind) {
      case undefined:
        return ABSENT;
      case "sent":
        return this.#at(row.position);
      case "peer-address":
        return peerAddress(this.#peer);
      case "peer-principal":
        return peerPrincipal(this.#peer);
      case "canonical-path": {
        this.#canonicalPath ??= this.#canonical();
        return this.#canonicalPath;
      }
      case "url-path":
        return this.#ofPath(row.position, cutPath);
      case "query":
        return this.#ofPath(row.position, queryOf);
    }
  }

  /** The parts of a path are ours to work out; without one, what the caller says of them counts. */
  #ofPath(position: number, part: (path: string) => string): Held {
    const path = this.#at(this.#table.pathPosition);
    if (path === ABSENT) return this.#at(position);
    return typeof path === "string" ? textOf(part(path), "error") : path;
  }

  #canonical(): Outcome {
    const path = wholeOf(this.#at(this.#table.pathPosition));
    if (typeof path !== "string") return path;
    const method = this.#at(this.#table.methodPosition);
    const pathParams = this.#pathParams;
    return canonicalPath(path, typeof method === "string" ? { pathParams, method } : { pathParams });
  }

  #at(position: number): Held {
    const held = this.#held[position];
    if (held !== undefined) return held;
    const start = this.#ranges[position * 2] ?? 0;
    const made = start === 0 ? ABSENT : this.#make(position, start, this.#ranges[position * 2 + 1] ?? 0);
    this.#held[position] = made;
    return made;
  }

  #make(position: number, start: number, end: number): Held {
    if (kindAt(this.#bytes, start, end) === KIND.string) {
      return textOf(decodeText(this.#bytes, this.#value(start + 1), end), "error");
    }
    const value = valueFromProto(
      AttributeValue.fromBinary(this.#bytes.subarray(start, end), lenientReadOptions),
      "error",
    );
    return this.#normal(position, value);
  }

  #normal(position: number, held: Held): Held {
    return held instanceof EntryMap && this.#table.isHeaders(position) ? normalized(held) : held;
  }

  #keyAt(position: number, headers: boolean, key: string): Outcome {
    const start = this.#ranges[position * 2] ?? 0;
    const end = this.#ranges[position * 2 + 1] ?? 0;
    const whole = this.#held[position] !== undefined || kindAt(this.#bytes, start, end) !== KIND.stringMap;
    if (whole || !isPlain(key, headers)) return keyOf(this.#at(position), key);
    this.#keys ??= [];
    const keys = this.#keys;
    for (let index = 0; index < keys.length; index++) {
      const known = keys[index];
      if (known?.position === position && known.key === key) return known.outcome;
    }
    const outcome = this.#find(this.#value(start + 1), end, headers, key);
    keys.push({ position, key, outcome });
    return outcome;
  }

  /** Looks through the entries of a StringMap. */
  #find(start: number, end: number, headers: boolean, key: string): Outcome {
    let found: Outcome = ABSENT;
    for (let at = start; at < end; ) {
      const entryStart = this.#value(at + 1);
      const entryEnd = this.#end;
      at = entryEnd;
      // An entry without a key has the empty one, which is not asked for here.
      if (entryStart === entryEnd || this.#bytes[entryStart] !== KEY) continue;
      const keyStart = this.#value(entryStart + 1);
      const keyEnd = this.#end;
      if (!this.#isKey(keyStart, keyEnd, headers, key)) continue;
      if (found !== ABSENT) return new Invalid("comes twice");
      const text = keyEnd === entryEnd ? "" : decodeText(this.#bytes, this.#value(keyEnd + 1), entryEnd);
      found = textOf(text, "error");
    }
    return found;
  }

  #isKey(start: number, end: number, headers: boolean, key: string): boolean {
    if (end - start !== key.length) return false;
    for (let index = 0; index < key.length; index++) {
      const byte = this.#bytes[start + index] ?? 0;
      const isUpper = headers && byte >= UPPER_A && byte <= UPPER_Z;
      if ((isUpper ? byte | LOWER : byte) !== key.charCodeAt(index)) return false;
    }
    return true;
  }

  /** @returns where the value begins whose length is at `at`; it ends at `#end`. */
  #value(at: number): number {
    let length = this.#bytes[at] ?? 0;
    let start = at + 1;
    if (length > 0x7f) {
      length &= 0x7f;
      for (let shift = 7; ; shift += 7) {
        const byte = this.#bytes[start++] ?? 0;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
    }
    this.#end = start + length;
    return start;
  }
}

interface KeyRead {
  readonly position: number;
  readonly key: string;
  readonly outcome: Outcome;
}

/** The key of a StringEntry. */
const KEY = (1 << 3) | 2;
const UPPER_A = 0x41;
const UPPER_Z = 0x5a;
/** What makes a letter of ASCII a small one. */
const LOWER = 0x20;
const LAST_ASCII = 0x7f;
const COLON = 0x3a;

function kindAt(bytes: Buffer, start: number, end: number): number {
  return start === end ? KIND.none : (bytes[start] ?? 0) >> 3;
}

/** Whether a key can be compared byte by byte: the others are found in the map as a whole. */
function isPlain(key: string, header: boolean): boolean {
  if (key.length === 0 || (header && key.charCodeAt(0) === COLON)) return false;
  for (let index = 0; index < key.length; index++) {
    const unit = key.charCodeAt(index);
    if (unit > LAST_ASCII || (header && unit >= UPPER_A && unit <= UPPER_Z)) return false;
  }
  return true;
}
