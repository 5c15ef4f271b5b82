import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import * as z from "zod";

/** A span as a tracing backend received it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Stands in for a tracing backend: takes OTLP over HTTP and keeps the spans. */
export interface OtlpReceiver {
  readonly endpoint: string;
  readonly spans: readonly ReceivedSpan[];
  stop(): Promise<void>;
}

const value = z.looseObject({ stringValue: z.string().optional() });
const attribute = z.object({ key: z.string(), value });
const span = z.object({
  name: z.string(),
  traceId: z.string(),
  parentSpanId: z.string().default(""),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes: z.array(attribute).default([]),
});
const exportRequest = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    text(request).then(
      (body) => {
        spans.push(...spansOf(body));
        response.writeHead(200, { "content-type": "application/json" }).end("{}");
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // A server that listens on TCP has such an address.
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function spansOf(body: string): ReceivedSpan[] {
  const { resourceSpans } = exportRequest.parse(JSON.parse(body));
  return resourceSpans
    .flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans))
    .map((one) => ({
      name: one.name,
      traceId: one.traceId,
      parentSpanId: one.parentSpanId,
      durationMs: Number(one.endTimeUnixNano - one.startTimeUnixNano) / 1e6,
      attributes: Object.fromEntries(
        one.attributes.map(({ key, value }) => [key, value.stringValue ?? JSON.stringify(value)]),
      ),
    }));
}
