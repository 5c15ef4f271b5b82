import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { CheckRequest, CheckResponse } from "#proto/weir/v1/check";
import { ReportRequest, ReportResponse } from "#proto/weir/v1/report";
import type { QuotaAnswer, QuotaRequest } from "../../src/adapter/templates.ts";
import { Invalid } from "../../src/attribute/value.ts";
import { systemClock } from "../../src/engine/system-clock.ts";
import { valueToProto } from "../../src/server/value-codec.ts";
import { packPlan } from "../../src/snapshot/packed-plan.ts";
import { createMetrics, logTo } from "../../src/telemetry/index.ts";
import { privateTally } from "../../src/telemetry/tally.ts";
import type { ThreadView } from "../../src/workers/request-service.ts";
import type { RequestSettings } from "../../src/workers/request-side.ts";
import { type Spawn, spawnThread } from "../../src/workers/spawn.ts";
import { Supervisor } from "../../src/workers/supervisor.ts";
import { NotingHandlers, planOf } from "../engine/folder.ts";
import { parseExposition } from "../exposition/parse.ts";

export interface ServiceOptions {
  readonly threads: number;
  readonly spawn?: Spawn;
  readonly settings?: Partial<RequestSettings>;
  /** Added to the clock of the supervisor. */
  readonly laterMs?: () => number;
}

/** Request threads under a supervisor, without the rest of the process: policies and handlers are the test's. */
export class Service implements AsyncDisposable {
  readonly supervisor: Supervisor;
  readonly metrics;
  /** What was logged, as it was written. */
  readonly lines: string[] = [];
  /** Snapshots whose handlers were closed. */
  readonly retired: string[] = [];
  readonly recorded: { readonly path: string }[] = [];
  /** Report instances that were lost on the way. */
  lost = 0;
  abandoned = false;
  /** Threads started so far. */
  births = 0;
  port = 0;
  #address = "";

  constructor({ threads, spawn = spawnThread, settings, laterMs = () => 0 }: ServiceOptions) {
    const tally = privateTally();
    const clock = systemClock();
    const line = (text: string): void => void this.lines.push(text);
    const log = logTo("debug", { write: line });
    this.metrics = createMetrics({ log, now: () => Date.now(), version: "test", process: false, tally });
    this.supervisor = new Supervisor({
      threads,
      spawn: (data) => {
        this.births += 1;
        return spawn(data);
      },
      abandoned: () => {
        this.abandoned = true;
      },
      settings: {
        grpc: { kind: "tcp", host: "127.0.0.1", port: 0 },
        insecure: false,
        limits: {},
        tls: undefined,
        maxInFlight: 1_000,
        idPrefix: "t",
        ...settings,
      },
      metrics: this.metrics,
      tally,
      log,
      logLevel: "debug",
      line,
      lost: (_, instances) => {
        this.lost += instances;
      },
      clock: { ...clock, monotonicMs: () => clock.monotonicMs() + laterMs() },
      recording: { write: (message) => void this.recorded.push(message), close: async () => undefined },
      masks: () => undefined,
      retired: (snapshot) => void this.retired.push(snapshot),
    });
    this.metrics.observe({
      snapshotSince: () => undefined,
      inFlight: () => this.supervisor.inFlight,
      connections: () => this.threads().reduce((sum, { connections }) => sum + connections, 0),
      workers: () => this.threads().map(({ state }) => state),
      handlers: () => [],
    });
  }

  /** Publishes a first snapshot and takes connections. */
  async start(id: string, handlers = new CountingHandlers()): Promise<CountingHandlers> {
    await this.publish(id, handlers);
    const listening = await this.supervisor.listen();
    if ("problem" in listening) throw new Error(listening.problem);
    this.#address = listening.address;
    this.port = Number(listening.address.slice(listening.address.lastIndexOf(":") + 1));
    return handlers;
  }

  publish(id: string, handlers = new CountingHandlers()): Promise<void> {
    return this.supervisor.publisher.publish(packPlan(planOf(filesFor(id), id)), handlers);
  }

  threads(): readonly ThreadView[] {
    return this.supervisor.threads();
  }

  allServe(): boolean {
    return this.threads().every(({ state }) => state === "serving");
  }

  connect(): Caller {
    return new Caller(this.#address);
  }

  /** Sum of the samples of a metric of which the labels hold these. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const samples = parseExposition(await this.metrics.exposition()).get(name)?.samples ?? [];
    const fitting = samples.filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return fitting.reduce((sum, { value }) => sum + value, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.supervisor.drain(1_000);
    await this.supervisor.close();
  }
}

/** Every answer of a snapshot names a rule that no other snapshot has. */
function filesFor(id: string): Readonly<Record<string, string>> {
  return {
    "weir.yaml": "doors:\n  weir: { requires: [request.method] }\n",
    "handlers.yaml":
      "handlers:\n  - handler: counters\n    adapter: memory-quota\n  - handler: written\n    adapter: log\n  - handler: asked\n    adapter: list\n",
    "p.yaml": `policy: p
check:
  - allow: ${id}
    when: request.method == "GET"
  - ask: listed
    handler: asked
    value: request.path
    raw-path: true
    when: has(request.path)
    on-unavailable: deny
quota:
  - limit: twenty
    handler: counters
    max: 20
    every: 1h
    on-unavailable: deny
    when: request.headers.get("x-charge", "") != ""
report:
  - logentry: done
    handlers: [written]
    message: done
    variables:
      method: request.method
`,
  };
}

/** Grants no more than `max`, to whomever asks. */
export class CountingHandlers extends NotingHandlers {
  granted = 0;
  override charge = (request: QuotaRequest): QuotaAnswer => {
    const [charge] = request.charges;
    if (charge === undefined || request.operation === "give-back") return { kind: "granted", grants: [] };
    if (this.granted >= Number(charge.max))
      return { kind: "refused", refusals: [{ charge: 0, remaining: 0n, retryAfterMs: 1_000 }] };
    this.granted += 1;
    return {
      kind: "granted",
      grants: [{ granted: 1n, remaining: charge.max - BigInt(this.granted), resetAfterMs: 1 }],
    };
  };
}

export type Answered =
  | { readonly kind: "answered"; readonly message: CheckResponse; readonly life: string }
  | { readonly kind: "failed"; readonly code: number; readonly details: string };

/** One client with a connection of its own. */
export class Caller {
  readonly #client: Client;

  constructor(address: string) {
    // Clients of one process would share a connection. What a client has not sent yet when it hears that its connection moves, it refuses itself
    // and sends by the next one: that is left to the library. A call that a server had is tried once.
    const options = {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 50,
    };
    this.#client = new Client(`dns:${address}`, credentials.createInsecure(), options);
  }

  check({ charge = false, ask = false, deadlineMs = 5_000 } = {}): Promise<Answered> {
    const given = new Map<string, Parameters<typeof valueToProto>[0]>([["request.method", "GET"]]);
    if (charge) given.set("request.headers", new Map([["x-charge", "1"]]));
    if (ask) given.set("request.path", "/");
    const request = CheckRequest.create({
      attributes: [...given].map(([name, value]) => ({ name, value: protoOf(value) })),
    });
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        "/weir.v1.Weir/Check",
        (message: CheckRequest) => Buffer.from(CheckRequest.toBinary(message)),
        (bytes) => CheckResponse.fromBinary(bytes),
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, message) => {
          if (message) resolve({ kind: "answered", message, life: message.decisionId.split("-", 1)[0] ?? "" });
          else resolve({ kind: "failed", code: error?.code ?? -1, details: error?.details ?? "" });
        },
      );
    });
  }

  report(request: ReportRequest): Promise<ReportResponse | { readonly code: number; readonly details: string }> {
    return new Promise((resolve) => {
      this.#client.makeUnaryRequest(
        "/weir.v1.Weir/Report",
        (message: ReportRequest) => Buffer.from(ReportRequest.toBinary(message)),
        (bytes) => ReportResponse.fromBinary(bytes),
        request,
        new Metadata(),
        { deadline: Date.now() + 5_000 },
        (error, message) => resolve(message ?? { code: error?.code ?? -1, details: error?.details ?? "" }),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}

function protoOf(value: Parameters<typeof valueToProto>[0]) {
  const proto = valueToProto(value);
  if (proto instanceof Invalid) throw new Error(proto.reason);
  return proto;
}
