import { randomBytes } from "node:crypto";
import { createHandlerHost, createModuleSource } from "../adapter-host/index.ts";
import { metricsPage, type RunningAdmin, startAdmin } from "../admin/index.ts";
import type { Diagnostic, Sources } from "../diagnostics/diagnostic.ts";
import type { EngineClock } from "../engine/engine.ts";
import type { FolderCompiler } from "../engine/folder-compiler.ts";
import { type Runtime, retirementLog, startRuntime } from "../engine/runtime.ts";
import { systemClock } from "../engine/system-clock.ts";
import { createMetrics, type Log, type LogLevel, type Metrics } from "../telemetry/index.ts";
import { privateTally } from "../telemetry/tally.ts";
import { openRecording, type Recording } from "../traffic/index.ts";
import type { Address } from "../wire/address.ts";
import type { WireLimits } from "../wire/limits.ts";
import type { TlsClients } from "../wire/tls.ts";
import { openTlsFiles, type TlsFiles } from "../wire/tls-files.ts";
import type { TlsMaterial, TlsPaths } from "../wire/tls-material.ts";
import { Collector } from "../workers/collect-garbage.ts";
import { type RequestService, type RequestServiceOptions, serveInThread } from "../workers/request-service.ts";
import type { RequestSettings } from "../workers/request-side.ts";
import { spawnThread } from "../workers/spawn.ts";
import { Supervisor } from "../workers/supervisor.ts";
import { boundGarbage, letYoungHeapGrow } from "./heap.ts";
import { statusOf } from "./status.ts";

export interface ServingOptions {
  readonly policies: string;
  readonly grpc: Address;
  readonly admin: Extract<Address, { kind: "tcp" }>;
  readonly metricsAddress?: Extract<Address, { kind: "tcp" }>;
  readonly record?: string;
  readonly maxInFlight: number;
  /** Of the folder of policies. */
  readonly compiler: FolderCompiler;
  readonly graceMs: number;
  readonly insecure: boolean;
  /** Those that are not the defaults. */
  readonly limits: Partial<WireLimits>;
  /** Undefined: no TLS. */
  readonly tls?: TlsPaths & { readonly clients: TlsClients };
  /** Request threads; with one it is this thread. */
  readonly workers: number;
  readonly log: Log;
  readonly logLevel: LogLevel;
  /** Writes a line to the log that is made elsewhere. */
  readonly line: (line: string) => void;
  readonly version: string;
}

/** The line that is printed when it serves. */
export interface ServingLine {
  readonly weir: "serving";
  readonly grpc: string;
  readonly admin: string;
  /** Only with `--metrics-address`. */
  readonly metrics?: string;
  readonly snapshot: string;
}

export type Serving =
  /** `abandoned` resolves when nobody answers requests any more, although nobody asked for it to end. */
  | { readonly kind: "serving"; readonly line: ServingLine; readonly abandoned: Promise<void>; stop(): Promise<void> }
  | { readonly kind: "invalid-policy"; readonly diagnostics: readonly Diagnostic[]; readonly sources: Sources }
  /** `usage`: what was asked for makes no sense, rather than that it could not be done. */
  | { readonly kind: "problem"; readonly problem: string; readonly usage: boolean };

/** How long the engine may take to let go of requests that were cut off, and handlers to close. Milliseconds. */
const CLOSE_LIMIT_MS = 8_000;

/** Puts a whole Weir together and serves. Whatever was opened before something failed is closed again. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { log, version } = options;
  const clock = systemClock();
  const tally = privateTally();
  const metrics = createMetrics({ log, now: () => Date.now(), version, process: true, tally });
  const recording = await openRecordingIfAsked(options, metrics, clock);
  if (recording !== undefined && "problem" in recording) return { kind: "problem", usage: true, ...recording };
  const certificates = await openCertificatesIfAsked(options, metrics);
  if (certificates !== undefined && "problem" in certificates) {
    await recording?.close();
    return { kind: "problem", usage: true, ...certificates };
  }
  let runtime: Runtime | undefined;
  const host = createHandlerHost({ resolve: createModuleSource({ folder: options.policies }), log });
  const abandoned = Promise.withResolvers<void>();
  const requests = openRequests(options, abandoned.resolve, {
    settings: settingsOf(options, certificates),
    metrics,
    tally,
    log,
    logLevel: options.logLevel,
    line: options.line,
    lost: (handler, instances) => host.lost(handler, instances),
    clock,
    recording,
    masks: () => runtime?.loaded?.settings,
    retired: retirementLog(log),
  });
  const started = await startRuntime({
    compiler: options.compiler,
    host,
    publisher: requests.publisher,
    telemetry: metrics,
    log,
    now: () => Date.now(),
  });
  if ("failure" in started) {
    await requests.close();
    await recording?.close();
    return { kind: "invalid-policy", ...started.failure };
  }
  runtime = started;
  // Nobody is served yet.
  new Collector().allOfMuch();
  letYoungHeapGrow();
  boundGarbage(() => requests.heapBytes);
  return new Assembly({
    options,
    runtime,
    requests,
    metrics,
    recording,
    certificates,
    abandoned: abandoned.promise,
  }).open();
}

function openRequests(
  { workers }: ServingOptions,
  abandoned: () => void,
  options: RequestServiceOptions,
): RequestService {
  if (workers === 1) return serveInThread(options);
  return new Supervisor({ ...options, threads: workers, spawn: spawnThread, abandoned });
}

function settingsOf(options: ServingOptions, certificates: TlsFiles | undefined): RequestSettings {
  const { grpc, insecure, limits, maxInFlight } = options;
  const tls = certificates && { material: certificates.current, clients: options.tls?.clients ?? "require" };
  return { grpc, insecure, limits, tls, maxInFlight, idPrefix: randomBytes(ID_BYTES).toString("hex") };
}

/** Enough that no two processes behind one load balancer begin their decision ids alike. */
const ID_BYTES = 5;

function openRecordingIfAsked({ record, log }: ServingOptions, metrics: Metrics, clock: EngineClock) {
  if (record === undefined) return undefined;
  return openRecording({ file: record, log, telemetry: metrics, epochNanos: () => clock.epochNanos() });
}

function openCertificatesIfAsked({ tls, log }: ServingOptions, telemetry: Metrics) {
  return tls && openTlsFiles({ paths: tls, log, telemetry, now: () => Date.now() });
}

interface Parts {
  readonly options: ServingOptions;
  readonly runtime: Runtime;
  readonly requests: RequestService;
  readonly metrics: Metrics;
  readonly recording: Recording | undefined;
  readonly certificates: TlsFiles | undefined;
  readonly abandoned: Promise<void>;
}

/** Everything that is open while it serves, and the order in which it goes. */
class Assembly {
  readonly #options: ServingOptions;
  readonly #runtime: Runtime;
  readonly #requests: RequestService;
  readonly #metrics: Metrics;
  readonly #recording: Recording | undefined;
  readonly #certificates: TlsFiles | undefined;
  readonly #ending = new AbortController();
  #watching: Promise<void> | undefined;
  readonly #abandoned: Promise<void>;
  readonly #admins: RunningAdmin[] = [];
  readonly #startedAt = new Date();
  #grpc = "";
  #draining = false;

  constructor({ options, runtime, requests, metrics, recording, certificates, abandoned }: Parts) {
    this.#options = options;
    this.#runtime = runtime;
    this.#requests = requests;
    this.#metrics = metrics;
    this.#recording = recording;
    this.#certificates = certificates;
    this.#abandoned = abandoned;
  }

  async open(): Promise<Serving> {
    const runtime = this.#runtime;
    this.#metrics.observe({
      snapshotSince: () => runtime.loaded?.loadedAt,
      inFlight: () => this.#requests.inFlight,
      connections: () => this.#requests.threads().reduce((sum, { connections }) => sum + connections, 0),
      workers: () => this.#requests.threads().map(({ state }) => state),
      handlers: () => runtime.handlers(),
      certificateExpiry: () => this.#certificates?.current.expiresAtMs,
    });
    const server = await this.#requests.listen();
    if ("problem" in server) return this.#giveUp(server.problem);
    this.#grpc = server.address;
    const publish = (material: TlsMaterial): void => this.#requests.useCertificates(material);
    this.#watching = this.#certificates?.watch(publish, this.#ending.signal);
    const admin = await this.#openAdmin("admin", this.#options.admin);
    if ("problem" in admin) return this.#giveUp(admin.problem);
    const { metricsAddress } = this.#options;
    const metrics = metricsAddress && (await this.#openAdmin("metrics", metricsAddress));
    if (metrics && "problem" in metrics) return this.#giveUp(metrics.problem);
    const line: ServingLine = {
      weir: "serving",
      grpc: server.address,
      admin: admin.address,
      ...(metrics ? { metrics: metrics.address } : {}),
      snapshot: runtime.loaded?.id ?? "",
    };
    return { kind: "serving", line, abandoned: this.#abandoned, stop: () => this.#stop() };
  }

  async #openAdmin(audience: "admin" | "metrics", { host, port }: { host: string; port: number }) {
    const { log } = this.#options;
    const admin = await startAdmin({
      host,
      port,
      audience,
      log,
      view: {
        readiness: () => (this.#draining ? { ready: false, why: "shutting down" } : { ready: true }),
        status: () => this.#status(),
        metrics: () => this.#metricsPage(),
      },
    });
    if (!("problem" in admin)) this.#admins.push(admin);
    return admin;
  }

  #status() {
    return statusOf({
      runtime: this.#runtime,
      inFlight: this.#requests.inFlight,
      workers: this.#requests.threads(),
      version: this.#options.version,
      draining: this.#draining,
      startedAt: this.#startedAt,
      grpc: this.#grpc,
    });
  }

  async #metricsPage(): Promise<string> {
    await this.#requests.flush();
    const adapters = await this.#runtime.exposition();
    const own = await this.#metrics.exposition();
    return metricsPage(own, adapters, (metric) =>
      this.#options.log.warn("a metric of an adapter has the name of one of Weir's own and is not shown", { metric }),
    );
  }

  async #giveUp(problem: string): Promise<Serving> {
    await this.#stop();
    return { kind: "problem", problem, usage: false };
  }

  /** Not ready, then no new calls, then the answers to those in flight, then what was reported, and the admin pages last of all. */
  async #stop(): Promise<void> {
    const { log, graceMs } = this.#options;
    this.#draining = true;
    log.info("shutting down", { inFlight: this.#requests.inFlight, graceMs });
    this.#ending.abort();
    await this.#watching;
    await this.#requests.drain(graceMs);
    await inTime(this.#close(), CLOSE_LIMIT_MS, () => log.warn("shutting down: handlers did not close in time"));
    await this.#recording?.close();
    for (const admin of this.#admins) await admin.close();
    log.info("stopped");
  }

  async #close(): Promise<void> {
    await this.#runtime.stopWatching();
    await this.#requests.close();
    await this.#runtime.close();
  }
}

/** Waits for `work`, but no longer than `ms`. */
async function inTime(work: Promise<void>, ms: number, late: () => void): Promise<void> {
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    late();
    limit.resolve();
  }, ms);
  await Promise.race([work, limit.promise]);
  clearTimeout(timer);
}
