import { expect, test } from "vitest";
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
