import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";

export interface ThreadStart {
  /** As tools show it. */
  readonly name: string;
  readonly data: unknown;
  /** Of what it keeps; a thread that needs more is ended. Megabytes. */
  readonly heapMb: number;
  /** Of what it has just made, three times what is filled before it is looked for garbage. Megabytes. */
  readonly youngHeapMb: number;
  /** Has room for all of that from the beginning, and does not get it little by little. */
  readonly roomAtOnce: boolean;
}

/** V8 takes three times what it fills of the room for what is new. */
const SEMI_SPACES = 3;
/** What to say where V8 is to choose. */
const V8_DECIDES = 0;

/**
 * Starts a thread of ours; `entry` is where it begins.
 *
 * How much room it begins with can be said for all threads only, and V8 reads it when the thread begins to run: of two that are started at the
 * same moment the first may have what was said for the second.
 */
export function startThread(entry: URL, { name, data, heapMb, youngHeapMb, roomAtOnce }: ThreadStart): Worker {
  setFlagsFromString(`--min-semi-space-size=${roomAtOnce ? Math.floor(youngHeapMb / SEMI_SPACES) : V8_DECIDES}`);
  return new Worker(entry, {
    workerData: data,
    name,
    resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: youngHeapMb },
  });
}
