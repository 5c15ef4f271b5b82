import { describe, expect, test } from "vitest";
import { eventually } from "../e2e/support/eventually.ts";
import { Service } from "./service.ts";

describe("two request threads", () => {
  test("answer on one port, by the same snapshot, and what they did is counted once", async () => {
    await using service = new Service({ threads: 2 });
    const handlers = await service.start("v1");
    const callers = Array.from({ length: 12 }, () => service.connect());
    const answers = await Promise.all(callers.map((caller) => caller.check()));
    const lives = new Set(answers.map((answer) => (answer.kind === "answered" ? answer.life : "failed")));
    expect(lives).toEqual(new Set(["t1", "t2"]));
    expect(answers.map((answer) => answer.kind === "answered" && answer.message.rule?.name)).toEqual(
      new Array(12).fill("p/v1"),
    );
    await service.supervisor.flush();
    expect(await service.metric("weir_decisions_total", { verdict: "allowed" })).toBe(12);
    expect(await service.metric("weir_connections_open")).toBe(12);
    expect(await service.metric("weir_in_flight")).toBe(0);
    expect(handlers.retired).toBe(0);
    for (const caller of callers) caller.close();
  });

  test("share one limit: twenty calls are granted, over all connections, and no more", async () => {
    await using service = new Service({ threads: 2 });
    await service.start("v1");
    const callers = Array.from({ length: 10 }, () => service.connect());
    const calls = Array.from({ length: 50 }, (_, n) => callers[n % 10]?.check({ charge: true }));
    const answers = await Promise.all(calls);
    const allowed = answers.filter((answer) => answer?.kind === "answered" && answer.message.reason === "rule");
    const limited = answers.filter((answer) => answer?.kind === "answered" && answer.message.reason === "limit");
    expect([allowed.length, limited.length]).toEqual([20, 30]);
    for (const caller of callers) caller.close();
  });

  test("are spread anew when they are not even, without the loss of a call", async () => {
    await using service = new Service({ threads: 2 });
    await service.start("v1");
    const callers = [service.connect(), service.connect()];
    let calling = true;
    const failures: unknown[] = [];
    const call = async (caller: (typeof callers)[number]): Promise<void> => {
      while (calling) {
        const answer = await caller.check();
        if (answer.kind === "failed") failures.push(answer);
      }
    };
    const running = callers.map(call);
    await eventually("one connection at each thread", async () => {
      await service.supervisor.flush();
      return service.threads().every(({ connections }) => connections === 1);
    });
    calling = false;
    await Promise.all(running);
    expect(failures).toEqual([]);
    for (const caller of callers) caller.close();
  });
});
