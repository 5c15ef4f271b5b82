import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { QuotaAnswer, QuotaCharge, QuotaRequest } from "weir-mesh/adapter";
import { conformanceCases, openForTest, sampleCharge } from "weir-mesh/adapter/testing";
import { Counters } from "./counters.ts";
import adapter from "./index.ts";
import { DEDUPLICATION_LIFE_MS, MAX_REMEMBERED } from "./remembered.ts";

describe("keeps the promises of an adapter", () => {
  const cases = conformanceCases({
    adapter,
    config: () => undefined,
    refused: [
      { config: { keys: 0 }, path: ["keys"] },
      { config: { keys: 1.5 }, path: ["keys"] },
      { config: { key: 5 }, path: ["key"] },
    ],
  });
  test.each(cases)("$name", ({ run }) => run());
});

const KEYS = 1_000;

function request(
  charges: readonly QuotaCharge[],
  deduplicationId = "",
  operation: QuotaRequest["operation"] = "charge",
): QuotaRequest {
  return { operation, charges, deduplicationId };
}

function grantedOf(answer: QuotaAnswer): readonly bigint[] {
  return answer.kind === "granted" ? answer.grants.map(({ granted }) => granted) : [];
}

test("an answer needs no promise", async () => {
  const { handler } = await openForTest(adapter, {});
  const answer = handler.quota(request([sampleCharge()]), { signal: new AbortController().signal });
  expect(answer).toEqual({ kind: "granted", grants: [{ granted: 1n, remaining: 9n, resetAfterMs: 60_000 }] });
});

test("a lonely grant leaves the window exactly when `every` is over", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 1n });
  counters.answer(request([charge]), KEYS, 0);
  const refused = { kind: "refused", refusals: [{ charge: 0, remaining: 0n, retryAfterMs: 1 }] };
  expect(counters.answer(request([charge]), KEYS, 59_999)).toEqual(refused);
  expect(grantedOf(counters.answer(request([charge]), KEYS, 60_000))).toEqual([1n]);
});

test("grants near each other leave together, at most a tenth of `every` late", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 2n });
  counters.answer(request([charge]), KEYS, 0);
  counters.answer(request([charge]), KEYS, 5_999);
  expect(counters.answer(request([charge]), KEYS, 60_000)).toMatchObject({
    kind: "refused",
    refusals: [{ retryAfterMs: 5_999 }],
  });
  expect(grantedOf(counters.answer(request([{ ...charge, amount: 2n }]), KEYS, 65_999))).toEqual([2n]);
});

test("the time to come back is when the amount fits, not when everything does", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 3n });
  for (const at of [0, 10_000, 20_000]) counters.answer(request([charge]), KEYS, at);
  const wait = (amount: bigint) => {
    const answer = counters.answer(request([{ ...charge, amount }]), KEYS, 30_000);
    return answer.kind === "refused" ? answer.refusals[0]?.retryAfterMs : undefined;
  };
  expect([wait(1n), wait(2n), wait(3n), wait(4n)]).toEqual([30_000, 40_000, 50_000, Number.POSITIVE_INFINITY]);
});

test("amounts are exact beyond 2^53", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 2n ** 62n, amount: 2n ** 62n - 1n });
  expect(counters.answer(request([charge]), KEYS, 0)).toMatchObject({ grants: [{ remaining: 1n }] });
  expect(counters.answer(request([{ ...charge, amount: 2n }]), KEYS, 0).kind).toBe("refused");
});

test("two charges of one key in one request count each other", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 3n, amount: 2n });
  expect(counters.answer(request([charge, charge]), KEYS, 0).kind).toBe("refused");
  expect(grantedOf(counters.answer(request([charge, { ...charge, bestEffort: true }]), KEYS, 0))).toEqual([2n, 1n]);
});

test("an amount of 0 is free and takes no key", () => {
  const counters = new Counters();
  for (let index = 0; index < 10; index += 1) {
    const charge = sampleCharge({ key: `key ${index}`, amount: 0n });
    expect(counters.answer(request([charge]), 1, 0)).toMatchObject({
      kind: "granted",
      grants: [{ granted: 0n, remaining: 10n }],
    });
  }
});

test("when the table is full, keys in which nothing counts go first; then nobody can tell", () => {
  const counters = new Counters();
  const charge = (key: string, everyMs: number) => request([sampleCharge({ key, everyMs })]);
  counters.answer(charge("short", 1_000), 2, 0);
  counters.answer(charge("long", 60_000), 2, 0);
  const full = counters.answer(charge("third", 60_000), 2, 999);
  expect(full).toMatchObject({ kind: "unavailable", cause: "full" });
  expect(counters.answer(charge("long", 60_000), 2, 999).kind).toBe("granted");
  expect(counters.answer(charge("third", 60_000), 2, 1_000).kind).toBe("granted");
});

test("a full table charges nothing of a request that also has known keys, and forgets no deduplication id for it", () => {
  const counters = new Counters();
  const known = sampleCharge({ key: "known" });
  counters.answer(request([known]), 1, 0);
  expect(counters.answer(request([known, sampleCharge({ key: "new" })], "id"), 1, 0).kind).toBe("unavailable");
  expect(counters.answer(request([known]), 1, 0)).toMatchObject({ grants: [{ remaining: 8n }] });
  expect(counters.answer(request([known, sampleCharge({ key: "new" })], "id"), 2, 0).kind).toBe("granted");
});

test("a flood of new keys is answered within the bound, and passes once the first ones have run out", () => {
  const counters = new Counters();
  const charge = (key: number) => request([sampleCharge({ key: `key ${key}`, everyMs: 1_000 })]);
  const kinds = new Set<string>();
  for (let key = 0; key < 5_000; key += 1) kinds.add(counters.answer(charge(key), 100, key).kind);
  expect(kinds).toEqual(new Set(["granted", "unavailable"]));
  expect(counters.answer(charge(5_000), 100, 10_000).kind).toBe("granted");
});

test("long keys are told apart", () => {
  const counters = new Counters();
  const charge = (end: string) => request([sampleCharge({ key: `${"x".repeat(100_000)}${end}`, max: 1n })]);
  expect(counters.answer(charge("a"), KEYS, 0).kind).toBe("granted");
  expect(counters.answer(charge("b"), KEYS, 0).kind).toBe("granted");
  expect(counters.answer(charge("a"), KEYS, 0).kind).toBe("refused");
});

test("an id means the same request for its life, and only with the same limits, keys and costs", () => {
  const counters = new Counters();
  const charge = sampleCharge({ everyMs: 3_600_000 });
  const first = counters.answer(request([charge], "id"), KEYS, 0);
  expect(counters.answer(request([charge], "id"), KEYS, DEDUPLICATION_LIFE_MS - 1)).toEqual(first);
  expect(counters.answer(request([{ ...charge, amount: 2n }], "id"), KEYS, 1)).toMatchObject({
    grants: [{ remaining: 7n }],
  });
  expect(counters.answer(request([{ ...charge, key: "other" }], "id"), KEYS, 1)).toMatchObject({
    grants: [{ remaining: 9n }],
  });
  expect(counters.answer(request([charge], "id"), KEYS, DEDUPLICATION_LIFE_MS)).toMatchObject({
    grants: [{ remaining: 6n }],
  });
});

test("a refusal is remembered, too", () => {
  const counters = new Counters();
  counters.answer(request([sampleCharge({ amount: 10n })]), KEYS, 0);
  const refused = counters.answer(request([sampleCharge()], "id"), KEYS, 30_000);
  expect(refused.kind).toBe("refused");
  expect(counters.answer(request([sampleCharge()], "id"), KEYS, 60_000)).toEqual(refused);
});

test("answers without end are not remembered without end", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 10n ** 9n });
  const first = counters.answer(request([charge], "first"), KEYS, 0);
  for (let index = 0; index < MAX_REMEMBERED; index += 1) counters.answer(request([charge], `id ${index}`), KEYS, 0);
  expect(counters.answer(request([charge], "first"), KEYS, 0)).not.toEqual(first);
});

test("what is given back twice counts once, and the id is charged anew", () => {
  const counters = new Counters();
  const charge = sampleCharge({ amount: 4n });
  counters.answer(request([charge]), KEYS, 0);
  counters.answer(request([charge], "id"), KEYS, 0);
  for (let times = 0; times < 2; times += 1) counters.answer(request([charge], "id", "give-back"), KEYS, 0);
  expect(counters.answer(request([charge], "id"), KEYS, 0)).toMatchObject({
    kind: "granted",
    grants: [{ remaining: 2n }],
  });
});

test("an answer that a second request got, too, is not given back: the first may have gone through on it", () => {
  const counters = new Counters();
  const charge = sampleCharge({ amount: 4n });
  counters.answer(request([charge], "id"), KEYS, 0);
  counters.answer(request([charge], "id"), KEYS, 0);
  counters.answer(request([charge], "id", "give-back"), KEYS, 0);
  expect(counters.answer(request([charge]), KEYS, 0)).toMatchObject({ kind: "granted", grants: [{ remaining: 2n }] });
});

test("a partial grant is given back by what was granted", () => {
  const counters = new Counters();
  const charge = sampleCharge({ amount: 15n, bestEffort: true });
  expect(grantedOf(counters.answer(request([charge], "id"), KEYS, 0))).toEqual([10n]);
  counters.answer(request([{ ...charge, amount: 10n }], "id", "give-back"), KEYS, 0);
  expect(grantedOf(counters.answer(request([charge], "id"), KEYS, 0))).toEqual([10n]);
});

test("giving back without an id makes no later grant leave early", () => {
  const counters = new Counters();
  const charge = sampleCharge({ max: 2n });
  counters.answer(request([charge]), KEYS, 0);
  counters.answer(request([charge]), KEYS, 50_000);
  counters.answer(request([charge], "", "give-back"), KEYS, 50_001);
  expect(counters.answer(request([{ ...charge, amount: 2n }]), KEYS, 60_000).kind).toBe("refused");
  expect(counters.answer(request([charge]), KEYS, 60_000).kind).toBe("granted");
});

test("an edited limit gives nobody a second allowance, and neither does an edited handler", async () => {
  const first = await openForTest(adapter, { keys: 10 });
  const signal = new AbortController().signal;
  await first.handler.quota(request([sampleCharge({ amount: 10n })]), { signal });
  const second = await openForTest(adapter, { keys: 20 }, { memory: first.memory });
  await first.close();
  const answer = await second.handler.quota(request([sampleCharge({ max: 12n, everyMs: 3_600_000, amount: 3n })]), {
    signal,
  });
  expect(answer).toMatchObject({ kind: "refused", refusals: [{ remaining: 2n, retryAfterMs: 3_600_000 }] });
});

describe("against a list of all grants", () => {
  interface Grant {
    readonly key: string;
    readonly atMs: number;
    amount: bigint;
  }

  const EVERY_MS = 1_000;
  const limits = { a: 3n, b: 8n, c: 1n } as const;
  const charge = fc
    .record({
      key: fc.constantFrom<"a" | "b" | "c">("a", "b", "b", "b", "c"),
      amount: fc.constantFrom(0n, 1n, 1n, 1n, 2n, 4n),
      bestEffort: fc.boolean(),
    })
    .map((one) => sampleCharge({ ...one, max: limits[one.key], everyMs: EVERY_MS }));
  // Mostly short waits, so that windows fill up; some that end exactly where a window does.
  const step = fc.record({
    waitMs: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 90 }) },
      { weight: 2, arbitrary: fc.double({ min: 0, max: 400, noNaN: true }) },
      { weight: 1, arbitrary: fc.constantFrom(EVERY_MS / 10, EVERY_MS) },
    ),
    charges: fc.array(charge, { minLength: 1, maxLength: 3 }),
    id: fc.constantFrom("", "", "", "x", "y"),
    giveBack: fc.constantFrom(true, false, false, false, false),
  });

  const counted = (grants: readonly Grant[], key: string, nowMs: number, lengthMs: number) =>
    grants
      .filter((grant) => grant.key === key && nowMs - grant.atMs < lengthMs)
      .reduce((sum, { amount }) => sum + amount, 0n);

  /** @param exactly give back only with an id; then what fits with a tenth of `every` to spare is granted, too. */
  function play(
    steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
    exactly: boolean,
  ): void {
    const counters = new Counters();
    const grants: Grant[] = [];
    const answered = new Map<string, { readonly answer: QuotaAnswer; readonly atMs: number }>();
    let nowMs = 0;
    for (const { waitMs, charges, id, giveBack } of steps) {
      nowMs += waitMs;
      const identity = JSON.stringify([
        id,
        charges.map(({ key, amount, bestEffort }) => [key, `${amount}`, bestEffort]),
      ]);
      const answer = counters.answer(request(charges, id), KEYS, nowMs);
      const before = id === "" ? undefined : answered.get(identity);
      if (before && nowMs - before.atMs < DEDUPLICATION_LIFE_MS) {
        expect(answer).toEqual(before.answer);
        continue;
      }
      answered.set(identity, { answer, atMs: nowMs });
      if (exactly && fitsWithRoom(grants, charges, nowMs))
        expect(grantedOf(answer)).toEqual(charges.map(({ amount }) => amount));
      if (answer.kind !== "granted") {
        expect(charges.some(({ bestEffort }) => !bestEffort)).toBe(true);
        continue;
      }
      charges.forEach(({ key, amount, bestEffort }, index) => {
        const granted = answer.grants[index]?.granted ?? -1n;
        expect(bestEffort ? granted <= amount : granted === amount).toBe(true);
        grants.push({ key, atMs: nowMs, amount: granted });
      });
      for (const { key, max } of charges) expect(counted(grants, key, nowMs, EVERY_MS) <= max).toBe(true);
      if (!giveBack || (exactly && id === "")) continue;
      const amounts = charges.map((one, index) => ({ ...one, amount: answer.grants[index]?.granted ?? 0n }));
      counters.answer(request(amounts, id, "give-back"), KEYS, nowMs);
      grants.splice(-charges.length);
      answered.delete(identity);
    }
  }

  function fitsWithRoom(grants: readonly Grant[], charges: readonly QuotaCharge[], nowMs: number): boolean {
    const wanted = new Map<string, bigint>();
    for (const { key, amount } of charges) wanted.set(key, (wanted.get(key) ?? 0n) + amount);
    return charges.every(
      ({ key, max }) => counted(grants, key, nowMs, EVERY_MS * 1.1) + (wanted.get(key) ?? 0n) <= max,
    );
  }

  const steps = fc.array(step, { minLength: 1, maxLength: 80, size: "max" });

  test("no window of `every` ever holds more than `max`; all or nothing; ids charge once; what fits with a tenth to spare is granted", () => {
    fc.assert(
      fc.property(steps, (all) => play(all, true)),
      { numRuns: 200 },
    );
  });

  test("neither does it when charges without an id are given back", () => {
    fc.assert(
      fc.property(steps, (all) => play(all, false)),
      { numRuns: 200 },
    );
  });
});
