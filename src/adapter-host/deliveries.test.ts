import { describe, expect, test } from "vitest";
import * as z from "zod";
import { handlerSpec, logEntries, testHost } from "../../test/adapter-fixtures/host.ts";
import { defineAdapter, listentry, logentry } from "../adapter/define-adapter.ts";
import type { LogEntry } from "../adapter/templates.ts";
import type { HandlerHost, HandlerStatus } from "./host.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const { deliveryMs, graceMs, drainMs, batchRecords, abandonedDeliveries } = DEFAULT_LIMITS;

type Deliver = (entries: readonly LogEntry[], call: { readonly signal: AbortSignal }) => void | Promise<void>;

function logAdapter(logentry_: Deliver, close: () => void | Promise<void> = () => undefined) {
  return defineAdapter({
    name: "test",
    templates: [logentry],
    config: z.unknown(),
    open: () => ({ logentry: logentry_, close }),
  });
}

const logs = (count: number, from = 0) => ({ template: "logentry" as const, instances: logEntries(count, from) });

function account(host: HandlerHost, handler: string): HandlerStatus {
  const status = host.status().find((one) => one.handler === handler);
  if (status === undefined) throw new Error(`no handler ${handler}`);
  expect(status.accepted, "accepted = delivered + dropped + queued").toBe(
    status.delivered + status.dropped + status.queued,
  );
  return status;
}

describe("one handler is killed, one hangs, one is flooded", () => {
  test("every record is accounted for, and neither the neighbours nor Check notice", async () => {
    const seen: string[] = [];
    let floods = 0;
    const { host, clock, open } = testHost({
      kills: logAdapter(() => {
        throw new Error("killed");
      }),
      rejects: logAdapter(() => Promise.reject(new Error("rejected"))),
      hangs: logAdapter(() => new Promise(() => undefined)),
      floods: logAdapter(() => {
        floods += 1;
      }),
      neighbour: logAdapter((entries) => void seen.push(...entries.map(({ message }) => message))),
      check: defineAdapter({
        name: "check",
        templates: [listentry],
        config: z.unknown(),
        open: () => ({ listentry: () => ({ kind: "no-objection" as const }) }),
      }),
    });
    const names = ["kills", "rejects", "hangs", "floods", "neighbour"];
    const small = { records: 10, onFull: "drop-newest" as const };
    const set = await open(
      ...names.map((name) => handlerSpec(name, name === "neighbour" ? {} : { queue: small })),
      handlerSpec("check"),
    );
    for (let round = 0; round < 20; round += 1) {
      for (const name of names) set.deliver(name, logs(name === "floods" ? 1_000 : 3, round * 3));
      for (const name of names) account(host, name);
      expect(set.ask("check", { rule: "p/ask", value: "x" }, new AbortController().signal)).toEqual({
        kind: "no-objection",
      });
      await clock.settle();
      for (const name of names) account(host, name);
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => `${index}`));
    expect(account(host, "neighbour")).toMatchObject({
      accepted: 60n,
      delivered: 60n,
      dropped: 0n,
      queued: 0n,
      state: "open",
    });
    expect(account(host, "kills")).toMatchObject({ accepted: 60n, delivered: 0n, dropped: 60n, lastError: "killed" });
    expect(account(host, "rejects")).toMatchObject({ accepted: 60n, dropped: 60n, lastError: "rejected" });
    expect(account(host, "hangs")).toMatchObject({ accepted: 60n, delivered: 0n, dropped: 50n, queued: 10n });
    expect(account(host, "floods")).toMatchObject({ accepted: 20_000n, delivered: 200n, dropped: 19_800n });
    expect(floods).toBe(20);

    const closed = host.close(1_000);
    await clock.advance(1_000 + graceMs);
    await closed;
    for (const name of names) expect(account(host, name)).toMatchObject({ queued: 0n, state: "closed" });
    expect(account(host, "hangs")).toMatchObject({ accepted: 60n, delivered: 0n, dropped: 60n });
  });
});

test("what is delivered leaves the caller's turn first: a slow handler does not hold up who reports", async () => {
  const seen: string[] = [];
  const { clock, open } = testHost({ log: logAdapter((entries) => void seen.push(`${entries.length}`)) });
  const set = await open(handlerSpec("log"));
  set.deliver("log", logs(1));
  set.deliver("log", logs(2));
  expect(seen).toEqual([]);
  await clock.settle();
  expect(seen).toEqual(["3"]);
});

test("batches are bounded and go out one after the other", async () => {
  let running = 0;
  const sizes: number[] = [];
  const log = logAdapter(async (entries) => {
    running += 1;
    expect(running).toBe(1);
    sizes.push(entries.length);
    await Promise.resolve();
    running -= 1;
  });
  const { clock, open } = testHost({ log });
  const set = await open(handlerSpec("log", { queue: { records: 10_000, onFull: "drop-oldest" } }));
  set.deliver("log", logs(batchRecords * 2 + 1));
  await clock.settle();
  expect(sizes).toEqual([batchRecords, batchRecords, 1]);
});

test("a delivery past its deadline is aborted; what settles within the grace period counts as it settles", async () => {
  const reasons: unknown[] = [];
  const log = logAdapter(
    ([first], { signal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          if (first?.message === "0") resolve();
          else reject(new Error("gave up"));
        });
      }),
  );
  const { host, clock, open } = testHost({ log });
  const set = await open(handlerSpec("log"));
  set.deliver("log", logs(2, 0));
  await clock.advance(deliveryMs - 1);
  expect(reasons).toEqual([]);
  await clock.advance(1);
  expect(account(host, "log")).toMatchObject({ delivered: 2n, queued: 0n });
  set.deliver("log", logs(3, 5));
  await clock.advance(deliveryMs);
  expect(account(host, "log")).toMatchObject({ delivered: 2n, dropped: 3n, queued: 0n, lastError: "gave up" });
  expect(reasons).toHaveLength(2);
});

test("after a delivery that never ends the next one goes out, and what the first does later changes nothing", async () => {
  const ends: PromiseWithResolvers<void>[] = [];
  const log = logAdapter(([first]) => {
    if (first?.message !== "0") return undefined;
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  });
  const { host, clock, open } = testHost({ log });
  const set = await open(handlerSpec("log"));
  set.deliver("log", logs(2, 0));
  await clock.settle();
  set.deliver("log", logs(3, 1));
  await clock.advance(deliveryMs + graceMs);
  const before = account(host, "log");
  expect(before).toMatchObject({ accepted: 5n, delivered: 3n, dropped: 2n, queued: 0n });
  ends[0]?.resolve();
  await clock.settle();
  expect(account(host, "log")).toEqual(before);
});

test("a handler whose deliveries never end gets only so many of them, and goes on when one ends", async () => {
  const ends: PromiseWithResolvers<void>[] = [];
  let hanging = true;
  const log = logAdapter(() => {
    if (!hanging) return undefined;
    const end = Promise.withResolvers<void>();
    ends.push(end);
    return end.promise;
  });
  const { host, clock, open } = testHost({ log });
  const set = await open(handlerSpec("log", { queue: { records: 5, onFull: "drop-oldest" } }));
  for (let round = 0; round < abandonedDeliveries + 3; round += 1) {
    set.deliver("log", logs(1, round));
    await clock.advance(deliveryMs + graceMs);
  }
  expect(ends).toHaveLength(abandonedDeliveries);
  expect(account(host, "log")).toMatchObject({ state: "failed", queued: 3n, dropped: BigInt(abandonedDeliveries) });
  hanging = false;
  ends[0]?.resolve();
  await clock.settle();
  expect(account(host, "log")).toMatchObject({ state: "open", queued: 0n, delivered: 3n });
});

test("what one handler does to its input reaches nobody else", async () => {
  const received: string[] = [];
  const { host, clock, open } = testHost({
    spoils: logAdapter((entries) => {
      for (const entry of entries) Object.assign(entry, { message: "spoilt" });
    }),
    reads: logAdapter((entries) => void received.push(...entries.map(({ message }) => message))),
  });
  const set = await open(handlerSpec("spoils"), handlerSpec("reads"));
  const batch = logs(2);
  set.deliver("spoils", batch);
  set.deliver("reads", batch);
  await clock.settle();
  expect(received).toEqual(["0", "1"]);
  expect(account(host, "spoils").dropped).toBe(2n);
});

test("closing delivers what is queued before it closes", async () => {
  const seen: string[] = [];
  const log = logAdapter(
    async (entries) => void seen.push(`${entries.length}`),
    () => void seen.push("closed"),
  );
  const { host, clock, open } = testHost({ log });
  const set = await open(handlerSpec("log", { queue: { records: 10_000, onFull: "drop-oldest" } }));
  set.deliver("log", logs(batchRecords + 1));
  const closed = host.close(1_000);
  await clock.settle();
  await closed;
  expect(seen).toEqual([`${batchRecords}`, "1", "closed"]);
  set.deliver("log", logs(4));
  await clock.settle();
  expect(account(host, "log")).toMatchObject({ delivered: BigInt(batchRecords + 1), dropped: 4n, queued: 0n });
});

test("a failing handler does not flood the log", async () => {
  const { clock, lines, open } = testHost({ log: logAdapter(() => Promise.reject(new Error("no"))) });
  const set = await open(handlerSpec("log"));
  for (let round = 0; round < 50; round += 1) {
    set.deliver("log", logs(1));
    await clock.settle();
  }
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: "warn", facts: { handler: "log" } });
  await clock.advance(drainMs);
  set.deliver("log", logs(1));
  await clock.settle();
  expect(lines).toHaveLength(2);
  expect(lines[1]?.facts).toMatchObject({ timesBefore: 49 });
});
