import type { Measured } from "./matrix.ts";
import { medianOf } from "./matrix.ts";
import { LOADS } from "./subjects.ts";

/** Two versions beside each other, as Markdown: ratios above 1 say that this one is dearer than the one before. */
export function comparison(now: Measured, before: Measured, versionBefore: string): string {
  const figures = [
    ["CPU µs per check", (load: (typeof LOADS)[number], row: Measured) => medianOf(row, load, ({ cpuUs }) => cpuUs)],
    ["p99 µs", (load: (typeof LOADS)[number], row: Measured) => medianOf(row, load, ({ latencyUs }) => latencyUs.p99)],
  ] as const;
  const rows = LOADS.filter((load) => now.loads[load] && before.loads[load]).flatMap((load) =>
    figures.map(([what, of]) => {
      const [is, was] = [of(load, now) ?? Number.NaN, of(load, before) ?? Number.NaN];
      return `| ${load} | ${what} | ${was.toFixed(1)} | ${is.toFixed(1)} | ${(is / was).toFixed(2)} × | ${agreement(now, before, load)} |`;
    }),
  );
  return [
    `| ${now.subject.name} | | ${versionBefore} | now | ratio | rounds in which now was cheaper |`,
    "|---|---|---:|---:|---:|---:|",
    ...rows,
  ].join("\n");
}

/** How often the rounds, which were measured right after each other, say the same. */
function agreement(now: Measured, before: Measured, load: (typeof LOADS)[number]): string {
  const pairs = (now.loads[load] ?? []).map(
    (result, round) => [result.cpuUs, before.loads[load]?.[round]?.cpuUs] as const,
  );
  const cheaper = pairs.filter(([is, was]) => was !== undefined && is < was).length;
  return `${cheaper} of ${pairs.length}`;
}
