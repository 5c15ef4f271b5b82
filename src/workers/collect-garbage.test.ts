import { once } from "node:events";
import { expect, test } from "vitest";
import { startThread } from "./start-thread.ts";

const MEGABYTE = 1024 * 1024;

test("a thread with much room for what is new lets go of it when asked", async () => {
  const says = `
    import { getHeapSpaceStatistics } from "node:v8";
    import { parentPort } from "node:worker_threads";
    import { Collector } from "${new URL("./collect-garbage.ts", import.meta.url).href}";
    const inUse = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_used_size;
    const garbage = new Collector();
    while (inUse() < ${4 * MEGABYTE}) new Array(1_000).fill(0);
    garbage.young();
    parentPort.postMessage(inUse());`;
  const entry = new URL(`data:text/javascript,${encodeURIComponent(says)}`);
  const thread = startThread(entry, { name: "test", data: undefined, heapMb: 64, youngHeapMb: 48, roomAtOnce: true });
  const [left] = await once(thread, "message");
  await thread.terminate();
  expect(left).toBeLessThan(2 * MEGABYTE);
});
