import { ReportRequest, ReportResponse } from "#proto/weir/v1/report";
import { type Bag, bagSource } from "../attribute/bag.ts";
import { Duration, Timestamp, Uint } from "../attribute/value.ts";
import type { Engine } from "../engine/engine.ts";
import type { ReportRecord } from "../report/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { type Call, type Reply, STATUS, type StatusCode, type UnaryDoor } from "../wire/door.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { turnedAway, whileAdmitted } from "./admitted.ts";
import type { DoorDeps } from "./door-deps.ts";
import { type Grants, GrantTable } from "./grants.ts";
import { perSnapshot } from "./per-snapshot.ts";
import { decodeReport } from "./report-codec.ts";
import { type Claimed, MAX_REPORT_ID_LENGTH, reportKey } from "./report-ids.ts";
import { admitBag, declaredTypes, textIn } from "./weir-attributes.ts";

const WEIR_REPORT_PATH = "/weir.v1.Weir/Report";

/** The native API's Report. Answered when all records are queued, or refused with none of them taken. */
export function weirReportDoor(report: NativeReport): UnaryDoor {
  return {
    kind: "unary",
    path: WEIR_REPORT_PATH,
    handle(bytes, call) {
      const reported = report(bytes, call);
      return reported instanceof Promise ? reported.then(replyOf) : replyOf(reported);
    },
  };
}

function replyOf({ answer }: Reported): Reply {
  return "accepted" in answer ? { kind: "message", bytes: ReportResponse.toBinary(answer) } : answer;
}

/** Takes the records of a ReportRequest, all of them or none. Never throws, never rejects. */
export type NativeReport = (bytes: Uint8Array, call: Call) => Reported | Promise<Reported>;

export interface Reported {
  /** As the message had it; "" where it could not be read. */
  readonly reportId: string;
  readonly answer: ReportResponse | Refusal;
}

type Refusal = Extract<Reply, { kind: "status" }>;

/** What a Report is, whether it came alone or on a stream. What came the one way is remembered when it is repeated the other. */
export function nativeReport(engine: Engine, deps: DoorDeps): NativeReport {
  const boundOf = perSnapshot(bind);
  return (bytes, call) => {
    const admission = engine.admit();
    if (!admission.ok) return { reportId: "", answer: turnedAway(admission) };
    const { snapshot } = admission;
    return whileAdmitted<Reported>(
      admission,
      () => take(bytes, call, { engine, snapshot, ...boundOf(snapshot), deps }),
      (error) => {
        deps.events.failed("weir", error);
        return fail("", STATUS.internal, "a bug of the engine's, which has been logged");
      },
    );
  };
}

/** What this door works out once for a snapshot. */
interface Bound {
  readonly declared: ReturnType<typeof declaredTypes>;
  readonly grants: GrantTable;
}

function bind(snapshot: Snapshot): Bound {
  return { declared: declaredTypes(snapshot), grants: new GrantTable(snapshot) };
}

interface Taking extends Bound {
  readonly engine: Engine;
  readonly snapshot: Snapshot;
  readonly deps: DoorDeps;
}

function fail(reportId: string, code: StatusCode, message: string): Reported {
  return { reportId, answer: { kind: "status", code, message } };
}

function take(bytes: Uint8Array, call: Call, taking: Taking): Reported | Promise<Reported> {
  const { snapshot, deps } = taking;
  if (snapshot.door("weir") === undefined) return fail("", STATUS.failedPrecondition, "door `weir` is not enabled");
  const grants = taking.grants.of(call.peer);
  if (!grants.report) return fail("", STATUS.permissionDenied, "to report needs the grant `report`");
  const request = decode(bytes);
  if (request === undefined) {
    deps.events.undecodable("weir");
    return fail("", STATUS.invalidArgument, "the message is no weir.v1.ReportRequest");
  }
  const { reportId } = request;
  if (reportId.length > MAX_REPORT_ID_LENGTH)
    return fail("", STATUS.invalidArgument, `\`report_id\` is longer than ${MAX_REPORT_ID_LENGTH}`);
  const records = recordsOf(request, call, grants, taking);
  if (typeof records === "string") return fail(reportId, STATUS.invalidArgument, records);
  if (reportId === "") return queue(reportId, records, undefined, taking);
  const claimed = deps.claims.claim(reportKey(call.peer, reportId), records.length);
  return claimed instanceof Promise
    ? claimed.then((settled) => takeOnce(reportId, records, settled, taking))
    : takeOnce(reportId, records, claimed, taking);
}

function takeOnce(
  reportId: string,
  records: readonly ReportRecord[],
  claimed: Claimed | "unavailable",
  taking: Taking,
): Reported {
  if (claimed === "unavailable")
    return fail(
      reportId,
      STATUS.unavailable,
      "whether it was taken before cannot be told now, nothing was: send it again",
    );
  if (claimed.before !== undefined) return { reportId, answer: { accepted: claimed.before, alreadyAccepted: true } };
  return queue(reportId, records, claimed, taking);
}

function queue(
  reportId: string,
  records: readonly ReportRecord[],
  claimed: Claimed | undefined,
  { engine, snapshot }: Taking,
): Reported {
  if (engine.report(snapshot, records) === "queued")
    return { reportId, answer: { accepted: records.length, alreadyAccepted: false } };
  claimed?.undo();
  return fail(reportId, STATUS.resourceExhausted, "overloaded, nothing was taken: send it again");
}

/** @returns undefined for what is no ReportRequest. */
function decode(bytes: Uint8Array): ReportRequest | undefined {
  try {
    return ReportRequest.fromBinary(bytes, lenientReadOptions);
  } catch {
    // The runtime's only way to say that the bytes are no message: the caller is told.
    return undefined;
  }
}

/** @returns the records, or in plain words why none of them is taken. */
function recordsOf(
  request: ReportRequest,
  { peer }: Call,
  grants: Grants,
  { snapshot, declared, deps }: Taking,
): readonly ReportRecord[] | string {
  const decoded = decodeReport(request, deps.limits.maxAttributes);
  if (!decoded.ok) return decoded.problem;
  const { pathParams } = snapshot.plan.settings;
  const admits = { use: "report", grants, peer, declared, pathParams } as const;
  const records: ReportRecord[] = [];
  for (const [index, sent] of decoded.records.entries()) {
    const admitted = admitBag(sent, admits);
    if (!admitted.ok) return `record ${index}: ${admitted.problem}`;
    records.push(recordOf(admitted.bag, snapshot, deps));
  }
  return records;
}

function recordOf(bag: Bag, snapshot: Snapshot, { epochNanos }: DoorDeps): ReportRecord {
  const start = bag.get("request.time");
  const duration = bag.get("request.duration");
  const startNanos = start instanceof Timestamp ? start.nanos : undefined;
  const endNanos = startNanos !== undefined && duration instanceof Duration ? startNanos + duration.nanos : undefined;
  return {
    door: "weir",
    source: bagSource(bag, snapshot.slots),
    derive: true,
    timeNanos: endNanos ?? startNanos ?? epochNanos(),
    startNanos,
    endNanos,
    traceparent: textIn(bag, "request.headers", "traceparent"),
    error: hasFailed(bag),
  };
}

const FIRST_SERVER_ERROR = 500n;

function hasFailed(bag: Bag): boolean {
  const verdict = textIn(bag, "check.verdict");
  const code = wholeNumber(bag, "response.code");
  const grpc = wholeNumber(bag, "response.grpc_status");
  return (
    (verdict !== undefined && verdict !== "allowed") ||
    (code !== undefined && code >= FIRST_SERVER_ERROR) ||
    (grpc !== undefined && grpc !== 0n)
  );
}

function wholeNumber(bag: Bag, name: string): bigint | undefined {
  const value = bag.get(name);
  if (value instanceof Uint) return value.value;
  return typeof value === "bigint" ? value : undefined;
}
