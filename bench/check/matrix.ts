import type { Generator } from "./load/generator.ts";
import type { LoadResult } from "./load/job.ts";
import { type Memory, memoryOf } from "./process-usage.ts";
import { median } from "./statistics.ts";
import { ask, type Fleet, type LoadName, type Subject, type Timing } from "./subjects.ts";

export interface MatrixOptions {
  readonly fleet: Fleet;
  readonly generator: Generator;
  readonly subjects: readonly Subject[];
  readonly loads: readonly LoadName[];
  readonly rounds: number;
  readonly timing: Timing;
  /** Told what is being done, for people who wait. */
  readonly progress: (what: string) => void;
}

/** What was measured of one row. */
export interface Measured {
  readonly subject: Subject;
  /** Undefined where it could be measured; otherwise why not. */
  readonly skipped: string | undefined;
  readonly loads: Readonly<Partial<Record<LoadName, readonly LoadResult[]>>>;
  /** Before anything was asked, and at the end. */
  readonly memoryAtStart: Memory | undefined;
  readonly memory: Memory | undefined;
  /** From the start of the process to its first answer. */
  readonly startUpMs: number | undefined;
}

/** How long every server is asked as much as it can take before anything counts: what runs often is compiled by then. */
const FIRST_WARM_UP_MS = 3_000;
const LEAST_FIRST_WARM_UP_MS = 1_000;

interface Row {
  readonly subject: Subject;
  skipped: string | undefined;
  startUpMs: number | undefined;
  memoryAtStart: Memory | undefined;
  memory: Memory | undefined;
  readonly loads: Partial<Record<LoadName, LoadResult[]>>;
}

/**
 * Measures every subject under every load, in rounds: A B C, A B C … so that whatever else the machine does in a minute falls on all of
 * them. A server that cannot be asked like this is left out, with the reason.
 */
export async function measureMatrix(options: MatrixOptions): Promise<readonly Measured[]> {
  const { subjects, loads, rounds, progress } = options;
  const rows = subjects.map(
    (subject): Row => ({
      subject,
      skipped: undefined,
      startUpMs: undefined,
      memoryAtStart: undefined,
      memory: undefined,
      loads: {},
    }),
  );
  const answered = new Set<number>();
  for (const row of rows) {
    progress(`starting ${row.subject.name}`);
    await warmUp(row, answered, options);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const load of loads) {
      progress(`round ${round} of ${rounds}, ${load}`);
      for (const row of rows) await measure(row, load, round, options);
    }
  }
  for (const row of rows) {
    if (row.skipped === undefined) row.memory = memoryOf((await options.fleet.server(row.subject.server)).pid);
  }
  return rows;
}

async function warmUp(row: Row, answered: Set<number>, { fleet, generator, timing }: MatrixOptions): Promise<void> {
  const { subject } = row;
  try {
    const server = await fleet.server(subject.server);
    await generator.firstAnswer({ port: server.port, api: subject.api, rules: subject.rules });
    // Of a server that several rows share, the first one says it.
    if (!answered.has(server.pid)) row.startUpMs = performance.now() - server.startedMs;
    answered.add(server.pid);
    row.memoryAtStart = memoryOf(server.pid);
    const warming = {
      warmUpMs: Math.min(FIRST_WARM_UP_MS, Math.max(LEAST_FIRST_WARM_UP_MS, timing.measureMs)),
      measureMs: 200,
    };
    await ask(generator, subject, server, "saturated", warming, 1);
  } catch (error) {
    row.skipped = error instanceof Error ? error.message : String(error);
  }
}

async function measure(row: Row, load: LoadName, round: number, options: MatrixOptions): Promise<void> {
  if (row.skipped !== undefined) return;
  const { fleet, generator, timing } = options;
  const server = await fleet.server(row.subject.server);
  const result = await ask(generator, row.subject, server, load, timing, round);
  const before = row.loads[load] ?? [];
  before.push(result);
  row.loads[load] = before;
}

/** @returns the median over the rounds; undefined when it was not measured. */
export function medianOf(
  measured: Measured | undefined,
  load: LoadName,
  figure: (result: LoadResult) => number,
): number | undefined {
  const results = measured?.loads[load];
  return results === undefined ? undefined : median(results.map(figure));
}
