import { readFileSync } from "node:fs";
import type { IMessageType } from "@protobuf-ts/runtime";
import { describe, expect, test } from "vitest";
import { StreamAccessLogsMessage } from "#proto/envoy/service/accesslog/v3/als";
import { CheckRequest, CheckResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { hasInvalidBytes, lenientReadOptions } from "../../src/wire/lenient.ts";
import { type Comparison, compareWithJson } from "./proto-json.ts";

const DATA = new URL("../data/envoy-1.40.0/", import.meta.url);

interface Recorded {
  readonly case: string;
  readonly base64: string;
  readonly json: unknown;
}

const checks = recorded("ext_authz.ndjson");
const logs = recorded("als.ndjson");

function recorded(file: string): readonly Recorded[] {
  const lines = readFileSync(new URL(file, DATA), "utf8").trim().split("\n");
  // Our own copies, in the shape that their README describes.
  return lines.map((line) => JSON.parse(line) as Recorded);
}

function decode<T extends object>(type: IMessageType<T>, message: Recorded): T {
  return type.fromBinary(Buffer.from(message.base64, "base64"), lenientReadOptions);
}

function compare<T extends object>(type: IMessageType<T>, message: Recorded): Comparison {
  return compareWithJson(type, decode(type, message), message.json);
}

function recordedCase(messages: readonly Recorded[], name: string): Recorded {
  const found = messages.find((message) => message.case === name);
  if (found === undefined) throw new Error(`no recorded case ${name}`);
  return found;
}

describe("what a real Envoy sent decodes to the JSON beside it", () => {
  test.each(checks)("Check $case", (message) => {
    expect(compare(CheckRequest, message).differences).toEqual([]);
  });

  test.each(logs)("access log $case", (message) => {
    expect(compare(StreamAccessLogsMessage, message).differences).toEqual([]);
  });

  test("and nothing is left out but what we do without", () => {
    expect([...undeclared(CheckRequest, checks), ...undeclared(StreamAccessLogsMessage, logs)]).toEqual([
      "StreamAccessLogsMessage.identifier.node.userAgentBuildVersion",
    ]);
  });

  // The numbers of all other fields are proven by the recordings; these were compared with upstream's by hand.
  test("and only these fields are in no recorded message", () => {
    expect(neverSeen()).toEqual({
      "envoy.config.core.v3.Address.envoy_internal_address": 3,
      "envoy.config.core.v3.EnvoyInternalAddress.endpoint_id": 2,
      "envoy.config.core.v3.EnvoyInternalAddress.server_listener_name": 1,
      "envoy.config.core.v3.Locality.sub_zone": 3,
      "envoy.config.core.v3.Metadata.typed_filter_metadata": 2,
      "envoy.config.core.v3.SocketAddress.named_port": 4,
      "envoy.config.core.v3.SocketAddress.protocol": 1,
      "envoy.data.accesslog.v3.AccessLogCommon.connection_termination_details": 25,
      "envoy.data.accesslog.v3.AccessLogCommon.sample_rate": 1,
      "envoy.data.accesslog.v3.HTTPRequestProperties.port": 4,
      "envoy.data.accesslog.v3.HTTPRequestProperties.referer": 7,
      "envoy.data.accesslog.v3.ResponseFlags.delay_injected": 10,
      "envoy.data.accesslog.v3.ResponseFlags.dns_resolution_failure": 27,
      "envoy.data.accesslog.v3.ResponseFlags.downstream_protocol_error": 19,
      "envoy.data.accesslog.v3.ResponseFlags.downstream_remote_reset": 28,
      "envoy.data.accesslog.v3.ResponseFlags.duration_timeout": 23,
      "envoy.data.accesslog.v3.ResponseFlags.failed_local_healthcheck": 1,
      "envoy.data.accesslog.v3.ResponseFlags.fault_injected": 11,
      "envoy.data.accesslog.v3.ResponseFlags.invalid_envoy_request_headers": 18,
      "envoy.data.accesslog.v3.ResponseFlags.local_reset": 4,
      "envoy.data.accesslog.v3.ResponseFlags.no_cluster_found": 25,
      "envoy.data.accesslog.v3.ResponseFlags.no_filter_config_found": 22,
      "envoy.data.accesslog.v3.ResponseFlags.no_route_found": 9,
      "envoy.data.accesslog.v3.ResponseFlags.overload_manager": 26,
      "envoy.data.accesslog.v3.ResponseFlags.response_from_cache_filter": 21,
      "envoy.data.accesslog.v3.ResponseFlags.stream_idle_timeout": 17,
      "envoy.data.accesslog.v3.ResponseFlags.upstream_max_stream_duration_reached": 20,
      "envoy.data.accesslog.v3.ResponseFlags.upstream_overflow": 8,
      "envoy.data.accesslog.v3.ResponseFlags.upstream_protocol_error": 24,
      "envoy.data.accesslog.v3.ResponseFlags.upstream_remote_reset": 5,
      "envoy.data.accesslog.v3.ResponseFlags.upstream_retry_limit_exceeded": 16,
      "envoy.data.accesslog.v3.TLSProperties.CertificateProperties.SubjectAltName.dns": 2,
      "envoy.service.auth.v3.AttributeContext.HttpRequest.fragment": 8,
      "envoy.service.auth.v3.AttributeContext.HttpRequest.query": 7,
      "google.rpc.Status.details": 3,
    });
  });
});

function undeclared<T extends object>(type: IMessageType<T>, messages: readonly Recorded[]): Set<string> {
  return new Set(messages.flatMap((message) => [...compare(type, message).undeclared]));
}

/** The fields that nothing recorded has, with their numbers. */
function neverSeen(): Record<string, number> {
  const seen = new Set([
    ...checks.flatMap((message) => [...compare(CheckRequest, message).compared]),
    ...logs.flatMap((message) => [...compare(StreamAccessLogsMessage, message).compared]),
    ...answers().flatMap((message) => [...compare(CheckResponse, message).compared]),
  ]);
  const types = [CheckRequest, StreamAccessLogsMessage, CheckResponse].reduce(
    withInner,
    new Set<IMessageType<object>>(),
  );
  const fields = [...types].flatMap((type) =>
    type.fields.map(({ name, no }): [string, number] => [`${type.typeName}.${name}`, no]),
  );
  return Object.fromEntries(fields.filter(([name]) => !seen.has(name)));
}

/** The type and all that it is made of, but for those with a JSON form of their own. */
function withInner(types: Set<IMessageType<object>>, type: IMessageType<object>): Set<IMessageType<object>> {
  if (types.has(type) || /^(google\.protobuf|weir\.wire)\./.test(type.typeName)) return types;
  types.add(type);
  for (const field of type.fields) if (field.kind === "message") withInner(types, field.T());
  return types;
}

describe("what Envoy accepted as our answer", () => {
  const rows = answers();

  test("is there", () => {
    expect(rows.length).toBeGreaterThan(100);
  });

  test.each(rows)("$case decodes to the message it was made from and encodes to the same meaning", (row) => {
    expect(compare(CheckResponse, row).differences).toEqual([]);
    expect(compare(CheckResponse, row).undeclared).toEqual(new Set());
    const encoded = CheckResponse.toBinary(decode(CheckResponse, row));
    expect(CheckResponse.fromBinary(encoded, lenientReadOptions)).toEqual(decode(CheckResponse, row));
  });
});

function answers(): readonly Recorded[] {
  interface Row {
    readonly case: string;
    readonly answers?: { readonly check?: { readonly message?: unknown; readonly payload_base64?: string } };
  }
  // Our own copy, of which these keys are read.
  const rows = JSON.parse(readFileSync(new URL("behaviour.json", DATA), "utf8")) as readonly Row[];
  return rows.flatMap((row) => {
    const { message, payload_base64 } = row.answers?.check ?? {};
    // Some rows answer with bytes that are no message; one keeps the beginning of a long one.
    const whole = message !== undefined && row.case !== "hdr-64k-value";
    return payload_base64 === undefined || !whole ? [] : [{ case: row.case, base64: payload_base64, json: message }];
  });
}

describe("what clients can do to a message", () => {
  test("headers called `__proto__` and `constructor` are headers", () => {
    const { attributes } = decode(CheckRequest, recordedCase(checks, "hdr-proto-keys"));
    const headers = new Map(attributes?.request?.http?.headers.map(({ key, value }) => [key, value]));
    expect(headers.get("__proto__")).toBe("x");
    expect(headers.get("constructor")).toBe("y");
  });

  test("bytes that are not UTF-8 spoil the value they are in and nothing else", () => {
    const { attributes } = decode(CheckRequest, recordedCase(checks, "rl-request-headers-non-utf8"));
    const fields = attributes?.metadataContext?.filterMetadata.flatMap(({ value }) => value?.fields ?? []) ?? [];
    const texts = fields.flatMap(({ key, value }) =>
      value?.kind.oneofKind === "stringValue" ? [[key, value.kind.stringValue] as const] : [],
    );
    const byKey = new Map(texts);
    expect(byKey.get("plan")).toBe("free");
    expect(byKey.get("tenant")).toMatch(/^caf[\udc80-\udcff]{2}$/u);
    expect([...byKey.values()].filter(hasInvalidBytes)).toHaveLength(1);
  });

  test("a message cut anywhere is read or refused with an Error", () => {
    const bytes = Buffer.from(recordedCase(checks, "hdr-proto-keys").base64, "base64");
    for (let length = 0; length < bytes.length; length++) {
      const failure = attempt(() => CheckRequest.fromBinary(bytes.subarray(0, length), lenientReadOptions));
      expect([undefined, expect.any(Error)]).toContainEqual(failure);
    }
  });
});

function attempt(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
