import { ABSENT, type CelMap, type CelValue, Invalid, type Outcome } from "./value.ts";

/**
 * A map attribute as a door holds it: text keys, some of whose values may be errors. One header that is not UTF-8 must not spoil the
 * others; it spoils the map only where a rule takes the map whole.
 */
export class EntryMap {
  readonly #entries: ReadonlyMap<string, CelValue | Invalid>;
  #whole: CelMap | Invalid | undefined;

  constructor(entries: ReadonlyMap<string, CelValue | Invalid>) {
    this.#entries = entries;
  }

  get(key: string): Outcome {
    const value = this.#entries.get(key);
    return value === undefined ? ABSENT : value;
  }

  /** Every entry, errors too. */
  pairs(): Iterable<readonly [string, CelValue | Invalid]> {
    return this.#entries;
  }

  /** The same object each time. */
  whole(): CelMap | Invalid {
    this.#whole ??= this.#check();
    return this.#whole;
  }

  #check(): CelMap | Invalid {
    for (const [key, value] of this.#entries) {
      if (!key.isWellFormed()) return new Invalid("a key is not UTF-8");
      if (value instanceof Invalid) return new Invalid(`\`${key}\`: ${value.reason}`);
    }
    // No value is Invalid: just looked.
    return this.#entries as ReadonlyMap<string, CelValue>;
  }
}

export const EMPTY_ENTRIES: EntryMap = new EntryMap(new Map());

/** An attribute as a door holds it, before anybody asked for a part or the whole. */
export type Held = Outcome | EntryMap;

export function wholeOf(held: Held): Outcome {
  return held instanceof EntryMap ? held.whole() : held;
}

export function keyOf(held: Held, key: string): Outcome {
  if (held instanceof EntryMap) return held.get(key);
  if (held === ABSENT || held instanceof Invalid) return held;
  if (held instanceof Map) {
    const value: Outcome | undefined = held.get(key);
    return value === undefined ? ABSENT : value;
  }
  return new Invalid(`no map, and \`${key}\` was asked for`);
}

export function entriesOf(held: Held): CelMap | typeof ABSENT | Invalid {
  const whole = wholeOf(held);
  if (whole === ABSENT || whole instanceof Invalid) return whole;
  // Every Map that a CelValue can be is a CelMap.
  return whole instanceof Map ? (whole as CelMap) : new Invalid("no map, and its entries were asked for");
}
