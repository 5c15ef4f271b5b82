import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Where less is in use there is little to be given back, and looking for it takes a tenth of a start. In bytes. */
const WORTH_COLLECTING = 40 * 1024 * 1024;

/** As `collectGarbage`, where it is worth it: for the end of a start. */
export function collectAfterLoading(): void {
  if (getHeapStatistics().used_heap_size > WORTH_COLLECTING) collectGarbage();
}

/**
 * Gives back what loading or compiling left behind, which may be more than what it made. It takes up to a tenth of a second, so it is for
 * moments in which nobody waits for this thread. V8 says no other way how to ask for it.
 */
export function collectGarbage(): void {
  // Not taken back: they are of all threads, and another one may be about to do the same.
  setFlagsFromString("--expose-gc");
  // Or it takes the code too, and what comes next is compiled again: an edit after the start was a tenth slower.
  setFlagsFromString("--no-flush-bytecode");
  const collect: unknown = runInNewContext("globalThis.gc");
  if (typeof collect === "function") collect({ type: "major", flavor: "last-resort" });
}
