import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onCores } from "../cores.ts";
import type { FirstAnswerJob, Job, LoadJob, LoadResult, ReloadJob, ReloadResult } from "./job.ts";

const PROCESS = fileURLToPath(new URL("generate.ts", import.meta.url));

/** A process of its own that asks servers, one job at a time. */
export interface Generator extends AsyncDisposable {
  load(job: Omit<LoadJob, "kind">): Promise<LoadResult>;
  reload(job: Omit<ReloadJob, "kind">): Promise<ReloadResult>;
  firstAnswer(job: Omit<FirstAnswerJob, "kind">): Promise<void>;
}

/** @param cores the processors it may use; undefined: any. */
export function startGenerator(cores: readonly number[] | undefined): Generator {
  const [command, ...args] = onCores(cores, [process.execPath, "--conditions=weir-source", PROCESS]);
  const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return {
    load: (job) => ask<LoadResult>(child, { kind: "load", ...job }),
    reload: (job) => ask<ReloadResult>(child, { kind: "reload", ...job }),
    firstAnswer: (job) => ask<void>(child, { kind: "first-answer", ...job }),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

async function ask<Result>(child: ChildProcess, job: Job): Promise<Result> {
  const answer = Promise.withResolvers<{ readonly result?: Result; readonly problem?: string }>();
  const died = (): void => answer.reject(new Error("the generator ended"));
  child.once("message", answer.resolve).once("exit", died);
  child.send(job);
  const { result, problem } = await answer.promise;
  child.off("exit", died);
  if (problem !== undefined) throw new Error(problem);
  // Of a first answer there is nothing to tell.
  return result as Result;
}
