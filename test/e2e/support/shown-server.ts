/** A server that is started by the command a document shows, as its reader would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import { REPOSITORY } from "../../docs/documents.ts";

export interface StartedServer {
  /** Where it serves gRPC. */
  readonly grpc: string;
  /** Ends it by a signal to what was started, as a service manager does. @returns the exit code. */
  end(): Promise<number | null>;
}

/** Kept of standard error, for the error that needs it. */
const LAST_WORDS = 4_000;

const servingSchema = z.object({ weir: z.literal("serving"), grpc: z.string() });

/** @returns when it serves, on free ports. @throws when it ends without that. */
export async function startShown(command: string): Promise<StartedServer> {
  const env = shellEnvironment({ WEIR_GRPC: "127.0.0.1:0", WEIR_ADMIN: "127.0.0.1:0", WEIR_LOG_LEVEL: "silent" });
  const child = spawn("sh", ["-c", `exec ${command}`], { cwd: REPOSITORY, env, stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-LAST_WORDS);
  });
  for await (const line of createInterface({ input: child.stdout })) {
    // npm says first what it runs.
    if (!line.startsWith("{")) continue;
    const { grpc } = servingSchema.parse(JSON.parse(line));
    child.stdout.resume();
    const end = async () => {
      child.kill("SIGTERM");
      await exited;
      return child.exitCode;
    };
    return { grpc, end };
  }
  throw new Error(`\`${command}\` ended without serving:\n${said}`);
}

/** @returns this process' environment with the project's own Node and tools first, as `npm run` has it. */
export function shellEnvironment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const bin = join(REPOSITORY, "node_modules/.bin");
  return { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1", ...more };
}
