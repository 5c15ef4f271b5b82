/**
 * Joins the texts that adapters have for /metrics into one that is valid as a whole: every metric family once, each series once. Where two
 * handlers show the same series the first one stands; where they disagree about a family's type the later one's samples are left out.
 */
export function joinExpositions(texts: readonly string[]): string {
  // One text is what its adapter made it.
  if (texts.length === 1) return endLine(texts[0] ?? "");
  const families = new Map<string, Family>();
  for (const text of texts) gather(text, families);
  return [...families].map(write).join("");
}

interface Family {
  help: string | undefined;
  type: string | undefined;
  /** By the text before the value: name and labels. */
  readonly samples: Map<string, string>;
}

const COMMENT = /^# (HELP|TYPE) (\S+)(?: (.*))?$/;
/** Name, labels in which quoted text may hold anything, and the rest. */
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?\s/;
const PART_OF_FAMILY = /_(?:bucket|sum|count)$/;

function gather(text: string, families: Map<string, Family>): void {
  /** Families whose type this text contradicts. */
  const contradicted = new Set<string>();
  for (const line of text.split("\n")) {
    const [, keyword, name, rest] = COMMENT.exec(line) ?? [];
    if (keyword !== undefined && name !== undefined) {
      const family = familyOf(families, name);
      if (keyword === "HELP") family.help ??= rest ?? "";
      else if (family.type === undefined) family.type = rest;
      else if (family.type !== rest) contradicted.add(name);
      continue;
    }
    const [, sample, labels] = SAMPLE.exec(line) ?? [];
    if (sample === undefined) continue;
    const family = owner(families, sample);
    if (contradicted.has(family)) continue;
    const { samples } = familyOf(families, family);
    const series = `${sample}${labels ?? ""}`;
    if (!samples.has(series)) samples.set(series, line);
  }
}

/** A histogram's parts carry its name with something behind it. */
function owner(families: ReadonlyMap<string, Family>, sample: string): string {
  const whole = sample.replace(PART_OF_FAMILY, "");
  const type = families.get(whole)?.type;
  return type === "histogram" || type === "summary" ? whole : sample;
}

function familyOf(families: Map<string, Family>, name: string): Family {
  const known = families.get(name);
  if (known !== undefined) return known;
  const family: Family = { help: undefined, type: undefined, samples: new Map() };
  families.set(name, family);
  return family;
}

function write([name, { help, type, samples }]: readonly [string, Family]): string {
  if (samples.size === 0) return "";
  const head = [
    help === undefined ? [] : [`# HELP ${name} ${help}`],
    type === undefined ? [] : [`# TYPE ${name} ${type}`],
  ];
  return `${[...head.flat(), ...samples.values()].join("\n")}\n`;
}

function endLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
