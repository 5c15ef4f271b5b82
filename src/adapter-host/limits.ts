/** How long and how much. Milliseconds where nothing else is said. */
export interface HostLimits {
  /** Loading an adapter's module. */
  readonly loadMs: number;
  /** Checking one config. */
  readonly configMs: number;
  readonly openMs: number;
  /** One delivery, before its signal is aborted. */
  readonly deliveryMs: number;
  /** What a delivery gets after its signal was aborted; then it is given up. */
  readonly graceMs: number;
  /** An answer to `ask`. Well below the 200 ms that Envoy waits for all of a Check by default. */
  readonly askMs: number;
  /** An answer of a quota handler. */
  readonly quotaMs: number;
  readonly expositionMs: number;
  /** How long a scrape waits until a handler has been given what was reported before, in milliseconds. */
  readonly catchUpMs: number;
  /** Delivering what is queued when a handler is replaced. */
  readonly drainMs: number;
  readonly closeMs: number;
  /** Records in one delivery. */
  readonly batchRecords: number;
  /** Deliveries that were given up and have not ended: with so many a handler gets nothing until one of them does. */
  readonly abandonedDeliveries: number;
  /** Questions to one handler that it has not answered: with so many the next one is `unavailable` at once. */
  readonly openQuestions: number;
  /** One handler's text for /metrics, in UTF-16 units. */
  readonly expositionLength: number;
  /** Bytes of `shared` memory that the handlers of one name may have. */
  readonly sharedBytes: number;
}

export const DEFAULT_LIMITS: HostLimits = {
  loadMs: 10_000,
  configMs: 5_000,
  openMs: 10_000,
  deliveryMs: 10_000,
  graceMs: 1_000,
  askMs: 100,
  quotaMs: 100,
  expositionMs: 2_000,
  catchUpMs: 500,
  drainMs: 10_000,
  closeMs: 5_000,
  batchRecords: 500,
  abandonedDeliveries: 4,
  openQuestions: 1_000,
  expositionLength: 64 * 1024 * 1024,
  sharedBytes: 256 * 1024 * 1024,
};
