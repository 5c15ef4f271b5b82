import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Which processors the generator has for itself, and which are the servers'. */
export interface Cores {
  readonly generator: readonly number[];
  readonly servers: readonly number[];
}

/** @returns undefined where processes cannot be held to processors: one core, or no `taskset`. */
export function separateCores(): Cores | undefined {
  if (availableParallelism() < 2) return undefined;
  try {
    const allowed = allowedCores(execFileSync("taskset", ["-cp", String(process.pid)], { encoding: "utf8" }));
    const [generator, ...servers] = allowed;
    return generator === undefined || servers.length === 0 ? undefined : { generator: [generator], servers };
  } catch {
    // No such tool here, or no such right: everything runs where the system puts it, and the report says so.
    return undefined;
  }
}

/** @param said `pid 17's current affinity list: 0-2,5` */
export function allowedCores(said: string): readonly number[] {
  return said
    .slice(said.lastIndexOf(":") + 1)
    .split(",")
    .flatMap((range) => {
      const [first, last = first] = range.trim().split("-").map(Number);
      if (first === undefined || last === undefined) return [];
      return Array.from({ length: last - first + 1 }, (_, step) => first + step);
    });
}

/** @returns the command that runs it on these processors only. */
export function onCores(
  cores: readonly number[] | undefined,
  command: readonly [string, ...string[]],
): [string, ...string[]] {
  return cores === undefined ? [...command] : ["taskset", "-c", cores.join(","), ...command];
}
