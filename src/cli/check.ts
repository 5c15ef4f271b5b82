import { Command } from "commander";
import type { CheckRequest } from "../wire/client.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { decisionJson, decisionText } from "./decision-text.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { callServer, explaining, nativeAttributes, type ServerFlags, serverOptions } from "./native-call.ts";
import { gather, type OutputFormat, outputOption } from "./options.ts";
import { isMap, type PlainValue } from "./plain-yaml.ts";
import {
  attributesFrom,
  boolKey,
  CHECK_KEYS,
  onlyKeys,
  type RequestFile,
  readRequestFile,
  textKey,
} from "./request-file.ts";

interface CheckFlags extends ServerFlags {
  readonly attribute?: readonly string[];
  readonly quota?: readonly string[];
  readonly quotaOnly?: true;
  readonly bestEffort?: true;
  readonly deduplicationId?: string;
  readonly exitCode?: true;
  readonly output: OutputFormat;
}

export function checkCommand(io: CommandIo, finish: Finish): Command {
  const command = new Command("check")
    .description("ask a running server to decide one request")
    .argument("[file]", "the request as YAML or JSON; - is standard input")
    .option("-a, --attribute <name=value>", "one attribute; may be given more than once", gather)
    .option(
      "--quota <policy/limit[=amount]>",
      "a limit to be charged (on-request); may be given more than once",
      gather,
    )
    .option("--best-effort", "of each --quota, take what is left when it is less")
    .option("--quota-only", "charge the quotas and skip the rules")
    .option("--deduplication-id <id>", "the same id twice is charged once")
    .option("--exit-code", "exit with 7 when the verdict is not `allowed`");
  for (const option of serverOptions()) command.addOption(option);
  return command
    .addOption(outputOption())
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, flags: CheckFlags) =>
      finish(await explaining(io, () => check(file, flags, io))),
    );
}

const EXAMPLES = `
The vocabulary (docs/attributes.md) says the type of each attribute. A name below a map is a key in it; lists and maps are
JSON. Exit code 0 whatever the verdict, unless --exit-code is given.

A file has the keys attributes, quotas (a list of name, amount, best_effort), quota_only and deduplication_id.

Examples:
  weir check -a request.method=GET -a request.path=/orders/7 -a request.headers.x-user=ana -a source.address=10.1.2.3
  weir check request.yaml --server 127.0.0.1:9091 -o json
  weir check -a 'request.auth.claims={"sub":"ana","groups":["admins"]}' --quota checkout/orders=2
  weir check request.yaml --server weir.mesh:9091 --server-ca ca.crt --client-cert tls.crt --client-key tls.key
`;

async function check(file: string | undefined, flags: CheckFlags, io: CommandIo): Promise<ExitCode> {
  const request = await requestOf(file, flags, io);
  return callServer(
    io,
    flags,
    (client) => client.check(request, flags.timeoutMs),
    (answer) => {
      io.out(flags.output === "json" ? decisionJson(answer) : decisionText(answer, io.color.out));
      return flags.exitCode && answer.statusCode !== 0 ? EXIT.refused : EXIT.ok;
    },
  );
}

const NO_FILE: RequestFile = { file: "", keys: new Map() };

async function requestOf(file: string | undefined, flags: CheckFlags, io: CommandIo): Promise<CheckRequest> {
  const given = file === undefined ? NO_FILE : await readRequestFile(file, io);
  onlyKeys(given, CHECK_KEYS);
  const attributes = attributesFrom(given.keys.get("attributes"), flags.attribute ?? [], given.file);
  return {
    attributes: [...nativeAttributes(attributes)],
    quotas: [...quotasOf(given), ...(flags.quota ?? []).map((text) => quotaOf(text, flags.bestEffort === true))],
    quotaOnly: flags.quotaOnly ?? boolKey(given, "quota_only"),
    deduplicationId: flags.deduplicationId ?? textKey(given, "deduplication_id"),
  };
}

type Quota = CheckRequest["quotas"][number];

function quotaOf(text: string, bestEffort: boolean): Quota {
  const match = /^([^=]+?)(?:=(\d{1,19}))?$/.exec(text);
  const [, name, amount] = match ?? [];
  if (name === undefined) throw new BadInput(`\`--quota ${text}\`: write policy/limit or policy/limit=amount`);
  return { name, bestEffort, ...(amount === undefined ? {} : { amount: BigInt(amount) }) };
}

function quotasOf({ file, keys }: RequestFile): readonly Quota[] {
  const quotas = keys.get("quotas") ?? [];
  if (!Array.isArray(quotas)) throw new BadInput(`${file}: \`quotas\` is a list`);
  return quotas.map((quota: PlainValue) => {
    const { name, amount, best_effort: bestEffort = false } = isMap(quota) ? quota : {};
    if (typeof name !== "string" || typeof bestEffort !== "boolean")
      throw new BadInput(`${file}: a quota has a name, and may have an amount and best_effort`);
    if (amount === undefined) return { name, bestEffort };
    if (typeof amount !== "bigint" || amount < 0n)
      throw new BadInput(`${file}: the amount of a quota is a whole number`);
    return { name, bestEffort, amount };
  });
}
