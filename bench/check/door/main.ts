/**
 * A door alone, from bytes to bytes, with no network: `npm run bench:door`. What it takes and what it prints is in docs/performance.md.
 */
import { cpus } from "node:os";
import { Command, Option } from "commander";
import { wholeNumber, wholeNumbers } from "../options.ts";
import { type DoorFigures, type DoorKind, measureDoor } from "./figures.ts";

interface Flags {
  readonly rules: readonly number[];
  readonly door: DoorKind | "all";
  readonly variant: "identity" | "header";
  readonly rounds: number;
  readonly json?: boolean;
}

const MAX_RULES = 100_000;
const ROUND_MS = 150;
const WARM_UP_MS = 1_500;
const HEAD = `${"door".padEnd(10)}${"rules".padStart(7)}   ${"µs: allow    deny   mixed"}   ${"bytes allocated: allow    deny   mixed"}   request  answer\n`;

await new Command("bench:door")
  .description("CPU time and allocations of one Check at a door alone, from bytes to bytes, with no network")
  .option("--rules <numbers>", "numbers of rules, separated by commas", wholeNumbers(1, MAX_RULES), [10, 1_000, 10_000])
  .addOption(new Option("--door <door>", "which door").choices(["ext-authz", "weir", "all"]).default("ext-authz"))
  .addOption(
    new Option("--variant <variant>", "what tells rules who calls").choices(["identity", "header"]).default("identity"),
  )
  .option("--rounds <number>", "rounds, of which the median counts", wholeNumber(1, 1_000), 9)
  .option("--json", "one line of JSON for each table row")
  .allowExcessArguments(false)
  .action(measureAll)
  .parseAsync();

async function measureAll({ rules, door, variant, rounds, json }: Flags): Promise<void> {
  if (!json) process.stdout.write(`Node ${process.version}, ${cpus()[0]?.model ?? "some processor"}\n${HEAD}`);
  const doors: readonly DoorKind[] = door === "all" ? ["ext-authz", "weir"] : [door];
  for (const kind of doors) {
    for (const count of rules) {
      const figures = await measureDoor({
        door: kind,
        rules: count,
        variant,
        rounds,
        roundMs: ROUND_MS,
        warmUpMs: WARM_UP_MS,
      });
      process.stdout.write(json ? `${JSON.stringify(figures)}\n` : row(figures));
    }
  }
}

function row({ job, checks, requestBytes, answerBytes }: DoorFigures): string {
  const { allow, deny, mixed } = checks;
  const times = [allow, deny, mixed].map(({ ns }) => (ns / 1_000).toFixed(2).padStart(8)).join("");
  const bytes = [allow, deny, mixed].map(({ allocatedBytes }) => allocatedBytes.toFixed(0).padStart(8)).join("");
  const sizes = [requestBytes, answerBytes].map((size) => size.toFixed(0).padStart(8)).join("");
  return `${job.door.padEnd(10)}${String(job.rules).padStart(7)}   ${times.padStart(25)}   ${bytes.padStart(38)}  ${sizes}\n`;
}
