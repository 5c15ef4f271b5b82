import { ENGINES } from "./engines.ts";
import type { Measured } from "./expressions.ts";
import type { Linking } from "./loading.ts";
import type { Times } from "./measure.ts";

export interface Measurements {
  readonly evaluated: readonly { readonly measured: Measured; readonly times: Times }[];
  readonly loaded: number;
  readonly compileMs: number;
  readonly linking: Linking;
}

export interface Demand {
  readonly what: string;
  readonly is: string;
  readonly met: boolean;
}

const BY_HAND = "by hand";
const WEIR = "weir";
const AGAIN = "weir, once more";
/** How many times slower the others have to be. */
const SLOWER: ReadonlyMap<string, number> = new Map([
  ["cel-js", 3],
  ["@bufbuild/cel", 15],
]);
const MOST_COMPILE_MS = 2_000;
const MOST_STALL_MS = 20;
/** Characters of an expression. */
const MOST_SHOWN = 200;

/** Everything that was measured, as Markdown. */
export function report(measurements: Measurements, machine: string): string {
  const { evaluated, loaded, compileMs, linking } = measurements;
  return [
    "# CEL, measured",
    "",
    `${machine}. Written by \`npm run bench:cel -- --write\`. Times are the lower quartile of many rounds of one\nrun, in which all take turns; a busy machine makes whatever allocates slower than that.`,
    "",
    "Nanoseconds of one evaluation, over 24 requests of 25 attributes that take turns. **weir** makes a source and a frame for each",
    "evaluation, as a Check makes one of each for all of its rules, and reads from a request that is decoded already; **weir, once more** is",
    "the closure over a frame that has read everything before, which is what one more rule of the same Check costs. **cel-js** and",
    "**@bufbuild/cel** are given objects that were made before and have everything in them, which takes no part in their time.",
    "",
    ...table(
      ["", ...ENGINES.map(({ name }) => name)],
      evaluated.map(({ measured, times }) => [measured.name, ...ENGINES.map(({ name }) => shown(times.get(name)))]),
    ),
    "",
    ...evaluated.map(({ measured }) => `- ${measured.name}: \`${cut(measured.text)}\``),
    "",
    `${loaded} expressions: read, checked and planned in ${Math.round(compileMs)} ms; linked, as rules of a snapshot, in`,
    `${Math.round(linking.totalMs)} ms, in which others waited ${Math.round(linking.stallMs)} ms at most (median of several times; the worst was`,
    `${Math.round(linking.worstStallMs)} ms).`,
    "",
    ...table(
      ["demanded", "is", ""],
      demands(measurements).map(({ what, is, met }) => [what, is, met ? "met" : "**missed**"]),
    ),
    "",
  ].join("\n");
}

/** What is demanded of what was measured. */
export function demands({ evaluated, loaded, compileMs, linking }: Measurements): readonly Demand[] {
  return [
    ...evaluated.flatMap(({ measured, times }) => [
      ...besideJavaScript(measured, times),
      ...besideEngines(measured, times),
    ]),
    {
      what: `${loaded} expressions compiled in ${MOST_COMPILE_MS} ms`,
      is: `${Math.round(compileMs)} ms`,
      met: compileMs <= MOST_COMPILE_MS,
    },
    {
      what: `nobody waits longer than ${MOST_STALL_MS} ms while they are linked`,
      is: `${Math.round(linking.stallMs)} ms`,
      met: linking.stallMs <= MOST_STALL_MS,
    },
  ];
}

/** With everything that an evaluation needs. */
function besideJavaScript({ name, timesByHand }: Measured, times: Times): readonly Demand[] {
  if (timesByHand === undefined) return [];
  const ratio = ratioOf(times, WEIR, BY_HAND);
  return [
    { what: `${name}: at most ${timesByHand} × by hand`, is: `${ratio.toFixed(1)} ×`, met: ratio <= timesByHand },
  ];
}

/** Evaluator beside evaluator: neither makes what it reads from. With the frame in parentheses. */
function besideEngines({ name }: Measured, times: Times): readonly Demand[] {
  return [...SLOWER].map(([engine, factor]) => {
    const ratio = ratioOf(times, engine, AGAIN);
    const whole = ratioOf(times, engine, WEIR);
    return {
      what: `${name}: ${factor} × as fast as ${engine}`,
      is: `${ratio.toFixed(1)} × (making the frame too: ${whole.toFixed(1)} ×)`,
      met: ratio >= factor,
    };
  });
}

function cut(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} …` : text;
}

function ratioOf(times: Times, of: string, to: string): number {
  return (times.get(of) ?? Number.NaN) / (times.get(to) ?? Number.NaN);
}

function shown(ns: number | undefined): string {
  return ns === undefined ? "" : Math.round(ns).toLocaleString("en");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  return [head, head.map(() => "---"), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
  );
}
