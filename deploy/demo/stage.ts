import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { obtainEnvoy } from "../envoy/obtain.ts";
import { inCheckout } from "../root.ts";
import { startGreeter } from "../services/greeter.ts";
import { startOrders } from "../services/orders.ts";
import { startWeir, type WeirProcess } from "../weir-process.ts";
import { startEnvoySidecar } from "./envoy-sidecar.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.ts";
import type { Sidecar } from "./sidecar.ts";
import { startStandIn } from "./stand-in.ts";
import { makeMint, type TokenMint } from "./tokens.ts";

/** Everything the demo runs, on free ports of loopback; disposing of it ends everything it started. */
export interface Stage extends AsyncDisposable {
  /** A copy of `policies/` with the demo's own handlers: edited while it serves. */
  readonly policies: string;
  /** What the log adapter writes. */
  readonly logFile: string;
  readonly weir: WeirProcess;
  readonly tracing: OtlpReceiver;
  readonly sidecar: Sidecar;
  readonly mint: TokenMint;
}

/** Envoy was required and cannot be had; the message is one sentence with the way out. */
export class EnvoyRequired extends Error {}

export async function setStage(say: (line: string) => void, env: NodeJS.ProcessEnv): Promise<Stage> {
  await using cleanup = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "weir-demo-"));
  cleanup.defer(() => rm(dir, { recursive: true, force: true }));
  const tracing = await startOtlpReceiver();
  cleanup.defer(() => tracing.stop());
  const orders = cleanup.use(await startOrders());
  const greeter = cleanup.use(await startGreeter());
  const policies = join(dir, "policies");
  const logFile = join(dir, "audit.log");
  await preparePolicies(policies, { LOG_FILE: logFile, OTLP_ENDPOINT: tracing.endpoint });
  const weir = await startWeir({ policies });
  cleanup.defer(async () => void (await weir.stop()));
  const mint = makeMint(Date.now());
  const services = { orders: orders.port, greeter: greeter.port };
  const envoy = await obtainEnvoy({ cacheDir: inCheckout(".cache/envoy"), log: say, env });
  if (!envoy.ok && env["WEIR_DEMO_ENVOY"] === "required") throw new EnvoyRequired(envoy.why);
  if (!envoy.ok) say(`${envoy.why}; going on with a small built-in stand-in.`);
  const sidecar = cleanup.use(
    envoy.ok
      ? await startEnvoySidecar({ binary: envoy.path, weirPort: weir.grpcPort, services, mint, dir })
      : startStandIn({ weirPort: weir.grpcPort, services }),
  );
  const rest = cleanup.move();
  return { policies, logFile, weir, tracing, sidecar, mint, [Symbol.asyncDispose]: () => rest.disposeAsync() };
}

/** The example policies, and over them the demo's own files with their `${…}` filled in. */
async function preparePolicies(to: string, values: Readonly<Record<string, string>>): Promise<void> {
  await cp(inCheckout("policies"), to, { recursive: true });
  await cp(inCheckout("deploy/demo/policies"), to, { recursive: true });
  const handlers = join(to, "handlers.yaml");
  const text = await readFile(handlers, "utf8");
  await writeFile(
    handlers,
    text.replace(/\$\{(\w+)\}/gu, (whole, name: string) => values[name] ?? whole),
  );
}
