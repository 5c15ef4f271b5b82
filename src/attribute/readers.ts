import { entriesOf, type Held, keyOf, wholeOf } from "./entry-map.ts";
import type { AttributeSource, SlotSpec } from "./source.ts";
import { ABSENT } from "./value.ts";

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
  const held = (slot: number): Held => {
    const reader = readers[slot];
    return reader === undefined ? ABSENT : reader(context);
  };
  return {
    read: (slot) => wholeOf(held(slot)),
    readKey: (slot, key) => keyOf(held(slot), key),
    entries: (slot) => entriesOf(held(slot)),
  };
}
