import { medianOf } from "./matrix.ts";
import type { Results } from "./results.ts";
import { median } from "./statistics.ts";
import {
  CPP_ECHO,
  type LoadName,
  NODE_ECHO,
  STREAMED,
  STREAMED_BY_8,
  TWO_THREADS,
  USUAL_RULES,
  weirName,
} from "./subjects.ts";

/** What the Check path has to reach, as a figure of one run. */
export interface Target {
  readonly what: string;
  readonly unit: "×" | "ms" | "µs" | "MiB" | "B";
  readonly most: number;
  /** Undefined: not measured in this run. */
  readonly is: (results: Results) => number | undefined;
}

const WEIR = weirName(USUAL_RULES);
const MANY = 10_000;
const MANY_RULES = MANY.toLocaleString("en");

export const TARGETS: readonly Target[] = [
  ratio(
    "CPU per ext_authz Check, 1,000 rules, saturated : Node echo",
    0.68,
    cpu(WEIR, "saturated"),
    cpu(NODE_ECHO, "saturated"),
  ),
  ratio("the same : C++ echo", 2.4, cpu(WEIR, "saturated"), cpu(CPP_ECHO, "saturated")),
  ratio("the same at 2k/s : Node echo", 0.85, cpu(WEIR, "2k"), cpu(NODE_ECHO, "2k")),
  ratio("the same at 5k/s : Node echo", 0.88, cpu(WEIR, "5k"), cpu(NODE_ECHO, "5k")),
  ratio(
    "CPU with 10,000 rules : with 10, saturated",
    1.25,
    cpu(weirName(MANY), "saturated"),
    cpu(weirName(10), "saturated"),
  ),
  ratio(
    "CPU per streamed check, one per message : Node echo",
    0.3,
    cpu(STREAMED, "saturated"),
    cpu(NODE_ECHO, "saturated"),
  ),
  ratio(
    "CPU per streamed check, 8 per message : Node echo",
    0.13,
    cpu(STREAMED_BY_8, "saturated"),
    cpu(NODE_ECHO, "saturated"),
  ),
  ratio("p99 at 2k/s : Node echo", 1.5, p99(WEIR, "2k"), p99(NODE_ECHO, "2k")),
  {
    what: "door alone, 1,000 rules: time",
    unit: "µs",
    most: 6,
    is: (results) => door(results, ({ ns }) => ns / 1_000),
  },
  {
    what: "door alone, 1,000 rules: allocated",
    unit: "B",
    most: 2_048,
    is: (results) => door(results, ({ allocatedBytes }) => allocatedBytes),
  },
  ratio(
    "CPU with two request threads : with one, saturated",
    1.1,
    cpu(TWO_THREADS, "saturated"),
    cpu(WEIR, "saturated"),
  ),
  reload(`cold start to first answer, ${MANY_RULES} rules`, "ms", 2_500, ({ coldStartMs }) => median(coldStartMs)),
  reload("edit to first new answer", "ms", 2_000, ({ reloads }) =>
    median(reloads.map(({ newAnswerMs }) => newAnswerMs ?? Number.POSITIVE_INFINITY)),
  ),
  reload("the same, aimed at", "ms", 100, ({ reloads }) =>
    median(reloads.map(({ newAnswerMs }) => newAnswerMs ?? Number.POSITIVE_INFINITY)),
  ),
  reload("longest stall of serving during it", "ms", 20, ({ reloads }) =>
    median(reloads.map(({ stallMs }) => stallMs)),
  ),
  reload(`RSS after load, ${MANY_RULES} rules`, "MiB", 180, ({ loadedMib }) => loadedMib),
  reload("RSS during a reload : after load", "×", 2.2, ({ peakMib, loadedMib }) => peakMib / loadedMib),
  {
    what: "memory after a million calls : after a quarter of them",
    unit: "×",
    // What a heap breathes between two collections.
    most: 1.1,
    is: ({ flatness }) => flatness && flatness.lateMib / flatness.earlyMib,
  },
  {
    what: "garbage collection, share of CPU : Node echo",
    unit: "×",
    most: 1,
    is: ({ collections }) => quotient(collections[WEIR], collections[NODE_ECHO]),
  },
];

type Figure = (results: Results) => number | undefined;

function ratio(what: string, most: number, of: Figure, to: Figure): Target {
  return { what, unit: "×", most, is: (results) => quotient(of(results), to(results)) };
}

function quotient(of: number | undefined, to: number | undefined): number | undefined {
  return of === undefined || to === undefined ? undefined : of / to;
}

function cpu(name: string, load: LoadName): Figure {
  return ({ matrix }) => medianOf(rowOf(matrix, name), load, ({ cpuUs }) => cpuUs);
}

function p99(name: string, load: LoadName): Figure {
  return ({ matrix }) => medianOf(rowOf(matrix, name), load, ({ latencyUs }) => latencyUs.p99);
}

function rowOf(matrix: Results["matrix"], name: string) {
  return matrix.find(({ subject }) => subject.name === name);
}

function door(
  { doors }: Results,
  figure: (mixed: Results["doors"][number]["checks"]["mixed"]) => number,
): number | undefined {
  const measured = doors.find(({ job }) => job.door === "ext-authz" && job.rules === USUAL_RULES);
  return measured && figure(measured.checks.mixed);
}

function reload(
  what: string,
  unit: Target["unit"],
  most: number,
  figure: (reload: NonNullable<Results["reload"]>) => number,
): Target {
  return { what, unit, most, is: (results) => results.reload && figure(results.reload) };
}
