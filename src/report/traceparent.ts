/** The caller's place in a trace, from the W3C header `traceparent`. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT =
  /^(?<version>[0-9a-f]{2})-(?<trace>[0-9a-f]{32})-(?<span>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<rest>-.*)?$/u;
const ZERO_TRACE = "0".repeat(32);
const ZERO_SPAN = "0".repeat(16);
const SAMPLED = 0x01;

/** @returns undefined for a header that is not there or not valid; source: W3C Trace Context, section 3.2. */
export function parseTraceparent(header: string | undefined): TraceParent | undefined {
  const groups = header === undefined ? undefined : TRACEPARENT.exec(header.trim())?.groups;
  const { version, trace, span, flags, rest } = groups ?? {};
  if (version === undefined || trace === undefined || span === undefined || flags === undefined) return undefined;
  // Later versions may append fields, version 00 may not; ff is forbidden.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (trace === ZERO_TRACE || span === ZERO_SPAN) return undefined;
  return { traceId: trace, spanId: span, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}
