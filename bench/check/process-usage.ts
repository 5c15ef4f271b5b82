import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

/** What the operating system says of a process. Linux only. */
export interface Usage {
  /** CPU time by thread, milliseconds; threads that are over are not in it. */
  readonly threads: ReadonlyMap<number, { readonly name: string; readonly cpuMs: number }>;
}

/** @param pid of a process that runs. */
export function usageOf(pid: number): Usage {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return { threads: new Map(threads.map((thread) => [thread, threadUsage(`/proc/${pid}/task/${thread}`)])) };
}

export interface ThreadTime {
  readonly name: string;
  readonly cpuMs: number;
}

/** @returns the CPU time between the two, thread by thread, the busiest first. */
export function between(before: Usage, after: Usage): readonly ThreadTime[] {
  return [...after.threads]
    .map(([thread, { name, cpuMs }]) => ({ name, cpuMs: cpuMs - (before.threads.get(thread)?.cpuMs ?? 0) }))
    .toSorted((a, b) => b.cpuMs - a.cpuMs);
}

function threadUsage(folder: string): ThreadTime {
  const name = readFileSync(`${folder}/comm`, "utf8").trim();
  try {
    // To the nanosecond, where the kernel keeps it.
    return { name, cpuMs: Number(readFileSync(`${folder}/schedstat`, "utf8").split(" ")[0]) / 1e6 };
  } catch {
    return { name, cpuMs: ticksOf(readFileSync(`${folder}/stat`, "utf8")) * tickMs() };
  }
}

/** @returns user and system time. */
function ticksOf(stat: string): number {
  // The name stands in parentheses and may hold anything; what follows it is the third field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

function tickMs(): number {
  return 1_000 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
}

export interface Memory {
  readonly rssMib: number;
  /** Since the start of the process, or the last `forgetPeak`. */
  readonly peakMib: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1_024;
  return { rssMib: mib("VmRSS"), peakMib: mib("VmHWM") };
}

/** From here on the peak is that of what comes. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
