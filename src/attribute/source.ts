import type { Absent, CelMap, Invalid, Outcome } from "./value.ts";

/**
 * One request as the engine sees it. A slot is the number that the snapshot gave an attribute; a door is asked only for slots that some
 * policy reads, and decodes no more than those. Nothing else reaches into a request.
 *
 * Reading must not throw and must give the same answer each time within one request.
 */
export interface AttributeSource {
  /** The attribute in `slot`. */
  read(slot: number): Outcome;
  /** One key of the map attribute in `slot`: ABSENT when the map or the key is not there. */
  readKey(slot: number, key: string): Outcome;
  /** The whole map attribute in `slot`. */
  entries(slot: number): CelMap | Absent | Invalid;
  /** Whether `read` would say ABSENT, where that is known without making a value; left out, `read` is asked. */
  isAbsent?(slot: number): boolean;
}

/** An attribute in the snapshot's numbering. Doors bind their readers to these once per snapshot. */
export interface SlotSpec {
  readonly slot: number;
  readonly name: string;
  /** Of a map: the keys that are asked for by name. Others may be, and the map as a whole, at a higher price. */
  readonly keys?: readonly string[];
}
