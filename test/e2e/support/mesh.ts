/** A small mesh for one test file: two services, a Weir with a policy folder of its own, and a real Envoy that asks it. */
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RawRequest, rawRequest } from "../../../deploy/clients/http.ts";
import type { HttpResponse } from "../../../deploy/clients/http-response.ts";
import type { EnvoyOptions, Listener } from "../../../deploy/envoy/bootstrap.ts";
import type { HttpListener } from "../../../deploy/envoy/http-listener.ts";
import type { RunningEnvoy } from "../../../deploy/envoy/run.ts";
import { inCheckout } from "../../../deploy/root.ts";
import { type Greeter, startGreeter } from "../../../deploy/services/greeter.ts";
import { type Orders, startOrders } from "../../../deploy/services/orders.ts";
import { startWeir, type WeirProcess } from "../../../deploy/weir-process.ts";
import { envoyWith } from "./envoy.ts";
import { eventually } from "./eventually.ts";
import { type LogLine, type Metrics, readLines, readMetrics, readStatus, type Status } from "./observed.ts";
import { type PolicyFiles, writePolicies } from "./policies.ts";

/** What a policy folder may need to name. */
export interface Place {
  /** For files of the test's own; removed at the end. */
  readonly dir: string;
  /** The file that `log` handlers write to. */
  readonly logFile: string;
}

export interface MeshOptions {
  readonly policies: (place: Place) => PolicyFiles;
  /** Puts the files into the folder, which is not there yet. Default: plain files. */
  readonly install?: (folder: string, files: PolicyFiles) => Promise<void>;
  /** Further arguments of `weir serve`. */
  readonly args?: (place: Place) => readonly string[];
  /** Default: `edge()`. */
  readonly listeners?: readonly Listener[];
  readonly upstreams?: EnvoyOptions["upstreams"];
  readonly node?: EnvoyOptions["node"];
  /** Of Envoy's own: one when left out. */
  readonly envoyThreads?: number;
  readonly weirHost?: EnvoyOptions["weirHost"];
  readonly weirTls?: EnvoyOptions["weirTls"];
  readonly weirCallsPerConnection?: EnvoyOptions["weirCallsPerConnection"];
}

export interface Mesh extends Place, AsyncDisposable {
  /** The policy folder. */
  readonly policies: string;
  readonly orders: Orders;
  readonly greeter: Greeter;
  readonly weir: WeirProcess;
  readonly envoy: RunningEnvoy;
  /** One request through Envoy; `listener` is `edge` when it is not said. */
  send(request: Sent): Promise<HttpResponse>;
  /** Weir's /metrics as it is now. */
  metrics(): Promise<Metrics>;
  status(): Promise<Status>;
  /** @returns the lines that the log adapter has written so far. */
  lines(): Promise<readonly LogLine[]>;
  /** @returns the first line of a report rule (`policy/rule`) about the request with this `x-case`, once it is written. */
  line(rule: string, name: string): Promise<LogLine>;
}

export type Sent = Omit<RawRequest, "port"> & { readonly listener?: string };

export async function startMesh(options: MeshOptions): Promise<Mesh> {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "weir-e2e-"));
  cleanup.defer(() => rm(dir, { recursive: true, force: true }));
  const logFile = join(dir, "log.jsonl");
  const policies = join(dir, "policies");
  const place = { dir, logFile };
  await (options.install ?? writePolicies)(policies, options.policies(place));
  await installWeir(dir);
  const orders = cleanup.use(await startOrders());
  const greeter = cleanup.use(await startGreeter());
  const weir = await startWeir({ policies, args: options.args?.(place) ?? [] });
  cleanup.defer(async () => void (await weir.stop()));
  const envoy = cleanup.use(
    await envoyWith(envoyOptions(options, weir.grpcPort, orders.port, greeter.port), options.envoyThreads),
  );
  const rest = cleanup.move();
  const lines = (): Promise<readonly LogLine[]> => readLines(logFile);
  return {
    ...{ policies, ...place, orders, greeter, weir, envoy, lines },
    send: ({ listener = EDGE, ...request }) => rawRequest({ ...request, port: envoy.port(listener) }),
    metrics: () => readMetrics(weir.adminUrl),
    status: () => readStatus(weir.adminUrl),
    line: (rule, name) =>
      eventually(`a line of ${rule} about ${name}`, async () =>
        (await lines()).find((line) => line.rule === rule && line.variables["case"] === name),
      ),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** Beside the policy folder, as where somebody installed the package: an adapter in the folder may import the SDK by its name, and zod. */
async function installWeir(dir: string): Promise<void> {
  await mkdir(join(dir, "node_modules"));
  await symlink(inCheckout("."), join(dir, "node_modules", "weir-mesh"));
  await symlink(inCheckout("node_modules/zod"), join(dir, "node_modules", "zod"));
}

const EDGE = "edge";

/** The header by which tests tell their requests apart, in Checks and in the access log. */
export const CASE_HEADER = "x-case";

function envoyOptions(options: MeshOptions, weirPort: number, orders: number, greeter: number): EnvoyOptions {
  const { listeners = [edge()], upstreams = {}, node, weirHost, weirTls, weirCallsPerConnection } = options;
  return {
    weirPort,
    listeners,
    upstreams: { orders: { port: orders }, greeter: { port: greeter, protocol: "h2" }, ...upstreams },
    ...(node ? { node } : {}),
    ...(weirHost ? { weirHost } : {}),
    ...(weirTls ? { weirTls } : {}),
    ...(weirCallsPerConnection ? { weirCallsPerConnection } : {}),
  };
}

/** An HTTP listener in front of both services that says 503, not 403, where Weir could not be asked. */
export function edge(changes: Partial<HttpListener> = {}): HttpListener {
  return {
    kind: "http",
    name: EDGE,
    routes: ROUTES,
    ...changes,
    authz: { statusOnError: 503, ...changes.authz },
    log: { ...changes.log, requestHeaders: [CASE_HEADER, ...(changes.log?.requestHeaders ?? [])] },
  };
}

/** gRPC goes to the greeter, everything else to the orders. */
const ROUTES: HttpListener["routes"] = [
  { name: "greeter", prefix: "/greeter.v1.Greeter/", upstream: "greeter", context: { service: "greeter.test" } },
  { name: "unasked", prefix: "/unasked/", upstream: "orders", authz: "off" },
  { name: "orders", prefix: "/", upstream: "orders", context: { service: "orders.test" } },
];
