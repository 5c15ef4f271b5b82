/** An Envoy process on free ports of loopback, ended with the process that started it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pollUntil } from "../poll.ts";
import { Admin } from "./admin.ts";
import type { JsonObject } from "./json.ts";

const READY_WITHIN_MS = 30_000;
const TERMINATE_WITHIN_MS = 5_000;
const DEFAULT_DRAIN_SECONDS = 1;
/** Kept of what Envoy wrote, for the error that needs it. */
const LAST_WORDS_CHARS = 4_000;

interface Start {
  /** What `obtainEnvoy` found. */
  readonly binary: string;
  /** What `envoyBootstrap` made. */
  readonly bootstrap: JsonObject;
  /** A folder for this Envoy's files, made when it is not there; two Envoys cannot share one. */
  readonly dir: string;
  /** How long draining listeners wait for their connections. Default 1. */
  readonly drainSeconds?: number;
  /** Of Envoy's own; each has its connections. One when left out. */
  readonly threads?: number;
}

export interface RunningEnvoy extends AsyncDisposable {
  readonly pid: number;
  readonly adminPort: number;
  /** @returns the port of a listener by its name. @throws when there is none of this name. */
  port(listener: string): number;
  /** @returns every counter and gauge by its name. */
  stats(): Promise<ReadonlyMap<string, number>>;
  /** @returns the last 4,000 characters that Envoy wrote. */
  lastWords(): string;
  /** Ends this process and waits until it is gone: SIGTERM, after 5 seconds SIGKILL. Ending twice is ending once. */
  stop(): Promise<void>;
}

/**
 * Starts Envoy and waits until it serves.
 * @throws with what Envoy wrote, when it ends or is not ready within 30 seconds; then no process is left.
 */
export async function startEnvoy({ binary, bootstrap, dir, drainSeconds, threads }: Start): Promise<RunningEnvoy> {
  await mkdir(dir, { recursive: true });
  const config = join(dir, "bootstrap.json");
  const adminAddress = join(dir, "admin-address");
  await writeFile(config, JSON.stringify(bootstrap, undefined, 2));
  await rm(adminAddress, { force: true });
  const envoy = new EnvoyProcess(await launch(binary, argumentsOf(config, adminAddress, drainSeconds, threads)));
  try {
    const admin = await adminOf(envoy, adminAddress);
    return running(envoy, admin, await admin.listeners());
  } catch (cause) {
    await envoy.stop();
    throw new Error(`Envoy did not start: ${messageOf(cause)}\n${envoy.lastWords()}`, { cause });
  }
}

function argumentsOf(
  config: string,
  adminAddress: string,
  drainSeconds = DEFAULT_DRAIN_SECONDS,
  threads = 1,
): string[] {
  return [
    ...["-c", config, "--admin-address-path", adminAddress, "--drain-time-s", String(drainSeconds)],
    ...["--concurrency", String(threads), "--disable-hot-restart", "-l", "warning"],
  ];
}

/** What it starts is ended by the kernel, however its parent ends. Part of util-linux, so on every Debian. */
const [SETPRIV, ...GUARD] = ["setpriv", "--pdeathsig", "KILL", "--"] as const;

async function launch(binary: string, args: readonly string[]): Promise<ChildProcess> {
  return (await runs(SETPRIV, [...GUARD, "true"]))
    ? spawn(SETPRIV, [...GUARD, binary, ...args], { stdio: ["ignore", "pipe", "pipe"] })
    : spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
}

function runs(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => execFile(command, args, (error) => resolve(error === null)));
}

/** Envoy writes the address of its admin port into a file, once it has one. */
async function adminOf(envoy: EnvoyProcess, file: string): Promise<Admin> {
  return pollUntil(
    async () => {
      if (envoy.ended) throw new Error(`it ended with ${envoy.ended}`);
      const port = Number((await textIn(file)).split(":").at(-1));
      if (!(port > 0)) return undefined;
      const admin = new Admin(port);
      return (await admin.ready()) ? admin : undefined;
    },
    { what: "Envoy ready", withinMs: READY_WITHIN_MS },
  );
}

/** @returns nothing while the file is not there. */
async function textIn(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}

function running(envoy: EnvoyProcess, admin: Admin, ports: ReadonlyMap<string, number>): RunningEnvoy {
  const stop = () => envoy.stop();
  return {
    pid: envoy.pid,
    adminPort: admin.port,
    port(listener) {
      const port = ports.get(listener);
      if (port === undefined) throw new Error(`no listener \`${listener}\`; there are ${[...ports.keys()].join(", ")}`);
      return port;
    },
    stats: () => admin.stats(),
    lastWords: () => envoy.lastWords(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

class EnvoyProcess {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #ended: string | undefined;
  #words = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#closed = new Promise((resolve) => child.once("close", resolve));
    // Where there is no setpriv: at least an orderly end of this process takes Envoy along.
    const takeAlong = () => child.kill("SIGKILL");
    process.once("exit", takeAlong);
    const end = (how: string) => {
      this.#ended ??= how;
      process.off("exit", takeAlong);
    };
    child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    child.once("error", (error) => end(error.message));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#words = (this.#words + text).slice(-LAST_WORDS_CHARS);
      });
    }
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("Envoy was not started");
    return this.#child.pid;
  }

  /** How it ended; undefined while it runs. */
  get ended(): string | undefined {
    return this.#ended;
  }

  lastWords(): string {
    return this.#words;
  }

  async stop(): Promise<void> {
    if (this.#child.pid === undefined) return;
    if (this.#ended === undefined) {
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), TERMINATE_WITHIN_MS);
      await this.#closed;
      clearTimeout(timer);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
