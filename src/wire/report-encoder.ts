import { AttributeValue, type StringMap } from "#proto/weir/v1/attribute";
import type { AttributeDelta, RecordDelta, ReportRequest, StringMapDelta, WordPair } from "#proto/weir/v1/report";

/** The attributes of one request that is over, by name. */
export type ReportBag = ReadonlyMap<string, AttributeValue>;

/**
 * Folds records as proto/weir/v1/report.proto says: every text once, and of each record what differs from the one before. Records that are alike
 * should stand next to each other.
 *
 * @param reportId the same for each attempt to send these records; empty when they are sent once
 */
export function encodeReport(bags: readonly ReportBag[], reportId: string): ReportRequest {
  const dictionary = new Dictionary();
  let before: ReportBag = new Map();
  const records = bags.map((bag) => {
    const record = encodeRecord(before, bag, dictionary);
    before = bag;
    return record;
  });
  return { words: dictionary.words, records, reportId };
}

class Dictionary {
  readonly words: string[] = [];
  readonly #indexes = new Map<string, number>();

  index(word: string): number {
    const known = this.#indexes.get(word);
    if (known !== undefined) return known;
    this.#indexes.set(word, this.words.length);
    return this.words.push(word) - 1;
  }
}

function encodeRecord(before: ReportBag, bag: ReportBag, dictionary: Dictionary): RecordDelta {
  const removed = [...before.keys()].filter((name) => !bag.has(name));
  const changed = [...bag.keys()].filter((name) => !sameValue(before.get(name), bag.get(name)));
  // Nothing in common: saying everything is shorter than saying what goes.
  const fresh = removed.length > 0 && changed.length === bag.size;
  const base = fresh ? undefined : before;
  const set = changed.flatMap((name) => encodeAttribute(name, base?.get(name), bag.get(name), dictionary));
  return { set, remove: fresh ? [] : removed.map((name) => dictionary.index(name)), fresh };
}

/** By their bytes, which tell 0 from -0 and find NaN equal to itself. */
function sameValue(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.kind.oneofKind !== b.kind.oneofKind) return false;
  return Buffer.compare(AttributeValue.toBinary(a), AttributeValue.toBinary(b)) === 0;
}

function encodeAttribute(
  name: string,
  before: AttributeValue | undefined,
  value: AttributeValue | undefined,
  dictionary: Dictionary,
): AttributeDelta[] {
  return value === undefined ? [] : [{ name: dictionary.index(name), kind: encodeKind(before, value, dictionary) }];
}

function encodeKind(
  before: AttributeValue | undefined,
  { kind }: AttributeValue,
  dictionary: Dictionary,
): AttributeDelta["kind"] {
  switch (kind.oneofKind) {
    case "string":
      return { oneofKind: "string", string: dictionary.index(kind.string) };
    case "stringList":
      return {
        oneofKind: "stringList",
        stringList: { items: kind.stringList.items.map((item) => dictionary.index(item)) },
      };
    case "stringMap": {
      const base =
        before?.kind.oneofKind === "stringMap" ? entriesOf(before.kind.stringMap) : new Map<string, string>();
      return { oneofKind: "stringMap", stringMap: encodeMap(base, entriesOf(kind.stringMap), dictionary) };
    }
    default:
      return kind;
  }
}

/** Of two entries with one key the later one counts. */
function entriesOf({ entries }: StringMap): ReadonlyMap<string, string> {
  return new Map(entries.map(({ key, value }) => [key, value]));
}

function encodeMap(
  before: ReadonlyMap<string, string>,
  entries: ReadonlyMap<string, string>,
  dictionary: Dictionary,
): StringMapDelta {
  const pair = ([key, value]: readonly [string, string]): WordPair => ({
    key: dictionary.index(key),
    value: dictionary.index(value),
  });
  const removed = [...before.keys()].filter((key) => !entries.has(key));
  const changed = [...entries].filter(([key, value]) => before.get(key) !== value);
  const fresh = removed.length > 0 && changed.length === entries.size;
  return { set: changed.map(pair), remove: fresh ? [] : removed.map((key) => dictionary.index(key)), fresh };
}
