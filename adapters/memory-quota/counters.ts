import { createHash } from "node:crypto";
import type { QuotaAnswer, QuotaCharge, QuotaGrant, QuotaRefusal, QuotaRequest } from "weir-mesh/adapter";
import { type Outcome, Remembered, type Taken } from "./remembered.ts";
import { Windows } from "./windows.ts";

/** Keys hold values that clients write; longer ones are kept as a fingerprint. */
const MAX_KEY_LENGTH = 200;

/** All counters of one handler. Nothing here waits, so a request is charged whole before the next one is looked at. */
export class Counters {
  readonly #windows = new Windows();
  readonly #remembered = new Remembered();

  /** Answers a request; at most `maxKeys` keys count at once. */
  answer(request: QuotaRequest, maxKeys: number, nowMs: number): QuotaAnswer {
    if (request.operation === "give-back") return this.#giveBack(request);
    if (request.deduplicationId === "") return this.#charge(request, maxKeys, nowMs).answer;
    const before = this.#remembered.get(request, nowMs);
    if (before !== undefined) return before.answer;
    const outcome = this.#charge(request, maxKeys, nowMs);
    // Nobody was told yes or no: a retry may find room.
    if (outcome.answer.kind !== "unavailable") this.#remembered.add(request, outcome, nowMs);
    return outcome.answer;
  }

  #charge({ charges }: QuotaRequest, maxKeys: number, nowMs: number): Outcome {
    const planned = this.#plan(charges, nowMs);
    const refusals = planned.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]));
    if (refusals.length > 0) return { answer: { kind: "refused", refusals }, taken: [] };
    const newKeys = new Set(
      planned.filter(({ key, granted }) => granted > 0n && !this.#windows.get(key)).map(({ key }) => key),
    );
    if (!this.#windows.makeRoom(newKeys.size, maxKeys, nowMs)) {
      const reason = `${maxKeys} keys have something that counts; the handler's \`keys\` takes no more`;
      return { answer: { kind: "unavailable", cause: "full", reason }, taken: [] };
    }
    const taken = planned.flatMap((one) => this.#take(one, nowMs));
    return { answer: { kind: "granted", grants: planned.map((one) => this.#grant(one, nowMs)) }, taken };
  }

  /** What each charge would get, those before it counted. Nothing is changed. */
  #plan(charges: readonly QuotaCharge[], nowMs: number): readonly Planned[] {
    const pending = new Map<string, bigint>();
    return charges.map((charge, index) => {
      const key = shortened(charge.key);
      const window = this.#windows.get(key);
      const used = (window?.used(nowMs, charge.everyMs) ?? 0n) + (pending.get(key) ?? 0n);
      const free = charge.max > used ? charge.max - used : 0n;
      const granted = charge.amount <= free ? charge.amount : charge.bestEffort ? free : undefined;
      if (granted === undefined) {
        // What this request itself would take first leaves the counter no earlier than anything else.
        const waitFor = charge.max - charge.amount - (pending.get(key) ?? 0n);
        const retryAfterMs = window?.waitUntil(waitFor, nowMs, charge.everyMs) ?? Number.POSITIVE_INFINITY;
        return { key, charge, granted: 0n, refusal: { charge: index, remaining: free, retryAfterMs } };
      }
      pending.set(key, (pending.get(key) ?? 0n) + granted);
      return { key, charge, granted, refusal: undefined };
    });
  }

  #take({ key, charge, granted }: Planned, nowMs: number): readonly Taken[] {
    if (granted === 0n) return [];
    const window = this.#windows.toGrant(key, charge.everyMs);
    return [{ window, part: window.grant(granted, nowMs, charge.everyMs), amount: granted }];
  }

  #grant({ key, charge, granted }: Planned, nowMs: number): QuotaGrant {
    const window = this.#windows.get(key);
    const used = window?.used(nowMs, charge.everyMs) ?? 0n;
    const remaining = charge.max > used ? charge.max - used : 0n;
    return { granted, remaining, resetAfterMs: window?.waitUntil(0n, nowMs, charge.everyMs) ?? 0 };
  }

  #giveBack(request: QuotaRequest): QuotaAnswer {
    if (request.deduplicationId === "") {
      for (const { key, amount } of request.charges) this.#windows.get(shortened(key))?.takeBackOldest(amount);
    } else {
      for (const { window, part, amount } of this.#remembered.takeBack(request)?.taken ?? [])
        window.takeBack(part, amount);
    }
    return { kind: "granted", grants: request.charges.map(() => ({ granted: 0n, remaining: 0n, resetAfterMs: 0 })) };
  }
}

interface Planned {
  readonly key: string;
  readonly charge: QuotaCharge;
  readonly granted: bigint;
  readonly refusal: QuotaRefusal | undefined;
}

function shortened(key: string): string {
  return key.length <= MAX_KEY_LENGTH ? key : `sha256 ${createHash("sha256").update(key).digest("base64")}`;
}
