import { describe, expect, test } from "vitest";
import * as z from "zod";
import { handlerSpec, logEntries, testHost } from "../../test/adapter-fixtures/host.ts";
import { defineAdapter, logentry } from "../adapter/define-adapter.ts";
import type { AdapterEnv } from "../adapter/env.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const { openMs, closeMs, drainMs } = DEFAULT_LIMITS;

/** An adapter that writes down what becomes of its handlers. */
function diary() {
  const events: string[] = [];
  let opened = 0;
  const envs: AdapterEnv<{ readonly name: string }>[] = [];
  const adapter = defineAdapter({
    name: "diary",
    templates: [logentry],
    config: z.strictObject({ name: z.string().default("it") }),
    open(env) {
      opened += 1;
      const name = `${env.config.name}#${opened}`;
      envs.push(env);
      events.push(`open ${name}`);
      return {
        logentry: (entries) => void events.push(`${name} got ${entries.length}`),
        close: () => void events.push(`close ${name}`),
        exposition: () => `${env.config.name}_total 1\n`,
      };
    },
  });
  return { adapter, events, envs };
}

const one = { template: "logentry" as const, instances: logEntries(1) };

describe("a new snapshot", () => {
  test("takes over handlers whose definition is equal, with their queue; the others close when the old one retires", async () => {
    const { adapter, events } = diary();
    const { clock, open } = testHost({ diary: adapter });
    const same = handlerSpec("same", { adapter: "diary", config: { name: "same" } });
    const edited = (name: string) => handlerSpec("edited", { adapter: "diary", config: { name } });
    const first = await open(same, edited("before"));
    const second = await open(same, edited("after"));
    expect(events).toEqual(["open same#1", "open before#2", "open after#3"]);
    first.deliver("edited", one);
    second.deliver("edited", one);
    const retired = first.retire();
    await clock.settle();
    await retired;
    expect(events.slice(3)).toEqual(["before#2 got 1", "after#3 got 1", "close before#2"]);
    await second.retire();
    expect(events.slice(6).sort()).toEqual(["close after#3", "close same#1"]);
  });

  test("shows one account per handler name, across being opened anew", async () => {
    const { adapter } = diary();
    const { host, clock, open } = testHost({ diary: adapter });
    const first = await open(handlerSpec("log", { adapter: "diary", config: { name: "a" } }));
    first.deliver("log", one);
    await clock.settle();
    const second = await open(handlerSpec("log", { adapter: "diary", config: { name: "b" } }));
    second.deliver("log", one);
    await clock.settle();
    await first.retire();
    expect(host.status()).toEqual([
      { handler: "log", adapter: "diary", state: "open", accepted: 2n, delivered: 2n, dropped: 0n, queued: 0n },
    ]);
  });

  test("that cannot open leaves nothing open of its own, and the old one goes on", async () => {
    const { adapter, events } = diary();
    const broken = defineAdapter({
      name: "broken",
      templates: [logentry],
      config: z.unknown(),
      open: () => Promise.reject(new Error("no such host `db`")),
    });
    const { host, clock, open } = testHost({ diary: adapter, broken });
    const first = await open(handlerSpec("diary"));
    const issues = await host.open([
      handlerSpec("diary"),
      handlerSpec("new", { adapter: "diary" }),
      handlerSpec("broken"),
    ]);
    expect(issues).toMatchObject({
      issues: [
        {
          handler: "broken",
          part: "adapter",
          path: [],
          code: "P1420",
          message: "adapter `broken` could not open: no such host `db`",
        },
      ],
    });
    expect(events).toEqual(["open it#1", "open it#2", "close it#2"]);
    expect(host.status().map(({ handler }) => handler)).toEqual(["diary"]);
    first.deliver("diary", one);
    await clock.settle();
    expect(events.at(-1)).toBe("it#1 got 1");
  });

  test("does not wait for ever for a handler to open; one that comes too late is closed", async () => {
    const late = Promise.withResolvers<void>();
    const { adapter, events } = diary();
    const slow = {
      ...adapter,
      open: async (env: AdapterEnv<{ readonly name: string }>) => late.promise.then(() => adapter.open(env)),
    };
    const { host, clock } = testHost({ slow });
    const opening = host.open([handlerSpec("slow")]);
    await clock.advance(openMs);
    expect(await opening).toMatchObject({ issues: [{ code: "P1420" }] });
    late.resolve();
    await clock.settle();
    expect(events).toEqual(["open it#1", "close it#1"]);
  });
});

test("an adapter that opens without one of its methods is refused, and closed", async () => {
  const closed: string[] = [];
  const adapter = { ...diary().adapter, open: () => ({ close: () => void closed.push("closed") }) };
  const { host } = testHost({ adapter });
  const words = { code: "P1421", message: expect.stringContaining("`logentry`") };
  expect(await host.open([handlerSpec("adapter")])).toMatchObject({ issues: [words] });
  expect(closed).toEqual(["closed"]);
});

test("validating opens nothing", async () => {
  const { adapter, events } = diary();
  const { host } = testHost({ diary: adapter });
  expect(await host.validate([handlerSpec("diary")])).toEqual([]);
  expect(events).toEqual([]);
  expect(host.status()).toEqual([]);
});

test("a handler closes once, however often the host and its snapshots are closed", async () => {
  const { adapter, events } = diary();
  const { host, open } = testHost({ diary: adapter });
  const set = await open(handlerSpec("diary"));
  await Promise.all([set.retire(), set.retire(), host.close(100), host.close(100)]);
  await set.retire();
  expect(events).toEqual(["open it#1", "close it#1"]);
});

test("a handler that will not close, or fails to, does not hold up the others", async () => {
  const events: string[] = [];
  const closing = (name: string, close: () => Promise<void>) =>
    defineAdapter({
      name,
      templates: [logentry],
      config: z.unknown(),
      open: () => ({ logentry: () => undefined, close }),
    });
  const { host, clock, lines, open } = testHost({
    never: closing("never", () => new Promise(() => undefined)),
    fails: closing("fails", () => Promise.reject(new Error("no"))),
    good: closing("good", async () => void events.push("closed")),
  });
  await open(handlerSpec("never"), handlerSpec("fails"), handlerSpec("good"));
  const closed = host.close(100);
  await clock.settle();
  expect(events).toEqual(["closed"]);
  await clock.advance(closeMs);
  await closed;
  expect(lines.map(({ facts }) => facts["handler"]).sort()).toEqual(["fails", "never"]);
});

test("a snapshot that retires while a delivery hangs gives it up after a while", async () => {
  const hangs = defineAdapter({
    name: "hangs",
    templates: [logentry],
    config: z.unknown(),
    open: () => ({ logentry: () => new Promise<void>(() => undefined) }),
  });
  const { host, clock, open } = testHost({ hangs }, { deliveryMs: 1_000_000 });
  const set = await open(handlerSpec("hangs"));
  set.deliver("hangs", one);
  await clock.settle();
  const retired = set.retire();
  await clock.advance(drainMs + DEFAULT_LIMITS.graceMs);
  await retired;
  expect(host.status()).toMatchObject([{ state: "closed", accepted: 1n, dropped: 1n, queued: 0n }]);
});

test("nothing opens in a host that was closed", async () => {
  const { adapter, events } = diary();
  const { host } = testHost({ diary: adapter });
  await host.close(0);
  expect(await host.open([handlerSpec("diary")])).toMatchObject({ issues: [{ code: "P1420" }] });
  expect(events.filter((event) => event.startsWith("open")).length).toBe(
    events.filter((event) => event.startsWith("close")).length,
  );
});

describe("what an adapter is given", () => {
  test("kept values and shared memory outlive being opened anew, and go with the last handler of their name", async () => {
    const { adapter, envs } = diary();
    const { open } = testHost({ diary: adapter });
    const spec = (handler: string, name: string) => handlerSpec(handler, { adapter: "diary", config: { name } });
    const use = (index: number) => {
      const env = envs[index];
      if (env === undefined) throw new Error(`no handler was opened as number ${index}`);
      return { list: env.kept("list", () => [] as string[]), memory: env.shared("counters", 64) };
    };
    const first = await open(spec("a", "1"), spec("b", "1"));
    const second = await open(spec("a", "2"));
    expect(use(2)).toEqual(use(0));
    expect(use(2).list).toBe(use(0).list);
    expect(use(2).memory).toBe(use(0).memory);
    expect(use(2).list).not.toBe(use(1).list);
    expect(() => envs[2]?.shared("counters", 128)).toThrow(RangeError);
    use(2).list.push("kept");
    await first.retire();
    expect(use(2).list).toEqual(["kept"]);
    await second.retire();
    await open(spec("a", "2"));
    expect(use(3).list).toEqual([]);
  });

  test("another adapter under the same handler name finds nothing of the one before", async () => {
    const { adapter, envs } = diary();
    const { open } = testHost({ one: adapter, other: adapter });
    await open(handlerSpec("h", { adapter: "one" }));
    await open(handlerSpec("h", { adapter: "other" }));
    const [first, second] = envs.map((env) => env.kept("list", () => [] as string[]));
    expect(first).not.toBe(second);
  });

  test("shared memory is bounded", async () => {
    const { adapter, envs } = diary();
    const { open } = testHost({ diary: adapter }, { sharedBytes: 100 });
    await open(handlerSpec("diary"));
    envs[0]?.shared("a", 60);
    expect(() => envs[0]?.shared("b", 60)).toThrow(RangeError);
  });

  test("timers run again and again, survive what their task throws, and end with the handler; so does the signal", async () => {
    const { adapter, envs } = diary();
    const { host, clock, lines, open } = testHost({ diary: adapter });
    const set = await open(handlerSpec("diary"));
    const turns: string[] = [];
    envs[0]?.timers.every(10, () => {
      turns.push("again");
      if (turns.length === 1) throw new Error("the first turn fails");
    });
    envs[0]?.timers.after(15, () => void turns.push("once"));
    envs[0]?.timers.after(5, () => void turns.push("never")).cancel();
    await clock.advance(35);
    expect(turns).toEqual(["again", "once", "again", "again"]);
    expect(lines).toHaveLength(1);
    expect(host.status()[0]?.lastError).toBe("the first turn fails");
    expect(envs[0]?.signal.aborted).toBe(false);
    await set.retire();
    expect(envs[0]?.signal.aborted).toBe(true);
    envs[0]?.timers.after(1, () => void turns.push("too late"));
    await clock.advance(100);
    expect(turns).toHaveLength(4);
    expect(clock.waiting).toBe(0);
  });
});

test("the texts for /metrics of all handlers make one; one that fails is left out", async () => {
  const { adapter } = diary();
  const fails = {
    ...adapter,
    open: () => ({ logentry: () => undefined, exposition: () => Promise.reject(new Error("no")) }),
  };
  const { host, clock, open } = testHost({ diary: adapter, fails });
  const named = (name: string) => handlerSpec(name, { adapter: "diary", config: { name } });
  const set = await open(named("a"), handlerSpec("fails"), named("b"));
  const text = set.exposition();
  await clock.settle();
  expect(await text).toBe("a_total 1\nb_total 1\n");
  expect(host.status().find(({ handler }) => handler === "fails")?.lastError).toBe("no");
});
