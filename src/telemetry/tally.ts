/**
 * What one request thread has counted, in memory that others may look at while it works and after it died. One writer: the thread itself.
 * Numbers are whole and exact up to 2^53; a 64-bit store is never seen half done.
 */
export type Tally = Float64Array;

/** The cells of a tally. */
export const TALLY = {
  /** Requests admitted and not yet answered. */
  inFlight: 0,
  /** Checks decided, since the thread began. */
  decisions: 1,
  /** Records taken for report rules, since the thread began; those of decisions among them. */
  records: 2,
  /** Connections that are open. */
  connections: 3,
  /** Goes up by one each time the thread's event loop had a turn to spare. */
  beats: 4,
  /** Memory outside of the heap: buffers of connections and messages. In bytes. */
  externalBytes: 5,
  /** Report instances sent to the handlers' thread, since the thread began. */
  sentInstances: 6,
  /** Bytes of messages sent to be recorded, since the thread began. */
  sentBytes: 7,
  /** Connections among them that were asked to connect anew; as of the last beat. */
  moving: 8,
  /** 1 while calls are refused because there are too many; as of the last beat. */
  overloaded: 9,
  /** What the heap holds, garbage included, as of the last beat. In bytes. */
  heapBytes: 10,
} as const;

export const TALLY_CELLS = Object.keys(TALLY).length;

/** A tally of a thread that nobody else looks at. */
export function privateTally(): Tally {
  return new Float64Array(TALLY_CELLS);
}
