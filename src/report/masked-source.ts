import { type Mask, maskOf } from "../attribute/mask.ts";
import type { AttributeSource, SlotSpec } from "../attribute/source.ts";
import { ABSENT, Invalid, type Outcome } from "../attribute/value.ts";

/** A source that shows what `mask:` names as masked, whichever way it is read. */
export function maskedSource(
  source: AttributeSource,
  slots: readonly SlotSpec[],
  names: readonly string[],
): AttributeSource {
  const mask: Mask = maskOf(names);
  const nameOf = (slot: number): string => slots[slot]?.name ?? "";
  const whole = (slot: number): Outcome => mask.apply(nameOf(slot), source.read(slot));
  const touches = (slot: number): boolean =>
    names.some((name) => name === nameOf(slot) || name.startsWith(`${nameOf(slot)}.`));
  return {
    read: whole,
    readKey(slot, key) {
      if (!touches(slot)) return source.readKey(slot, key);
      const value = whole(slot);
      if (value instanceof Map) return value.has(key) ? value.get(key) : ABSENT;
      return value instanceof Invalid || value === ABSENT ? value : ABSENT;
    },
    entries(slot) {
      if (!touches(slot)) return source.entries(slot);
      const value = whole(slot);
      // A map that is masked as a whole shows nothing of itself.
      return value instanceof Map || value instanceof Invalid ? value : ABSENT;
    },
  };
}
