import type { LoadResult } from "./load/job.ts";
import { type Measured, medianOf } from "./matrix.ts";
import type { Results } from "./results.ts";
import { median } from "./statistics.ts";
import { LOADS, type LoadName } from "./subjects.ts";
import { TARGETS, type Target } from "./targets.ts";

/** Everything that was measured, as Markdown: what is printed, and what stands in docs/performance.md. */
export function report(results: Results): string {
  return [
    heading(results),
    checksTable(results),
    spreadNote(results),
    latencyTable(results),
    doorTable(results),
    reloadTable(results),
    targetTable(results),
    leftOut(results),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function heading({ machine, date, commit, rounds, quick, pinned }: Results): string {
  const cores = pinned
    ? `generator on processor ${pinned.generator.join(", ")}, servers on ${pinned.servers.join(", ")}`
    : "not held to processors";
  const how = quick
    ? "quick: one short round, good for nothing but a first look"
    : `medians of ${rounds} interleaved rounds`;
  return `${date}, commit ${commit}. ${machine}; ${cores}; ${how}.`;
}

function checksTable({ matrix }: Results): string {
  const rows = matrix.filter(({ skipped }) => skipped === undefined);
  if (rows.length === 0) return "";
  const loads = LOADS.filter((load) => rows.some((row) => row.loads[load]));
  const head = [
    "CPU µs per check",
    ...loads.map((load) => (load === "saturated" ? "saturated" : `${load}/s`)),
    "checks/s saturated",
    "RSS MiB: started, at the end",
    "start-up ms",
    "failed, wrong",
  ];
  return table(
    head,
    rows.map((row) => [
      row.subject.name,
      ...loads.map((load) =>
        one(
          medianOf(row, load, ({ cpuUs }) => cpuUs),
          1,
        ),
      ),
      one(medianOf(row, "saturated", ({ perSecond }) => perSecond)),
      `${one(row.memoryAtStart?.rssMib)}, ${one(row.memory?.rssMib)}`,
      one(row.startUpMs),
      mistakes(row),
    ]),
  );
}

/** Every check that was lost, late beyond its deadline, or answered wrongly, over all rounds and loads. */
function mistakes(row: Measured): string {
  const all = Object.values(row.loads).flat();
  const sum = (figure: (result: LoadResult) => number): number =>
    all.reduce((total, result) => total + figure(result), 0);
  return `${sum(({ failed }) => failed)}, ${sum(({ wrong }) => wrong)} of ${sum(({ checks }) => checks).toLocaleString("en")}`;
}

/** A machine that is busy with something else measures itself. */
function spreadNote({ matrix }: Results): string {
  const late = matrix.flatMap(({ loads }) =>
    Object.values(loads)
      .flat()
      .map(({ generatorLateUs }) => generatorLateUs),
  );
  if (late.length === 0) return "";
  const typical = median(late.filter((value) => value > 0));
  if (!(typical > GENERATOR_LATE_US)) return "";
  return `**The generator itself was ${one(typical / 1_000, 1)} ms late at the 99th percentile: something else was running, and the latencies say little.**`;
}

const GENERATOR_LATE_US = 500;

function latencyTable({ matrix }: Results): string {
  const rows = matrix.filter(({ skipped }) => skipped === undefined);
  const loads = LOADS.filter((load) => load !== "saturated" && rows.some((row) => row.loads[load]));
  if (loads.length === 0) return "";
  return table(
    ["p50 / p99 / p99.9, ms", ...loads.map((load) => `${load}/s`)],
    rows.map((row) => [row.subject.name, ...loads.map((load) => latencies(row, load))]),
  );
}

function latencies(row: Measured, load: LoadName): string {
  const ms = (figure: (latency: LoadResult["latencyUs"]) => number): string =>
    one((medianOf(row, load, ({ latencyUs }) => figure(latencyUs)) ?? Number.NaN) / 1_000, 2);
  return `${ms(({ p50 }) => p50)} / ${ms(({ p99 }) => p99)} / ${ms(({ p999 }) => p999)}`;
}

function doorTable({ doors }: Results): string {
  if (doors.length === 0) return "";
  return table(
    ["door alone", "rules", "µs: allow", "deny", "mixed", "bytes allocated: allow", "deny", "mixed"],
    doors.map(({ job, checks: { allow, deny, mixed } }) => [
      `${job.door}, by ${job.variant}`,
      job.rules.toLocaleString("en"),
      ...[allow, deny, mixed].map(({ ns }) => one(ns / 1_000, 2)),
      ...[allow, deny, mixed].map(({ allocatedBytes }) => one(allocatedBytes)),
    ]),
  );
}

function reloadTable({ reload, flatness, collections }: Results): string {
  const rows: string[][] = [];
  if (reload !== undefined) {
    const { reloads, coldStartMs, loadedMib, peakMib } = reload;
    const spread = (values: readonly number[], digits = 0): string =>
      `${one(median(values), digits)} (${one(Math.min(...values), digits)} – ${one(Math.max(...values), digits)})`;
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    rows.push(
      ["cold start to first answer, ms", spread(coldStartMs)],
      [
        "edit of one rule to first new answer, ms",
        spread(reloads.map(({ newAnswerMs }) => newAnswerMs ?? Number.POSITIVE_INFINITY)),
      ],
      [
        "longest wait for an answer meanwhile, ms",
        spread(
          reloads.map(({ stallMs }) => stallMs),
          1,
        ),
      ],
      [
        "the same at the echo beside it, ms",
        spread(
          reloads.map(({ besideStallMs }) => besideStallMs),
          1,
        ),
      ],
      ["RSS after load, at most during reloads, MiB", `${one(loadedMib)}, ${one(peakMib)}`],
      [
        "failed, wrong of all checks meanwhile",
        `${sum(reloads.map(({ failed }) => failed))}, ${sum(reloads.map(({ wrong }) => wrong))} of ${sum(reloads.map(({ checks }) => checks)).toLocaleString("en")}`,
      ],
    );
  }
  if (flatness !== undefined)
    rows.push([
      `RSS after a quarter and all of ${flatness.checks.toLocaleString("en")} checks, MiB`,
      `${one(flatness.earlyMib)}, ${one(flatness.lateMib)}`,
    ]);
  for (const [name, share] of Object.entries(collections))
    rows.push([`garbage collection, share of CPU, saturated: ${name}`, `${one(share * 100, 1)} %`]);
  if (rows.length === 0) return "";
  return table([reload ? `with ${reload.rules.toLocaleString("en")} rules: median (least – most)` : "", ""], rows);
}

function targetTable(results: Results): string {
  return table(
    ["target", "at most", "is", ""],
    TARGETS.map((target) => {
      const is = target.is(results);
      return [
        target.what,
        amount(target, target.most),
        is === undefined ? "" : amount(target, is),
        judgement(target, is),
      ];
    }),
  );
}

function judgement({ most }: Target, is: number | undefined): string {
  if (is === undefined || Number.isNaN(is)) return "not measured";
  return is <= most ? "met" : "**missed**";
}

function amount({ unit }: Target, value: number): string {
  return `${one(value, unit === "×" ? 2 : unit === "µs" || (unit === "ms" && value < 100) ? 1 : 0)} ${unit}`;
}

function leftOut({ matrix, left }: Results): string {
  const skipped = matrix.flatMap(({ subject, skipped }) =>
    skipped === undefined ? [] : [`${subject.name}: ${skipped}`],
  );
  const all = [...skipped, ...left];
  return all.length === 0 ? "" : `Left out:\n\n${all.map((line) => `- ${line}`).join("\n")}`;
}

function one(value: number | undefined, digits = 0): string {
  if (value === undefined || Number.isNaN(value)) return "";
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map((_, column) => (column === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
