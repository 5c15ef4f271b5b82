import { entriesOf, type Held, keyOf, wholeOf } from "./entry-map.ts";
import type { AttributeSource, SlotSpec } from "./source.ts";
import { ABSENT } from "./value.ts";

/** A bag: attributes by name, all of them at hand. What the native door decodes into, and what tests read from. */
export type Bag = ReadonlyMap<string, Held>;

/** @param slots the snapshot's numbering; an attribute that the bag does not have is absent. */
export function bagSource(bag: Bag, slots: readonly SlotSpec[]): AttributeSource {
  const names = namesBySlot(slots);
  const held = (slot: number): Held => {
    const name = names[slot];
    const value = name === undefined ? ABSENT : bag.get(name);
    return value === undefined ? ABSENT : value;
  };
  return {
    read: (slot) => wholeOf(held(slot)),
    readKey: (slot, key) => keyOf(held(slot), key),
    entries: (slot) => entriesOf(held(slot)),
  };
}

function namesBySlot(slots: readonly SlotSpec[]): readonly (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (const { slot, name } of slots) names[slot] = name;
  return names;
}
