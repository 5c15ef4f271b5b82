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
  readonly atMs: number;
  readonly receipt: string;
}

/** The answers of the last minute, by deduplication id, limits, keys and costs. */
export class Remembered {
  /** In the order in which they were given. */
  readonly #entries = new Map<string, Entry>();
  /** From what the engine says when it gives back (the amounts granted) to what it said when it charged (the amounts asked for). */
  readonly #receipts = new Map<string, string>();

  get(request: QuotaRequest, nowMs: number): Outcome | undefined {
    this.#forgetOld(nowMs);
    return this.#entries.get(identify(request, amountsAsked(request)));
  }

  add(request: QuotaRequest, outcome: Outcome, nowMs: number): void {
    const key = identify(request, amountsAsked(request));
    const { answer } = outcome;
    const receipt =
      answer.kind === "granted"
        ? identify(
            request,
            answer.grants.map(({ granted }) => `${granted}`),
          )
        : "";
    this.#entries.set(key, { ...outcome, atMs: nowMs, receipt });
    if (receipt !== "") this.#receipts.set(receipt, key);
    if (this.#entries.size > MAX_REMEMBERED) this.#forgetFirst();
  }

  /** @returns what is given back, and forgets it: the same request is charged when it comes again. */
  takeBack(request: QuotaRequest): Outcome | undefined {
    const key = this.#receipts.get(
      identify(
        request,
        request.charges.map(({ amount }) => `${amount}`),
      ),
    );
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key !== undefined && entry !== undefined) this.#forget(key, entry);
    return entry;
  }

  #forgetOld(nowMs: number): void {
    for (const [key, entry] of this.#entries) {
      if (nowMs - entry.atMs < DEDUPLICATION_LIFE_MS) return;
      this.#forget(key, entry);
    }
  }

  #forgetFirst(): void {
    const [first] = this.#entries;
    if (first !== undefined) this.#forget(...first);
  }

  #forget(key: string, { receipt }: Entry): void {
    this.#entries.delete(key);
    if (this.#receipts.get(receipt) === key) this.#receipts.delete(receipt);
  }
}

function amountsAsked({ charges }: QuotaRequest): readonly string[] {
  return charges.map(({ amount, bestEffort }) => (bestEffort ? `${amount}?` : `${amount}`));
}

/** Length-prefixed, so that no two requests are the same by accident; then a fingerprint, since clients may choose long ids. */
function identify({ deduplicationId, charges }: QuotaRequest, amounts: readonly string[]): string {
  const hash = createHash("sha256").update(`${deduplicationId.length}:${deduplicationId}`);
  charges.forEach(({ key }, index) => {
    hash.update(`${key.length}:${key}${amounts[index]};`);
  });
  return hash.digest("base64");
}
