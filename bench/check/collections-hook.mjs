import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PerformanceObserver } from "node:perf_hooks";
import { threadId } from "node:worker_threads";

// Preloaded into a server that is measured (`collections.ts`): one file per thread, with the milliseconds it has spent collecting garbage.
const EVERY_MS = 100;
const folder = process.env.WEIR_BENCH_COLLECTIONS;

if (folder !== undefined) {
  let spentMs = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) spentMs += duration;
  }).observe({ entryTypes: ["gc"] });
  setInterval(() => writeFileSync(join(folder, `${process.pid}-${threadId}`), String(spentMs)), EVERY_MS).unref();
}
