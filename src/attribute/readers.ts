import { entriesOf, type Held, keyOf, wholeOf } from "./entry-map.ts";
import type { AttributeSource, SlotSpec } from "./source.ts";
import { ABSENT, type Absent, type CelMap, type Invalid, type Outcome } from "./value.ts";

/** Reads one attribute out of a decoded message and what a door knows besides. Never throws; the same answer each time. */
export type Reader<C> = (context: C) => Held;

/** A door's readers by attribute name: what it supplies, and nothing else. */
export type ReaderTable<C> = ReadonlyMap<string, Reader<C>>;

/** Readers by slot: a hole where the door never supplies the attribute. */
export type BoundReaders<C> = readonly (Reader<C> | undefined)[];

/** Done once per snapshot, so that a request looks nothing up by name. */
export function bindReaders<C>(table: ReaderTable<C>, slots: readonly SlotSpec[]): BoundReaders<C> {
  const bound: (Reader<C> | undefined)[] = [];
  for (const { slot, name } of slots) bound[slot] = table.get(name);
  return bound;
}

/** One request through bound readers. */
export function readerSource<C>(readers: BoundReaders<C>, context: C): AttributeSource {
  return new ReaderSource(readers, context);
}

/** A class, for one is made for each request: it costs one small object. */
class ReaderSource<C> implements AttributeSource {
  readonly #readers: BoundReaders<C>;
  readonly #context: C;

  constructor(readers: BoundReaders<C>, context: C) {
    this.#readers = readers;
    this.#context = context;
  }

  read(slot: number): Outcome {
    return wholeOf(this.#held(slot));
  }

  readKey(slot: number, key: string): Outcome {
    return keyOf(this.#held(slot), key);
  }

  entries(slot: number): CelMap | Absent | Invalid {
    return entriesOf(this.#held(slot));
  }

  #held(slot: number): Held {
    const reader = this.#readers[slot];
    return reader === undefined ? ABSENT : reader(this.#context);
  }
}
