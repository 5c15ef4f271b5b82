import { Command } from "commander";
import {
  configJsonSchema,
  createModuleSource,
  DEFAULT_LIMITS,
  FIRST_PARTY_ADAPTERS,
  systemClock,
} from "../adapter-host/index.ts";
import { loadAdapter } from "../adapter-host/load-adapter.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { type OutputFormat, outputOption } from "./options.ts";

export function adaptersCommand(io: CommandIo, finish: Finish): Command {
  return new Command("adapters")
    .description("list the adapters that come with Weir, and what their config takes")
    .argument("[adapter...]", "only these; also an npm package that is installed, or ./a/path")
    .addOption(outputOption())
    .addHelpText("after", EXAMPLES)
    .action(async (names: readonly string[], { output }: { output: OutputFormat }) =>
      finish(await adapters(names, output, io)),
    );
}

const EXAMPLES = `
A handler in handlers.yaml names an adapter and has its config; policies name the handler.

Examples:
  weir adapters
  weir adapters otlp -o json
`;

/** An adapter as it is shown; `schema` where its schema library can say it as JSON Schema. */
interface Shown {
  readonly adapter: string;
  readonly summary: string;
  readonly templates: readonly string[];
  readonly schema: Readonly<Record<string, unknown>> | undefined;
}

async function adapters(names: readonly string[], output: OutputFormat, io: CommandIo): Promise<ExitCode> {
  const asked = names.length > 0 ? names : FIRST_PARTY_ADAPTERS.map(({ name }) => name);
  const found = await Promise.all(asked.map(describe));
  const shown = found.flatMap((one) => ("problem" in one ? [] : [one]));
  const problems = found.flatMap((one) => ("problem" in one ? [one.problem] : []));
  if (output === "json") io.out(`${JSON.stringify({ version: 1, adapters: shown.map(asJson) }, null, 2)}\n`);
  else io.out(shown.map(asText).join("\n"));
  for (const problem of problems) io.err(`weir: ${problem}\n`);
  return problems.length === 0 ? EXIT.ok : EXIT.usage;
}

async function describe(name: string): Promise<Shown | { readonly problem: string }> {
  const loaded = await loadAdapter(
    // Only the module is of interest: nobody uses a template of it, and its config is not judged.
    {
      name,
      adapter: name,
      config: {},
      queue: { records: 1, onFull: "drop-oldest" },
      metrics: [],
      uses: [],
      signature: "",
    },
    { source: createModuleSource({ folder: "." }), clock: systemClock(), limits: DEFAULT_LIMITS },
  );
  if (!loaded.ok) return { problem: loaded.refusals.map(({ message }) => message).join("; ") };
  const { templates } = loaded.adapter;
  const summary = FIRST_PARTY_ADAPTERS.find((one) => one.name === name)?.summary ?? "";
  return { adapter: name, summary, templates, schema: configJsonSchema(loaded.adapter) };
}

function asJson({ adapter, summary, templates, schema }: Shown) {
  return { adapter, ...(summary === "" ? {} : { summary }), templates, ...(schema ? { config: schema } : {}) };
}

function asText({ adapter, summary, templates, schema }: Shown): string {
  const title = `${adapter}  (${templates.join(", ")})\n`;
  return `${title}${summary === "" ? "" : `  ${summary}\n`}${configText(schema)}`;
}

function configText(schema: Shown["schema"]): string {
  if (schema === undefined) return "  config: see its own documentation\n";
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const keys = Object.entries(properties);
  if (keys.length === 0) return "  config: none\n";
  const width = Math.max(...keys.map(([key]) => key.length));
  const lines = keys.map(([key, value]) => `    ${key.padEnd(width)}  ${keyText(value, required.has(key))}\n`);
  return `  config:\n${lines.join("")}`;
}

function keyText(schema: unknown, required: boolean): string {
  if (!isRecord(schema)) return "";
  const type = Array.isArray(schema["enum"]) ? schema["enum"].join(" | ") : String(schema["type"] ?? "any");
  // zod counts a key with a default among the required ones.
  const said =
    "default" in schema ? `, ${JSON.stringify(schema["default"])} if left out` : required ? ", required" : "";
  const description = typeof schema["description"] === "string" ? `: ${schema["description"]}` : "";
  return `${type}${said}${description}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
