/** Weir as it is seen from outside: its metrics, its status page, the file its log adapter writes. */
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { type ParsedMetric, type ParsedSample, parseExposition } from "../../exposition/parse.ts";

/** One reading of /metrics. */
export interface Metrics {
  /** @returns the sum of all samples with this name whose labels have these values; 0 where there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
  samples(name: string): readonly ParsedSample[];
}

export async function readMetrics(adminUrl: string): Promise<Metrics> {
  const response = await fetch(`${adminUrl}/metrics`);
  const parsed = parseExposition(await response.text());
  const samples = (name: string): readonly ParsedSample[] =>
    [...parsed.values()].flatMap((metric: ParsedMetric) => metric.samples.filter((sample) => sample.name === name));
  return {
    samples,
    sum: (name, labels = {}) =>
      samples(name)
        .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
        .reduce((total, { value }) => total + value, 0),
  };
}

const diagnostic = z.looseObject({
  severity: z.string(),
  code: z.string(),
  file: z.string(),
  line: z.number(),
  column: z.number(),
  message: z.string(),
});

const status = z.looseObject({
  state: z.string(),
  snapshot: z.string(),
  commit: z.nullable(z.string()),
  lastError: z.nullable(z.looseObject({ at: z.string(), diagnostics: z.array(diagnostic) })),
  inFlight: z.number(),
  doors: z.array(z.string()),
  policies: z.array(z.looseObject({ policy: z.string(), doors: z.array(z.string()) })),
  handlers: z.array(
    z.looseObject({
      handler: z.string(),
      adapter: z.string(),
      state: z.string(),
      accepted: z.number(),
      delivered: z.number(),
      dropped: z.number(),
      queued: z.number(),
    }),
  ),
});
export type Status = z.infer<typeof status>;

export async function readStatus(adminUrl: string): Promise<Status> {
  const response = await fetch(`${adminUrl}/status`);
  return status.parse(await response.json());
}

const line = z.looseObject({
  time: z.string(),
  severity: z.string(),
  rule: z.string(),
  message: z.string(),
  variables: z.record(z.string(), z.unknown()),
});
export type LogLine = z.infer<typeof line>;

/** @returns the whole lines of the log adapter's file; none while there is no file. */
export async function readLines(file: string): Promise<readonly LogLine[]> {
  const text = await textOf(file);
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((each) => each !== "")
    .map((each) => line.parse(JSON.parse(each)));
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
