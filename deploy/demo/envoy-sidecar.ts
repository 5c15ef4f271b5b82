import { join } from "node:path";
import { grpcUnary } from "../clients/grpc.ts";
import { rawRequest } from "../clients/http.ts";
import { envoyBootstrap } from "../envoy/bootstrap.ts";
import { ENVOY_VERSION } from "../envoy/obtain.ts";
import { startEnvoy } from "../envoy/run.ts";
import { type ClientAnswer, ROUTES, type ServicePorts, type Sidecar } from "./sidecar.ts";
import type { TokenMint } from "./tokens.ts";
import type { DemoRequest } from "./traffic.ts";

const LISTENER = "shop";
/** What the greeter is sent; it echoes any message. */
const GREETING = Uint8Array.of(0x0a, 0x05, ...Buffer.from("Hello"));

interface Options {
  readonly binary: string;
  readonly weirPort: number;
  readonly services: ServicePorts;
  readonly mint: TokenMint;
  /** For Envoy's files. */
  readonly dir: string;
}

/** A real Envoy: it asks Weir by ext_authz, and tells it by the access log service. */
export async function startEnvoySidecar({ binary, weirPort, services, mint, dir }: Options): Promise<Sidecar> {
  const bootstrap = envoyBootstrap({
    weirPort,
    upstreams: { orders: { port: services.orders }, greeter: { port: services.greeter, protocol: "h2" } },
    listeners: [
      { kind: "http", name: LISTENER, routes: ROUTES, jwt: { issuer: mint.issuer, audiences: [], jwks: mint.jwks } },
    ],
  });
  const envoy = await startEnvoy({ binary, bootstrap, dir: join(dir, "envoy") });
  const port = envoy.port(LISTENER);
  return {
    name: `Envoy ${ENVOY_VERSION}`,
    send: (request, headers) =>
      request.kind === "grpc" ? greet(port, request, headers) : fetchRaw(port, request, headers),
    counters: () => envoy.stats(),
    [Symbol.asyncDispose]: () => envoy.stop(),
  };
}

async function fetchRaw(
  port: number,
  request: DemoRequest,
  headers: Readonly<Record<string, string>>,
): Promise<ClientAnswer> {
  const { method, path } = request;
  const response = await rawRequest({
    port,
    method,
    path,
    headers: [...Object.entries(headers), ...(request.headers ?? [])],
  });
  const wait = response.headers.find(([name]) => name === "retry-after")?.[1];
  const body = response.status === 200 ? "" : response.body.toString("utf8");
  return {
    status: String(response.status),
    said: wait === undefined ? body : `${body} (retry after ${wait} s)`.trim(),
  };
}

async function greet(
  port: number,
  { path }: DemoRequest,
  headers: Readonly<Record<string, string>>,
): Promise<ClientAnswer> {
  const answer = await grpcUnary({ port, path, message: GREETING, headers: Object.entries(headers) });
  const said = answer.messages.length > 0 ? "echoed" : decodeURIComponent(answer.statusMessage);
  return { status: `${answer.httpStatus} grpc ${answer.status ?? "-"}`, said };
}
