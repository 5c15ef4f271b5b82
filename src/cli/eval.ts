import { Command, Option } from "commander";
import type { CelType } from "../attribute/type.ts";
import { CEL_GO_BOUNDS, DEFAULT_BUDGET, POLICY_BOUNDS } from "../expression/index.ts";
import type { Bounds } from "../expression/limits.ts";
import { BUILT_IN } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { COMPARING_BUDGET, evalBatch } from "./eval-batch.ts";
import { type Asked, evalOne } from "./eval-one.ts";
import { declaring, type EvalVocabulary, readVocabulary } from "./eval-vocabulary.ts";
import type { ExitCode } from "./exit-codes.ts";
import { readInput } from "./input.ts";
import { explaining } from "./native-call.ts";
import { gather, type OutputFormat, outputOption } from "./options.ts";
import { attributesFrom, CHECK_KEYS, onlyKeys, readRequestFile } from "./request-file.ts";

/** Whose bounds an expression is held to, and how many steps it may take. */
const LIMITS: Readonly<Record<"policy" | "cel-go", { readonly bounds: Bounds; readonly budget: number }>> = {
  policy: { bounds: POLICY_BOUNDS, budget: DEFAULT_BUDGET },
  "cel-go": { bounds: CEL_GO_BOUNDS, budget: COMPARING_BUDGET },
};

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
  return (
    new Command("eval")
      .description("evaluate a CEL expression")
      .argument("[expression]", "the expression; - is standard input")
      .option("-f, --file <file>", "read the expression from a file")
      .option("-a, --attribute <name=value>", "one attribute; may be given more than once", gather)
      .option("--attributes <file>", "attributes as YAML or JSON, as weir check takes them; - is standard input")
      .option("--vocabulary <file>", "which attributes there are and their types, as JSON, in place of Weir's own")
      .addOption(
        new Option("--limits <whose>", "how long, how nested and how costly an expression may be")
          .choices(Object.keys(LIMITS))
          .default("policy"),
      )
      .option("--trace", "show the value of every part that was evaluated")
      .addOption(
        new Option("--batch", "evaluate line after line of JSON from standard input").conflicts([
          ...["file", "attribute", "attributes", "trace", "output"],
        ]),
      )
      .addOption(outputOption())
      .addHelpText("after", EXAMPLES)
      // Who writes `weir eval -1` is told that -1 is no option.
      .showHelpAfterError("(an expression that begins with - comes after --, as in: weir eval -- '-1 + 2')")
      .action(async (expression: string | undefined, flags: EvalFlags) =>
        finish(await explaining(io, () => evaluate(expression, flags, io))),
      )
  );
}

const EXAMPLES = `
The vocabulary (docs/attributes.md) says the type of each attribute, NAME:TYPE=VALUE that of one it does not have. Lists and
maps are JSON. Exit code 8 when there is no value: an error, or something that is not there.

Examples:
  weir eval '1 + 2'
  weir eval 'request.path.startsWith("/api") && "x-user" in request.headers' -a request.path=/api -a request.headers.x-user=ana
  weir eval 'order.total > 100u' -a order.total:uint=120 --trace
  weir eval --file rule.cel --attributes request.yaml -o json
  weir eval --batch --limits cel-go --vocabulary vocabulary.json < expressions.ndjson
`;

async function evaluate(argument: string | undefined, flags: EvalFlags, io: CommandIo): Promise<ExitCode> {
  const vocabulary = flags.vocabulary === undefined ? BUILT_IN : await readVocabulary(flags.vocabulary);
  const limits = LIMITS[flags.limits];
  if (!flags.batch) return evalOne(await askedOf(argument, flags, vocabulary, io), { ...limits, ...flags }, io);
  if (argument === undefined) return evalBatch({ vocabulary, bounds: limits.bounds }, io);
  throw new BadInput("--batch reads its expressions from standard input: leave this one out, or --batch");
}

/** The expression, and the attributes that are given with it. */
async function askedOf(
  argument: string | undefined,
  flags: EvalFlags,
  vocabulary: EvalVocabulary,
  io: CommandIo,
): Promise<Asked> {
  const { file, attributes, attribute = [] } = flags;
  if (argument !== undefined && file !== undefined)
    throw new BadInput(`there are two expressions, \`${argument}\` and that of ${file}: leave one out`);
  const source = argument === "-" ? "-" : file;
  if (source === "-" && attributes === "-")
    throw new BadInput("standard input cannot be both the expression and the attributes");
  const text = source === undefined ? argument : await readInput(source, io);
  if (text === undefined) throw new BadInput("write an expression, or name a file with --file");
  const given = attributes === undefined ? undefined : await readRequestFile(attributes, io);
  if (given) onlyKeys(given, CHECK_KEYS);
  const declared = new Map<string, CelType>();
  const naming = declaring(vocabulary, declared);
  return {
    text,
    name: source === undefined || source === "-" ? "expression" : source,
    attributes: attributesFrom(given?.keys.get("attributes"), attribute, given?.file ?? "", naming),
    types: new Map([...vocabulary, ...declared]),
  };
}
