import type { CelType } from "../attribute/type.ts";
import { parseType } from "../attribute/type.ts";
import { VOCABULARY } from "../attribute/vocabulary.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { declaredTypes, HEADER_MAPS, isSentToCheck, needsAssertion } from "./weir-attributes.ts";

/** The fields of `AttributeValue`, and 0 where none is set. */
export const KIND = {
  none: 0,
  string: 1,
  int64: 2,
  uint64: 3,
  double: 4,
  bool: 5,
  bytes: 6,
  timestamp: 7,
  duration: 8,
  stringMap: 9,
  stringList: 10,
  nested: 11,
} as const;

/** An attribute that a caller may send. */
export interface NameRow {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly type: CelType;
  /** By kind, whether every value of it is one of the type: then nobody has to look at it. */
  readonly taken: readonly boolean[];
  /** A map of values of any kind: a nested map is one. */
  readonly takesNestedMap: boolean;
  /** Only from a caller whose word counts. */
  readonly asserted: boolean;
  /** Of all the rows. */
  readonly index: number;
  /** Where its place in a message is noted; -1 where nothing reads it. */
  readonly position: number;
}

/** How a slot is read. */
export type SlotKind = "sent" | "peer-address" | "peer-principal" | "canonical-path" | "url-path" | "query";

export interface SlotRow {
  readonly kind: SlotKind;
  /** -1 for what no caller may send. */
  readonly position: number;
  /** Keys are names of headers: in lower case. */
  readonly headers: boolean;
}

/**
 * What a snapshot and the vocabulary say of the attributes of a native Check, made ready for walking over its bytes: every name that a caller may
 * send, found by its bytes, and for each slot where its value is noted.
 */
export class CheckTable {
  readonly rows: readonly NameRow[];
  readonly slots: readonly SlotRow[];
  readonly positions: number;
  /** -1 where no rule reads what follows from it, as with the others. */
  readonly pathPosition: number;
  readonly methodPosition: number;
  readonly headersPosition: number;
  readonly #headers: ReadonlySet<number>;
  readonly #byHash: NameRow[][] = Array.from({ length: BUCKETS }, () => []);

  constructor(snapshot: Snapshot) {
    const positions = new Map<string, number>();
    const positionOf = (name: string): number => {
      const known = positions.get(name) ?? positions.size;
      positions.set(name, known);
      return known;
    };
    this.slots = snapshot.slots.map(({ name }) => ({
      kind: WORKED_OUT.get(name) ?? "sent",
      position: name === "" ? -1 : positionOf(name),
      headers: HEADER_MAPS.has(name),
    }));
    this.pathPosition = positionOf("request.path");
    this.methodPosition = positionOf("request.method");
    this.headersPosition = positionOf("request.headers");
    this.positions = positions.size;
    this.#headers = new Set([...positions].filter(([name]) => HEADER_MAPS.has(name)).map(([, position]) => position));
    this.rows = rowsOf(snapshot, positions);
    for (const row of this.rows) this.#bucket(row.bytes, 0, row.bytes.length).push(row);
  }

  /** @returns what has this name; undefined for what nobody knows, or no caller may send. */
  find(bytes: Uint8Array, start: number, end: number): NameRow | undefined {
    const bucket = this.#bucket(bytes, start, end);
    for (let index = 0; index < bucket.length; index++) {
      const row = bucket[index];
      if (row !== undefined && isName(row.bytes, bytes, start, end)) return row;
    }
    return undefined;
  }

  /** Whether what stands there are headers: names in lower case, none of HTTP/2's own. */
  isHeaders(position: number): boolean {
    return this.#headers.has(position);
  }

  #bucket(bytes: Uint8Array, start: number, end: number): NameRow[] {
    const last = bytes[end - 1] ?? 0;
    const middle = bytes[(start + end) >> 1] ?? 0;
    const late = bytes[Math.max(start, end - 4)] ?? 0;
    return this.#byHash[(end - start + last * 7 + middle * 31 + late * 101) & (BUCKETS - 1)] ?? [];
  }
}

/** Some ten times the names there are; a power of two. */
const BUCKETS = 1_024;

const WORKED_OUT: ReadonlyMap<string, SlotKind> = new Map([
  ["peer.address", "peer-address"],
  ["peer.principal", "peer-principal"],
  ["request.canonical_path", "canonical-path"],
  ["request.url_path", "url-path"],
  ["request.query", "query"],
]);

function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let index = name.length - 1; index >= 0; index--) if (name[index] !== bytes[start + index]) return false;
  return true;
}

function rowsOf(snapshot: Snapshot, positions: ReadonlyMap<string, number>): readonly NameRow[] {
  const known = VOCABULARY.filter(isSentToCheck).map(
    (row) => [row.name, parseType(row.type), needsAssertion(row)] as const,
  );
  const declared = [...declaredTypes(snapshot)].map(([name, type]) => [name, type, false] as const);
  return [...known, ...declared].map(([name, type, asserted], index) => ({
    name,
    bytes: Buffer.from(name, "utf8"),
    type,
    taken: Object.values(KIND).map((kind) => kind === KIND.none || takes(type, kind)),
    takesNestedMap: type.kind === "map" && type.value.kind === "dyn",
    asserted,
    index,
    position: positions.get(name) ?? -1,
  }));
}

function takes(type: CelType, kind: number): boolean {
  switch (type.kind) {
    case "dyn":
      return true;
    case "string":
      return kind === KIND.string;
    case "int":
      return kind === KIND.int64;
    case "uint":
      return kind === KIND.uint64;
    case "double":
      return kind === KIND.double;
    case "bool":
      return kind === KIND.bool;
    case "bytes":
      return kind === KIND.bytes;
    case "timestamp":
      return kind === KIND.timestamp;
    case "duration":
      return kind === KIND.duration;
    case "map":
      return kind === KIND.stringMap && isTextOrAny(type.value);
    case "list":
      return kind === KIND.stringList && isTextOrAny(type.element);
    default:
      return false;
  }
}

function isTextOrAny({ kind }: CelType): boolean {
  return kind === "string" || kind === "dyn";
}
