import assert from "node:assert/strict";
import type { QuotaAnswer, QuotaCharge, QuotaRequest } from "../templates.ts";
import { type OpenedForTest, openForTest } from "./open-for-test.ts";
import type { ConformanceCase, ConformanceOptions } from "./options.ts";
import { sampleCharge } from "./samples.ts";

/** What adapters of `quota` promise. Time is the test's. */
export function quotaCases({ adapter, config }: ConformanceOptions): readonly ConformanceCase[] {
  if (!adapter.templates.includes("quota")) return [];
  const scenario = (name: string, play: (quota: Quota) => Promise<void>): ConformanceCase => ({
    name: `quota: ${name}`,
    run: async () => {
      const opened = await openForTest(adapter, await config());
      await play(new Quota(opened));
      await opened.close();
    },
  });
  return [
    scenario("grants up to `max` and refuses the rest, saying when to come back", upToMax),
    scenario("one deduplication id is one charge and one answer", deduplicates),
    scenario("several charges are granted together or not at all", togetherOrNothing),
    scenario("best effort grants what is left", bestEffort),
    scenario("what is given back can be charged again", givesBack),
    scenario("never grants more than `max` in any window", neverOverGrants),
    scenario("requests at the same time never get more than there is", parallel),
  ];
}

/** A handler with the questions put shortly. */
class Quota {
  readonly opened: OpenedForTest<"quota">;

  constructor(opened: OpenedForTest<"quota">) {
    this.opened = opened;
  }

  async charge(
    charges: readonly QuotaCharge[],
    deduplicationId = "",
    operation: QuotaRequest["operation"] = "charge",
  ): Promise<QuotaAnswer> {
    return this.opened.handler.quota({ operation, charges, deduplicationId }, { signal: new AbortController().signal });
  }

  /** @returns what one charge was granted, 0 when it was refused. */
  async granted(charge: QuotaCharge): Promise<bigint> {
    const answer = await this.charge([charge]);
    assert.notEqual(answer.kind, "unavailable");
    return answer.kind === "granted" ? (answer.grants[0]?.granted ?? 0n) : 0n;
  }
}

async function upToMax(quota: Quota): Promise<void> {
  for (let left = 9n; left >= 0n; left -= 1n) {
    const answer = await quota.charge([sampleCharge()]);
    assert.ok(answer.kind === "granted", `not granted with ${left + 1n} left`);
    assert.equal(answer.grants[0]?.granted, 1n);
    assert.equal(answer.grants[0]?.remaining, left);
  }
  const answer = await quota.charge([sampleCharge()]);
  assert.ok(answer.kind === "refused", "more than `max` was granted");
  const [refusal] = answer.refusals;
  assert.equal(refusal?.charge, 0);
  assert.equal(refusal?.remaining, 0n);
  const wait = refusal?.retryAfterMs ?? 0;
  assert.ok(wait > 0 && wait <= sampleCharge().everyMs * 2, `retry after ${wait} ms`);
  await quota.opened.clock.advance(wait);
  assert.equal(await quota.granted(sampleCharge()), 1n, "refused after the time that `retryAfterMs` named");
}

async function deduplicates(quota: Quota): Promise<void> {
  const first = await quota.charge([sampleCharge({ amount: 6n })], "one");
  assert.equal(first.kind, "granted");
  assert.deepEqual(await quota.charge([sampleCharge({ amount: 6n })], "one"), first);
  assert.equal(await quota.granted(sampleCharge({ amount: 4n })), 4n, "the second of one id was charged");
  const refused = await quota.charge([sampleCharge({ amount: 6n })], "two");
  assert.equal(refused.kind, "refused", "another id is another request");
}

async function togetherOrNothing(quota: Quota): Promise<void> {
  const small = sampleCharge({ key: "small", max: 1n });
  const large = sampleCharge({ key: "large" });
  assert.equal((await quota.charge([large, small])).kind, "granted");
  const answer = await quota.charge([large, small]);
  assert.ok(answer.kind === "refused", "one of two charges does not fit");
  assert.deepEqual(
    answer.refusals.map(({ charge }) => charge),
    [1],
  );
  assert.equal(
    await quota.granted({ ...large, amount: 9n }),
    9n,
    "the charge that fitted was taken although the other did not",
  );
}

async function bestEffort(quota: Quota): Promise<void> {
  assert.equal(await quota.granted(sampleCharge({ amount: 7n, bestEffort: true })), 7n);
  assert.equal(await quota.granted(sampleCharge({ amount: 7n, bestEffort: true })), 3n);
  const answer = await quota.charge([sampleCharge({ amount: 7n, bestEffort: true })]);
  assert.ok(answer.kind === "granted" && answer.grants[0]?.granted === 0n, "best effort with nothing left grants 0");
}

async function givesBack(quota: Quota): Promise<void> {
  for (const id of ["", "id"]) {
    const all = sampleCharge({ key: `given back ${id}`, amount: 10n });
    assert.equal((await quota.charge([all], id)).kind, "granted");
    await quota.charge([all], id, "give-back");
    assert.equal((await quota.charge([all], id)).kind, "granted", "what was given back is still charged");
    assert.equal(await quota.granted({ ...all, amount: 1n }), 0n, "it was charged the second time");
  }
}

/** Numbers that look random and are the same in every run. */
function* pseudoRandom(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    yield state / 0x8000_0000;
  }
}

const ATTEMPTS = 2_000;

async function neverOverGrants(quota: Quota): Promise<void> {
  const random = pseudoRandom(42);
  const next = () => random.next().value;
  const grants: { readonly atMs: number; readonly amount: bigint }[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    await quota.opened.clock.advance(Math.floor(next() ** 4 * 30_000));
    const charge = sampleCharge({ amount: BigInt(1 + Math.floor(next() * 4)), bestEffort: next() < 0.3 });
    const amount = await quota.granted(charge);
    const atMs = quota.opened.clock.monotonicMs();
    grants.push({ atMs, amount });
    const inWindow = grants
      .filter((grant) => atMs - grant.atMs < charge.everyMs)
      .reduce((sum, grant) => sum + grant.amount, 0n);
    assert.ok(inWindow <= charge.max, `${inWindow} granted in ${charge.everyMs} ms, ${charge.max} allowed`);
  }
  assert.ok(
    grants.some(({ amount }) => amount > 0n),
    "nothing was ever granted",
  );
}

async function parallel(quota: Quota): Promise<void> {
  const all = await Promise.all(Array.from({ length: 50 }, () => quota.granted(sampleCharge())));
  assert.equal(
    all.reduce((sum, amount) => sum + amount, 0n),
    sampleCharge().max,
  );
}
