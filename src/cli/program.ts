import { Command, CommanderError } from "commander";
import { adaptersCommand } from "./adapters.ts";
import { checkCommand } from "./check.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { evalCommand } from "./eval.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { reportCommand } from "./report.ts";
import { serveCommand } from "./serve.ts";
import { validateCommand } from "./validate.ts";

/** Every verb, in the order of `weir --help`. To add one: its file, and its name here. */
const COMMANDS: readonly ((io: CommandIo, finish: Finish) => Command)[] = [
  serveCommand,
  validateCommand,
  checkCommand,
  reportCommand,
  evalCommand,
  adaptersCommand,
];

/** Runs one command line. @param args without the names of Node and the script. */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = makeProgram(io, (given) => {
    code = given;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    // Help and the version come this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}

function makeProgram(io: CommandIo, finish: Finish): Command {
  const program = new Command("weir")
    .description("A policy and telemetry engine for service meshes: Check before a request, Report after it.")
    .version(io.version, "-V, --version")
    .addHelpText("after", AFTERWORD);
  for (const make of COMMANDS) program.addCommand(make(io, finish));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showSuggestionAfterError();
    command.configureOutput({
      writeOut: io.out,
      writeErr: io.err,
      outputError: (text, write) => write(text.replace(/^error: /, "weir: ")),
      getOutHasColors: () => io.color.out,
      getErrHasColors: () => io.color.err,
    });
  }
  return program;
}

const AFTERWORD = `
Flags can also be set in the environment, where their description names a variable.

Exit codes: 0 done, 1 something failed, 2 the command line makes no sense, 3 invalid policy, 4 tests failed, 5 a difference,
6 the server cannot be reached, 7 refused (weir check --exit-code), 8 no value (weir eval).
`;
