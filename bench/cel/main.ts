/**
 * How fast expressions are, beside hand-written JavaScript and other engines, and what loading many of them takes:
 * `npm run bench:cel`; with `-- --write` into results.md, with `-- --rounds N` more or fewer rounds than 15.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { EXPRESSIONS } from "./expressions.ts";
import { compileAll, LOADED, linkAll } from "./loading.ts";
import { measure } from "./measure.ts";
import { demands, report } from "./report.ts";

const { values: flags } = parseArgs({
  options: { write: { type: "boolean" }, rounds: { type: "string", default: "15" } },
});

const evaluated = EXPRESSIONS.map((measured) => ({ measured, times: measure(measured, Number(flags.rounds)) }));
const compileMs = compileAll();
const linking = await linkAll();

const measurements = { evaluated, loaded: LOADED, compileMs, linking };
const machine = `Node ${process.version}, ${cpus()[0]?.model ?? "some processor"}`;
const text = report(measurements, machine);
process.stdout.write(text);
if (flags.write) writeFileSync(new URL("results.md", import.meta.url), text);
// Noise of a busy machine is no reason to fail; a demand that is missed is said in the report.
if (demands(measurements).some(({ met }) => !met)) process.stderr.write("not everything that is demanded was met\n");
