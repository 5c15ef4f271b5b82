import { ACCESS_LOGS_MESSAGE, AUTH_CHECK_REQUEST } from "./envoy-messages.ts";
import type { MaskRules } from "./mask-rules.ts";
import { fill } from "./protobuf-walk.ts";
import type { Visit } from "./visits.ts";
import { CHECK_BATCH_REQUEST, CHECK_REQUEST, REPORT_REQUEST } from "./weir-messages.ts";

/** What comes in by which gRPC path. To record another door: its message's table, and its row here. */
const MESSAGES: Readonly<Record<string, { readonly door: string; readonly visit: Visit }>> = {
  "/envoy.service.auth.v3.Authorization/Check": { door: "ext-authz", visit: AUTH_CHECK_REQUEST },
  "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs": { door: "access-log", visit: ACCESS_LOGS_MESSAGE },
  "/weir.v1.Weir/Check": { door: "weir", visit: CHECK_REQUEST },
  "/weir.v1.Weir/CheckStream": { door: "weir", visit: CHECK_BATCH_REQUEST },
  "/weir.v1.Weir/Report": { door: "weir", visit: REPORT_REQUEST },
  "/weir.v1.Weir/ReportStream": { door: "weir", visit: REPORT_REQUEST },
};

/** @returns the name of the door behind a gRPC path; the path itself where none is known. */
export function doorAt(path: string): string {
  return MESSAGES[path]?.door ?? path;
}

/** @returns a copy of the message in which what is masked is overwritten by `*`, byte for byte. Of a message without a table, all of it. */
export function maskMessage(path: string, bytes: Uint8Array, rules: MaskRules): Buffer {
  const copy = Buffer.from(bytes);
  const whole = { start: 0, end: copy.length };
  const row = MESSAGES[path];
  if (row) row.visit(copy, whole, rules);
  else fill(copy, whole);
  return copy;
}
