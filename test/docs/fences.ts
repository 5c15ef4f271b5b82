/** A fenced block of a Markdown file. */
export interface Fence {
  /** The document, relative to the repository. */
  readonly document: string;
  /** Of the opening line, from 1. */
  readonly line: number;
  /** `yaml` of "```yaml file=weir.yaml". */
  readonly language: string;
  /** What follows the language: `file` → `weir.yaml`; a word without `=` has the value "". */
  readonly info: ReadonlyMap<string, string>;
  readonly text: string;
}

const OPENING = /^ {0,3}(?<ticks>`{3,})(?<language>[^\s`]*)(?<info>[^`]*)$/u;

/** @returns the fenced blocks of a Markdown file, in order. Throws for one that is never closed. */
export function fencesOf(document: string, markdown: string): readonly Fence[] {
  const fences: Fence[] = [];
  const lines = markdown.split("\n");
  for (let index = 0; index < lines.length; index += 1) {
    const groups = OPENING.exec(lines[index] ?? "")?.groups;
    const ticks = groups?.["ticks"];
    if (groups === undefined || ticks === undefined) continue;
    const start = index + 1;
    const length = lines.slice(start).findIndex((line) => line.trim() === ticks);
    if (length === -1) throw new Error(`${document}:${start}: this block is never closed`);
    const text = lines
      .slice(start, start + length)
      .map((line) => `${line}\n`)
      .join("");
    fences.push({
      document,
      line: start,
      language: groups["language"] ?? "",
      info: infoOf(groups["info"] ?? ""),
      text,
    });
    index = start + length;
  }
  return fences;
}

function infoOf(text: string): ReadonlyMap<string, string> {
  const words = text
    .trim()
    .split(/\s+/u)
    .filter((word) => word !== "");
  return new Map(
    words.map((word) => [word.split("=", 1)[0] ?? "", word.includes("=") ? word.slice(word.indexOf("=") + 1) : ""]),
  );
}
