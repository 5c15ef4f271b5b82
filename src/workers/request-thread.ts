import { parentPort, workerData } from "node:worker_threads";
import type { ThreadData, ToThread } from "./protocol.ts";
import { RequestThread } from "./thread.ts";

/** Where a request thread begins; `spawn.ts` starts it. */

if (parentPort === null) throw new Error("this file is the beginning of a thread");
const port = parentPort;
new RequestThread(
  {
    post: (message) => port.postMessage(message),
    onMessage: (take) => port.on("message", (message: ToThread) => take(message)),
    close: () => port.close(),
  },
  // What `spawn.ts` gave: both sides are of one build.
  workerData as ThreadData,
).start();
