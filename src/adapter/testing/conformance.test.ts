import { setInterval } from "node:timers";
import { describe, expect, test } from "vitest";
import {
  type Adapter,
  type CheckAnswer,
  defineAdapter,
  type Handler,
  listentry,
  logentry,
  type QuotaAnswer,
  quota,
} from "weir-mesh/adapter";
import * as z from "zod";
import { conformanceCases } from "./conformance.ts";
import { openForTest } from "./open-for-test.ts";
import type { ConformanceOptions } from "./options.ts";

/** @returns the names of the cases that an adapter fails. */
async function failures(
  options: Pick<ConformanceOptions, "adapter"> & Partial<ConformanceOptions>,
): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { name, run } of conformanceCases({ config: () => ({}), ...options })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

const config = z.strictObject({});

function logger(handler: Handler<"logentry">, open: () => void = () => undefined) {
  // The cases take any adapter; this one's config is not theirs to know.
  const adapter = defineAdapter({
    name: "x",
    templates: [logentry],
    config,
    open: () => {
      open();
      return handler;
    },
  });
  return adapter as unknown as Adapter;
}

const good: Handler<"logentry"> = {
  logentry: (_entries, { signal }) => (signal.aborted ? Promise.reject(signal.reason) : undefined),
};

test("an adapter that keeps its promises fails nothing", async () => {
  expect(await failures({ adapter: logger(good) })).toEqual([]);
});

describe("each broken promise is found", () => {
  test("a config that is refused elsewhere than said, or not at all", async () => {
    const refused = [
      { config: { a: 1 }, path: ["b"] },
      { config: {}, path: ["a"] },
      { config: { a: 1 }, path: ["a"] },
    ];
    expect(await failures({ adapter: logger(good), refused })).toEqual([
      'refuses {"a":1} at ["b"]',
      'refuses {} at ["a"]',
    ]);
  });

  test("something that goes on running after close", async () => {
    const timers: NodeJS.Timeout[] = [];
    const leaking = logger(good, () => timers.push(setInterval(() => undefined, 100_000)));
    expect(await failures({ adapter: leaking })).toContain("opens and closes without work, leaving nothing running");
    for (const timer of timers) clearInterval(timer);
  });

  test("an input that is written to", async () => {
    const writes = logger({ logentry: (entries) => void Object.assign(entries[0] ?? {}, { message: "mine" }) });
    expect(await failures({ adapter: writes })).toContain(
      "logentry: takes frozen instances with every kind of value, and leaves nothing running",
    );
  });

  test("a failure that is kept quiet, and a delivery that never ends", async () => {
    const quiet = await failures({ adapter: logger(good), failing: () => ({}), silent: () => ({}) });
    expect(quiet).toEqual([
      "logentry: a delivery that fails rejects",
      "logentry: a delivery that is never answered ends when it is aborted",
    ]);
  });

  test("an exposition that is no exposition", async () => {
    expect(await failures({ adapter: logger({ ...good, exposition: () => 'a{x="\n"} 1' }) })).toEqual([
      "has an exposition that Prometheus can read, or none",
    ]);
  });

  test("answers that are none", async () => {
    const odd = (answer: unknown) =>
      // What an author in JavaScript might write, of any config.
      defineAdapter({
        name: "x",
        templates: [listentry],
        config,
        open: () => ({ listentry: () => answer as CheckAnswer }),
      }) as unknown as Adapter;
    expect(await failures({ adapter: odd(true) })).toEqual([
      "listentry: has an answer to every kind of value, the same when asked again",
    ]);
    expect(await failures({ adapter: odd({ kind: "no-objection" }) })).toEqual([]);
  });

  test("a quota that grants everything", async () => {
    const generous = defineAdapter({
      name: "x",
      templates: [quota],
      config,
      open: () => ({
        quota: ({ charges }): QuotaAnswer => ({
          kind: "granted",
          grants: charges.map(({ amount, max }) => ({ granted: amount, remaining: max, resetAfterMs: 0 })),
        }),
      }),
    });
    // The cases take any adapter; this one's config is not theirs to know.
    const failed = await failures({ adapter: generous as unknown as Adapter });
    expect(failed.map((name) => name.replace("quota: ", ""))).toEqual([
      "grants up to `max` and refuses the rest, saying when to come back",
      "one deduplication id is one charge and one answer",
      "several charges are granted together or not at all",
      "best effort grants what is left",
      "what is given back can be charged again",
      "never grants more than `max` in any window",
      "requests at the same time never get more than there is",
    ]);
  });
});

test("a handler opened for a test sees time pass only when told, and its log is there to be read", async () => {
  const ticks: number[] = [];
  const ticking = defineAdapter({
    name: "ticking",
    templates: [logentry],
    config,
    open({ timers, now, log }) {
      timers.every(10, () => void ticks.push(now.monotonicMs()));
      log.warn("open", { size: 1 });
      return good;
    },
  });
  const { clock, lines, close } = await openForTest(ticking, {});
  expect(lines).toEqual([{ level: "warn", message: "open", facts: { size: 1 } }]);
  await clock.advance(35);
  expect(ticks).toEqual([10, 20, 30]);
  await close();
  await clock.advance(100);
  expect(ticks).toHaveLength(3);
});

test("opening for a test says what is wrong with the config", async () => {
  await expect(openForTest(logger(good), { typo: 1 })).rejects.toThrow("typo");
});
