import type { HandlerIssue, HandlerSet, HandlerSpec } from "../snapshot/handler-set.ts";

export type { HandlerIssue, HandlerSet, HandlerSpec } from "../snapshot/handler-set.ts";

/**
 * Runs adapters: loads the modules named in the config, checks their brand and API version, validates their config where they run,
 * opens, reuses and closes them. Only data crosses this interface.
 */
export interface HandlerHost {
  /** Loads and validates without opening: what `weir validate` needs. `issues` have paths into `config`. */
  validate(specs: readonly HandlerSpec[]): Promise<readonly HandlerIssue[]>;
  /**
   * Opens the handlers of a new snapshot, reusing those whose signature is equal. The old set goes on until `retire`. On any issue
   * nothing that was opened here stays open.
   */
  open(specs: readonly HandlerSpec[]): Promise<HandlerSet | { readonly issues: readonly HandlerIssue[] }>;
  /** Counts report instances for a handler that were lost on their way to it: accepted, and dropped. */
  lost(handler: string, instances: number): void;
  /** Every handler that is open, with its queue. */
  status(): readonly HandlerStatus[];
  /** Delivers what is queued (bounded by `deadlineMs`), then closes every handler exactly once. */
  close(deadlineMs: number): Promise<void>;
}

export interface HandlerStatus {
  readonly handler: string;
  readonly adapter: string;
  readonly state: "open" | "failed" | "closed";
  /** Exact: accepted = delivered + dropped + queued. In records. */
  readonly accepted: bigint;
  readonly delivered: bigint;
  readonly dropped: bigint;
  readonly queued: bigint;
  readonly lastError?: string;
}
