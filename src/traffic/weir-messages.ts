import { below, type Inside, isNothing, type MaskRules } from "./mask-rules.ts";
import { fieldsOf, fill, lastField, type Range, readVarint, textOf, WIRE, type WireField } from "./protobuf-walk.ts";
import { message, query, target, type Visit } from "./visits.ts";

/** Where in our own messages stands what can be masked, by the field numbers of proto/weir/v1. */

/** Texts that are more than one value: parts of them may be masked. */
const PARTLY: Readonly<Record<string, Visit>> = {
  "request.path": target,
  "request.upstream_path": target,
  "request.query": query,
};

/** Maps whose keys are compared in lower case. */
const HEADER_MAPS: ReadonlySet<string> = new Set(["request.headers", "response.headers", "response.trailers"]);

function insideOf(attribute: string, rules: MaskRules): Inside {
  return attribute === "request.auth.claims" ? rules.claims() : rules.inside(attribute);
}

function keyIn(attribute: string, key: string): string {
  return HEADER_MAPS.has(attribute) ? key.toLowerCase() : key;
}

/** Attribute: name 1, value 2. */
const attribute: Visit = (bytes, range, rules) => {
  const fields = fieldsOf(bytes, range);
  const name = textOf(bytes, lastField(fields, 1));
  for (const field of fields) if (field.number === 2) attributeValue(bytes, field, name, rules);
};

function attributeValue(bytes: Buffer, range: Range, name: string, rules: MaskRules): void {
  const inside = insideOf(name, rules);
  for (const field of fieldsOf(bytes, range)) {
    if (field.number === TEXT && inside !== "all") PARTLY[name]?.(bytes, field, rules);
    else if (field.number === STRING_MAP) stringMap(bytes, field, name, inside);
    else if (field.number === NESTED) nested(bytes, field, inside);
    else if (inside === "all") hideScalar(bytes, field);
  }
}

const TEXT = 1;
const STRING_MAP = 9;
const NESTED = 11;

/** Messages of numbers (times, lists) are masked down to their bytes; a varint has no bytes of its own to overwrite. */
function hideScalar(bytes: Buffer, field: WireField): void {
  if (field.wireType === WIRE.bytes && field.number === STRING_LIST) {
    for (const item of fieldsOf(bytes, field)) if (item.wireType === WIRE.bytes) fill(bytes, item);
  } else if (field.wireType === WIRE.bytes || field.wireType === WIRE.fixed64) fill(bytes, field);
}

const STRING_LIST = 10;

/** StringMap: entries 1 of key 1 and value 2. */
function stringMap(bytes: Buffer, range: Range, name: string, inside: Inside): void {
  for (const entry of fieldsOf(bytes, range)) {
    if (entry.number !== 1 || entry.wireType !== WIRE.bytes) continue;
    const fields = fieldsOf(bytes, entry);
    if (below(inside, keyIn(name, textOf(bytes, lastField(fields, 1)))) !== "all") continue;
    for (const field of fields) if (field.number === 2) fill(bytes, field);
  }
}

/** Value: text 6, bytes 7, list 10 of values 1, map 11 of entries 1 of key 1 and value 2, and numbers. */
function nested(bytes: Buffer, range: Range, inside: Inside): void {
  if (isNothing(inside)) return;
  for (const field of fieldsOf(bytes, range)) {
    if (field.number === 11) nestedMap(bytes, field, inside);
    else if (inside !== "all") continue;
    else if (field.number === 10) {
      for (const item of fieldsOf(bytes, field)) if (item.number === 1) nested(bytes, item, inside);
    } else if (field.wireType === WIRE.bytes || field.wireType === WIRE.fixed64) fill(bytes, field);
  }
}

function nestedMap(bytes: Buffer, range: Range, inside: Inside): void {
  for (const entry of fieldsOf(bytes, range)) {
    if (entry.number !== 1 || entry.wireType !== WIRE.bytes) continue;
    const fields = fieldsOf(bytes, entry);
    const left = below(inside, textOf(bytes, lastField(fields, 1)));
    for (const field of fields) if (field.number === 2) nested(bytes, field, left);
  }
}

/** weir.v1.CheckRequest */
export const CHECK_REQUEST = message({ 1: attribute });

/** weir.v1.CheckBatchRequest: items 1 of check 2 */
export const CHECK_BATCH_REQUEST = message({ 1: message({ 2: CHECK_REQUEST }) });

/**
 * weir.v1.ReportRequest: words 1, records 2. The values of its attributes are words of the dictionary, so that a word is masked when a
 * masked attribute has it for a value, wherever else it may stand; but not one that is also the name of an attribute, which is no secret.
 */
export const REPORT_REQUEST: Visit = (bytes, range, rules) => {
  const fields = fieldsOf(bytes, range);
  const words = fields.filter((field) => field.number === 1 && field.wireType === WIRE.bytes);
  const dictionary = new Dictionary(bytes, words, rules);
  for (const field of fields) if (field.number === 2) dictionary.record(field);
  dictionary.mask();
};

class Dictionary {
  readonly #bytes: Buffer;
  readonly #words: readonly Range[];
  readonly #rules: MaskRules;
  readonly #names = new Set<number>();
  readonly #hidden = new Set<number>();
  /** Words of which only a part is masked, with the attribute that says which. */
  readonly #partly = new Map<number, string>();

  constructor(bytes: Buffer, words: readonly Range[], rules: MaskRules) {
    this.#bytes = bytes;
    this.#words = words;
    this.#rules = rules;
  }

  /** RecordDelta: set 1. */
  record(range: Range): void {
    for (const field of fieldsOf(this.#bytes, range)) {
      if (field.number === 1 && field.wireType === WIRE.bytes) this.#attribute(fieldsOf(this.#bytes, field));
    }
  }

  mask(): void {
    for (const [index, name] of this.#partly) {
      const word = this.#words[index];
      if (word && !this.#names.has(index)) PARTLY[name]?.(this.#bytes, word, this.#rules);
    }
    for (const index of this.#hidden) {
      const word = this.#words[index];
      if (word && !this.#names.has(index)) fill(this.#bytes, word);
    }
  }

  /** AttributeDelta: name 1, and of its values text 2, double 5, bytes 7, times 8 and 9, string map 10, string list 11, nested 12. */
  #attribute(fields: readonly WireField[]): void {
    const index = indexOf(fields, 1);
    this.#names.add(index);
    const name = textOf(this.#bytes, this.#words[index]);
    const inside = insideOf(name, this.#rules);
    for (const field of fields) {
      if (field.number === 2) this.#text(field.varint, name, inside);
      else if (field.number === 10) this.#map(field, name, inside);
      else if (field.number === 11) this.#list(field, inside);
      else if (field.number === 12) nested(this.#bytes, field, inside);
      else if (inside === "all" && (field.wireType === WIRE.bytes || field.wireType === WIRE.fixed64))
        fill(this.#bytes, field);
    }
  }

  #text(index: number, name: string, inside: Inside): void {
    if (inside === "all") this.#hidden.add(index);
    else if (Object.hasOwn(PARTLY, name)) this.#partly.set(index, name);
  }

  /** StringMapDelta: set 1 of key 1 and value 2, both words. */
  #map(range: Range, name: string, inside: Inside): void {
    for (const pair of fieldsOf(this.#bytes, range)) {
      if (pair.number !== 1 || pair.wireType !== WIRE.bytes) continue;
      const fields = fieldsOf(this.#bytes, pair);
      const key = keyIn(name, textOf(this.#bytes, this.#words[indexOf(fields, 1)]));
      if (below(inside, key) === "all") this.#hidden.add(indexOf(fields, 2));
    }
  }

  /** WordList: items 1, packed or one by one. */
  #list(range: Range, inside: Inside): void {
    if (inside !== "all") return;
    for (const field of fieldsOf(this.#bytes, range)) {
      if (field.number !== 1) continue;
      if (field.wireType === WIRE.varint) this.#hidden.add(field.varint);
      else for (const index of packed(this.#bytes, field)) this.#hidden.add(index);
    }
  }
}

/** An index of 0 is left out. */
function indexOf(fields: readonly WireField[], number: number): number {
  return lastField(fields, number)?.varint ?? 0;
}

function packed(bytes: Buffer, { start, end }: Range): readonly number[] {
  const numbers: number[] = [];
  for (let at = start; at < end; ) {
    const number = readVarint(bytes, at, end);
    if (number === undefined) break;
    numbers.push(number.value);
    at = number.end;
  }
  return numbers;
}
