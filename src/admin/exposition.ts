/**
 * The metrics page: our own metrics, then those of adapters, both in Prometheus' exposition format. A scraper refuses a page on which a
 * metric comes twice, so that one of an adapter's that has a name of ours is left out.
 * @param leftOut told the name of each metric that was left out.
 */
export function metricsPage(own: string, adapters: string, leftOut: (metric: string) => void): string {
  const seen = new Set<string>();
  return [own, adapters].map((text) => withoutSeen(text, seen, leftOut)).join("");
}

function withoutSeen(text: string, seen: Set<string>, leftOut: (metric: string) => void): string {
  const kept: string[] = [];
  const own = new Set<string>();
  let current: string | undefined;
  let skipping = false;
  for (const line of text.split("\n")) {
    const name = metricOf(line, current);
    if (name === undefined) continue;
    if (name !== current) {
      current = name;
      skipping = seen.has(name) || own.has(name);
      if (skipping) leftOut(name);
      else own.add(name);
    }
    if (!skipping) kept.push(`${line}\n`);
  }
  for (const name of own) seen.add(name);
  return kept.join("");
}

const DESCRIPTION = /^# (?:HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*)(?: |$)/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)[{ ]/;

/** @returns the metric that a line belongs to, undefined for empty lines and comments. */
function metricOf(line: string, current: string | undefined): string | undefined {
  const described = DESCRIPTION.exec(line)?.[1];
  if (described !== undefined) return described;
  const sample = SAMPLE.exec(line)?.[1];
  if (sample === undefined || current === undefined) return sample;
  // A histogram's samples have longer names than the metric itself.
  return HISTOGRAM_PARTS.some((part) => sample === `${current}${part}`) ? current : sample;
}

const HISTOGRAM_PARTS = ["_bucket", "_sum", "_count"];
