import { availableParallelism, platform } from "node:os";
import { Command, type Option } from "commander";
import { renderText } from "../diagnostics/render-text.ts";
import { LOG_LEVELS, type LogLevel } from "../telemetry/index.ts";
import { type Address, exposureOf } from "../wire/address.ts";
import { LIMITS, type WireLimits } from "../wire/limits.ts";
import type { TlsClients } from "../wire/tls.ts";
import type { TlsPaths } from "../wire/tls-material.ts";
import { spawnCompiler, ThreadCompiler } from "../workers/compiler.ts";
import type { CommandIo, Finish } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { address, limits, loopbackAddress, setting, tcpAddress, truth, wholeNumber } from "./options.ts";
import type { Serving } from "./serving.ts";

/** Requests admitted and not yet answered. One that waits for a backend costs some ten kilobytes. */
const DEFAULT_MAX_IN_FLIGHT = 2_000;
const MAX_IN_FLIGHT = 1_000_000;
/** How long calls in flight may take when the process is asked to end. Kubernetes kills after 30 s. */
const DEFAULT_GRACE_MS = 10_000;
const MAX_GRACE_MS = 600_000;
const MAX_WORKERS = 256;
/** Systems that deal the connections of one port out among several listeners. */
const SHARES_PORTS: readonly string[] = ["linux"];
const MAX_POLL_MS = 86_400_000;

interface ServeFlags {
  readonly policies: string;
  readonly grpc: Address;
  readonly admin: Extract<Address, { kind: "tcp" }>;
  readonly metricsAddress?: Extract<Address, { kind: "tcp" }>;
  readonly record?: string;
  readonly maxInFlight: number;
  readonly workers?: number;
  readonly pollMs?: number;
  readonly graceMs: number;
  readonly insecure: boolean;
  readonly limit?: Partial<WireLimits>;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly tlsClients?: TlsClients;
  readonly logLevel: LogLevel;
}

export function serveCommand(io: CommandIo, finish: Finish): Command {
  return new Command("serve")
    .description("serve a folder of policies: gRPC to sidecars, HTTP to operators")
    .addOption(setting("--policies <dir>", "the folder of policies", "WEIR_POLICIES").default("./policies"))
    .addOption(
      setting("--grpc <address>", "where sidecars connect: HOST:PORT or unix:/PATH", "WEIR_GRPC")
        .argParser(address)
        .default(address("127.0.0.1:9091"), "127.0.0.1:9091"),
    )
    .addOption(
      setting("--admin <address>", "health, metrics and status, for this machine alone", "WEIR_ADMIN")
        .argParser(loopbackAddress)
        .default(loopbackAddress("127.0.0.1:9093"), "127.0.0.1:9093"),
    )
    .addOption(
      setting("--metrics-address <address>", "health and metrics again, for others", "WEIR_METRICS_ADDRESS").argParser(
        tcpAddress,
      ),
    )
    .addOption(
      setting("--record <file>", "record what comes in, masked; a recording that is there is continued", "WEIR_RECORD"),
    )
    .addOption(
      setting("--max-in-flight <n>", "requests at a time; one more is refused as overload", "WEIR_MAX_IN_FLIGHT")
        .argParser(wholeNumber(1, MAX_IN_FLIGHT))
        .default(DEFAULT_MAX_IN_FLIGHT),
    )
    .addOption(
      setting(
        "--workers <n>",
        "request threads; as many as CPUs may be used when left out, one on a Unix socket",
        "WEIR_WORKERS",
      ).argParser(wholeNumber(1, MAX_WORKERS)),
    )
    .addOption(
      setting(
        "--poll-ms <ms>",
        "time between two looks at the folder where no event tells of a change",
        "WEIR_POLL_MS",
      ).argParser(wholeNumber(100, MAX_POLL_MS)),
    )
    .addOption(
      setting("--grace-ms <ms>", "time that requests in flight have when the process is asked to end", "WEIR_GRACE_MS")
        .argParser(wholeNumber(0, MAX_GRACE_MS))
        .default(DEFAULT_GRACE_MS),
    )
    .addOption(
      setting("--tls-cert <file>", "our certificate, PEM, with those of its issuers behind it", "WEIR_TLS_CERT"),
    )
    .addOption(setting("--tls-key <file>", "the key of the certificate, PEM", "WEIR_TLS_KEY"))
    .addOption(
      setting(
        "--tls-client-ca <file>",
        "authorities whose client certificates are believed, PEM",
        "WEIR_TLS_CLIENT_CA",
      ),
    )
    .addOption(
      setting(
        "--tls-clients <which>",
        "with --tls-client-ca: must clients show a certificate (default: require)",
        "WEIR_TLS_CLIENTS",
      ).choices(["require", "optional"]),
    )
    .addOption(
      setting("--insecure [yes]", "serve gRPC without TLS where other machines can connect", "WEIR_INSECURE")
        .argParser(truth)
        .preset("yes")
        .default(false, "no"),
    )
    .addOption(
      setting("--limit <name=value>", "one of the limits below; may be given more than once", "WEIR_LIMITS").argParser(
        limits,
      ),
    )
    .addOption(logLevel())
    .addHelpText("after", limitsHelp() + EXAMPLES)
    .action(async (flags: ServeFlags) => finish(await serve(flags, io)));
}

function logLevel(): Option {
  return setting("--log-level <level>", "how much is said on standard error", "WEIR_LOG_LEVEL")
    .choices(LOG_LEVELS)
    .default("info");
}

function limitsHelp(): string {
  const width = Math.max(...LIMITS.map(({ name }) => name.length));
  const lines = LIMITS.map((limit) => `  ${limit.name.padEnd(width)}  ${limit.default}`);
  return `\nLimits and their defaults (docs/operations.md says what each is for):\n${lines.join("\n")}\n`;
}

const EXAMPLES = `
When it serves it prints one line of JSON on standard output; its log goes to standard error.
SIGTERM and SIGINT end it: requests in flight are answered first. A second signal ends it at once.

Examples:
  weir serve
  weir serve --policies /etc/weir --grpc unix:/run/weir/weir.sock
  weir serve --grpc 127.0.0.1:0 --metrics-address 0.0.0.0:9094
  weir serve --record traffic.ndjson
  weir serve --limit max-connections=20000 --limit connection-age-ms=1800000
  weir serve --grpc 0.0.0.0:9091 --tls-cert tls.crt --tls-key tls.key --tls-client-ca ca.crt
`;

async function serve(flags: ServeFlags, io: CommandIo): Promise<ExitCode> {
  const workers = workersOf(flags);
  if (typeof workers === "string") {
    io.err(`weir: ${workers}\n`);
    return EXIT.usage;
  }
  const tls = tlsFlags(flags);
  const problem = "problem" in tls ? tls.problem : exposureOf(flags.grpc, flags.insecure || tls.paths !== undefined);
  if ("problem" in tls || problem !== undefined) {
    io.err(`weir: ${problem}\n`);
    return EXIT.usage;
  }
  const { log, line } = io.openLog(flags.logLevel);
  const { policies, pollMs, limit = {} } = flags;
  const data = { folder: policies, ...(pollMs === undefined ? {} : { pollMs }) };
  const compiler = new ThreadCompiler({ data, spawn: spawnCompiler });
  // It loads its code while this thread loads what serves.
  compiler.begin();
  const { startServing } = await import("./serving.ts");
  const settings = { ...flags, limits: limit, workers, ...(tls.paths && { tls: tls.paths }) };
  const serving = await startServing({ ...settings, compiler, log, line, version: io.version });
  if (serving.kind !== "serving") await compiler.close();
  switch (serving.kind) {
    case "problem":
      io.err(`weir: ${serving.problem}\n`);
      return serving.usage ? EXIT.usage : EXIT.internal;
    case "invalid-policy": {
      const { diagnostics: errors, sources } = serving;
      io.err(`${renderText(errors, sources, { color: io.color.err, folder: inFolder(flags.policies) })}\n`);
      io.err(
        `weir: not serving: ${errors.length === 1 ? "an error" : `${errors.length} errors`} in ${flags.policies}\n`,
      );
      return EXIT.invalidPolicy;
    }
    case "serving":
      io.out(`${JSON.stringify(serving.line)}\n`);
      return endWhenAsked(serving, io.stop);
  }
}

/** @returns where the certificates stand, if anywhere; or in words for people what does not go together. */
function tlsFlags({
  grpc,
  tlsCert,
  tlsKey,
  tlsClientCa,
  tlsClients,
}: ServeFlags):
  | { readonly paths: (TlsPaths & { readonly clients: TlsClients }) | undefined }
  | { readonly problem: string } {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa !== undefined) return { problem: "--tls-client-ca needs --tls-cert and --tls-key" };
    return tlsClients === undefined ? { paths: undefined } : { problem: "--tls-clients needs --tls-client-ca" };
  }
  if (tlsCert === undefined) return { problem: "--tls-key needs --tls-cert" };
  if (tlsKey === undefined) return { problem: "--tls-cert needs --tls-key" };
  if (tlsClients !== undefined && tlsClientCa === undefined) return { problem: "--tls-clients needs --tls-client-ca" };
  if (grpc.kind === "unix")
    return { problem: "a Unix socket is for this machine alone and takes no TLS; leave --tls-cert and --tls-key out" };
  const clientCa = tlsClientCa === undefined ? {} : { clientCa: tlsClientCa };
  return { paths: { certificate: tlsCert, key: tlsKey, ...clientCa, clients: tlsClients ?? "require" } };
}

/** @returns how many request threads there will be, or in words for people why not so many. */
function workersOf({ workers, grpc }: ServeFlags): number | string {
  const canShare = grpc.kind === "tcp" && SHARES_PORTS.includes(platform());
  if (canShare) return workers ?? Math.min(MAX_WORKERS, availableParallelism());
  if (workers === undefined || workers === 1) return 1;
  const what = grpc.kind === "unix" ? "a Unix socket" : "a port of this system";
  return `--workers ${workers}: ${what} is served by one thread, and cannot be shared by several`;
}

async function endWhenAsked(serving: Extract<Serving, { kind: "serving" }>, stop: AbortSignal): Promise<ExitCode> {
  const abandoned = serving.abandoned.then(() => EXIT.internal);
  const code = await Promise.race([asked(stop).then(() => EXIT.ok), abandoned]);
  await serving.stop();
  return code;
}

/** Put before a file's name, so that people can click on it. */
export function inFolder(directory: string): string {
  return directory.endsWith("/") ? directory : `${directory}/`;
}

async function asked(stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  await new Promise((resolve) => stop.addEventListener("abort", resolve, { once: true }));
}
