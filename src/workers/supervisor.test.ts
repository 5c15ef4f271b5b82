import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Service } from "../../test/workers/service.ts";
import { FIRST_BACKOFF_MS, MAX_BACKOFF_MS, MAX_DEATHS_IN_A_ROW } from "./protocol.ts";
import type { Spawn } from "./spawn.ts";

/** A thread that does nothing but die when it is told. */
class Stillborn {
  readonly lives: { thread: number; die: () => void }[] = [];
  readonly spawn: Spawn = ({ thread }) => {
    let gone: (error: Error | undefined) => void = () => undefined;
    const die = (): void => gone(new Error("no memory"));
    this.lives.push({ thread, die });
    return {
      post: () => undefined,
      onMessage: () => undefined,
      onExit: (take) => {
        gone = take;
      },
      terminate: die,
    };
  };

  get births(): number {
    return this.lives.length;
  }

  /** Dies, and whoever takes its place too, until nobody does. */
  dieOut(thread: number): void {
    for (let deaths = 0; deaths <= MAX_DEATHS_IN_A_ROW; deaths += 1) {
      this.lives.findLast((life) => life.thread === thread)?.die();
      if (deaths === MAX_DEATHS_IN_A_ROW) return;
      vi.advanceTimersByTime(Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** deaths));
    }
  }
}

describe("a thread that keeps dying", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("is given up, loudly, and when none is left that is said", () => {
    const stillborn = new Stillborn();
    const service = new Service({ threads: 2, spawn: stillborn.spawn });
    stillborn.dieOut(1);
    expect(service.threads().map(({ state }) => state)).toEqual(["failed", "starting"]);
    expect(stillborn.births).toBe(2 + MAX_DEATHS_IN_A_ROW);
    expect(service.lines.at(-1)).toContain("keeps dying and is given up");
    expect(service.abandoned).toBe(false);
    stillborn.dieOut(2);
    expect(service.abandoned).toBe(true);
  });

  test("is not waited for by a plan without end", async () => {
    const stillborn = new Stillborn();
    const service = new Service({ threads: 1, spawn: stillborn.spawn });
    const publishing = expect(service.publish("v1")).rejects.toThrow("no request thread is left");
    stillborn.dieOut(1);
    await publishing;
    await service.supervisor.publisher.settled();
    expect(service.retired).toEqual(["v1"]);
  });
});
