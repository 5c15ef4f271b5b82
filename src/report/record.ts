import type { AttributeSource } from "../attribute/source.ts";
import type { DoorName } from "../policy/authored.ts";

/** One thing that happened, to be measured, logged and traced. */
export interface ReportRecord {
  readonly door: DoorName;
  readonly source: AttributeSource;
  /** Whether derived attributes are evaluated over the source (native API) or read from it (access log: carried from the decision). */
  readonly derive: boolean;
  /** For log entries and as the end of spans: when it happened, nanoseconds since the epoch. */
  readonly timeNanos: bigint;
  /** Start and end of a span, when known. */
  readonly startNanos: bigint | undefined;
  readonly endNanos: bigint | undefined;
  /** The W3C `traceparent` header of the request, as it came. */
  readonly traceparent: string | undefined;
  /** The request failed (HTTP 5xx, gRPC error status, refusal): spans say so. */
  readonly error: boolean;
}
