import { Command, Option } from "commander";
import { CEL_GO_BOUNDS, POLICY_BOUNDS } from "../expression/limits.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { evalBatch } from "./eval-batch.ts";
import { builtInVocabulary, readVocabulary } from "./eval-vocabulary.ts";
import type { ExitCode } from "./exit-codes.ts";
import { explaining } from "./native-call.ts";
import { gather, type OutputFormat, outputOption } from "./options.ts";

const LIMITS = { policy: POLICY_BOUNDS, "cel-go": CEL_GO_BOUNDS } as const;

interface EvalFlags {
  readonly file?: string;
  readonly attributes?: string;
  readonly attribute?: readonly string[];
  readonly vocabulary?: string;
  readonly limits: keyof typeof LIMITS;
  readonly trace?: true;
  readonly batch?: true;
  readonly output: OutputFormat;
}

export function evalCommand(io: CommandIo, finish: Finish): Command {
  return new Command("eval")
    .description("evaluate a CEL expression")
    .argument("[expression]", "the expression; - is standard input")
    .option("-f, --file <file>", "read the expression from a file")
    .option("-a, --attribute <name=value>", "one attribute; may be given more than once", gather)
    .option("--attributes <file>", "attributes as YAML or JSON, as `weir check` takes them; - is standard input")
    .option("--vocabulary <file>", "the attributes there are and their types, as JSON, in place of Weir's own")
    .addOption(
      new Option("--limits <whose>", "how long and how deeply nested an expression may be")
        .choices(Object.keys(LIMITS))
        .default("policy"),
    )
    .option("--trace", "show the value of every part that was evaluated")
    .addOption(
      new Option("--batch", "evaluate line after line of JSON from standard input").conflicts([
        "file",
        "attribute",
        "attributes",
        "trace",
        "output",
      ]),
    )
    .addOption(outputOption())
    .action(async (expression: string | undefined, flags: EvalFlags) =>
      finish(await explaining(io, () => evaluate(expression, flags, io))),
    );
}

async function evaluate(expression: string | undefined, flags: EvalFlags, io: CommandIo): Promise<ExitCode> {
  const vocabulary = flags.vocabulary === undefined ? builtInVocabulary() : await readVocabulary(flags.vocabulary);
  const bounds = LIMITS[flags.limits];
  if (!flags.batch) throw new BadInput("write an expression");
  if (expression !== undefined)
    throw new BadInput("--batch reads its expressions from standard input: leave out this one");
  return evalBatch({ vocabulary, bounds }, io);
}
