import {
  AccessLogType,
  type HTTPAccessLogEntry,
  type TCPAccessLogEntry,
} from "#proto/envoy/data/accesslog/v3/accesslog";
import {
  type StreamAccessLogsMessage_Identifier as Identifier,
  StreamAccessLogsMessage,
  StreamAccessLogsResponse,
} from "#proto/envoy/service/accesslog/v3/als";
import { type BoundReaders, readerSource } from "../attribute/readers.ts";
import { ABSENT, Duration, type Outcome, Timestamp } from "../attribute/value.ts";
import type { Engine } from "../engine/engine.ts";
import type { ReportRecord } from "../report/record.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { Call, StreamDoor, StreamHandler } from "../wire/door.ts";
import { lenientReadOptions } from "../wire/lenient.ts";
import { ACCESS_LOG_READERS, accessLogReader } from "./access-log-attributes.ts";
import type { DoorDeps, DropReason } from "./door-deps.ts";
import { durationOf, timestampOf } from "./envoy-values.ts";
import { GrantTable } from "./grants.ts";
import { type LogContext, LoggedEntry } from "./logged-entry.ts";
import { perSnapshot } from "./per-snapshot.ts";

export const ACCESS_LOG_PATH = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";

/**
 * Envoy's access log. Envoy expects no answer and repeats nothing, so that an entry is taken or lost, and a lost one is counted: overload
 * cannot be told to a stream without losing what Envoy has in its buffer too. A message that is none is counted and the stream goes on.
 * Nothing is kept of a message but the identifier of a stream's first one; how large a message may be is the wire's limit.
 */
export function accessLogDoor(engine: Engine, deps: DoorDeps): StreamDoor {
  const boundOf = perSnapshot(bind);
  return {
    kind: "stream",
    path: ACCESS_LOG_PATH,
    open: (call) => new LogStream(engine, deps, call, boundOf),
  };
}

/** What this door works out once for a snapshot. */
interface Bound {
  readonly readers: BoundReaders<LoggedEntry>;
  readonly grants: GrantTable;
}

function bind(snapshot: Snapshot): Bound {
  return { readers: snapshot.plan.slots.map(accessLogReader), grants: new GrantTable(snapshot) };
}

const ACKNOWLEDGED = { kind: "message", bytes: StreamAccessLogsResponse.toBinary({}) } as const;

class LogStream implements StreamHandler {
  readonly #engine: Engine;
  readonly #deps: DoorDeps;
  readonly #call: Call;
  readonly #boundOf: (snapshot: Snapshot) => Bound;
  #identifier: Identifier | undefined;

  constructor(engine: Engine, deps: DoorDeps, call: Call, boundOf: (snapshot: Snapshot) => Bound) {
    this.#engine = engine;
    this.#deps = deps;
    this.#call = call;
    this.#boundOf = boundOf;
  }

  message(bytes: Uint8Array): void {
    const message = decode(bytes);
    if (message === undefined) {
      this.#deps.events.undecodable("access-log");
      return;
    }
    this.#identifier = message.identifier ?? this.#identifier;
    const ended = this.#ended(message);
    if (ended.length > 0) this.#take(ended);
  }

  end(): typeof ACKNOWLEDGED {
    return ACKNOWLEDGED;
  }

  cancel(): void {
    // Every message was taken or counted when it came: nothing is left to do.
  }

  /** Entries of what has ended; the others are counted by type. */
  #ended({ logEntries }: StreamAccessLogsMessage): readonly Ended[] {
    const others = new Map<string, number>();
    const ended: Ended[] = [];
    for (const entry of entriesOf(logEntries)) {
      const type = typeOf(entry);
      if (ENDS.has(type)) ended.push(entry);
      else others.set(AccessLogType[type] ?? "unknown", (others.get(AccessLogType[type] ?? "unknown") ?? 0) + 1);
    }
    for (const [type, count] of others) this.#deps.events.skippedEntries(type, count);
    return ended;
  }

  #take(ended: readonly Ended[]): void {
    const admission = this.#engine.admit();
    if (!admission.ok) {
      this.#drop(admission.why, ended.length);
      return;
    }
    try {
      this.#report(admission.snapshot, ended);
    } catch (error) {
      this.#deps.events.failed("access-log", error);
      this.#drop("failed", ended.length);
    } finally {
      admission.release();
    }
  }

  #report(snapshot: Snapshot, ended: readonly Ended[]): void {
    if (snapshot.door("access-log") === undefined) {
      this.#drop("door-off", ended.length);
      return;
    }
    const { readers, grants } = this.#boundOf(snapshot);
    const { report, proxy } = grants.of(this.#call.peer);
    if (!report || !proxy) {
      this.#drop("not-granted", ended.length);
      return;
    }
    const { pathParams } = snapshot.plan.settings;
    const context: LogContext = { peer: this.#call.peer, identifier: this.#identifier, pathParams };
    const records = ended.map((entry) => recordOf(new LoggedEntry(entry, context), readers, this.#deps));
    if (this.#engine.report(snapshot, records) === "overloaded") this.#drop("overload", ended.length);
  }

  #drop(why: DropReason, count: number): void {
    this.#deps.events.droppedRecords("access-log", why, count);
  }
}

type Ended = { readonly http: HTTPAccessLogEntry } | { readonly tcp: TCPAccessLogEntry };

/** The others tell of the same request again, or of no request at all. */
const ENDS: ReadonlySet<AccessLogType> = new Set([AccessLogType.DownstreamEnd, AccessLogType.TcpConnectionEnd]);

/** @returns undefined for what is no StreamAccessLogsMessage. */
function decode(bytes: Uint8Array): StreamAccessLogsMessage | undefined {
  try {
    return StreamAccessLogsMessage.fromBinary(bytes, lenientReadOptions);
  } catch {
    // The runtime's only way to say that the bytes are no message; the caller counts it.
    return undefined;
  }
}

function entriesOf(entries: StreamAccessLogsMessage["logEntries"]): readonly Ended[] {
  switch (entries.oneofKind) {
    case "httpLogs":
      return entries.httpLogs.logEntry.map((http) => ({ http }));
    case "tcpLogs":
      return entries.tcpLogs.logEntry.map((tcp) => ({ tcp }));
    case undefined:
      return [];
  }
}

function typeOf(entry: Ended): AccessLogType {
  const { commonProperties } = "http" in entry ? entry.http : entry.tcp;
  return commonProperties?.accessLogType ?? AccessLogType.NotSet;
}

function recordOf(entry: LoggedEntry, readers: BoundReaders<LoggedEntry>, { epochNanos }: DoorDeps): ReportRecord {
  const start = timestampOf(entry.common?.startTime);
  const duration = durationOf(entry.common?.duration);
  const startNanos = start instanceof Timestamp ? start.nanos : undefined;
  const endNanos = startNanos !== undefined && duration instanceof Duration ? startNanos + duration.nanos : undefined;
  const traceparent = entry.requestHeaders.get("traceparent");
  return {
    door: "access-log",
    source: readerSource(readers, entry),
    derive: false,
    timeNanos: endNanos ?? startNanos ?? epochNanos(),
    startNanos,
    endNanos,
    traceparent: typeof traceparent === "string" ? traceparent : undefined,
    error: hasFailed(entry),
  };
}

/** What the log cannot say cannot have failed, except a response that was never sent. */
function hasFailed(entry: LoggedEntry): boolean {
  const verdict = entry.decided("verdict");
  if (verdict !== ABSENT && verdict !== "allowed") return true;
  if (entry.common?.responseFlags?.unauthorizedDetails !== undefined) return true;
  if (entry.http === undefined) return readOf("response.flags", entry) !== 0n;
  const code = readOf("response.code", entry);
  const grpc = readOf("response.grpc_status", entry);
  return code === ABSENT || (typeof code === "bigint" && code >= 500n) || (typeof grpc === "bigint" && grpc !== 0n);
}

function readOf(name: "response.code" | "response.flags" | "response.grpc_status", entry: LoggedEntry): Outcome {
  // These readers give plain values; only maps are held otherwise.
  return (ACCESS_LOG_READERS.get(name)?.(entry) ?? ABSENT) as Outcome;
}
