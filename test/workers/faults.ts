import { Worker } from "node:worker_threads";
import type { FromThread, ThreadData, ToThread } from "../../src/workers/protocol.ts";
import { portOf, type Spawn } from "../../src/workers/spawn.ts";

/** A death at a message: of the thread that is sent it, or of the thread that sends it. */
export interface Fault {
  readonly kind: ToThread["kind"] | FromThread["kind"];
  /** `unheard`: it dies before it can take the message, or just before it has sent it. `heard`: just after. */
  readonly moment: "heard" | "unheard";
}

/** What a test says to `mortal-thread.ts`, besides the protocol. */
export type ToMortal =
  | { readonly kind: "test-arm"; readonly fault: Fault }
  | { readonly kind: "test-fail" }
  | { readonly kind: "test-hang" };

export interface FromMortal {
  readonly kind: "test-died";
  readonly fault: Fault | undefined;
}

const ENTRY = new URL("./mortal-thread.ts", import.meta.url);

/** Starts real threads of which one, the first, fails at a message when it is armed. */
export class FaultySpawn {
  readonly victim = 1;
  readonly #armed: Fault[] = [];
  #worker: Worker | undefined;
  /** Changes what the victim is told. */
  tamper: (message: ToThread) => ToThread = (message) => message;

  readonly spawn: Spawn = (data: ThreadData) => {
    const armed = data.thread === this.victim ? [...this.#armed] : [];
    const worker = new Worker(ENTRY, { workerData: { data, armed } });
    const real = portOf(worker);
    if (data.thread !== this.victim) return real;
    this.#worker = worker;
    return {
      ...real,
      post: (message) => real.post(this.tamper(message)),
      onMessage: (take) =>
        worker.on("message", (message: FromThread | FromMortal) => {
          if (message.kind !== "test-died") take(message);
          else if (message.fault)
            this.#armed.splice(
              this.#armed.findIndex(({ kind }) => kind === message.fault?.kind),
              1,
            );
        }),
    };
  };

  /** The next message that fits is met with a death: in the life that is, and in those that follow until it was. */
  arm(fault: Fault): void {
    this.#armed.push(fault);
    this.#say({ kind: "test-arm", fault });
  }

  /** How many deaths are still to come. */
  get armed(): number {
    return this.#armed.length;
  }

  /** Without any message. */
  fail(): void {
    this.#say({ kind: "test-fail" });
  }

  /** Its event loop never turns again. */
  hang(): void {
    this.#say({ kind: "test-hang" });
  }

  #say(message: ToMortal): void {
    this.#worker?.postMessage(message);
  }
}
