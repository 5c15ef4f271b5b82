/**
 * Where Weir and cel-go disagree about the oracle data, grouped by what we say: `node test/cel/oracle-report.ts [file …] [--all] [--known]`.
 * `--all` shows every case of a group and not the first five; known differences are left out but for `--known`.
 */
import { parseArgs } from "node:util";
import { knownDifferences } from "./known-differences.ts";
import { type Aspect, casesOf, type Disagreement, FILES, ORACLE_FOLDER, Oracle, textOf } from "./oracle.ts";

const SHOWN = 5;
const MAX_TEXT = 160;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: "boolean" }, known: { type: "boolean" } },
});

interface Found extends Disagreement {
  readonly file: string;
  readonly id: string;
  readonly e: string;
}

const ASPECTS: readonly Aspect[] = ["checks", "errors", "values", "type"];
const known = new Set(knownDifferences(`${ORACLE_FOLDER}/known-failures.json`).keys());
const oracle = new Oracle();
// `| head` is a way to read this.
process.stdout.on("error", () => process.exit());
const found: Found[] = [];

print(["file", "cases", ...ASPECTS]);
const total = { cases: 0, judged: counts(), right: counts() };
for (const file of positionals.length > 0 ? positionals : FILES) {
  const one = judge(file);
  total.cases += one.cases;
  for (const aspect of ASPECTS) {
    total.judged[aspect] += one.judged[aspect];
    total.right[aspect] += one.right[aspect];
  }
  print([file, one.cases, ...ASPECTS.map((aspect) => rate(one, aspect))]);
}
print(["together", total.cases, ...ASPECTS.map((aspect) => rate(total, aspect))]);
for (const group of grouped(found)) show(group);

function judge(file: string): typeof total {
  const judged = counts();
  const right = counts();
  const cases = casesOf(file);
  for (const one of cases) {
    const verdict = oracle.judge(one);
    for (const aspect of verdict.judged) {
      judged[aspect]++;
      right[aspect]++;
    }
    for (const { aspect } of verdict.disagreements) right[aspect]--;
    const [first] = verdict.disagreements;
    if (first && (flags.known || !known.has(one.id))) found.push({ ...first, file, id: one.id, e: textOf(one) });
  }
  return { cases: cases.length, judged, right };
}

function counts(): Record<Aspect, number> {
  return { checks: 0, errors: 0, values: 0, type: 0 };
}

function rate({ judged, right }: typeof total, aspect: Aspect): string {
  const [all, good] = [judged[aspect], right[aspect]];
  return all === 0 ? "–" : `${good}/${all} ${((100 * good) / all).toFixed(2)}%`;
}

/** The largest first. What differs only in names or values is the same. */
function grouped(all: readonly Found[]): readonly (readonly Found[])[] {
  const groups = Map.groupBy(all, ({ aspect, ours, theirs }) => {
    const said = aspect === "checks" && ours !== "checks" ? ours : `${kindOf(ours)} | ${kindOf(theirs)}`;
    return `${aspect} ${said.replace(/`[^`]*`/g, "`…`")}`;
  });
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

/** The words of an error, or the kind of a value. */
function kindOf(said: string): string {
  return said.startsWith("error: ") ? said.replace(/ ?\(.*|, request.*/, "") : (/[a-z]+/.exec(said)?.[0] ?? "");
}

function show(group: readonly Found[]): void {
  const [first] = group;
  if (!first) return;
  const title = first.aspect === "checks" && first.ours !== "checks" ? first.ours : kindOf(first.ours);
  print([`\n${group.length} × ${first.aspect}: ${title}`]);
  for (const { file, id, e, ours, theirs } of flags.all ? group : group.slice(0, SHOWN)) {
    print([`  ${file} ${id}  ${short(e)}`]);
    print([`      ours:   ${short(ours)}`]);
    print([`      theirs: ${short(theirs)}`]);
  }
}

function short(text: string): string {
  return text.length > MAX_TEXT && !flags.all ? `${text.slice(0, MAX_TEXT)}… (${text.length})` : text;
}

function print(cells: readonly (string | number)[]): void {
  process.stdout.write(`${cells.length === 1 ? cells[0] : cells.map((cell) => String(cell).padEnd(20)).join("")}\n`);
}
