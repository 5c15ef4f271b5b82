import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { comparison } from "./against.ts";
import { type Built, buildCppEcho, CHECKOUT, checkOut, compile } from "./build.ts";
import { collectionShare, hookFolder } from "./collections.ts";
import { type Cores, separateCores } from "./cores.ts";
import { type DoorFigures, type DoorJob, measureDoor } from "./door/figures.ts";
import { type Flatness, measureFlatness } from "./flatness.ts";
import { type Generator, startGenerator } from "./load/generator.ts";
import { type Measured, measureMatrix } from "./matrix.ts";
import { measureReload, type ReloadFigures } from "./reload.ts";
import type { Results } from "./results.ts";
import { median } from "./statistics.ts";
import {
  authz,
  BEFORE,
  Fleet,
  LOADS,
  NODE_ECHO,
  SUBJECTS,
  type Subject,
  type Timing,
  USUAL_RULES,
  weir,
  weirName,
} from "./subjects.ts";

/** What is measured besides the rows of the table. */
export const SECTIONS = ["collections", "reload", "flatness", "door"] as const;
type Section = (typeof SECTIONS)[number];

export interface RunFlags {
  readonly quick: boolean;
  readonly rounds: number;
  /** Only rows and sections whose names have one of these in them; all when there are none. */
  readonly only: readonly string[];
  /** Told what is being done, for people who wait. */
  readonly progress: (what: string) => void;
}

const FULL: Timing = { warmUpMs: 500, measureMs: 2_500 };
const QUICK: Timing = { warmUpMs: 150, measureMs: 450 };
const MANY_RULES = 10_000;
const FLAT_CHECKS = 1_000_000;
const DOOR_RULES = [10, USUAL_RULES, MANY_RULES] as const;

/** Measures what was asked for. @returns in words why that makes no sense */
export async function runAll(flags: RunFlags): Promise<Results | string> {
  const wanted = chosen(flags);
  if (wanted.subjects.length === 0 && wanted.sections.size === 0)
    return `nothing is called like that; there are ${[...SUBJECTS.map(({ name }) => name), ...SECTIONS].join("; ")}`;
  flags.progress("compiling");
  await compile(CHECKOUT);
  const cppEcho = await buildCppEcho();
  const cores = separateCores();
  await using generator = startGenerator(cores?.generator);
  const run = { flags, generator, cores, cppEcho, timing: flags.quick ? QUICK : FULL };
  const matrix = await matrixOf(run, wanted.subjects);
  const collections = wanted.sections.has("collections") ? await collectionsOf(run) : {};
  const flatness = wanted.sections.has("flatness") && !flags.quick ? await flatnessOf(run) : undefined;
  const reload = wanted.sections.has("reload") ? await reloadOf(run) : undefined;
  const doors = wanted.sections.has("door") ? await doorsOf(flags) : [];
  return {
    ...circumstances(flags, cores),
    matrix,
    collections,
    reload,
    flatness,
    doors,
    left: flags.quick ? ["memory over a million calls: takes minutes, left to the full run"] : [],
  };
}

/** Measures this version and another one in turns. */
export async function runAgainst(flags: RunFlags, ref: string): Promise<{ text: string; results: unknown }> {
  flags.progress(`compiling this version and ${ref}`);
  await compile(CHECKOUT);
  await using before = await checkOut(ref);
  const cores = separateCores();
  await using generator = startGenerator(cores?.generator);
  await using fleet = new Fleet({ checkout: CHECKOUT, checkoutBefore: before.path, cores });
  const measured = await measureMatrix({
    fleet,
    generator,
    subjects: [authz(weirName(USUAL_RULES), weir(USUAL_RULES)), authz(BEFORE, { kind: "weir-before" })],
    loads: LOADS,
    rounds: flags.rounds,
    timing: flags.quick ? QUICK : FULL,
    progress: flags.progress,
  });
  const [now, then] = measured;
  if (!now || !then) throw new Error("nothing was measured");
  const skipped = measured.flatMap(({ subject, skipped }) =>
    skipped === undefined ? [] : [`${subject.name}: ${skipped}`],
  );
  const caveats = [...skipped, ...(before.caveat === undefined ? [] : [`${ref}: ${before.caveat}`])];
  return {
    text: [comparison(now, then, `${ref} (${before.commit})`), ...caveats].join("\n\n"),
    results: { ...circumstances(flags, cores), against: before.commit, matrix: measured },
  };
}

interface Run {
  readonly flags: RunFlags;
  readonly generator: Generator;
  readonly cores: Cores | undefined;
  readonly cppEcho: Built;
  readonly timing: Timing;
}

function chosen({ only }: RunFlags): {
  readonly subjects: readonly Subject[];
  readonly sections: ReadonlySet<Section>;
} {
  const fits = (name: string): boolean =>
    only.length === 0 || only.some((part) => name.toLowerCase().includes(part.toLowerCase()));
  return { subjects: SUBJECTS.filter(({ name }) => fits(name)), sections: new Set(SECTIONS.filter(fits)) };
}

async function matrixOf(run: Run, subjects: readonly Subject[]): Promise<readonly Measured[]> {
  const { flags, generator, cores, cppEcho, timing } = run;
  const program = "program" in cppEcho ? cppEcho.program : undefined;
  await using fleet = new Fleet({ checkout: CHECKOUT, cores, ...(program === undefined ? {} : { cppEcho: program }) });
  const measured = await measureMatrix({
    fleet,
    generator,
    subjects: subjects.filter(({ server }) => server.kind !== "echo-cpp" || program !== undefined),
    loads: LOADS,
    rounds: flags.rounds,
    timing,
    progress: flags.progress,
  });
  const missing = "missing" in cppEcho ? subjects.filter(({ server }) => server.kind === "echo-cpp") : [];
  return [...measured, ...missing.map((subject) => notThere(subject, "missing" in cppEcho ? cppEcho.missing : ""))];
}

function notThere(subject: Subject, why: string): Measured {
  return { subject, skipped: why, loads: {}, memoryAtStart: undefined, memory: undefined, startUpMs: undefined };
}

async function collectionsOf({ flags, generator, cores, timing }: Run): Promise<Results["collections"]> {
  flags.progress("garbage collection");
  await using hook = await hookFolder();
  await using fleet = new Fleet({ checkout: CHECKOUT, cores, env: hook.env });
  const subjects = SUBJECTS.filter(({ name }) => name === weirName(USUAL_RULES) || name === NODE_ECHO);
  const shares = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < flags.rounds; round++)
    for (const subject of subjects)
      shares.get(subject.name)?.push(await collectionShare(fleet, generator, hook.path, subject, timing));
  return Object.fromEntries([...shares].map(([name, ofRounds]) => [name, median(ofRounds)]));
}

async function flatnessOf({ flags, generator, cores }: Run): Promise<Flatness> {
  flags.progress(`${FLAT_CHECKS.toLocaleString("en")} checks`);
  const subject = authz(weirName(USUAL_RULES), weir(USUAL_RULES));
  await using fleet = new Fleet({ checkout: CHECKOUT, cores });
  return await measureFlatness(generator, subject, await fleet.server(subject.server), FLAT_CHECKS);
}

async function reloadOf({ flags }: Run): Promise<ReloadFigures> {
  flags.progress(`reloads of ${MANY_RULES.toLocaleString("en")} rules`);
  // Those who compile and those who answer need both processors; the generator, which sleeps between two milliseconds, finds its place.
  await using generator = startGenerator(undefined);
  const times = flags.quick ? 1 : flags.rounds;
  return await measureReload({ checkout: CHECKOUT, generator, rules: MANY_RULES, coldStarts: times, reloads: times });
}

async function doorsOf({ quick, progress }: RunFlags): Promise<readonly DoorFigures[]> {
  const figures: DoorFigures[] = [];
  const timing = quick ? { rounds: 3, roundMs: 60, warmUpMs: 600 } : { rounds: 9, roundMs: 150, warmUpMs: 1_500 };
  const measure = async (job: Omit<DoorJob, keyof typeof timing>): Promise<void> => {
    progress(`the door ${job.door} alone, ${job.rules.toLocaleString("en")} rules by ${job.variant}`);
    figures.push(await measureDoor({ ...job, ...timing }));
  };
  for (const rules of DOOR_RULES) await measure({ door: "ext-authz", rules, variant: "identity" });
  if (quick) return figures;
  await measure({ door: "ext-authz", rules: USUAL_RULES, variant: "header" });
  await measure({ door: "weir", rules: USUAL_RULES, variant: "identity" });
  return figures;
}

function circumstances({ rounds, quick }: RunFlags, cores: Cores | undefined) {
  const [processor] = cpus();
  return {
    machine: `${cpus().length} × ${processor?.model ?? "some processor"}, Node ${process.version}`,
    date: new Date().toISOString().slice(0, 10),
    commit: commitHere(),
    rounds,
    quick,
    pinned: cores,
  };
}

function commitHere(): string {
  try {
    return execFileSync("git", ["-C", CHECKOUT, "describe", "--always", "--dirty"], { encoding: "utf8" }).trim();
  } catch {
    // An unpacked archive has no history, and is measured all the same.
    return "unknown";
  }
}
