/**
 * What a Check costs, beside a server that decides nothing: `npm run bench`. What each figure means is in docs/performance.md.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { CHECKOUT, isCommit } from "./build.ts";
import { wholeNumber } from "./options.ts";
import { report } from "./report.ts";
import { type RunFlags, runAgainst, runAll, SECTIONS } from "./run.ts";

const MARKS = ["<!-- results: written by npm run bench -- --write-docs -->", "<!-- end of results -->"] as const;
const DOCUMENT = join(CHECKOUT, "docs/performance.md");

interface Flags {
  readonly quick?: boolean;
  readonly rounds: number;
  readonly only?: readonly string[];
  readonly json?: string;
  readonly against?: string;
  readonly writeDocs?: boolean;
}

const command = new Command("bench")
  .description("What a Check costs in CPU time, latency and memory, beside servers that decide nothing")
  .option("--quick", "one short round in at most 90 seconds, for a first look")
  .option("--rounds <number>", "rounds, of which the medians count", wholeNumber(1, 100), 5)
  .option("--only <names...>", "only rows and sections whose names have one of these in them")
  .option("--json <file>", "writes everything that was measured there as well")
  .option("--against <ref>", "measures this version beside another one, A B A B, instead")
  .option("--write-docs", "writes the results into docs/performance.md")
  .addHelpText("after", `\nSections besides the rows of the table: ${SECTIONS.join(", ")}.`)
  .allowExcessArguments(false)
  .parse();

await main(command.opts<Flags>());

async function main(flags: Flags): Promise<void> {
  if (flags.against !== undefined && !(await isCommit(flags.against)))
    command.error(`error: option '--against <ref>' argument '${flags.against}' is invalid. git knows no such commit`);
  if (flags.writeDocs && (flags.quick || flags.only || flags.against))
    command.error("error: option '--write-docs' needs everything measured: not with --quick, --only or --against");
  const run: RunFlags = {
    quick: flags.quick ?? false,
    rounds: flags.quick ? 1 : flags.rounds,
    only: flags.only ?? [],
    progress: (what) => process.stderr.write(`${what}\n`),
  };
  if (flags.against !== undefined) {
    const { text, results } = await runAgainst(run, flags.against);
    return show(text, results, flags);
  }
  const results = await runAll(run);
  if (typeof results === "string") return command.error(`error: option '--only <names...>': ${results}`);
  const text = report(results);
  await show(text, results, flags);
  if (flags.writeDocs) await writeDocument(text);
}

async function show(text: string, results: unknown, { json }: Flags): Promise<void> {
  process.stdout.write(`${text}\n`);
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, undefined, 2)}\n`);
}

async function writeDocument(text: string): Promise<void> {
  const document = await readFile(DOCUMENT, "utf8");
  const [begin, end] = MARKS;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new InvalidArgumentError(`${DOCUMENT} has no place for results`);
  await writeFile(DOCUMENT, `${document.slice(0, from + begin.length)}\n\n${text}\n\n${document.slice(to)}`);
}
