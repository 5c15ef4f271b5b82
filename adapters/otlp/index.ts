import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { RandomIdGenerator, type ReadableSpan } from "@opentelemetry/sdk-trace";
import { defineAdapter, tracespan } from "weir-mesh/adapter";
import { config } from "./config.ts";
import { readableSpan } from "./span.ts";

export default defineAdapter({
  name: "otlp",
  templates: [tracespan],
  config,
  open({ config: { endpoint, headers, timeout, "service-name": serviceName } }) {
    const agent = new (endpoint.startsWith("https:") ? HttpsAgent : HttpAgent)({ keepAlive: true });
    const exporter = new OTLPTraceExporter({
      url: endpoint,
      headers,
      timeoutMillis: timeout,
      // Ours, so that an aborted delivery takes its connection with it.
      httpAgentOptions: () => agent,
    });
    const resource = resourceFromAttributes({ "service.name": serviceName });
    const ids = new RandomIdGenerator();
    return {
      tracespan(spans, { signal }) {
        const readable = spans.map((span) => readableSpan(span, resource, ids));
        return send(exporter, readable, signal, () => agent.destroy());
      },
      close: () => agent.destroy(),
    };
  },
});

/** Resolves when the collector has taken the spans. The exporter tries again, within its timeout, what a collector calls temporary. */
function send(
  exporter: OTLPTraceExporter,
  spans: ReadableSpan[],
  signal: AbortSignal,
  hangUp: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      hangUp();
      reject(signal.reason);
    };
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    exporter.export(spans, ({ code, error }) => {
      signal.removeEventListener("abort", abort);
      // ExportResultCode.SUCCESS; the enum lives in a package that is none of our dependencies.
      if (code === 0) resolve();
      else reject(error ?? new Error("the collector did not take the spans"));
    });
  });
}
