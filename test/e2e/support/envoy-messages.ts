/** Envoy's messages as the tests of a scripted engine write and read them. */
import type { PartialMessage } from "@protobuf-ts/runtime";
import type { HTTPAccessLogEntry, TCPAccessLogEntry } from "#proto/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessage } from "#proto/envoy/service/accesslog/v3/als";
import type { AttributeContext } from "#proto/envoy/service/auth/v3/attribute_context";
import { CheckRequest, CheckResponse, OkHttpResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { Status } from "#proto/google/rpc/status";
import type { Field } from "#proto/weir/wire/v1/struct";
import type { Received } from "../../../deploy/received.ts";
import { lenientReadOptions } from "../../../src/wire/lenient.ts";

const STATUS = { ok: 0, permissionDenied: 7 } as const;

/** @param metadata comes back in the access log. */
export function allowed(ok: PartialMessage<OkHttpResponse> = {}, metadata: Field[] = []): Uint8Array {
  return CheckResponse.toBinary({
    status: Status.create({ code: STATUS.ok }),
    httpResponse: { oneofKind: "okResponse", okResponse: OkHttpResponse.create(ok) },
    dynamicMetadata: { fields: metadata },
  });
}

export function denied(code: number, body: string, metadata: Field[] = []): Uint8Array {
  return CheckResponse.toBinary({
    status: Status.create({ code: STATUS.permissionDenied }),
    httpResponse: { oneofKind: "deniedResponse", deniedResponse: { status: { code }, headers: [], body } },
    dynamicMetadata: { fields: metadata },
  });
}

export function attributesOf(check: Uint8Array): AttributeContext {
  const { attributes } = CheckRequest.fromBinary(check, lenientReadOptions);
  if (attributes === undefined) throw new Error("a Check without attributes");
  return attributes;
}

/** @returns the first HTTP entry that matches, logged already or within the next seconds. */
export function httpEntry(
  logged: Received<Buffer>,
  matches: (entry: HTTPAccessLogEntry) => boolean,
): Promise<HTTPAccessLogEntry> {
  return entry(logged, matches, ({ logEntries }) =>
    logEntries.oneofKind === "httpLogs" ? logEntries.httpLogs.logEntry : [],
  );
}

/** @returns the first TCP entry that matches, logged already or within the next seconds. */
export function tcpEntry(
  logged: Received<Buffer>,
  matches: (entry: TCPAccessLogEntry) => boolean,
): Promise<TCPAccessLogEntry> {
  return entry(logged, matches, ({ logEntries }) =>
    logEntries.oneofKind === "tcpLogs" ? logEntries.tcpLogs.logEntry : [],
  );
}

async function entry<T>(
  logged: Received<Buffer>,
  matches: (entry: T) => boolean,
  entriesOf: (message: StreamAccessLogsMessage) => readonly T[],
): Promise<T> {
  const search = (bytes: Buffer) =>
    entriesOf(StreamAccessLogsMessage.fromBinary(bytes, lenientReadOptions)).find(matches);
  const found = search(await logged.first((bytes) => search(bytes) !== undefined));
  if (found === undefined) throw new Error("a message changed while it was looked at");
  return found;
}
