/**
 * How long the expressions of hostile.txt take here, the slowest first: `node test/cel/hostile-times.ts [--all]`. A request's budget is meant
 * to be 5 ms at most; nanoseconds per step tell what is charged too little.
 */
import { parseArgs } from "node:util";
import { type Ended, hostileExpressions, type Mode, tryOut } from "./hostile.ts";

const { values: flags } = parseArgs({ options: { all: { type: "boolean" } } });
const ROUNDS = 5;
const SHOWN = 30;
const WIDTH = 110;

process.stdout.on("error", () => process.exit());
// What every process pays once is not the expression's.
for (const { text } of hostileExpressions().slice(0, 20)) tryOut(text, "eval");

for (const mode of ["policy", "eval"] satisfies Mode[]) {
  const measured = hostileExpressions().map((one) => ({ ...one, ...measure(one.text, mode) }));
  const slowest = measured.toSorted((a, b) => b.runMs - a.runMs);
  line(`\n${mode}: evaluation    ms     steps  ns/step`);
  for (const { runMs, ended, written } of slowest.slice(0, flags.all ? undefined : SHOWN)) {
    if (ended.how === "refused") continue;
    const perStep = ((runMs * 1e6) / Math.max(1, ended.steps)).toFixed(0);
    line(`${cells(runMs.toFixed(2), ended.steps.toFixed(0), perStep)}  ${shown(ended).padEnd(24)} ${short(written)}`);
  }
  line(`\n${mode}: loading    ms`);
  const slowestToLoad = measured.toSorted((a, b) => b.loadMs - a.loadMs);
  for (const { loadMs, ended, written } of slowestToLoad.slice(0, SHOWN / 2)) {
    line(`${cells(loadMs.toFixed(2), "", "")}  ${shown(ended).padEnd(24)} ${short(written)}`);
  }
}

/** The best of some rounds: what the machine does besides is not the expression's either. */
function measure(text: string, mode: Mode): { loadMs: number; runMs: number; ended: Ended } {
  const best = { loadMs: Number.POSITIVE_INFINITY, runMs: Number.POSITIVE_INFINITY };
  let ended: Ended | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const times = { loadMs: 0, runMs: 0 };
    ended = tryOut(text, mode, times);
    best.loadMs = Math.min(best.loadMs, times.loadMs);
    best.runMs = Math.min(best.runMs, times.runMs);
  }
  if (!ended) throw new Error("measured in no round");
  return { ...best, ended };
}

function shown(ended: Ended): string {
  if (ended.how === "refused") return `refused ${ended.problem.code}`;
  return ended.how === "value" ? "value" : ended.reason;
}

function cells(...texts: readonly string[]): string {
  return texts.map((text) => text.padStart(10)).join("");
}

function short(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text;
}

function line(text: string): void {
  process.stdout.write(`${text}\n`);
}
