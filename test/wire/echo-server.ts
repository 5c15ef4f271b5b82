import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { SILENT } from "../../src/telemetry/index.ts";
import type { Address } from "../../src/wire/address.ts";
import type { Call, Door, Reply } from "../../src/wire/door.ts";
import type { WireLimits } from "../../src/wire/limits.ts";
import { type RunningServer, startServer } from "../../src/wire/server.ts";
import type { TlsSettings } from "../../src/wire/tls.ts";

/** A small service for tests of the wire: a server of given doors, and a caller of it. Everything is closed when the test ends. */

export const ECHO = "/test.v1.Echo/Say";
export const LOG = "/test.v1.Echo/Log";

interface ServeOptions {
  readonly address?: Address;
  readonly limits?: Partial<WireLimits>;
  readonly tls?: TlsSettings;
}

/** A server of these doors on a free port, and what it told of itself. */
export async function serve(doors: readonly Door[], options: ServeOptions = {}) {
  const failed: unknown[] = [];
  const connections = { opened: 0, closed: 0, refused: 0 };
  const ended: string[] = [];
  const handshakes: string[] = [];
  const refused: string[] = [];
  const server = await startServer({
    doors,
    address: options.address ?? { kind: "tcp", host: "127.0.0.1", port: 0 },
    insecure: false,
    tls: options.tls,
    log: SILENT,
    telemetry: {
      failed: (_where, error) => failed.push(error),
      connection: (event) => {
        connections[event] += 1;
      },
      connectionEnded: (why) => ended.push(why),
      handshakeFailed: (why) => handshakes.push(why),
      notAdmitted: (why) => refused.push(why),
    },
    monotonicMs: () => performance.now(),
    // A machine that is busy with other tests is no overload.
    limits: { overloadDelayMs: 0, ...options.limits },
  });
  if ("problem" in server) throw new Error(server.problem);
  onTestFinished(async () => void (await server.drain(0)));
  return { server, failed, connections, ended, handshakes, refused };
}

export function clientOf(server: RunningServer): Client {
  const client = new Client(server.address, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

export const identity = (bytes: Buffer): Buffer => bytes;

type Answer = { readonly bytes: string } | { readonly code: number; readonly details: string };

/** One call, its answer as a value. */
export function say(
  client: Client,
  text: string,
  path = ECHO,
  metadata = new Metadata(),
  options = {},
): Promise<Answer> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, Buffer.from(text), metadata, options, (error, bytes) =>
      resolve(bytes ? { bytes: bytes.toString() } : { code: error?.code ?? -1, details: error?.details ?? "" }),
    );
  });
}

export function echo(handle: (text: string, call: Call) => Reply | Promise<Reply>): Door {
  return { kind: "unary", path: ECHO, handle: (bytes, call) => handle(Buffer.from(bytes).toString(), call) };
}

export const message = (text: string): Reply => ({ kind: "message", bytes: new TextEncoder().encode(text) });
