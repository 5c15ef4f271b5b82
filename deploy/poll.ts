import { setTimeout as wait } from "node:timers/promises";

/** How long to leave between two looks when the caller does not say. */
const DEFAULT_EVERY_MS = 20;

interface Poll {
  /** What is awaited, for the error: `Envoy says LIVE`. */
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
}

/**
 * Looks until there is something to see: for what another process does and does not announce (a port that answers, a counter that moved).
 * @returns what `look` returned, once that is neither undefined nor false.
 * @throws whatever `look` throws, at once; and when the time is over, an error that names what was awaited.
 */
export async function pollUntil<T>(look: () => T | Promise<T>, poll: Poll): Promise<Exclude<T, undefined | false>> {
  const { what, withinMs, everyMs = DEFAULT_EVERY_MS } = poll;
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (performance.now() >= deadline) throw new Error(`not seen within ${withinMs} ms: ${what}`);
    await wait(everyMs);
  }
}

function isThere<T>(seen: T): seen is Exclude<T, undefined | false> {
  return seen !== undefined && seen !== false;
}
