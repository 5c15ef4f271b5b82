import { describe, expect, test } from "vitest";
import { Live } from "./live.ts";

test("a call keeps the value it started with, and the drain waits for it", async () => {
  const live = new Live<string>();
  expect(live.acquire()).toBeUndefined();
  await live.swap("one");
  const held = live.acquire();
  let drained: string | undefined;
  const swapped = live.swap("two").then((before) => {
    drained = before;
  });
  await Promise.resolve();
  expect(live.peek()).toBe("two");
  expect(held?.value).toBe("one");
  expect(drained).toBeUndefined();
  held?.release();
  await swapped;
  expect(drained).toBe("one");
});

test("a value nobody holds is drained at once", async () => {
  const live = new Live<string>();
  await live.swap("one");
  expect(await live.swap("two")).toBe("one");
});

test("letting go twice is our bug and says so", async () => {
  const live = new Live<string>();
  await live.swap("one");
  const held = live.acquire();
  await Promise.all([live.swap("two"), held?.release()]);
  expect(() => held?.release()).toThrow("released twice");
});

test("a listener hears of each value before anybody can have it", async () => {
  const live = new Live<string>();
  await live.swap("one");
  const heard: (string | undefined)[] = [];
  live.watch((value) => heard.push(value, live.peek()));
  await live.swap("two");
  expect(heard).toEqual(["two", "two"]);
});

describe("a value that is staged", () => {
  test("is in place from the moment the word says so, for whoever comes next, and never one that was staged before", async () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    const live = new Live<string>(word);
    const replaced: unknown[] = [];
    const stage = (generation: number, value: string): void =>
      live.stage(generation, value, (before) => void replaced.push(before));
    stage(1, "one");
    expect(live.acquire()).toBeUndefined();
    Atomics.store(word, 0, 1);
    const held = live.acquire();
    expect(held?.value).toBe("one");
    stage(2, "two");
    stage(3, "three");
    expect(live.peek()).toBe("one");
    Atomics.store(word, 0, 3);
    expect(live.acquire()?.value).toBe("three");
    expect(replaced).toEqual([]);
    held?.release();
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    expect(replaced).toEqual([{ generation: 1, value: "one" }]);
  });

  test("that the word never names can be taken back, and what serves goes on", () => {
    const word = new Int32Array(new SharedArrayBuffer(4));
    const live = new Live<string>(word);
    Atomics.store(word, 0, 1);
    live.stage(1, "one", () => undefined);
    live.stage(2, "two", () => undefined);
    expect(live.unstage(2)).toBe(true);
    expect(live.unstage(2)).toBe(false);
    expect(live.acquire()?.value).toBe("one");
  });
});
