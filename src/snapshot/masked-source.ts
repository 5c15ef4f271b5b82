import { MASKED, type Mask } from "../attribute/mask.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";

/** A source that shows what a mask hides as masked, whichever way it is read. */
export function maskedSource(source: AttributeSource, slots: readonly SlotSpec[], mask: Mask): AttributeSource {
  const nameOf = (slot: number): string => slots[slot]?.name ?? "";
  return {
    read: (slot) => mask.apply(nameOf(slot), source.read(slot)),
    readKey(slot, key) {
      // By the key alone: another value that is no text must not spoil this one.
      const value = source.readKey(slot, key);
      if (value === ABSENT || value instanceof Invalid) return value;
      return mask.hides(nameOf(slot)) ? MASKED : mask.apply(`${nameOf(slot)}.${key}`, value);
    },
    entries(slot) {
      const value = mask.apply(nameOf(slot), source.entries(slot));
      // A map that is masked as a whole shows nothing of itself.
      return value instanceof Map || value instanceof Invalid ? value : ABSENT;
    },
  };
}
