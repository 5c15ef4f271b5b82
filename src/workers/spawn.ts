import type { Worker } from "node:worker_threads";
import { type FromThread, THREAD_HEAP_MB, THREAD_YOUNG_HEAP_MB, type ThreadData, type ToThread } from "./protocol.ts";
import { startThread } from "./start-thread.ts";

/** The supervisor's end of the way to one thread. */
export interface ThreadPort {
  post(message: ToThread): void;
  /** Called once. */
  onMessage(take: (message: FromThread) => void): void;
  /** Called once; `error` is what ended the thread, where something did. Nothing comes after it. */
  onExit(gone: (error: Error | undefined) => void): void;
  /** Ends the thread wherever it stands: see `Die` in `protocol.ts`. */
  terminate(): void;
}

export type Spawn = (data: ThreadData) => ThreadPort;

/** The same folder in the sources and in what is built of them. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./request-thread.ts" : "./request-thread.js", import.meta.url);

/** Starts a request thread. */
export function spawnThread(data: ThreadData): ThreadPort {
  const worker = startThread(ENTRY, {
    name: `weir-requests-${data.thread}`,
    data,
    heapMb: THREAD_HEAP_MB,
    youngHeapMb: THREAD_YOUNG_HEAP_MB,
    roomAtOnce: false,
  });
  return portOf(worker);
}

export function portOf(worker: Worker): ThreadPort {
  let error: Error | undefined;
  // What no code of the thread could catch: it failed to load, or ran out of memory at once.
  worker.on("error", (thrown: unknown) => {
    error = thrown instanceof Error ? thrown : new Error(String(thrown));
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (take) => void worker.on("message", (message: FromThread) => take(message)),
    onExit: (gone) => void worker.on("exit", () => gone(error)),
    terminate: () => void worker.terminate(),
  };
}
