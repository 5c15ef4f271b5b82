import { createHash } from "node:crypto";
import type { QuotaAnswer, QuotaRequest } from "weir-mesh/adapter";
import type { Part, RollingWindow } from "./rolling-window.ts";

/** How long a deduplication id means the same request: longer than any client tries again. */
export const DEDUPLICATION_LIFE_MS = 60_000;
/** Answers that are remembered; past this the oldest goes early, which can only charge a retry twice. */
export const MAX_REMEMBERED = 100_000;

/** What a request was answered, and where it was charged. */
export interface Outcome {
  readonly answer: QuotaAnswer;
  readonly taken: readonly Taken[];
}

export interface Taken {
  readonly window: RollingWindow;
  readonly part: Part;
  readonly amount: bigint;
}

interface Entry extends Outcome {
  /** It was the answer to a second request of the same id: which of the two is given back nobody can tell. */
  repeated: boolean;
  readonly atMs: number;
  readonly receipt: string | undefined;
}

/** The answers of the last minute, by deduplication id, limits, keys and costs. */
export class Remembered {
  readonly #entries = new Map<string, Entry>();
  /** From what the engine says when it gives back (the amounts granted) to what it said when it charged (the amounts asked for). */
  readonly #receipts = new Map<string, string>();
  /** In the order in which they were given, from `#first` on; those that were taken back are still here. */
  #order: { readonly key: string; readonly entry: Entry }[] = [];
  #first = 0;

  get(request: QuotaRequest, nowMs: number): Outcome | undefined {
    this.#forgetOld(nowMs);
    const entry = this.#entries.get(identify(request));
    if (entry) entry.repeated = true;
    return entry;
  }

  add(request: QuotaRequest, outcome: Outcome, nowMs: number): void {
    const key = identify(request);
    const receipt = receiptOf(request, outcome.answer);
    const entry = { ...outcome, atMs: nowMs, receipt, repeated: false };
    this.#entries.set(key, entry);
    this.#order.push({ key, entry });
    if (receipt !== undefined) this.#receipts.set(receipt, key);
    if (this.#order.length - this.#first > MAX_REMEMBERED) this.#forgetFirst();
  }

  /**
   * @returns what is given back, and forgets it: the same request is charged when it comes again. Nothing once the answer was repeated: the
   * request that got it first may have gone through on it.
   */
  takeBack(request: QuotaRequest): Outcome | undefined {
    const granted = identify(request);
    const key = this.#receipts.get(granted) ?? granted;
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.repeated) return undefined;
    this.#forget(key, entry);
    return entry;
  }

  #forgetOld(nowMs: number): void {
    for (let first = this.#order[this.#first]; first; first = this.#order[this.#first]) {
      if (nowMs - first.entry.atMs < DEDUPLICATION_LIFE_MS) return;
      this.#forgetFirst();
    }
  }

  #forgetFirst(): void {
    const first = this.#order[this.#first];
    if (first === undefined) return;
    this.#forget(first.key, first.entry);
    this.#first += 1;
    // Moving the rest costs as much as was forgotten since the last time.
    if (this.#first * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#first);
    this.#first = 0;
  }

  #forget(key: string, entry: Entry): void {
    // It may have been taken back, and charged anew since.
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    if (entry.receipt !== undefined && this.#receipts.get(entry.receipt) === key) this.#receipts.delete(entry.receipt);
  }
}

/** The request as it would be given back, where that is not how it was charged: best effort may be granted less than was asked for. */
function receiptOf(request: QuotaRequest, answer: QuotaAnswer): string | undefined {
  if (answer.kind !== "granted" || !request.charges.some(({ bestEffort }) => bestEffort)) return undefined;
  const charges = request.charges.map((charge, index) => ({ ...charge, amount: answer.grants[index]?.granted ?? 0n }));
  return identify({ ...request, charges });
}

/** Longer ones are remembered as a fingerprint: clients choose ids and what keys are made of. */
const MAX_IDENTITY_LENGTH = 400;

/** Length-prefixed, so that no two requests are the same by accident. A fingerprint has no colon, so it is no request's text. */
function identify({ deduplicationId, charges }: QuotaRequest): string {
  let identity = `${deduplicationId.length}:${deduplicationId}`;
  for (const { key, amount, bestEffort } of charges)
    identity += `${key.length}:${key}${amount}${bestEffort ? "?" : ";"}`;
  return identity.length <= MAX_IDENTITY_LENGTH ? identity : createHash("sha256").update(identity).digest("base64");
}
