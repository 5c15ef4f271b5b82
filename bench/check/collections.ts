import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Generator } from "./load/generator.ts";
import { ask, type Fleet, type Subject, type Timing } from "./subjects.ts";

/** Preloaded into a server, it writes there how long its collections took. Not where CPU time is compared: it costs a little itself. */
const HOOK = fileURLToPath(new URL("collections-hook.mjs", import.meta.url));
const HOOK_FOLDER = "WEIR_BENCH_COLLECTIONS";
const HOOK_EVERY_MS = 100;

export interface HookFolder extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
  readonly path: string;
}

export async function hookFolder(): Promise<HookFolder> {
  const path = await mkdtemp(join(tmpdir(), "weir-bench-collections-"));
  return {
    path,
    env: { NODE_OPTIONS: `--import=${HOOK}`, [HOOK_FOLDER]: path },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** @returns milliseconds that all threads of the process have spent collecting. */
async function collectionMs(folder: string, pid: number): Promise<number> {
  const files = (await readdir(folder)).filter((name) => name.startsWith(`${pid}-`));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.reduce((sum, text) => sum + Number(text), 0);
}

/** @returns the part of a saturated server's CPU time that collections took from those who answer. */
export async function collectionShare(
  fleet: Fleet,
  generator: Generator,
  folder: string,
  subject: Subject,
  timing: Timing,
): Promise<number> {
  const server = await fleet.server(subject.server);
  await ask(generator, subject, server, "saturated", timing, 1);
  await setTimeout(HOOK_EVERY_MS * 2);
  const before = await collectionMs(folder, server.pid);
  const { cpuUs, perSecond, measuredMs } = await ask(
    generator,
    subject,
    server,
    "saturated",
    { ...timing, warmUpMs: 0 },
    2,
  );
  await setTimeout(HOOK_EVERY_MS * 2);
  const spentMs = (await collectionMs(folder, server.pid)) - before;
  return spentMs / ((cpuUs * perSecond * measuredMs) / 1e6);
}
