import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PackedPlan } from "../../src/snapshot/packed-plan.ts";
import { encodeReport } from "../../src/wire/client.ts";
import type { FromThread, ToThread } from "../../src/workers/protocol.ts";
import { eventually } from "../e2e/support/eventually.ts";
import { type Fault, FaultySpawn } from "./faults.ts";
import { type Answered, type Caller, CountingHandlers, Service } from "./service.ts";

/**
 * A thread dies at every message of the protocol, before and after it could be taken or was sent. The other thread answers all along;
 * afterwards both do, by the newest snapshot, and nothing is left of the one that died but a count.
 */

type Kind = ToThread["kind"] | FromThread["kind"];

/** What makes a thread and its supervisor say each message. The compiler sees to it that none is missing. */
type Occasion =
  | "always"
  | "at birth"
  | "at a bad plan"
  | "at a failure"
  | "where it cannot listen"
  | "with TLS"
  | "when uneven"
  | "at the end";

const OCCASIONS: Readonly<Record<Kind, Occasion>> = {
  prepare: "always",
  prepared: "always",
  switch: "always",
  released: "always",
  answers: "always",
  work: "always",
  flush: "always",
  counted: "always",
  ready: "at birth",
  listen: "at birth",
  listening: "at birth",
  abandon: "at a bad plan",
  "not-prepared": "at a bad plan",
  certificates: "with TLS",
  "move-away": "when uneven",
  drain: "at the end",
  drained: "at the end",
  close: "at the end",
  closed: "at the end",
  failing: "at a failure",
  "not-listening": "where it cannot listen",
  die: "where it cannot listen",
};

const MOMENTS = ["unheard", "heard"] as const;

function kindsAt(...occasions: readonly string[]): readonly (readonly [Kind, Fault["moment"]])[] {
  const kinds = (Object.keys(OCCASIONS) as Kind[]).filter((kind) => occasions.includes(OCCASIONS[kind]));
  return kinds.flatMap((kind) => MOMENTS.map((moment) => [kind, moment] as const));
}

describe("a thread that dies while it serves", () => {
  const faults = new FaultySpawn();
  let laterMs = 0;
  let version = 1;
  let service: Service;
  let taken: number;
  let traffic: Traffic;

  /** What brings a message about that would not come by itself. */
  const occasions: Readonly<Record<Occasion, () => Promise<void>>> = {
    always: async () => undefined,
    "at birth": async () => faults.fail(),
    "at a failure": async () => faults.fail(),
    "at a bad plan": async () => {
      const publishing = service.supervisor.publisher.publish(unlinkable(laterMs), new CountingHandlers());
      await expect(publishing).rejects.toThrow("was not put in place");
    },
    "where it cannot listen": async () => {
      faults.tamper = (message) => {
        if (message.kind !== "listen") return message;
        faults.tamper = (usual) => usual;
        return { ...message, port: taken };
      };
      faults.fail();
    },
    "with TLS": async () => undefined,
    "when uneven": async () => undefined,
    "at the end": async () => undefined,
  };

  beforeAll(async () => {
    taken = await takenPort();
    service = new Service({ threads: 2, spawn: faults.spawn, laterMs: () => laterMs });
    await service.start("v1");
    traffic = new Traffic(service);
  });

  afterAll(async () => {
    await traffic.stop();
    await service[Symbol.asyncDispose]();
  });

  test.each(kindsAt("always", "at birth", "at a bad plan", "at a failure", "where it cannot listen"))(
    "at `%s`, %s, is replaced",
    async (kind, moment) => {
      // Long enough for deaths before to be forgiven.
      laterMs += 120_000;
      const before = service.births;
      faults.arm({ kind, moment });
      const occasion = OCCASIONS[kind];
      await occasions[occasion]();
      // A plan over which a thread dies twice would be suspected.
      if (occasion !== "always") await eventually(`a death at ${kind}`, () => faults.armed === 0);
      version += 1;
      await service.publish(`v${version}`);
      await service.supervisor.flush();
      await eventually(`a death at ${kind}`, () => faults.armed === 0);
      await eventually("both threads again", () => service.births > before && service.allServe());
      await traffic.everybodyMeets(`v${version}`);
      expect(traffic.wrong.splice(0)).toEqual([]);
      await eventually("every replaced snapshot is closed", () => service.retired.includes(`v${version - 1}`));
      expect(new Set(service.retired).size).toBe(service.retired.length);
      expect(await service.metric("weir_bugs_total", { where: "supervisor" })).toBe(0);
    },
  );
});

test.each(kindsAt("at the end"))(
  "a thread that dies at `%s`, %s, does not keep the process from ending",
  async (kind, moment) => {
    const faults = new FaultySpawn();
    const service = new Service({ threads: 2, spawn: faults.spawn });
    const handlers = await service.start("v1");
    const callers = [service.connect(), service.connect(), service.connect(), service.connect()];
    await Promise.all(callers.map((caller) => caller.check()));
    await Promise.all(callers.map((caller) => caller.report(encodeReport([new Map()], ""))));
    faults.arm({ kind, moment });
    await service[Symbol.asyncDispose]();
    for (const caller of callers) caller.close();
    expect(faults.armed).toBe(0);
    await service.supervisor.publisher.settled();
    expect(handlers.retired).toBe(1);
    const counted = await service.metric("weir_decisions_total");
    const lost = await service.metric("weir_worker_lost_total", { what: "decisions" });
    expect(counted + lost).toBe(4);
  },
);

/** Calls without end on connections of many ages; what should never be answered is kept. */
class Traffic {
  readonly wrong: unknown[] = [];
  readonly #service: Service;
  readonly #callers: readonly Caller[];
  readonly #running: readonly Promise<void>[];
  #latest: Answered[] = [];
  #calling = true;

  constructor(service: Service) {
    this.#service = service;
    this.#callers = Array.from({ length: 4 }, () => service.connect());
    this.#running = this.#callers.map((caller, index) => this.#call(caller, index));
  }

  /** Resolves when the newest answer of everybody is by this snapshot. */
  async everybodyMeets(snapshot: string): Promise<void> {
    await eventually(`answers by ${snapshot}`, () =>
      this.#callers.every((_, index) => {
        const answer = this.#latest[index];
        return answer?.kind === "answered" && answer.message.snapshot === snapshot;
      }),
    );
  }

  async stop(): Promise<void> {
    this.#calling = false;
    await Promise.all(this.#running);
    for (const caller of this.#callers) caller.close();
  }

  async #call(caller: Caller, index: number): Promise<void> {
    let newest = 0;
    let life = "";
    while (this.#calling) {
      const answer = await caller.check({ charge: true, ask: true });
      this.#latest[index] = answer;
      if (answer.kind === "failed") {
        // Only who was connected to the one that died may notice.
        if (this.#service.threads()[1]?.state !== "serving") this.wrong.push(["the other thread fell silent", answer]);
        if (answer.code !== UNAVAILABLE) this.wrong.push(answer);
        continue;
      }
      const { message } = answer;
      const number = Number(message.snapshot.slice(1));
      if (answer.life === life && number < newest) this.wrong.push(["went back", newest, message]);
      [newest, life] = [number, answer.life];
      const rule = message.rule?.name;
      if (message.reason === "rule" && rule !== `p/${message.snapshot}`) this.wrong.push(["two snapshots", message]);
      if (!REASONS.includes(message.reason)) this.wrong.push(message);
    }
  }
}

const UNAVAILABLE = 14;

/** A machine that is busy starting threads may be late with what adapters say. */
const REASONS: readonly string[] = ["rule", "limit", "limit-unavailable", "adapter-unavailable", "deadline"];

/** Somebody else's, who shares it with nobody. */
async function takenPort(): Promise<number> {
  const server = createServer().unref();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port");
  return bound.port;
}

function unlinkable(number: number): PackedPlan {
  return { id: `unlinkable-${number}`, frame: new SharedArrayBuffer(8), policies: [new SharedArrayBuffer(40)] };
}
