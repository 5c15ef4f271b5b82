import { once } from "node:events";
import { expect, test } from "vitest";
import { startThread } from "./start-thread.ts";

const MEGABYTE = 1024 * 1024;

test("a thread begins with the room that it is given at once, and the next one with what V8 thinks right", async () => {
  const given = await roomOf({ youngHeapMb: 24, roomAtOnce: true });
  expect(given).toBe(8 * MEGABYTE);
  expect(await roomOf({ youngHeapMb: 24, roomAtOnce: false })).toBeLessThan(given);
});

/** @returns what a thread may fill before it is looked for garbage, when it begins. Bytes. */
async function roomOf(given: { readonly youngHeapMb: number; readonly roomAtOnce: boolean }): Promise<number> {
  const says = `
    import { getHeapSpaceStatistics } from "node:v8";
    import { parentPort } from "node:worker_threads";
    parentPort.postMessage(getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size);`;
  const entry = new URL(`data:text/javascript,${encodeURIComponent(says)}`);
  const thread = startThread(entry, { name: "test", data: undefined, heapMb: 64, ...given });
  const [bytes] = await once(thread, "message");
  await thread.terminate();
  return Number(bytes);
}
