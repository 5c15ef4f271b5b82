import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { TraceSpan, Value } from "weir-mesh/adapter";
import { conformanceCases, openForTest } from "weir-mesh/adapter/testing";
import * as z from "zod";
import adapter from "./index.ts";

/** OTLP/HTTP with JSON, as the specification has it: ids in hex, 64-bit numbers as text, kinds and codes as numbers. */
const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const body = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes: z.array(attribute),
              status: z.object({ code: z.number() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

/** A collector on a free port; `status` undefined never answers. */
async function collector(status: number | undefined = 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({ path: request.url ?? "", headers: request.headers, text: Buffer.concat(chunks).toString() });
      if (status !== undefined) response.writeHead(status, { "content-type": "application/json" }).end("{}");
    });
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { received, endpoint: `http://127.0.0.1:${address.port}` };
}

const good = await (async () => {
  const server = createServer(
    (request, response) => void request.resume().on("end", () => response.writeHead(200).end("{}")),
  );
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
})();

describe("keeps the promises of an adapter", () => {
  const cases = conformanceCases({
    adapter,
    config: () => ({ endpoint: good }),
    refused: [
      { config: {}, path: ["endpoint"] },
      { config: { endpoint: "collector:4318" }, path: ["endpoint"] },
      { config: { endpoint: "ftp://collector" }, path: ["endpoint"] },
      { config: { endpoint: good, timeout: 5 }, path: ["timeout"] },
      { config: { endpoint: good, timeout: "0s" }, path: ["timeout"] },
      { config: { endpoint: good, timeout: "2m" }, path: ["timeout"] },
      { config: { endpoint: good, headers: { authorization: 1 } }, path: ["headers", "authorization"] },
      { config: { endpoint: good, "service-nmae": "x" }, path: ["service-nmae"] },
    ],
    failing: async () => ({ endpoint: (await collector(400)).endpoint }),
    silent: async () => ({ endpoint: (await collector(undefined)).endpoint }),
  });
  test.each(cases)("$name", ({ run }) => run());
});

const START = 1_795_262_400_123_456_789n;

function span(changes: Partial<TraceSpan> = {}): TraceSpan {
  const attributes = Object.assign(Object.create(null), { version: "v2" });
  return {
    rule: "checkout/trace",
    name: "GET /",
    startNanos: START,
    endNanos: START + 1_500_000_001n,
    error: false,
    attributes,
    ...changes,
  };
}

async function sent(spans: readonly TraceSpan[], config: object = {}) {
  const { received, endpoint } = await collector();
  const { handler, close } = await openForTest(adapter, { endpoint, ...config });
  await handler.tracespan(spans, { signal: new AbortController().signal });
  await close();
  expect(received).toHaveLength(1);
  const [first] = received;
  const parsed = body.parse(JSON.parse(first?.text ?? ""));
  const spansOf = parsed.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  return { path: first?.path, headers: first?.headers, resource: parsed.resourceSpans[0]?.resource, spans: spansOf };
}

test("a span with a caller is a child in the caller's trace", async () => {
  const parent = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", sampled: false };
  const { spans } = await sent([span({ parent })]);
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId, name: "GET /" });
  expect(spans[0]?.spanId).not.toBe(parent.spanId);
});

test("spans without a caller are roots of traces of their own", async () => {
  const { spans } = await sent([span(), span()]);
  expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([undefined, undefined]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2);
});

test("times are exact to the nanosecond", async () => {
  const { spans } = await sent([span()]);
  expect(spans[0]).toMatchObject({ startTimeUnixNano: `${START}`, endTimeUnixNano: `${START + 1_500_000_001n}` });
});

test("a failed request is an error, any other says nothing", async () => {
  const { spans } = await sent([span({ error: true }), span()]);
  expect(spans.map(({ status }) => status.code)).toEqual([2, 0]);
});

test("attributes keep their types where OTLP has them, and are text otherwise", async () => {
  const values: Record<string, Value> = {
    text: "a",
    yes: true,
    int: 7n,
    large: 9_007_199_254_740_993n,
    double: 1.5,
    nan: Number.NaN,
    when: { type: "timestamp", nanos: START },
    took: { type: "duration", nanos: 1_500_000_000n },
    list: { type: "list", items: ["a", 1n] },
    map: { type: "map", entries: [["k", 1n]] },
    bytes: new Uint8Array([1, 2]),
    nothing: null,
  };
  const { spans } = await sent([span({ attributes: values })]);
  expect(Object.fromEntries(spans[0]?.attributes.map(({ key, value }) => [key, value]) ?? [])).toEqual({
    text: { stringValue: "a" },
    yes: { boolValue: true },
    int: { intValue: 7 },
    large: { stringValue: "9007199254740993" },
    double: { doubleValue: 1.5 },
    nan: { stringValue: "NaN" },
    when: { stringValue: "2026-11-21T12:00:00.123456789Z" },
    took: { stringValue: "1.5s" },
    list: { arrayValue: { values: [{ stringValue: "a" }, { stringValue: "1" }] } },
    map: { stringValue: '{"k":1}' },
    bytes: { stringValue: "AQI=" },
    "weir.rule": { stringValue: "checkout/trace" },
  });
});

test("headers and the service's name are sent; a bare host means the path for traces", async () => {
  const { path, headers, resource } = await sent([span()], { headers: { "x-key": "secret" }, "service-name": "mesh" });
  expect(path).toBe("/v1/traces");
  expect(headers).toMatchObject({ "x-key": "secret", "content-type": "application/json" });
  expect(resource?.attributes).toContainEqual({ key: "service.name", value: { stringValue: "mesh" } });
});

test("a path of one's own is kept", async () => {
  const { received, endpoint } = await collector();
  const { handler, close } = await openForTest(adapter, { endpoint: `${endpoint}/otlp/v1/traces` });
  await handler.tracespan([span()], { signal: new AbortController().signal });
  await close();
  expect(received.map(({ path }) => path)).toEqual(["/otlp/v1/traces"]);
});

test("a collector that is not there fails the delivery", async () => {
  const { handler, close } = await openForTest(adapter, { endpoint: "http://127.0.0.1:1", timeout: "100ms" });
  await expect(handler.tracespan([span()], { signal: new AbortController().signal })).rejects.toThrow(/./);
  await close();
});
