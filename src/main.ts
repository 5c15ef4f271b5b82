import { createRequire } from "node:module";
import type { CommandIo } from "./cli/command-io.ts";
import { EXIT } from "./cli/exit-codes.ts";
import { holdYoungHeap } from "./cli/heap.ts";
import type { OpenLog } from "./telemetry/index.ts";

/**
 * The process. Nothing else reads the command line, the environment (its variables by way of commander, where a flag names one) or signals,
 * and nothing else ends it.
 */

/** npm and the terminal both pass a Ctrl-C on: what comes so soon after a signal is the same one. Milliseconds. */
const SAME_SIGNAL_MS = 1_000;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

const stop = new AbortController();
const logs: OpenLog[] = [];

listenToSignals();
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
// Whoever read our output has gone (`weir serve | head -1`). That ends no server, and unheard it would.
let readerGone = false;
process.stdout.on("error", () => {
  readerGone = true;
});
process.stderr.on("error", () => undefined);

// Before anything is loaded: what serves, serves for months.
if (process.argv[2] === "serve") holdYoungHeap();
const [{ runCommand }, { openLog }] = await Promise.all([import("./cli/program.ts"), import("./telemetry/index.ts")]);

const code = await runCommand(process.argv.slice(2), commandIo());
await Promise.all([process.stdout, process.stderr].map(written));
exit(code);

function commandIo(): CommandIo {
  return {
    out: (words) => process.stdout.write(words),
    err: (words) => process.stderr.write(words),
    color: { out: wantsColor(process.stdout), err: wantsColor(process.stderr) },
    stdin,
    drained,
    openLog(level) {
      const opened = openLog(level, process.stderr.fd);
      logs.push(opened);
      return opened;
    },
    stop: stop.signal,
    version: version(),
  };
}

async function* stdin(): AsyncGenerator<Uint8Array, void, void> {
  const end = () => process.stdin.destroy();
  stop.signal.addEventListener("abort", end);
  try {
    for await (const chunk of process.stdin) yield chunk;
  } catch (error) {
    // What was read until then is all there is.
    if (!stop.signal.aborted) throw error;
  } finally {
    stop.signal.removeEventListener("abort", end);
  }
}

function drained(): Promise<boolean> {
  const { stdout } = process;
  const wanted = () => !readerGone && !stop.signal.aborted;
  return new Promise((resolve) => {
    if (!wanted() || !stdout.writableNeedDrain) return resolve(wanted());
    const settle = () => {
      for (const event of ["drain", "error"]) stdout.off(event, settle);
      stop.signal.removeEventListener("abort", settle);
      resolve(wanted());
    };
    for (const event of ["drain", "error"]) stdout.on(event, settle);
    stop.signal.addEventListener("abort", settle);
  });
}

function wantsColor(stream: NodeJS.WriteStream): boolean {
  // Node's own judgement: a terminal that has colours, NO_COLOR, FORCE_COLOR.
  return stream.isTTY === true && stream.hasColors();
}

function version(): string {
  const manifest: unknown = createRequire(import.meta.url)("weir-mesh/package.json");
  const { version: found } = Object(manifest);
  return typeof found === "string" ? found : "unknown";
}

/** A pipe takes 64 KiB at a time: what a reader has not taken yet would be lost with the process. After a signal nobody waits long. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) return resolve();
    const giveUp = () => void setTimeout(resolve, SAME_SIGNAL_MS);
    if (stop.signal.aborted) giveUp();
    else stop.signal.addEventListener("abort", giveUp);
    stream.write("", () => resolve());
  });
}

/** The first signal asks the command to end, a second one ends the process at once. */
function listenToSignals(): void {
  let firstAt: number | undefined;
  for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
    process.on(signal, () => {
      const now = performance.now();
      if (firstAt !== undefined && now - firstAt > SAME_SIGNAL_MS) exit(128 + number);
      firstAt ??= now;
      stop.abort();
    });
  }
}

/** A bug of ours: nobody knows what state the process is in, so it ends, and says why. */
function crash(error: unknown): void {
  const [opened] = logs;
  if (opened) opened.log.error("a bug of Weir's ended it", { error });
  else process.stderr.write(`weir: this is a bug of Weir's: ${error instanceof Error ? error.stack : String(error)}\n`);
  exit(EXIT.internal);
}

function exit(code: number): never {
  for (const { flush } of logs) flush();
  process.exit(code);
}
