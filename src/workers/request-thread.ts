import { parentPort, workerData } from "node:worker_threads";
import { Collector } from "./collect-garbage.ts";
import type { ThreadData, ToThread } from "./protocol.ts";
import { RequestThread, type SupervisorPort } from "./thread.ts";

/** Where a request thread begins; `spawn.ts` starts it. */

if (parentPort === null) throw new Error("this file is the beginning of a thread");
const parent = parentPort;
const port: SupervisorPort = {
  post: (message) => parent.postMessage(message),
  onMessage: (take) => parent.on("message", (message: ToThread) => take(message)),
  close: () => parent.close(),
  settle: () => new Collector().allOfMuch(),
  exit: () => process.exit(1),
};
// What `spawn.ts` gave: both sides are of one build.
const thread = new RequestThread(port, workerData as ThreadData);
process.on("uncaughtException", (error) => thread.fail(error));
thread.start();
