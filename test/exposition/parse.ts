/**
 * A strict reader of Prometheus' text format 0.0.4, for tests: it takes nothing that the format's description does not allow, and some
 * things less (every sample needs its TYPE and HELP, as all of ours have).
 */
export interface ParsedMetric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary" | "untyped";
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** @throws with the line number on anything that is not in the format. */
export function parseExposition(text: string): ReadonlyMap<string, ParsedMetric> {
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const metrics = new Map<string, ParsedMetric & { readonly samples: ParsedSample[] }>();
  let help: { name: string; text: string } | undefined;
  let current: (ParsedMetric & { readonly samples: ParsedSample[] }) | undefined;
  const series = new Set<string>();
  for (const [index, line] of text.slice(0, -1).split("\n").entries()) {
    const fail = (why: string): never => {
      throw new Error(`line ${index + 1}: ${why}: ${line}`);
    };
    if (line === "") continue;
    if (line.startsWith("# HELP ")) {
      const [, name, words] = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/.exec(line) ?? fail("no HELP");
      help = { name: name ?? "", text: words ?? "" };
    } else if (line.startsWith("# TYPE ")) {
      const match = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/.exec(line);
      const [, name = "", type] = match ?? fail("no TYPE");
      if (metrics.has(name)) fail("a metric comes twice");
      if (help?.name !== name) fail("no HELP before the TYPE");
      // The expression has let through nothing else.
      current = { name, type: type as ParsedMetric["type"], help: help?.text ?? "", samples: [] };
      metrics.set(name, current);
    } else if (line.startsWith("#")) {
      fail("a comment of no known kind");
    } else {
      const sample = parseSample(line, fail);
      if (current === undefined || !belongs(sample, current)) fail("a sample outside of its metric");
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (series.has(key)) fail("a series comes twice");
      series.add(key);
      current?.samples.push(sample);
    }
  }
  for (const metric of metrics.values()) if (metric.type === "histogram") checkHistogram(metric);
  return metrics;
}

const SUFFIXES = { histogram: ["_bucket", "_sum", "_count"], summary: ["", "_sum", "_count"] } as const;

function belongs(sample: ParsedSample, { name, type }: ParsedMetric): boolean {
  const suffixes = type === "histogram" || type === "summary" ? SUFFIXES[type] : [""];
  return suffixes.some((suffix) => sample.name === `${name}${suffix}`);
}

function parseSample(line: string, fail: (why: string) => never): ParsedSample {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?$/.exec(line) ?? fail("no sample");
  const [, name = "", labels = "", number = ""] = match;
  return { name, labels: parseLabels(labels, fail), value: parseNumber(number, fail) };
}

function parseLabels(text: string, fail: (why: string) => never): Record<string, string> {
  const labels: Record<string, string> = {};
  const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;
  while (label.lastIndex < text.length) {
    const [, name = "", value = ""] = label.exec(text) ?? fail("no label");
    if (Object.hasOwn(labels, name)) fail("a label comes twice");
    labels[name] = value.replace(/\\(["\\n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}

function parseNumber(text: string, fail: (why: string) => never): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  if (text === "NaN" || text === "Nan") return Number.NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : fail("no number");
}

/** Of each series: buckets ascend, the last one is infinity and equals the count. */
function checkHistogram({ name, samples }: ParsedMetric): void {
  const bySeries = new Map<string, { buckets: [number, number][]; count: number | undefined; sum: boolean }>();
  for (const sample of samples) {
    const { le, ...rest } = sample.labels;
    const key = JSON.stringify(Object.entries(rest).sort());
    const series = bySeries.get(key) ?? { buckets: [], count: undefined, sum: false };
    bySeries.set(key, series);
    if (sample.name.endsWith("_bucket"))
      series.buckets.push([le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), sample.value]);
    else if (sample.name.endsWith("_count")) series.count = sample.value;
    else series.sum = true;
  }
  for (const [key, { buckets, count, sum }] of bySeries) {
    const ascending = buckets.every(([bound, value], at) => {
      const [boundBefore, valueBefore] = buckets[at - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      return bound > boundBefore && value >= valueBefore;
    });
    const last = buckets.at(-1);
    if (!ascending || last?.[0] !== Number.POSITIVE_INFINITY || last[1] !== count || !sum)
      throw new Error(`${name}${key} is no histogram`);
  }
}
