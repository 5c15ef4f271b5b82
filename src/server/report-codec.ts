import type { Value } from "#proto/weir/v1/attribute";
import type { AttributeDelta, RecordDelta, ReportRequest, StringMapDelta } from "#proto/weir/v1/report";
import type { Bag } from "../attribute/bag.ts";
import { EntryMap, type Held } from "../attribute/entry-map.ts";
import { replaceInvalid } from "../wire/lenient.ts";
import { valueFromProto } from "./value-codec.ts";

export const MAX_REPORT_RECORDS = 10_000;
export const MAX_REPORT_WORDS = 100_000;
/**
 * What all records of a request may come to when they are unfolded, in bytes by estimate. A record that changes nothing takes two bytes to send
 * and repeats everything in the one before.
 */
export const MAX_UNFOLDED_BYTES = 64 * 1024 * 1024;
/** What an attribute, an entry or an item takes besides its text. */
const ENTRY_BYTES = 64;

/** The records of a Report, or in plain words why none of them was taken. */
export type DecodedReport =
  | { readonly ok: true; readonly records: readonly Bag[] }
  | { readonly ok: false; readonly problem: string };

/** Unfolds the records as proto/weir/v1/report.proto says, each of at most `maxAttributes`. Text that is not UTF-8 has U+FFFD where its bad bytes were. */
export function decodeReport({ words, records }: ReportRequest, maxAttributes: number): DecodedReport {
  const problem = over(records.length, MAX_REPORT_RECORDS, "records") ?? over(words.length, MAX_REPORT_WORDS, "words");
  if (problem !== undefined) return { ok: false, problem };
  const unfolding = new Unfolding(words.map(replaceInvalid), maxAttributes);
  const bags: Bag[] = [];
  for (const [index, record] of records.entries()) {
    const wrong = wrongWord(record, words.length) ?? unfolding.next(record);
    if (wrong !== undefined) return { ok: false, problem: `record ${index}: ${wrong}` };
    bags.push(unfolding.bag());
  }
  return { ok: true, records: bags };
}

function over(count: number, max: number, what: string): string | undefined {
  return count > max ? `${count} ${what}, and at most ${max} are taken at once` : undefined;
}

/** @returns what is wrong with the first index that leads to no word */
function wrongWord({ set, remove }: RecordDelta, size: number): string | undefined {
  const wrong =
    remove.find((word) => word >= size) ?? set.flatMap((delta) => wordsOf(delta)).find((word) => word >= size);
  return wrong === undefined ? undefined : `word ${wrong} does not exist: there are ${size}, counted from 0`;
}

function wordsOf({ name, kind }: AttributeDelta): readonly number[] {
  switch (kind.oneofKind) {
    case "string":
      return [name, kind.string];
    case "stringList":
      return [name, ...kind.stringList.items];
    case "stringMap":
      return [name, ...kind.stringMap.remove, ...kind.stringMap.set.flatMap(({ key, value }) => [key, value])];
    default:
      return [name];
  }
}

/** The state between two records: all attributes of the last one. Every index that it is given leads to a word. */
class Unfolding {
  readonly #words: readonly string[];
  readonly #maxAttributes: number;
  readonly #attributes = new Map<string, Held>();
  /** The entries of those that are string maps, for the next delta. */
  readonly #entries = new Map<string, ReadonlyMap<string, string>>();
  readonly #weights = new Map<string, number>();
  /** Of the attributes as they are now. */
  #weight = 0;
  /** Of everything that was kept or set in any record so far. */
  #unfolded = 0;

  constructor(words: readonly string[], maxAttributes: number) {
    this.#words = words;
    this.#maxAttributes = maxAttributes;
  }

  /** @returns why the record cannot be taken, undefined when it was */
  next({ fresh, remove, set }: RecordDelta): string | undefined {
    if (fresh) for (const name of [...this.#attributes.keys()]) this.#remove(name);
    for (const word of remove) this.#remove(this.#word(word));
    this.#unfolded += this.#weight;
    for (const { name, kind } of set) {
      this.#set(this.#word(name), kind);
      if (this.#unfolded > MAX_UNFOLDED_BYTES) break;
    }
    if (this.#unfolded > MAX_UNFOLDED_BYTES) {
      return `with it the records come to over ${MAX_UNFOLDED_BYTES} bytes when unfolded: send fewer at once`;
    }
    return over(this.#attributes.size, this.#maxAttributes, "attributes");
  }

  /** The record as it is now; later ones do not change it. */
  bag(): Bag {
    return new Map(this.#attributes);
  }

  #set(name: string, kind: AttributeDelta["kind"]): void {
    if (kind.oneofKind !== "stringMap") {
      this.#put(name, this.#value(kind), this.#weigh(kind));
      this.#entries.delete(name);
      return;
    }
    const entries = this.#changed(this.#entries.get(name), kind.stringMap);
    this.#put(name, new EntryMap(entries), weighEntries(entries));
    this.#entries.set(name, entries);
  }

  #put(name: string, value: Held, contents: number): void {
    const weight = ENTRY_BYTES + contents;
    this.#attributes.set(name, value);
    this.#weight += weight - (this.#weights.get(name) ?? 0);
    this.#weights.set(name, weight);
    // Also when the record sets it again: every change to a map copies the map.
    this.#unfolded += weight;
  }

  #remove(name: string): void {
    this.#attributes.delete(name);
    this.#entries.delete(name);
    this.#weight -= this.#weights.get(name) ?? 0;
    this.#weights.delete(name);
  }

  #changed(before: ReadonlyMap<string, string> | undefined, delta: StringMapDelta): ReadonlyMap<string, string> {
    const entries = new Map(delta.fresh ? undefined : before);
    for (const key of delta.remove) entries.delete(this.#word(key));
    for (const { key, value } of delta.set) entries.set(this.#word(key), this.#word(value));
    return entries;
  }

  #value(kind: Exclude<AttributeDelta["kind"], { oneofKind: "stringMap" }>): Held {
    switch (kind.oneofKind) {
      case "string":
        return this.#word(kind.string);
      case "stringList":
        return kind.stringList.items.map((item) => this.#word(item));
      default:
        return valueFromProto({ kind }, "replace");
    }
  }

  #weigh(kind: AttributeDelta["kind"]): number {
    switch (kind.oneofKind) {
      case "string":
        return this.#word(kind.string).length;
      case "stringList":
        return kind.stringList.items.reduce((sum, item) => sum + ENTRY_BYTES + this.#word(item).length, 0);
      case "bytes":
        return kind.bytes.length;
      case "nested":
        return weighNested(kind.nested);
      default:
        return 0;
    }
  }

  #word(index: number): string {
    const word = this.#words[index];
    if (word === undefined) throw new Error(`word ${index} was not checked`);
    return word;
  }
}

function weighEntries(entries: ReadonlyMap<string, string>): number {
  let weight = 0;
  for (const [key, value] of entries) weight += ENTRY_BYTES + key.length + value.length;
  return weight;
}

/** As deep as the reader of messages lets it be. */
function weighNested({ kind }: Value): number {
  switch (kind.oneofKind) {
    case "string":
      return kind.string.length;
    case "bytes":
      return kind.bytes.length;
    case "list":
      return kind.list.items.reduce((sum, item) => sum + ENTRY_BYTES + weighNested(item), 0);
    case "map":
      return kind.map.entries.reduce(
        (sum, { key, value }) => sum + ENTRY_BYTES + key.length + (value === undefined ? 0 : weighNested(value)),
        0,
      );
    default:
      return 0;
  }
}
