import type { HostClock } from "./clock.ts";

/** How somebody else's work ended. */
export type Settled<T> =
  | { readonly kind: "fulfilled"; readonly value: T }
  | { readonly kind: "rejected"; readonly error: unknown }
  /** Not within the time given, or not before `signal` was aborted. Whatever it does later is nobody's business. */
  | { readonly kind: "late" };

/** Begins foreign work: a throw is a rejection. */
export function begin<T>(work: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** Waits for foreign work, but not for ever. Never rejects. */
export function settle<T>(work: Promise<T>, ms: number, clock: HostClock, signal?: AbortSignal): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const late = () => finish({ kind: "late" });
    const cancel = clock.after(ms, late);
    const finish = (settled: Settled<T>) => {
      cancel();
      signal?.removeEventListener("abort", late);
      resolve(settled);
    };
    if (signal?.aborted) return late();
    signal?.addEventListener("abort", late, { once: true });
    work.then(
      (value) => finish({ kind: "fulfilled", value }),
      (error: unknown) => finish({ kind: "rejected", error }),
    );
  });
}

const MAX_REASON_LENGTH = 500;

/** What was thrown, in one line that a message can hold. */
export function reasonOf(error: unknown): string {
  const text =
    error instanceof Error
      ? error.message || error.name
      : typeof error === "string"
        ? error
        : "threw something that is no error";
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH)}…` : line;
}
