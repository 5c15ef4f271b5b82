import type { Registry } from "prom-client";
import { Counter } from "./counter.ts";
import { type Family, readFamily, register, type Sample } from "./family.ts";
import { DurationHistogram } from "./histogram.ts";
import type { Log } from "./log.ts";
import type { MetricsDelta } from "./metrics-delta.ts";
import { privateTally, TALLY, type Tally } from "./tally.ts";
import {
  type HandlerCounts,
  type Telemetry,
  type TelemetryView,
  WORKER_STATES,
  type WorkerLosses,
} from "./telemetry.ts";

/** Weir's own metrics: what the rooms say, and what a scrape looks at. */
export interface Metrics extends Telemetry {
  /** From where a scrape reads what nobody counts. Called once, when the engine is put together. */
  observe(view: TelemetryView): void;
  /** @returns the text of all metrics in Prometheus' exposition format 0.0.4. */
  exposition(): Promise<string>;
  /** @returns what was counted since the last time; it is counted here no more, but where it is absorbed. */
  take(): MetricsDelta;
  absorb(delta: MetricsDelta): void;
}

export interface MetricsOptions {
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly version: string;
  /** Also the process' own: memory, CPU, garbage collection, event loop delay. It keeps timers of prom-client's. */
  readonly process: boolean;
  /** Where decisions and connections are counted besides, for others to see. */
  readonly tally?: Tally;
}

export function createMetrics(options: MetricsOptions): Metrics {
  return new OwnMetrics(options);
}

/** Upper bounds in seconds. A Check that waits for nothing takes tens of microseconds, one that asks a backend milliseconds. */
const CHECK_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

/** How often the delay of the event loop is sampled, in milliseconds; each sample wakes the process. */
const EVENT_LOOP_SAMPLE_MS = 25;

class OwnMetrics implements Metrics {
  /** Opened by the first who needs it: a request thread never does. */
  #registry: Promise<Registry> | undefined;
  readonly #counters = makeCounters();
  readonly #checkSeconds = new DurationHistogram(
    "weir_check_duration_seconds",
    "Time from the arrival of a Check to its decision.",
    "door",
    CHECK_SECONDS,
  );
  readonly #options: MetricsOptions;
  readonly #tally: Tally;
  #view: TelemetryView | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    // Alerts compare with the value before: these are there before the first load.
    this.#counters.snapshotLoads.add(0, "ok");
    this.#counters.snapshotLoads.add(0, "error");
    this.#tally = options.tally ?? privateTally();
    if (options.process) this.#registry = this.#openRegistry();
  }

  observe(view: TelemetryView): void {
    this.#view = view;
  }

  async exposition(): Promise<string> {
    this.#registry ??= this.#openRegistry();
    return (await this.#registry).metrics();
  }

  take(): MetricsDelta {
    const counters = Object.values(this.#counters).map((counter) => [counter.name, counter.take()] as const);
    return { counters: Object.fromEntries(counters), checkSeconds: this.#checkSeconds.take() };
  }

  absorb({ counters, checkSeconds }: MetricsDelta): void {
    for (const counter of Object.values(this.#counters)) {
      for (const { labels, by } of counters[counter.name] ?? []) counter.add(by, ...labels);
    }
    this.#checkSeconds.absorb(checkSeconds);
  }

  decision(door: string, verdict: string, reason: string, tookUs: number): void {
    this.#tally[TALLY.decisions] = (this.#tally[TALLY.decisions] ?? 0) + 1;
    this.#counters.decisions.add(1, door, verdict, reason);
    this.#checkSeconds.observe(door, tookUs / 1_000_000);
  }

  shadow(rule: string, verdict: string, enforced: string): void {
    this.#counters.shadow.add(1, rule, verdict, enforced);
  }

  notAdmitted(why: string): void {
    this.#counters.notAdmitted.add(1, why);
  }

  report(rule: string, what: "skipped" | "failed"): void {
    this.#counters.reports.add(1, rule, what);
  }

  undecodable(door: string): void {
    this.#counters.undecodable.add(1, door);
  }

  skippedEntries(type: string, count: number): void {
    this.#counters.skippedEntries.add(count, type);
  }

  droppedRecords(door: string, why: string, count: number): void {
    this.#counters.droppedRecords.add(count, door, why);
  }

  carriedLeftOut(count: number): void {
    this.#counters.carriedLeftOut.add(count);
  }

  failed(where: string, error: unknown): void {
    this.#counters.bugs.add(1, where);
    this.#options.log.error("a bug of Weir's was caught", { where, error });
  }

  snapshotLoad(result: "ok" | "error"): void {
    this.#counters.snapshotLoads.add(1, result);
  }

  workerEnded(lost: WorkerLosses): void {
    this.#counters.workerEnds.add(1);
    for (const [what, count] of Object.entries(lost)) this.#counters.workerLost.add(count, what);
  }

  workerLate(): void {
    this.#counters.workersLate.add(1);
  }

  recorded(state: "written" | "dropped", count: number): void {
    this.#counters.recorded.add(count, state);
  }

  connection(event: "opened" | "closed" | "refused"): void {
    this.#counters.connections.add(1, event);
    if (event === "refused") return;
    this.#tally[TALLY.connections] = (this.#tally[TALLY.connections] ?? 0) + (event === "opened" ? 1 : -1);
  }

  async #openRegistry(): Promise<Registry> {
    const { collectDefaultMetrics, Registry } = await import("prom-client");
    const registry = new Registry();
    for (const family of [...Object.values(this.#counters), this.#checkSeconds, ...this.#readFamilies()]) {
      register(registry, family);
    }
    if (this.#options.process) {
      collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS });
    }
    return registry;
  }

  connectionEnded(why: string): void {
    this.#counters.connectionsEnded.add(1, why);
  }

  handshakeFailed(why: string): void {
    this.#counters.handshakesFailed.add(1, why);
  }

  certificatesLoaded(result: "ok" | "error"): void {
    this.#counters.certificateLoads.add(1, result);
  }

  #readFamilies(): readonly Family[] {
    const gauge = (name: string, help: string, read: () => readonly Sample[]) => readFamily(name, help, "gauge", read);
    return [
      gauge("weir_snapshot_age_seconds", "Time since the serving snapshot was put in place.", () => {
        const since = this.#view?.snapshotSince();
        return since === undefined ? [] : [bare(Math.max(0, (this.#options.now() - since) / 1000))];
      }),
      gauge("weir_in_flight", "Calls admitted and not yet answered.", () => [bare(this.#view?.inFlight() ?? 0)]),
      gauge("weir_tls_certificate_expiry_timestamp_seconds", "When our certificate expires, since the epoch.", () => {
        const expiresAtMs = this.#view?.certificateExpiry?.();
        return expiresAtMs === undefined ? [] : [bare(expiresAtMs / 1000)];
      }),
      gauge("weir_connections_open", "Connections of the gRPC listener.", () => [
        bare(this.#view?.connections() ?? this.#tally[TALLY.connections] ?? 0),
      ]),
      gauge("weir_workers", "Request threads.", () => workersByState(this.#view)),
      readFamily(
        "weir_records_total",
        "Records per report handler: accepted = delivered + dropped + queued.",
        "counter",
        () => byHandler(this.#view).flatMap(recordStates),
      ),
      gauge("weir_records_queued", "Records that wait for a report handler.", () =>
        byHandler(this.#view).map(({ handler, queued }) => ({ labels: { handler }, value: Number(queued) })),
      ),
      gauge("weir_build_info", "Which Weir this is; always 1.", () => [
        { labels: { version: this.#options.version, node: process.versions.node }, value: 1 },
      ]),
    ];
  }
}

/** One row each. Dashboards and alerts rely on the names: what is here stays. */
function makeCounters() {
  return {
    decisions: new Counter("weir_decisions_total", "Decided Checks.", ["door", "verdict", "reason"]),
    shadow: new Counter(
      "weir_shadow_total",
      "What shadow rules would have made of a request, beside the verdict that was enforced.",
      ["rule", "verdict", "enforced"],
    ),
    snapshotLoads: new Counter("weir_snapshot_loads_total", "Readings of the policy folder.", ["result"]),
    notAdmitted: new Counter("weir_not_admitted_total", "Calls turned away because the engine could not work.", [
      "why",
    ]),
    reports: new Counter(
      "weir_report_rules_total",
      "Records that a report rule skipped (its condition was absent) or of which it made only a part (an error).",
      ["rule", "state"],
    ),
    undecodable: new Counter("weir_undecodable_total", "Messages that are none of their door's.", ["door"]),
    skippedEntries: new Counter(
      "weir_access_log_entries_skipped_total",
      "Entries of access logs that are no end of anything.",
      ["type"],
    ),
    droppedRecords: new Counter("weir_door_records_dropped_total", "Records lost before they were queued.", [
      "door",
      "why",
    ]),
    carriedLeftOut: new Counter(
      "weir_carried_left_out_total",
      "Values too large to travel with a decision to the access log.",
      [],
    ),
    bugs: new Counter("weir_bugs_total", "Exceptions that are bugs of Weir; the log has them with their stacks.", [
      "where",
    ]),
    recorded: new Counter("weir_recorded_messages_total", "Messages written to the recording, or lost to it.", [
      "state",
    ]),
    handshakesFailed: new Counter("weir_tls_handshakes_failed_total", "TLS handshakes that came to nothing.", ["why"]),
    certificateLoads: new Counter("weir_tls_certificate_loads_total", "Changes of the certificate files.", ["result"]),
    workerEnds: new Counter("weir_worker_deaths_total", "Request threads that died.", []),
    workerLost: new Counter("weir_worker_lost_total", "What was lost with request threads that died.", ["what"]),
    workersLate: new Counter(
      "weir_worker_counts_late_total",
      "Scrapes that a request thread was too late for: its newest counts were not in them.",
      [],
    ),
    connections: new Counter("weir_connections_total", "Connections of the gRPC listener.", ["event"]),
    connectionsEnded: new Counter("weir_connections_ended_total", "Connections that were ended from our side.", [
      "why",
    ]),
  };
}

/** Every state is there, so that a thread that changes its own leaves no gap. */
function workersByState(view: TelemetryView | undefined): readonly Sample[] {
  const states = view?.workers() ?? [];
  return WORKER_STATES.map((state) => ({ labels: { state }, value: states.filter((one) => one === state).length }));
}

function bare(value: number): Sample {
  return { labels: {}, value };
}

/** While a snapshot drains, its handler and the one that takes its place have the same name: one series. */
function byHandler(view: TelemetryView | undefined): readonly HandlerCounts[] {
  const sums = new Map<string, HandlerCounts>();
  for (const counts of view?.handlers() ?? []) {
    const before = sums.get(counts.handler);
    sums.set(counts.handler, before === undefined ? counts : sum(before, counts));
  }
  return [...sums.values()];
}

function sum(a: HandlerCounts, b: HandlerCounts): HandlerCounts {
  return {
    handler: a.handler,
    accepted: a.accepted + b.accepted,
    delivered: a.delivered + b.delivered,
    dropped: a.dropped + b.dropped,
    queued: a.queued + b.queued,
  };
}

function recordStates({ handler, accepted, delivered, dropped }: HandlerCounts): readonly Sample[] {
  const states = { accepted, delivered, dropped };
  return Object.entries(states).map(([state, count]) => ({ labels: { handler, state }, value: Number(count) }));
}
