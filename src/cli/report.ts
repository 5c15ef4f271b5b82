import { Command } from "commander";
import { encodeReport, type ReportRequest, type ReportResponse } from "../wire/client.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { callServer, explaining, nativeAttributes, type ServerFlags, serverOptions } from "./native-call.ts";
import { gather, type OutputFormat, outputOption } from "./options.ts";
import type { PlainValue } from "./plain-yaml.ts";
import { attributesFrom, onlyKeys, type RequestFile, readRequestFile, textKey } from "./request-file.ts";

interface ReportFlags extends ServerFlags {
  readonly attribute?: readonly string[];
  readonly reportId?: string;
  readonly output: OutputFormat;
}

export function reportCommand(io: CommandIo, finish: Finish): Command {
  const command = new Command("report")
    .description("tell a running server what became of requests")
    .argument("[file]", "the records as YAML or JSON; - is standard input")
    .option("-a, --attribute <name=value>", "one attribute, of every record; may be given more than once", gather)
    .option("--report-id <id>", "the same id twice is counted once");
  for (const option of serverOptions()) command.addOption(option);
  return command
    .addOption(outputOption())
    .addHelpText("after", EXAMPLES)
    .action(async (file: string | undefined, flags: ReportFlags) =>
      finish(await explaining(io, () => report(file, flags, io))),
    );
}

const EXAMPLES = `
A file has the keys attributes (one record) or records (a list of them), and report_id.

Examples:
  weir report -a request.method=GET -a request.path=/orders/7 -a response.code=200 -a response.duration=0.012s
  weir report records.yaml --server 127.0.0.1:9091 -o json
`;

async function report(file: string | undefined, flags: ReportFlags, io: CommandIo): Promise<ExitCode> {
  const request = await requestOf(file, flags, io);
  return callServer(
    io,
    flags,
    (client) => client.report(request, flags.timeoutMs),
    (answer) => {
      io.out(flags.output === "json" ? asJson(answer) : asText(answer));
      return EXIT.ok;
    },
  );
}

const FILE_KEYS = ["attributes", "records", "report_id"];
const NO_FILE: RequestFile = { file: "", keys: new Map() };

async function requestOf(file: string | undefined, flags: ReportFlags, io: CommandIo): Promise<ReportRequest> {
  const given = file === undefined ? NO_FILE : await readRequestFile(file, io);
  onlyKeys(given, FILE_KEYS);
  const bags = recordsOf(given).map((record) => {
    const attributes = attributesFrom(record, flags.attribute ?? [], given.file);
    return new Map(nativeAttributes(attributes).map(({ name, value }) => [name, value]));
  });
  return encodeReport(bags, flags.reportId ?? textKey(given, "report_id"));
}

/** Undefined is a record of which everything is on the command line. */
function recordsOf({ file, keys }: RequestFile): readonly (PlainValue | undefined)[] {
  const records = keys.get("records");
  if (records === undefined) return [keys.get("attributes")];
  if (keys.has("attributes")) throw new BadInput(`${file}: write \`attributes\` or \`records\`, not both`);
  if (!Array.isArray(records)) throw new BadInput(`${file}: \`records\` is a list`);
  return records;
}

function asText({ accepted, alreadyAccepted }: ReportResponse): string {
  if (alreadyAccepted) return "these records were accepted before\n";
  return accepted === 1 ? "1 record accepted\n" : `${accepted} records accepted\n`;
}

function asJson({ accepted, alreadyAccepted }: ReportResponse): string {
  return `${JSON.stringify({ accepted, already_accepted: alreadyAccepted }, null, 2)}\n`;
}
