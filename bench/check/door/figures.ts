import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { RuleVariant } from "../rule-sets.ts";

export type DoorKind = "ext-authz" | "weir";

export interface DoorJob {
  readonly door: DoorKind;
  readonly rules: number;
  readonly variant: RuleVariant;
  /** How long it runs before anything counts. */
  readonly warmUpMs: number;
  /** How long one round of one kind of requests takes. */
  readonly roundMs: number;
  readonly rounds: number;
}

export interface DoorFigures {
  readonly job: DoorJob;
  /** By kind of request: those allowed, those denied, and both as they come. */
  readonly checks: Readonly<Record<"allow" | "deny" | "mixed", CheckFigures>>;
  /** Bytes of a request and of an answer, on average. */
  readonly requestBytes: number;
  readonly answerBytes: number;
}

export interface CheckFigures {
  /** Nanoseconds of CPU from bytes to bytes, the median of all rounds. */
  readonly ns: number;
  /** Bytes allocated, on the heap and outside of it. */
  readonly allocatedBytes: number;
}

/** Young generation of the measured process, MiB: of one size, so that a thousand checks fit without a collection. */
const YOUNG_GENERATION_MIB = 16;
const FLAGS = [
  "--conditions=weir-source",
  "--expose-gc",
  `--min-semi-space-size=${YOUNG_GENERATION_MIB}`,
  `--max-semi-space-size=${YOUNG_GENERATION_MIB}`,
];
const MEASURE = fileURLToPath(new URL("measure.ts", import.meta.url));

/** Measures one door with one set of rules, in a process of its own. */
export async function measureDoor(job: DoorJob): Promise<DoorFigures> {
  const { stdout } = await promisify(execFile)(process.execPath, [...FLAGS, MEASURE, JSON.stringify(job)]);
  // What our own process has written.
  return JSON.parse(stdout) as DoorFigures;
}
