import { Command, CommanderError } from "commander";
import type { CommandIo, Finish } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

type MakeCommand = (io: CommandIo, finish: Finish) => Command;

/**
 * Every verb, in the order of `weir --help`. To add one: its file, and its name here. Loaded when it is needed: what serves for months
 * should not hold what evaluates expressions on a command line.
 */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  serve: async () => (await import("./serve.ts")).serveCommand,
  validate: async () => (await import("./validate.ts")).validateCommand,
  check: async () => (await import("./check.ts")).checkCommand,
  report: async () => (await import("./report.ts")).reportCommand,
  eval: async () => (await import("./eval.ts")).evalCommand,
  adapters: async () => (await import("./adapters.ts")).adaptersCommand,
};

/** Runs one command line. @param args without the names of Node and the script. */
export async function runCommand(args: readonly string[], io: CommandIo): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const commands = await Promise.all(commandsFor(args).map((load) => load()));
  const program = makeProgram(commands, io, (given) => {
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

/** The verb that a command line begins with; all of them where it begins otherwise, for then they are shown or suggested. */
function commandsFor([verb = ""]: readonly string[]): readonly (() => Promise<MakeCommand>)[] {
  const named = Object.hasOwn(COMMANDS, verb) ? COMMANDS[verb] : undefined;
  return named ? [named] : Object.values(COMMANDS);
}

function makeProgram(commands: readonly MakeCommand[], io: CommandIo, finish: Finish): Command {
  const program = new Command("weir")
    .description("A policy and telemetry engine for service meshes: Check before a request, Report after it.")
    .version(io.version, "-V, --version")
    .addHelpText("after", AFTERWORD);
  for (const make of commands) program.addCommand(make(io, finish));
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
