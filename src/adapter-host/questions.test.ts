import { describe, expect, test } from "vitest";
import * as z from "zod";
import { handlerSpec, testHost } from "../../test/adapter-fixtures/host.ts";
import { defineAdapter, listentry, quota } from "../adapter/define-adapter.ts";
import type { Call } from "../adapter/handler.ts";
import type { QuotaCharge, QuotaRequest } from "../adapter/templates.ts";
import { DEFAULT_LIMITS } from "./limits.ts";

const { askMs, quotaMs } = DEFAULT_LIMITS;
const entry = { rule: "policy/ask", value: "x" };
const live = () => new AbortController().signal;

function fail(message: string): never {
  throw new Error(message);
}

/** It has a method `then` that throws. */
const BREAKING_PROMISE = new Proxy({}, { has: () => true, get: () => () => fail("no promise") });

/** Answers of any kind, as a careless third party might give them. */
function asked(listentry_: (entry: unknown, call: Call) => unknown) {
  const adapter = defineAdapter({
    name: "check",
    templates: [listentry],
    config: z.unknown(),
    // A handler in JavaScript is held to nothing.
    open: () => ({ listentry: listentry_ as () => never }),
  });
  return testHost({ check: adapter }, { openQuestions: 3 });
}

describe("asking a check handler", () => {
  test("an answer that comes at once comes without a promise", async () => {
    const { open, clock } = asked(() => ({ kind: "objection", message: "no" }));
    const set = await open(handlerSpec("check"));
    expect(set.ask("check", entry, live())).toEqual({ kind: "objection", message: "no" });
    expect(clock.waiting).toBe(0);
  });

  test("an answer that comes later is waited for, and its timer goes", async () => {
    const { open, clock } = asked(async () => ({ kind: "no-objection" }));
    const set = await open(handlerSpec("check"));
    expect(await set.ask("check", entry, live())).toEqual({ kind: "no-objection" });
    expect(clock.waiting).toBe(0);
  });

  test.each([
    [
      "a throw",
      () => {
        throw new Error("broken");
      },
      "broken",
    ],
    ["a rejection", () => Promise.reject(new Error("broken")), "broken"],
    ["nothing", () => undefined, "none that a check handler can give"],
    ["nonsense", () => ({ kind: "yes" }), "none that a check handler can give"],
    ["nonsense, later", async () => true, "none that a check handler can give"],
    ["what only looks like a promise", () => BREAKING_PROMISE, "no promise"],
    ["what cannot be looked at", () => new Proxy({}, { has: () => fail("hands off") }), "hands off"],
  ])("%s is `unavailable`, logged and remembered", async (_what, answer, words) => {
    const { host, lines, open } = asked(answer);
    const set = await open(handlerSpec("check"));
    expect(await set.ask("check", entry, live())).toEqual({
      kind: "unavailable",
      reason: expect.stringContaining(words),
    });
    expect(host.status()[0]?.lastError).toContain(words);
    expect(lines).toHaveLength(1);
  });

  test("no answer within the deadline is `unavailable`; the adapter is told, and what it says later is not heard", async () => {
    const late = Promise.withResolvers<unknown>();
    let told: AbortSignal | undefined;
    const { open, clock } = asked((_entry, call) => {
      told = call.signal;
      return late.promise;
    });
    const set = await open(handlerSpec("check"));
    const answer = set.ask("check", entry, live());
    await clock.advance(askMs - 1);
    expect(told?.aborted).toBe(false);
    await clock.advance(1);
    expect(await answer).toEqual({ kind: "unavailable", reason: `no answer within ${askMs} ms` });
    expect(told?.aborted).toBe(true);
    late.reject(new Error("too late to matter"));
    await clock.settle();
  });

  test("when the caller goes the adapter is told, and nobody waits", async () => {
    let told: AbortSignal | undefined;
    const { open, clock } = asked((_entry, call) => {
      told = call.signal;
      return new Promise(() => undefined);
    });
    const set = await open(handlerSpec("check"));
    const caller = new AbortController();
    const answer = set.ask("check", entry, caller.signal);
    caller.abort();
    expect(await answer).toMatchObject({ kind: "unavailable" });
    expect(told?.aborted).toBe(true);
    expect(clock.waiting).toBe(0);
    expect(set.ask("check", entry, caller.signal)).toMatchObject({ kind: "unavailable" });
  });

  test("a handler that never answers is not asked without end", async () => {
    const ends: PromiseWithResolvers<unknown>[] = [];
    const { open, clock } = asked(() => {
      const end = Promise.withResolvers<unknown>();
      ends.push(end);
      return end.promise;
    });
    const set = await open(handlerSpec("check"));
    const answers = [1, 2, 3].map(() => set.ask("check", entry, live()));
    await clock.advance(askMs);
    await Promise.all(answers);
    expect(set.ask("check", entry, live())).toMatchObject({ kind: "unavailable" });
    expect(ends).toHaveLength(3);
    ends[0]?.resolve({ kind: "no-objection" });
    await clock.settle();
    void set.ask("check", entry, live());
    expect(ends).toHaveLength(4);
  });
});

const charge: QuotaCharge = { limit: "p/limit", key: "k", max: 10n, everyMs: 1_000, amount: 2n, bestEffort: false };
const grant = { granted: 2n, remaining: 8n, resetAfterMs: 1_000 };
const refusal = { charge: 0, remaining: 1n, retryAfterMs: 5 };

async function charged(answer: (request: QuotaRequest) => unknown, charges: readonly QuotaCharge[] = [charge]) {
  // A handler in JavaScript is held to nothing.
  const open = () => ({ quota: answer as () => never });
  const { clock, open: openHandlers } = testHost({
    q: defineAdapter({ name: "q", templates: [quota], config: z.unknown(), open }),
  });
  const set = await openHandlers(handlerSpec("q"));
  const request = { operation: "charge", charges, deduplicationId: "" } as const;
  return { clock, answer: set.quota("q").charge(request, live()), set, request };
}

describe("charging a quota handler", () => {
  test("grants and refusals come through, without a promise when they came so", async () => {
    expect((await charged(() => ({ kind: "granted", grants: [grant] }))).answer).toEqual({
      kind: "granted",
      grants: [grant],
    });
    expect((await charged(() => ({ kind: "refused", refusals: [refusal] }))).answer).toEqual({
      kind: "refused",
      refusals: [refusal],
    });
    const full = { kind: "unavailable", cause: "full", reason: "no room" };
    expect((await charged(() => full)).answer).toEqual(full);
    expect(await (await charged(async () => ({ kind: "granted", grants: [grant] }))).answer).toEqual({
      kind: "granted",
      grants: [grant],
    });
  });

  test.each([
    [
      "a throw",
      () => {
        throw new Error("down");
      },
    ],
    ["a rejection", () => Promise.reject(new Error("down"))],
    ["no grant", () => ({ kind: "granted", grants: [] })],
    ["too many grants", () => ({ kind: "granted", grants: [grant, grant] })],
    ["more than was asked for", () => ({ kind: "granted", grants: [{ ...grant, granted: 3n }] })],
    ["less than was asked for without best effort", () => ({ kind: "granted", grants: [{ ...grant, granted: 1n }] })],
    ["a number that is no bigint", () => ({ kind: "granted", grants: [{ ...grant, granted: 2 }] })],
    ["a refusal of nothing", () => ({ kind: "refused", refusals: [] })],
    ["a refusal of what was not asked", () => ({ kind: "refused", refusals: [{ ...refusal, charge: 1 }] })],
    ["nothing", () => undefined],
  ])("%s means that the store is down, never a grant", async (_what, answer) => {
    expect(await (await charged(answer)).answer).toMatchObject({ kind: "unavailable", cause: "down" });
  });

  test("best effort may grant less, down to nothing, and never more", async () => {
    const best = [{ ...charge, bestEffort: true }];
    expect(
      (await charged(() => ({ kind: "granted", grants: [{ ...grant, granted: 0n }] }), best)).answer,
    ).toMatchObject({ kind: "granted" });
    const more = await charged(() => ({ kind: "granted", grants: [{ ...grant, granted: 3n }] }), best);
    expect(more.answer).toMatchObject({ kind: "unavailable" });
  });

  test("no answer within the deadline means that the store is down", async () => {
    const { answer, clock } = await charged(() => new Promise(() => undefined));
    await clock.advance(quotaMs);
    expect(await answer).toMatchObject({ kind: "unavailable", cause: "down" });
  });

  test("giving back reaches the store although the caller has gone", async () => {
    const operations: string[] = [];
    const { set, request } = await charged(({ operation }) => void operations.push(operation));
    const gone = AbortSignal.abort();
    void set.quota("q").charge({ ...request, operation: "give-back" }, gone);
    void set.quota("q").charge(request, gone);
    expect(operations).toEqual(["charge", "give-back"]);
  });
});
