import { InvalidArgumentError, type Option } from "commander";
import { Invalid } from "../attribute/value.ts";
import { valueToProto } from "../server/value-codec.ts";
import { type Address, formatAddress } from "../wire/address.ts";
import { type Called, connectWeir, type NativeValue, type WeirClient } from "../wire/client.ts";
import type { Attributes } from "./attribute-values.ts";
import { BadInput } from "./bad-input.ts";
import type { CommandIo } from "./command-io.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { readText } from "./input.ts";
import { address, setting, wholeNumber } from "./options.ts";

/** How long a person waits for an answer. */
const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 600_000;

export interface ServerFlags {
  readonly server: Address;
  readonly timeoutMs: number;
  readonly serverCa?: string;
  readonly serverName?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** The flags of every command that calls a server. */
export function serverOptions(): readonly Option[] {
  return [
    setting("--server <address>", "where Weir serves: HOST:PORT or unix:/PATH", "WEIR_SERVER")
      .argParser(address)
      .default(address("127.0.0.1:9091"), "127.0.0.1:9091"),
    setting(
      "--server-ca <file>",
      "call by TLS: authorities whose certificates a server may have, PEM",
      "WEIR_SERVER_CA",
    ),
    setting("--server-name <name>", "the name in the server's certificate, if not the one called", "WEIR_SERVER_NAME"),
    setting("--client-cert <file>", "our own certificate, PEM, for a server that asks for one", "WEIR_CLIENT_CERT"),
    setting("--client-key <file>", "the key of our certificate, PEM", "WEIR_CLIENT_KEY"),
    setting("--timeout-ms <ms>", "how long to wait for an answer", "WEIR_TIMEOUT_MS")
      .argParser(wholeNumber(1, MAX_TIMEOUT_MS))
      .default(DEFAULT_TIMEOUT_MS),
  ];
}

/** @returns the attributes as the native API has them. @throws BadInput for what has no form there. */
export function nativeAttributes(attributes: Attributes): readonly { name: string; value: NativeValue }[] {
  return [...attributes].map(([name, given]) => {
    const value = valueToProto(given);
    if (value instanceof Invalid) throw new BadInput(`\`${name}\` cannot be sent: ${value.reason}`);
    return { name, value };
  });
}

/** Makes a call, shows what came of it and says how that ends the command. */
export async function callServer<T>(
  io: CommandIo,
  flags: ServerFlags,
  call: (client: WeirClient) => Promise<Called<T>>,
  show: (message: T) => ExitCode,
): Promise<ExitCode> {
  const client = await connect(flags);
  const called = await call(client);
  client.close();
  switch (called.kind) {
    case "answered":
      return show(called.message);
    case "refused":
      io.err(`weir: the server refused the call: ${called.message} (${called.code})\n`);
      return EXITS[called.code] ?? EXIT.internal;
    case "unreachable":
      io.err(`weir: no server at ${formatAddress(flags.server)}: ${called.message}\n`);
      return EXIT.unreachable;
  }
}

/** @throws BadInput for files that cannot be read or used, and flags that do not go together. */
async function connect({ server, serverCa, serverName, clientCert, clientKey }: ServerFlags): Promise<WeirClient> {
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new BadInput("--client-cert and --client-key go together");
  if (serverCa === undefined) {
    if (clientCert === undefined && serverName === undefined) return connectWeir(server);
    throw new BadInput("--client-cert and --server-name are of use with TLS alone, which --server-ca asks for");
  }
  const own =
    clientCert === undefined || clientKey === undefined
      ? {}
      : { own: { certificate: await readText(clientCert), key: await readText(clientKey) } };
  const tls = { serverCa: await readText(serverCa), ...own, ...(serverName === undefined ? {} : { serverName }) };
  try {
    return connectWeir(server, tls);
  } catch (error) {
    const files = [serverCa, clientCert, clientKey].filter((file) => file !== undefined).join(", ");
    throw new BadInput(`${files}: cannot be used: ${error instanceof Error ? error.message : error}`);
  }
}

/** How a refused call ends the command: our caller's mistake, or a server that cannot work. The rest is a bug somewhere. */
const EXITS: Readonly<Record<string, ExitCode>> = {
  INVALID_ARGUMENT: EXIT.usage,
  PERMISSION_DENIED: EXIT.usage,
  UNAUTHENTICATED: EXIT.usage,
  UNIMPLEMENTED: EXIT.unreachable,
  UNAVAILABLE: EXIT.unreachable,
  RESOURCE_EXHAUSTED: EXIT.unreachable,
};

/** Runs a command whose input is people's: what makes no sense is said, and is no bug. */
export async function explaining(io: CommandIo, command: () => Promise<ExitCode>): Promise<ExitCode> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof BadInput) && !(error instanceof InvalidArgumentError)) throw error;
    io.err(`weir: ${error.message}\n`);
    return EXIT.usage;
  }
}
