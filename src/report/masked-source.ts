import { MASKED, type Mask, maskOf } from "../attribute/mask.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { ABSENT, Invalid } from "../attribute/value.ts";

/** A source that shows what `mask:` names as masked, whichever way it is read. */
export function maskedSource(
  source: AttributeSource,
  slots: readonly SlotSpec[],
  names: readonly string[],
): AttributeSource {
  // Header names are held in lower case, however they are written in `mask:`.
  const mask: Mask = maskOf([...names, ...names.map((name) => name.toLowerCase())]);
  const nameOf = (slot: number): string => slots[slot]?.name ?? "";
  return {
    read: (slot) => mask.apply(nameOf(slot), source.read(slot)),
    readKey(slot, key) {
      // By the key alone: another value that is no text must not spoil this one.
      const value = source.readKey(slot, key);
      const shown = mask.apply(`${nameOf(slot)}.${key}`, value);
      return shown === value && mask.hides(nameOf(slot)) && value !== ABSENT ? MASKED : shown;
    },
    entries(slot) {
      const value = mask.apply(nameOf(slot), source.entries(slot));
      // A map that is masked as a whole shows nothing of itself.
      return value instanceof Map || value instanceof Invalid ? value : ABSENT;
    },
  };
}
