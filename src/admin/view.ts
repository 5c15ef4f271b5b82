import type { ReportedDiagnostic } from "../diagnostics/render-json.ts";

/** What the admin pages are made of. Functions that return data: where it comes from is not their business. */
export interface AdminView {
  /** Whether requests can be decided, and if not, why. */
  readiness(): Readiness;
  status(): Status;
  /** Weir's own metrics and those of adapters, in Prometheus' text format. */
  metrics(): Promise<string>;
}

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly why: string };

/** `/status`. The names are the same as in metrics, logs and answers. */
export interface Status {
  readonly version: string;
  readonly state: "serving" | "draining";
  /** RFC 3339. */
  readonly startedAt: string;
  /** Where gRPC is served. */
  readonly grpc: string;
  /** The same text as in answers; null before the first good load. */
  readonly snapshot: string | null;
  /** The git commit the folder was at, where it is in git. */
  readonly commit: string | null;
  readonly loadedAt: string | null;
  /** Why the folder as it stands does not serve; null when it does. */
  readonly lastError: LastError | null;
  /** Calls admitted and not yet answered. */
  readonly inFlight: number;
  readonly workers: readonly WorkerView[];
  /** Doors that the snapshot has enabled. */
  readonly doors: readonly string[];
  /** The check doors on which each policy's check and quota rules are evaluated. */
  readonly policies: readonly { readonly policy: string; readonly file: string; readonly doors: readonly string[] }[];
  readonly handlers: readonly HandlerView[];
}

/** One request thread. */
export interface WorkerView {
  /** From 1. */
  readonly thread: number;
  readonly state: string;
  readonly connections: number;
  /** Those among them that were asked to connect anew: each ends with its last call or stream. */
  readonly moving: number;
  readonly inFlight: number;
  /** Calls are refused because there are too many. */
  readonly overloaded: boolean;
  /** In a row: a thread that lives for a minute is forgiven. */
  readonly deaths: number;
}

export interface LastError {
  readonly at: string;
  readonly diagnostics: readonly ReportedDiagnostic[];
}

/** Counts in records: accepted = delivered + dropped + queued. */
export interface HandlerView {
  readonly handler: string;
  readonly adapter: string;
  readonly state: string;
  readonly accepted: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly queued: number;
  readonly lastError: string | null;
}
