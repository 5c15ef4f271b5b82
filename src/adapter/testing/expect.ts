import assert from "node:assert/strict";

/** Real time that something may take before a case says that it never ends. Nothing waits for it to pass. */
const PATIENCE_MS = 5_000;
/** Turns of the event loop in which what was closed may go away. */
const TURNS = 200;

/** Waits for `work`, however it ends. @throws when it does not end. */
export async function settles(work: () => unknown, what: string): Promise<PromiseSettledResult<unknown>> {
  const started = new Promise((resolve) => resolve(work()));
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<"never">((resolve) => {
    timer = setTimeout(() => resolve("never"), PATIENCE_MS);
  });
  const first = await Promise.race([Promise.allSettled([started]), patience]);
  clearTimeout(timer);
  if (first === "never") assert.fail(`${what} did not end within ${PATIENCE_MS} ms`);
  return first[0];
}

/** @throws with the reason when `work` fails or does not end. */
export async function succeeds(work: () => unknown, what: string): Promise<unknown> {
  const result = await settles(work, what);
  if (result.status === "rejected") throw new Error(`${what} failed`, { cause: result.reason });
  return result.value;
}

/** What keeps running in this process: sockets, servers, timers, file operations. */
export function running(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** @throws when more of something runs than before, and goes on running. */
export async function nothingMoreThan(before: ReadonlyMap<string, number>): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    if (more(before).length === 0) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const left = more(before);
  assert.deepEqual(left, [], `still running after close: ${left.join(", ")}`);
}

function more(before: ReadonlyMap<string, number>): readonly string[] {
  return [...running()]
    .filter(([kind, count]) => kind !== "Immediate" && count > (before.get(kind) ?? 0))
    .map(([kind]) => kind);
}
