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

const MEGABYTE = 1024 * 1024;

/** V8 grows no further before as much has outlived a collection as there is room for, which takes some hundred milliseconds of full load. */
const LOOK_MS = 50;

function youngHeapBytes(): number {
  return getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;
}
