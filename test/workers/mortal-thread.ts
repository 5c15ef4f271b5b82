import { parentPort, workerData } from "node:worker_threads";
import type { FromThread, ThreadData, ToThread } from "../../src/workers/protocol.ts";
import { RequestThread, type SupervisorPort } from "../../src/workers/thread.ts";
import type { Fault, FromMortal, ToMortal } from "./faults.ts";

/** A request thread, the real one, that fails where a test wants it to: from that moment nothing is heard of it and it hears nothing. */

if (parentPort === null) throw new Error("this file is the beginning of a thread");
const parent = parentPort;
const { data, armed } = workerData as { readonly data: ThreadData; readonly armed: readonly Fault[] };
const faults: Fault[] = [...armed];
let dead = false;

function say(message: FromMortal): void {
  parent.postMessage(message);
}

function fitting(kind: Fault["kind"]): Fault | undefined {
  const at = faults.findIndex((fault) => fault.kind === kind);
  return at < 0 ? undefined : faults.splice(at, 1)[0];
}

/** As a bug would: an exception that nobody catches. */
function die(fault: Fault | undefined): void {
  dead = true;
  say({ kind: "test-died", fault });
  setImmediate(() => {
    throw new Error("this thread was made to fail");
  });
}

function deadOrPass(message: ToThread | FromThread, pass: () => void): void {
  // Its last words are a part of how it dies.
  if (dead && message.kind !== "failing") return;
  const fault = fitting(message.kind);
  if (fault?.moment !== "unheard") pass();
  if (fault) die(fault);
}

const port: SupervisorPort = {
  post: (message) => deadOrPass(message, () => parent.postMessage(message)),
  onMessage(take) {
    parent.on("message", (message: ToThread | ToMortal) => {
      switch (message.kind) {
        case "test-arm":
          faults.push(message.fault);
          break;
        case "test-fail":
          setImmediate(() => {
            throw new Error("this thread was made to fail");
          });
          break;
        case "test-hang":
          for (;;);
        default:
          deadOrPass(message, () => take(message));
      }
    });
  },
  close: () => parent.close(),
  settle: () => undefined,
  exit: () => process.exit(1),
};
const thread = new RequestThread(port, data);
process.on("uncaughtException", (error) => thread.fail(error));
thread.start();
