import { readFile } from "node:fs/promises";
import * as z from "zod";

/** A decision as the log adapter wrote it: what an operator would grep for. */
export interface LoggedDecision {
  readonly verdict: string;
  readonly reason: string;
  readonly rule: string;
  readonly place: string;
}

const line = z.looseObject({
  rule: z.string(),
  message: z.string(),
  variables: z.record(z.string(), z.unknown()).default({}),
});
export type LogLine = z.infer<typeof line>;

/** @returns the lines of the log adapter's file. */
export async function readLog(file: string): Promise<readonly LogLine[]> {
  const text = await readFile(file, "utf8");
  return text
    .split("\n")
    .filter((each) => each !== "")
    .map((each) => line.parse(JSON.parse(each)));
}

/** @returns the decisions by the number that the client sent as `x-demo`. */
export function decisionsByNumber(lines: readonly LogLine[]): ReadonlyMap<string, LoggedDecision> {
  return new Map(
    lines
      .filter((each) => each.rule === "demo/decisions")
      .map(({ variables }) => [textOf(variables["demo"]), decisionOf(variables)] as const),
  );
}

function decisionOf(variables: LogLine["variables"]): LoggedDecision {
  return {
    verdict: textOf(variables["verdict"]),
    reason: textOf(variables["reason"]),
    rule: textOf(variables["rule"]),
    place: textOf(variables["place"]),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** One sample of an exposition: `name{labels} value`. */
export interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** @returns the samples of /metrics whose metric has this name. */
export function samplesOf(exposition: string, metric: string): readonly Sample[] {
  return exposition
    .split("\n")
    .map((text) => /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/u.exec(text)?.groups)
    .flatMap((groups) => {
      const { name, labels = "", value } = groups ?? {};
      return name === metric ? [{ name, labels, value: Number(value) }] : [];
    });
}
