import { getHeapStatistics } from "node:v8";
import type { EngineClock } from "../engine/engine.ts";
import { Live } from "../engine/live.ts";
import { LivePublisher, type Publisher, type Retired } from "../engine/publisher.ts";
import { Reporter } from "../report/reporter.ts";
import { ReportIds } from "../server/report-ids.ts";
import type { SettingsPlan } from "../snapshot/plan.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Log, LogLevel, Metrics } from "../telemetry/index.ts";
import { TALLY, type Tally } from "../telemetry/tally.ts";
import type { WorkerState } from "../telemetry/telemetry.ts";
import type { Recording } from "../traffic/index.ts";
import type { TlsMaterial } from "../wire/tls-material.ts";
import { FLUSH_EVERY_MS, type RequestSettings, RequestSide } from "./request-side.ts";

/** Where requests are answered, as the rest of the process sees it: in this thread, or in several. */
export interface RequestService {
  /** Gets them what they answer by. */
  readonly publisher: Publisher;
  /** Requests admitted and not yet answered. */
  readonly inFlight: number;
  /** What the heap of a thread that answers holds, garbage included; that of the fullest. */
  readonly heapBytes: number;
  threads(): readonly ThreadView[];
  /** Takes requests, once something was published. @returns the address with the real port, or in words for people why not. */
  listen(): Promise<{ readonly address: string } | { readonly problem: string }>;
  /** From the next handshake on these certificates count. */
  useCertificates(material: TlsMaterial): void;
  /** Resolves when what was counted and reported until now has arrived here; for a scrape. */
  flush(): Promise<void>;
  /** No new calls; resolves when those in flight were answered, or `graceMs` later were cut off. */
  drain(graceMs: number): Promise<void>;
  /** Hands on what was reported last. */
  close(): Promise<void>;
}

/** One request thread, as `/status` shows it. */
export interface ThreadView {
  readonly thread: number;
  readonly state: WorkerState;
  readonly connections: number;
  /** Those among them that were asked to connect anew: each ends with its last call or stream. */
  readonly moving: number;
  readonly inFlight: number;
  /** Calls are refused because there are too many. */
  readonly overloaded: boolean;
  /** In a row. */
  readonly deaths: number;
}

export interface RequestServiceOptions {
  readonly settings: RequestSettings;
  readonly metrics: Metrics;
  /** Of this thread, and what the metrics count into. */
  readonly tally: Tally;
  readonly log: Log;
  readonly logLevel: LogLevel;
  /** Writes a line that is made elsewhere to the log. */
  readonly line: (line: string) => void;
  /** Counts report instances that did not reach a handler: accepted and dropped. */
  readonly lost: (handler: string, instances: number) => void;
  readonly clock: EngineClock;
  readonly recording: Recording | undefined;
  readonly masks: () => SettingsPlan | undefined;
  readonly retired: Retired;
}

/** One request thread, and it is this one. */
export function serveInThread(options: RequestServiceOptions): RequestService {
  const { metrics, retired, clock } = options;
  const live = new Live<Snapshot>();
  const reporter = new Reporter(metrics);
  const side = new RequestSide({
    ...options,
    live,
    reporter,
    telemetry: metrics,
    claims: new ReportIds(() => clock.monotonicMs()),
  });
  const flushing = setInterval(() => reporter.flush(), FLUSH_EVERY_MS);
  flushing.unref();
  return {
    publisher: new LivePublisher({ live, reporter, retired }),
    get inFlight() {
      return side.engine.inFlight;
    },
    get heapBytes() {
      return getHeapStatistics().used_heap_size;
    },
    threads: () => [
      {
        thread: 1,
        state: "serving",
        connections: options.tally[TALLY.connections] ?? 0,
        moving: side.moving,
        inFlight: side.engine.inFlight,
        overloaded: side.overloaded,
        deaths: 0,
      },
    ],
    listen: () => side.listen(),
    useCertificates: (material) => side.useCertificates(material),
    async flush() {
      reporter.flush();
    },
    drain: (graceMs) => side.drain(graceMs),
    async close() {
      clearInterval(flushing);
      await side.close();
    },
  };
}
