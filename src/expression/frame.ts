import type { Absent, CelMap, CelValue, Invalid, Outcome } from "../attribute/value.ts";

/**
 * One evaluation's view of one request: reads attributes through the door's source, remembers what was read, evaluates derived
 * attributes once. Made per request by the engine and handed to every linked expression of the snapshot.
 */
export interface Frame {
  /** The attribute in a slot of the snapshot; a derived one is evaluated at its first reading. */
  read(slot: number): Outcome;
  /** One key of a map attribute: ABSENT when the map or the key is not there. */
  readKey(slot: number, key: string): Outcome;
  /** A whole map attribute; iterating makes an answer not reusable by clients. */
  entries(slot: number): CelMap | Absent | Invalid;
  /** Comprehension variables, by the depth at which they were bound; written by linked comprehensions only. */
  readonly locals: CelValue[];
  /** Evaluation steps left for this request; an evaluation that finds none left gives Invalid. One unit is about one node visited. */
  budget: number;
}

/** A linked expression. Never throws for what a request or a policy holds. */
export type Evaluate = (frame: Frame) => Outcome;

/** A linked text with `${…}`: ABSENT or Invalid when one of its expressions is. */
export type Render = (frame: Frame) => string | Absent | Invalid;

/** What linking needs to know of the snapshot. */
export interface LinkScope {
  /** @returns the slot of an attribute that some expression of the plan reads. Throws when the plan has none: that is our bug. */
  slotOf(attribute: string): number;
}
