import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AccessLogCommon,
  HTTPAccessLogEntry,
  HTTPRequestProperties,
  HTTPResponseProperties,
} from "#proto/envoy/data/accesslog/v3/accesslog";
import { StreamAccessLogsMessage } from "#proto/envoy/service/accesslog/v3/als";
import { CheckRequest as AuthCheckRequest } from "#proto/envoy/service/auth/v3/external_auth";
import { type AttributeValue, NullValue, type Value } from "#proto/weir/v1/attribute";
import { CheckRequest } from "#proto/weir/v1/check";
import { ReportRequest } from "#proto/weir/v1/report";
import { CheckBatchRequest } from "#proto/weir/v1/stream";
import type { Struct } from "#proto/weir/wire/v1/struct";
import { lenientReadOptions } from "../wire/lenient.ts";
import { encodeReport } from "../wire/report-encoder.ts";
import { maskMessage } from "./mask-message.ts";
import { MaskRules } from "./mask-rules.ts";

const CHECK = "/envoy.service.auth.v3.Authorization/Check";
const LOGS = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs";
const WEIR_CHECK = "/weir.v1.Weir/Check";
const WEIR_REPORT = "/weir.v1.Weir/Report";

const DATA = new URL("../../test/data/envoy-1.40.0/", import.meta.url);
const checks = recorded("ext_authz.ndjson");
const logs = recorded("als.ndjson");

interface Recorded {
  readonly case: string;
  readonly bytes: Buffer;
}

function recorded(file: string): readonly Recorded[] {
  return readFileSync(new URL(file, DATA), "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const { case: name, base64 } = JSON.parse(line);
      return { case: name, bytes: Buffer.from(base64, "base64") };
    });
}

const JWT = { namespace: "envoy.filters.http.jwt_authn", key: "jwt" };
const NAMES = [
  "request.headers.authorization",
  "request.headers.cookie",
  "request.headers.user-agent",
  "response.headers.set-cookie",
  "response.trailers.x-secret",
  "request.auth.claims.email",
  "request.auth.claims.address.street",
  "request.auth.subject",
  "request.query.token",
  "request.body",
  "context.secret",
  "log.tags.secret",
  "metadata.my.filter.key",
  "xds.route_metadata.routes",
  "source.principal",
];

function rules(...mask: readonly string[]): MaskRules {
  return new MaskRules({ mask, jwt: JWT });
}

/** A secret that stands nowhere else, and is found wherever it stands. */
const CANARY = "CANARY-7f3a9c";
const canaryStars = "*".repeat(CANARY.length);

/** The bytes as they should come out: each canary overwritten, nothing else touched. */
function overwritten(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replaceAll(CANARY, canaryStars), "latin1");
}

const textValue = (stringValue: string) => ({ kind: { oneofKind: "stringValue", stringValue } }) as const;
const structOf = (key: string, value: Struct["fields"][number]["value"]): Struct => ({
  fields: [value ? { key, value } : { key }],
});

const CLAIMS: Struct = {
  fields: [
    { key: "email", value: textValue(CANARY) },
    { key: "sub", value: textValue(CANARY) },
    { key: "iss", value: textValue("issuer") },
    {
      key: "address",
      value: {
        kind: {
          oneofKind: "structValue",
          structValue: structOf("street", {
            kind: { oneofKind: "listValue", listValue: { values: [textValue(CANARY)] } },
          }),
        },
      },
    },
  ],
};

const METADATA = {
  filterMetadata: [
    { key: JWT.namespace, value: structOf(JWT.key, { kind: { oneofKind: "structValue", structValue: CLAIMS } }) },
    {
      key: "my.filter",
      value: {
        fields: [
          { key: "key", value: textValue(CANARY) },
          { key: "other", value: textValue("kept") },
        ],
      },
    },
  ],
  typedFilterMetadata: [],
};

/** A message that is a valid part of a Check: behind another one it is merged into it. */
const PLANTED_CHECK = AuthCheckRequest.toBinary(
  AuthCheckRequest.create({
    attributes: {
      source: { principal: CANARY },
      request: {
        http: {
          path: `/a?x=1&token=${CANARY}&%74oken=${CANARY}&tokens=kept`,
          query: `token=${CANARY}`,
          body: CANARY,
          rawBody: Buffer.from(CANARY),
          headers: [
            { key: "authorization", value: CANARY },
            { key: ":path", value: `/a?token=${CANARY}` },
            { key: "x-envoy-original-path", value: `/a?token=${CANARY}&kept=1#kept` },
            { key: "authorization-kept", value: "kept" },
            { key: "__proto__", value: "kept" },
          ],
          headerMap: {
            headers: [
              { key: "Cookie", value: CANARY, rawValue: new Uint8Array() },
              { key: "cookie", value: "", rawValue: Buffer.from(CANARY) },
            ],
          },
        },
      },
      contextExtensions: [{ key: "secret", value: CANARY }],
      metadataContext: METADATA,
      routeMetadataContext: { filterMetadata: [{ key: "routes", value: structOf("any", textValue(CANARY)) }] },
    },
  }),
);

/** Complete, since what is merged into an entry behind it is another entry. */
const PLANTED_ENTRY = HTTPAccessLogEntry.create({
  commonProperties: AccessLogCommon.create({
    metadata: METADATA,
    customTags: [{ key: "secret", value: CANARY }],
    tlsProperties: {
      tlsSniHostname: "kept",
      peerCertificateProperties: { subjectAltName: [{ san: { oneofKind: "uri", uri: CANARY } }] },
    },
  }),
  request: HTTPRequestProperties.create({
    path: `/up?token=${CANARY}`,
    originalPath: `/a?token=${CANARY}`,
    referer: `https://a/b?token=${CANARY}`,
    userAgent: CANARY,
    requestHeaders: [{ key: "cookie", value: CANARY }],
  }),
  response: HTTPResponseProperties.create({
    responseHeaders: [{ key: "set-cookie", value: CANARY }],
    responseTrailers: [{ key: "x-secret", value: CANARY }],
  }),
});

const PLANTED_LOG = StreamAccessLogsMessage.toBinary(
  StreamAccessLogsMessage.create({
    logEntries: { oneofKind: "httpLogs", httpLogs: { logEntry: [PLANTED_ENTRY] } },
  }),
);

describe("in a recording", () => {
  test("no message that a real Envoy sent is changed where nothing is masked", () => {
    for (const { case: name, bytes } of checks)
      expect(maskMessage(CHECK, bytes, rules()).equals(bytes), name).toBe(true);
    for (const { case: name, bytes } of logs) expect(maskMessage(LOGS, bytes, rules()).equals(bytes), name).toBe(true);
  });

  // `user-agent` and the like are in what Envoy sent as well: byte for byte equal only with what is in the canaries alone.
  test.each(checks)("each canary planted into Check $case is overwritten", ({ bytes }) => {
    const planted = Buffer.concat([bytes, PLANTED_CHECK]);
    const masked = maskMessage(CHECK, planted, rules(...NAMES));
    expect(masked.includes(CANARY)).toBe(false);
    expect(masked.length).toBe(planted.length);
    expect(masked.subarray(bytes.length).equals(overwritten(Buffer.from(PLANTED_CHECK)))).toBe(true);
    expect(() => AuthCheckRequest.fromBinary(masked.subarray(bytes.length))).not.toThrow();
  });

  test.each(logs)("each canary planted into access log $case is overwritten", ({ bytes }) => {
    const planted = Buffer.concat([bytes, PLANTED_LOG]);
    const masked = maskMessage(LOGS, planted, rules(...NAMES));
    expect(masked.includes(CANARY)).toBe(false);
    expect(masked.subarray(bytes.length).equals(overwritten(Buffer.from(PLANTED_LOG)))).toBe(true);
  });

  test("what a real client sent in masked headers is gone, and the rest of its message is as it was", () => {
    const secrets = checks.flatMap(({ bytes }) => {
      const { attributes } = AuthCheckRequest.fromBinary(bytes, lenientReadOptions);
      const headers = attributes?.request?.http?.headers ?? [];
      return headers
        .filter(({ key, value }) => key === "authorization" && value !== "")
        .map(({ value }) => ({ bytes, value }));
    });
    expect(secrets.length).toBeGreaterThan(0);
    for (const { bytes, value } of secrets) {
      const masked = maskMessage(CHECK, bytes, rules("request.headers.authorization"));
      const stars = "*".repeat(value.length);
      expect(masked.toString("latin1")).toBe(bytes.toString("latin1").replaceAll(value, stars));
    }
  });

  test("every claim is masked where the mask names them all", () => {
    const masked = maskMessage(CHECK, PLANTED_CHECK, rules("request.auth.claims")).toString("latin1");
    expect(masked).not.toContain("issuer");
    expect(masked).toContain("iss");
  });

  test("bytes that are no message are overwritten from where they stop being one", () => {
    const good = Buffer.from(
      AuthCheckRequest.toBinary(
        AuthCheckRequest.create({ attributes: { contextExtensions: [{ key: "a", value: "b" }] } }),
      ),
    );
    const torn = Buffer.concat([good, Buffer.from([0x0a, 0x7f]), Buffer.from(CANARY)]);
    const masked = maskMessage(CHECK, torn, rules());
    expect(masked.subarray(0, good.length).equals(good)).toBe(true);
    expect(masked.includes(CANARY)).toBe(false);
    expect(masked.length).toBe(torn.length);
  });

  test("on a stream, a check is masked as it is alone, and so is a report", () => {
    const attribute = (name: string, string: string) =>
      ({ name, value: { kind: { oneofKind: "string", string } } }) as const;
    const check = CheckRequest.create({
      attributes: [attribute("source.principal", CANARY), attribute("request.method", "GET")],
    });
    const batch = Buffer.from(CheckBatchRequest.toBinary({ items: [{ id: 1n }, { id: 2n, check }] }));
    expect(maskMessage("/weir.v1.Weir/CheckStream", batch, rules("source.principal"))).toEqual(overwritten(batch));
    const report = Buffer.from(
      ReportRequest.toBinary(encodeReport([new Map([["source.principal", attribute("", CANARY).value]])], "")),
    );
    expect(maskMessage("/weir.v1.Weir/ReportStream", report, rules("source.principal"))).toEqual(overwritten(report));
  });

  test("a message of a door without a table is overwritten as a whole", () => {
    expect(maskMessage("/new.Door/Call", Buffer.from(CANARY), rules()).toString()).toBe(canaryStars);
  });

  test("whatever the bytes are, their number stays and nothing throws", () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const path = fc.constantFrom(CHECK, LOGS, WEIR_CHECK, WEIR_REPORT);
    fc.assert(
      fc.property(path, bytes, (at, odd) => {
        expect(maskMessage(at, odd, rules(...NAMES)).length).toBe(odd.length);
      }),
    );
  });

  test("a message that Envoy could have sent, cut or changed anywhere, shows no canary of which the place is still known", () => {
    // A changed byte may turn a header's name into another one; its value is then no secret. A cut never does.
    for (let length = 0; length <= PLANTED_CHECK.length; length++) {
      expect(maskMessage(CHECK, PLANTED_CHECK.subarray(0, length), rules(...NAMES)).includes(CANARY)).toBe(false);
    }
  });
});

describe("in a recording of the native API", () => {
  const nested = (value: Value): AttributeValue => ({ kind: { oneofKind: "nested", nested: value } });
  const text = (string: string): AttributeValue => ({ kind: { oneofKind: "string", string } });
  const inner: Value = {
    kind: {
      oneofKind: "map",
      map: {
        entries: [
          { key: "email", value: { kind: { oneofKind: "string", string: CANARY } } },
          { key: "none", value: { kind: { oneofKind: "null", null: NullValue.UNSPECIFIED } } },
          {
            key: "sub",
            value: {
              kind: { oneofKind: "list", list: { items: [{ kind: { oneofKind: "string", string: CANARY } }] } },
            },
          },
          { key: "kept", value: { kind: { oneofKind: "int64", int64: 7n } } },
        ],
      },
    },
  };
  const ATTRIBUTES: ReadonlyMap<string, AttributeValue> = new Map([
    ["request.method", text("GET")],
    ["request.path", text(`/a?token=${CANARY}&x=kept`)],
    ["request.body", text(CANARY)],
    ["request.raw_body", { kind: { oneofKind: "bytes", bytes: Buffer.from(CANARY) } }],
    [
      "request.headers",
      {
        kind: {
          oneofKind: "stringMap",
          stringMap: {
            entries: [
              { key: "Authorization", value: CANARY },
              { key: "accept", value: "kept" },
              { key: "cookie", value: CANARY },
            ],
          },
        },
      },
    ],
    ["request.auth.claims", nested(inner)],
    ["my.list", { kind: { oneofKind: "stringList", stringList: { items: [CANARY, CANARY] } } }],
  ]);
  const native = rules(...NAMES, "request.raw_body", "my.list");

  test("what is masked of a Check is overwritten, and nothing else", () => {
    const attributes = [...ATTRIBUTES].map(([name, value]) => ({ name, value }));
    const bytes = Buffer.from(CheckRequest.toBinary(CheckRequest.create({ attributes })));
    const masked = maskMessage(WEIR_CHECK, bytes, native);
    expect(masked.toString("latin1")).toBe(overwritten(bytes).toString("latin1"));
  });

  test("what is masked of a Report is overwritten in its dictionary, and nothing else", () => {
    const other = new Map([
      ...ATTRIBUTES,
      ["request.method", text("POST")],
      ["request.body", text(`${CANARY}!`)],
    ] as const);
    const bytes = Buffer.from(ReportRequest.toBinary(encodeReport([ATTRIBUTES, other], "")));
    const masked = maskMessage(WEIR_REPORT, bytes, native);
    expect(masked.includes(CANARY)).toBe(false);
    const expected = overwritten(bytes).toString("latin1").replace(`${canaryStars}!`, `${canaryStars}*`);
    expect(masked.toString("latin1")).toBe(expected);
    expect(ReportRequest.fromBinary(masked).records).toHaveLength(2);
  });

  test("a word that names an attribute stays readable, whatever else it is a value of", () => {
    const named = new Map([
      ["request.method", text("GET")],
      ["request.body", text("request.method")],
    ]);
    const bytes = Buffer.from(ReportRequest.toBinary(encodeReport([named], "")));
    expect(maskMessage(WEIR_REPORT, bytes, native).equals(bytes)).toBe(true);
  });
});
