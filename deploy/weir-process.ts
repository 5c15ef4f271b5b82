import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { inCheckout } from "./root.ts";

/** How long a server may take to say that it serves. */
const START_LIMIT_MS = 20_000;
/** How long it may take to drain and end after SIGTERM, before it is killed. */
const STOP_LIMIT_MS = 15_000;

/** What the server says of itself when it serves: its one line on standard output. */
export interface ServingLine {
  readonly weir: "serving";
  readonly grpc: string;
  readonly admin: string;
  readonly snapshot: string;
}

export interface WeirOptions {
  readonly policies: string;
  /** Further arguments of `weir serve`. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A server started as a user would start it, on free ports of the loopback. */
export interface WeirProcess {
  readonly pid: number;
  readonly serving: ServingLine;
  readonly grpcPort: number;
  readonly adminUrl: string;
  /** Every line it has written to standard error. */
  readonly log: readonly string[];
  /** Everything it has written to standard output. */
  readonly output: readonly string[];
  /** @returns what it did not take back until now: the next line of its log that fits, past or future. */
  logLine(fits: (line: string) => boolean, limitMs: number): Promise<string>;
  /** SIGTERM, then the exit code; killed when it does not end in time. */
  stop(): Promise<number | null>;
}

/** The server ended before it served: its exit code and what it wrote to standard error. */
export class WeirDidNotServe extends Error {
  readonly code: number | null;
  readonly log: string;
  constructor(code: number | null, log: string) {
    super(`weir serve ended with ${code === null ? "a signal" : `exit code ${code}`}:\n${log}`);
    this.code = code;
    this.log = log;
  }
}

export async function startWeir({ policies, args = [], env = {} }: WeirOptions): Promise<WeirProcess> {
  const command = ["serve", "--policies", policies, "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0", ...args];
  const child = spawn(process.execPath, [inCheckout("bin/weir.js"), ...command], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = new Lines(child.stderr);
  const output = new Lines(child.stdout);
  const ended = once(child, "exit");
  const line = await Promise.race([output.next(() => true, START_LIMIT_MS), ended.then(() => undefined)]);
  if (line === undefined) throw new WeirDidNotServe(child.exitCode, log.seen.join("\n"));
  const serving = parseServing(line);
  return {
    pid: child.pid ?? 0,
    serving,
    grpcPort: portOf(serving.grpc),
    adminUrl: `http://${serving.admin}`,
    log: log.seen,
    output: output.seen,
    logLine: (fits, limitMs) => log.next(fits, limitMs),
    stop: () => stop(child, ended),
  };
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGTERM");
    const killing = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    await ended;
    clearTimeout(killing);
  }
  return child.exitCode;
}

/** Lines of a stream, kept, and waited for. */
class Lines {
  readonly seen: string[] = [];
  readonly #waiting = new Set<(line: string) => void>();

  constructor(stream: NodeJS.ReadableStream) {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
      this.seen.push(line);
      for (const tell of this.#waiting) tell(line);
    });
  }

  next(fits: (line: string) => boolean, limitMs: number): Promise<string> {
    const already = this.seen.find(fits);
    if (already !== undefined) return Promise.resolve(already);
    return new Promise((resolve, reject) => {
      const tell = (line: string): void => {
        if (!fits(line)) return;
        clearTimeout(limit);
        this.#waiting.delete(tell);
        resolve(line);
      };
      const limit = setTimeout(() => {
        this.#waiting.delete(tell);
        reject(new Error(`no such line within ${limitMs} ms; the last were:\n${this.seen.slice(-10).join("\n")}`));
      }, limitMs);
      this.#waiting.add(tell);
    });
  }
}

function parseServing(line: string): ServingLine {
  const said: unknown = JSON.parse(line);
  const { weir, grpc, admin, snapshot } = Object(said);
  if (weir === "serving" && typeof grpc === "string" && typeof admin === "string" && typeof snapshot === "string") {
    return { weir, grpc, admin, snapshot };
  }
  throw new Error(`this is not how weir says that it serves: ${line}`);
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
