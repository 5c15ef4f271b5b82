import { type PolicyFolder, writePolicies } from "./folder.ts";
import type { Generator } from "./load/generator.ts";
import type { ReloadResult } from "./load/job.ts";
import { forgetPeak, memoryOf } from "./process-usage.ts";
import { type Server, startNodeEcho, startWeir } from "./servers/server.ts";

export interface ReloadFigures {
  readonly rules: number;
  /** From the start of the process to its first answer, each time. */
  readonly coldStartMs: readonly number[];
  readonly reloads: readonly ReloadResult[];
  /** When it has loaded and answered once. */
  readonly loadedMib: number;
  /** The most there was while the policies were replaced. */
  readonly peakMib: number;
}

export interface ReloadOptions {
  readonly checkout: string;
  readonly generator: Generator;
  readonly rules: number;
  readonly coldStarts: number;
  readonly reloads: number;
}

/** How long the first new answer is waited for. */
const RELOAD_LIMIT_MS = 30_000;

/**
 * Loads many rules, then edits one of them again and again while somebody asks every millisecond. Nothing is held to a processor here: who
 * compiles beside those who answer needs one as well.
 */
export async function measureReload({
  checkout,
  generator,
  rules,
  coldStarts,
  reloads,
}: ReloadOptions): Promise<ReloadFigures> {
  await using folder = await writePolicies({ rules, variant: "identity" });
  const coldStartMs: number[] = [];
  for (let index = 1; index < coldStarts; index++) {
    await using server = await startWeir({
      checkout,
      policies: folder.path,
      args: ["--workers", "1"],
      cores: undefined,
    });
    coldStartMs.push(await firstAnswerMs(server, generator, rules));
  }
  await using server = await startWeir({ checkout, policies: folder.path, args: ["--workers", "1"], cores: undefined });
  coldStartMs.push(await firstAnswerMs(server, generator, rules));
  await using echo = await startNodeEcho({ cores: undefined });
  const loadedMib = memoryOf(server.pid).rssMib;
  forgetPeak(server.pid);
  const results: ReloadResult[] = [];
  for (let edition = 1; edition <= reloads; edition++)
    results.push(await reloadOnce({ folder, server, echo, generator, rules, edition }));
  return { rules, coldStartMs, reloads: results, loadedMib, peakMib: memoryOf(server.pid).peakMib };
}

async function firstAnswerMs(server: Server, generator: Generator, rules: number): Promise<number> {
  await generator.firstAnswer({ port: server.port, api: "ext-authz", rules });
  return performance.now() - server.startedMs;
}

interface Reload {
  readonly folder: PolicyFolder;
  readonly server: Server;
  readonly echo: Server;
  readonly generator: Generator;
  readonly rules: number;
  readonly edition: number;
}

async function reloadOnce({ folder, server, echo, generator, rules, edition }: Reload): Promise<ReloadResult> {
  const { from, to } = await folder.prepare(edition);
  const ports = { port: server.port, besidePort: echo.port };
  return await generator.reload({ ...ports, rules, from, to, edition, limitMs: RELOAD_LIMIT_MS });
}
