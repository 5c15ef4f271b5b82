import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onCores } from "../cores.ts";

/** A server that is measured, and runs. */
export interface Server extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** `performance.now()` at the moment it was started. */
  readonly startedMs: number;
}

export interface StartOptions {
  /** The processors it may use; undefined: any. */
  readonly cores: readonly number[] | undefined;
  /** More of the environment. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface WeirOptions extends StartOptions {
  /** The checkout whose `dist` is served. */
  readonly checkout: string;
  readonly policies: string;
  readonly args?: readonly string[];
}

/** How long a server may take until it serves. */
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 12_000;
/** Of what a server says on standard error, for the case that it does not start. */
const KEPT_CHARACTERS = 4_000;

/** Started as a user would, from what was compiled. */
export function startWeir({ checkout, policies, args = [], ...options }: WeirOptions): Promise<Server> {
  const flags = ["--policies", policies, "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--log-level", "error"];
  return start([process.execPath, `${checkout}/bin/weir.js`, "serve", ...flags, ...args], options);
}

export function startNodeEcho(options: StartOptions): Promise<Server> {
  const file = fileURLToPath(new URL("echo-node.ts", import.meta.url));
  return start([process.execPath, file], options);
}

export function startCppEcho(program: string, options: StartOptions): Promise<Server> {
  return start([program], options);
}

async function start(command: readonly [string, ...string[]], { cores, env = {} }: StartOptions): Promise<Server> {
  const [program, ...args] = onCores(cores, command);
  const startedMs = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const ended = once(child, "exit");
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = `${said}${bytes.toString()}`.slice(-KEPT_CHARACTERS);
  });
  const lines = createInterface({ input: child.stdout });
  const limit = AbortSignal.timeout(START_LIMIT_MS);
  const line = await Promise.race([once(lines, "line", { signal: limit }), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`it does not start: ${said.trim().split("\n").at(0) ?? ""}`);
  return {
    pid: child.pid ?? 0,
    port: portIn(String(line[0])),
    startedMs,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const killing = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      await ended;
      clearTimeout(killing);
    },
  };
}

/** @param line what a server prints when it serves: its port, or with Weir its address. */
function portIn(line: string): number {
  const { port, grpc } = Object(JSON.parse(line));
  const found = typeof grpc === "string" ? Number(grpc.slice(grpc.lastIndexOf(":") + 1)) : Number(port);
  if (!Number.isInteger(found)) throw new Error(`a server that does not say where it serves: ${line}`);
  return found;
}
