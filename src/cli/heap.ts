import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/**
 * While a process starts, V8 gives what was just made more and more room, which stays taken: with ten thousand rules a third of all memory, for
 * a second of loading. V8 reads how fast that room grows whenever it may grow, so that it can be held until there are requests.
 */
export function holdYoungHeap(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}

/**
 * How much room what was just made gets in the end; it is taken twice, to copy from one half into the other. Four times that is V8's own limit:
 * it saves no processor time that could be measured, and costs a hundred megabytes. In megabytes.
 */
const YOUNG_HEAP_MB = 8;

/** From now on it grows with what requests need, up to its limit: in one step, for steps can be stopped only in between. */
export function letYoungHeapGrow(): void {
  setFlagsFromString(`--semi-space-growth-factor=${YOUNG_HEAP_MB}`);
  const looking = setInterval(() => {
    if (youngHeapBytes() < YOUNG_HEAP_MB * MEGABYTE) return;
    holdYoungHeap();
    clearInterval(looking);
  }, LOOK_MS);
  looking.unref();
}

/**
 * Under full load calls leave something behind that only a collection of the whole heap finds: what node keeps of each until it is answered.
 * V8 waits for that until there is about three times what is in use, and what lies outside of the heap waits with it: with 10,000 rules that
 * was 390 MB, and is 260 with so much. Less costs processor time: with 20 MB a third more, and this an eighth. In megabytes.
 */
const GARBAGE_MB = 48;
/** The same in parts of what is in use, at least and at most, in percent: each collection looks at all of that. */
const LEAST_GARBAGE = 60;
const MOST_GARBAGE = 200;

/** How often it is looked how much is in use, and how many looks together tell. Seconds. */
const WEIGH_EVERY_S = 1;
const LOOKS = 20;

/**
 * Keeps what lies in the heap, and is not in use, bounded.
 * @param heapBytes what it holds now, garbage included: the least of a while is what is in use
 */
export function boundGarbage(heapBytes: () => number): void {
  const bound = (usedBytes: number): void => setFlagsFromString(`--heap-growing-percent=${garbagePercent(usedBytes)}`);
  // At once: what was taken from the system once does not go back to it.
  bound(heapBytes());
  let looks = 0;
  let least = Number.POSITIVE_INFINITY;
  const weighing = setInterval(() => {
    least = Math.min(least, heapBytes());
    looks += 1;
    if (looks < LOOKS) return;
    bound(least);
    looks = 0;
    least = Number.POSITIVE_INFINITY;
  }, WEIGH_EVERY_S * 1_000);
  weighing.unref();
}

/** @returns how much garbage there may be, in percent of what is in use. */
export function garbagePercent(usedBytes: number): number {
  const percent = Math.round((100 * GARBAGE_MB * MEGABYTE) / usedBytes);
  return Math.min(MOST_GARBAGE, Math.max(LEAST_GARBAGE, percent));
}

const MEGABYTE = 1024 * 1024;

/** V8 grows no further before as much has outlived a collection as there is room for, which takes some hundred milliseconds of full load. */
const LOOK_MS = 50;

function youngHeapBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
}
