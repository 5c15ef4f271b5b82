import { Command } from "commander";
import { createHandlerHost, createModuleSource } from "../adapter-host/index.ts";
import { hasErrors, isError } from "../diagnostics/diagnostic.ts";
import { reportDiagnostics } from "../diagnostics/render-json.ts";
import { renderText } from "../diagnostics/render-text.ts";
import { type Examination, examineWithHandlers } from "../engine/examine.ts";
import { readFolder } from "../policy/folder.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { type OutputFormat, outputOption } from "./options.ts";
import { inFolder } from "./serve.ts";

/** Adapters need no time to judge a config; closing a host that opened nothing needs none either. */
const CLOSE_MS = 1_000;

export function validateCommand(io: CommandIo, finish: Finish): Command {
  return new Command("validate")
    .description("judge a folder of policies without serving it")
    .argument("[dir]", "the folder", "./policies")
    .addOption(outputOption())
    .addHelpText("after", EXAMPLES)
    .action(async (directory: string, { output }: { output: OutputFormat }) =>
      finish(await validate(directory, output, io)),
    );
}

const EXAMPLES = `
Prints every error and warning with its place and the way out, and for each policy the doors on which its check and
quota rules are evaluated. Opens no handler and no connection. Exit code 3 when there is an error.

Examples:
  weir validate
  weir validate deploy/policies -o json
`;

async function validate(directory: string, output: OutputFormat, io: CommandIo): Promise<ExitCode> {
  const host = createHandlerHost({ resolve: createModuleSource({ folder: directory }), log: io.openLog("error").log });
  const reading = await readFolder(directory);
  const examination = await examineWithHandlers(reading, host);
  await host.close(CLOSE_MS);
  if (output === "json") io.out(asJson(examination));
  else io.out(asText(examination, directory, io.color.out));
  return hasErrors(examination.diagnostics) ? EXIT.invalidPolicy : EXIT.ok;
}

/** The diagnostics as everybody's tools expect them; beside them what was made of the folder. */
function asJson({ diagnostics, sources, plan }: Examination): string {
  const report = reportDiagnostics(diagnostics, sources);
  const made = plan ? { snapshot: plan.id, policies: policiesOf(plan.policies) } : {};
  return `${JSON.stringify({ ...report, ...made }, null, 2)}\n`;
}

type Policies = NonNullable<Examination["plan"]>["policies"];

function policiesOf(policies: Policies) {
  return policies.map(({ name, file, doors }) => ({ policy: name, file, doors }));
}

function asText({ diagnostics, sources, plan }: Examination, directory: string, color: boolean): string {
  const told = renderText(diagnostics, sources, { color, folder: inFolder(directory) });
  const parts = [told, plan ? doorsOf(plan.policies) : "", summary(diagnostics, directory)];
  return parts.filter((part) => part !== "").join("\n");
}

function doorsOf(policies: Policies): string {
  const asked = policies.filter(({ doors }) => doors.length > 0);
  const width = Math.max(0, ...asked.map(({ name }) => name.length));
  const lines = asked.map(({ name, doors }) => `  ${name.padEnd(width)}  ${doors.join(", ")}\n`);
  return lines.length === 0 ? "" : `check and quota rules are evaluated on:\n${lines.join("")}`;
}

function summary(diagnostics: Examination["diagnostics"], directory: string): string {
  const errors = diagnostics.filter(isError).length;
  const warnings = counted(diagnostics.length - errors, "warning");
  if (errors === 0) return `${directory} is valid${warnings === "" ? "" : `, with ${warnings}`}\n`;
  return `${counted(errors, "error")}${warnings === "" ? "" : ` and ${warnings}`} in ${directory}\n`;
}

function counted(count: number, noun: string): string {
  if (count === 0) return "";
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
