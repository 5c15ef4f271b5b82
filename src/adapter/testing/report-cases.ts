import assert from "node:assert/strict";
import type { Call, Handler } from "../handler.ts";
import type { TemplateName } from "../templates.ts";
import { nothingMoreThan, running, settles, succeeds } from "./expect.ts";
import { openForTest } from "./open-for-test.ts";
import type { ConformanceCase, ConformanceOptions } from "./options.ts";
import { sampleEntries, sampleMetrics, samplePoints, sampleSpans } from "./samples.ts";

const REPORT_TEMPLATES = ["metric", "logentry", "tracespan"] as const;
type ReportTemplate = (typeof REPORT_TEMPLATES)[number];

/** More than Weir ever does at once with one handler; an adapter may be opened in two snapshots. */
const PARALLEL = 8;

/** What adapters of the report templates promise. */
export function reportCases(options: ConformanceOptions): readonly ConformanceCase[] {
  const { adapter, failing, silent } = options;
  return REPORT_TEMPLATES.filter((template) => adapter.templates.includes(template)).flatMap((template) => [
    {
      name: `${template}: takes frozen instances with every kind of value, and leaves nothing running`,
      run: () => takesSamples(options, template),
    },
    { name: `${template}: takes deliveries at the same time`, run: () => takesParallel(options, template) },
    {
      name: `${template}: a delivery that was aborted before it began ends`,
      run: () => endsWhenAborted(options, template),
    },
    ...(failing
      ? [{ name: `${template}: a delivery that fails rejects`, run: () => rejects(options, template, failing) }]
      : []),
    ...(silent
      ? [
          {
            name: `${template}: a delivery that is never answered ends when it is aborted`,
            run: () => honoursAbort(options, template, silent),
          },
        ]
      : []),
  ]);
}

async function takesSamples(options: ConformanceOptions, template: ReportTemplate): Promise<void> {
  const written = await options.config();
  const before = running();
  const opened = await openForTest(options.adapter, written, { metrics: sampleMetrics() });
  await succeeds(() => deliver(opened.handler, template, new AbortController()), `a ${template} delivery`);
  await succeeds(() => opened.close(), "close");
  await nothingMoreThan(before);
}

async function takesParallel(options: ConformanceOptions, template: ReportTemplate): Promise<void> {
  const opened = await openForTest(options.adapter, await options.config(), { metrics: sampleMetrics() });
  const deliveries = Array.from({ length: PARALLEL }, () => deliver(opened.handler, template, new AbortController()));
  await succeeds(() => Promise.all(deliveries), `${PARALLEL} deliveries`);
  await succeeds(() => opened.close(), "close");
}

async function rejects(options: ConformanceOptions, template: ReportTemplate, config: () => unknown): Promise<void> {
  const opened = await openForTest(options.adapter, await config(), { metrics: sampleMetrics() });
  const result = await settles(
    () => deliver(opened.handler, template, new AbortController()),
    `a ${template} delivery`,
  );
  assert.equal(result.status, "rejected", "a delivery that failed was reported as delivered");
  await succeeds(() => opened.close(), "close");
}

async function endsWhenAborted(options: ConformanceOptions, template: ReportTemplate): Promise<void> {
  const opened = await openForTest(options.adapter, await options.config(), { metrics: sampleMetrics() });
  const controller = new AbortController();
  controller.abort(new Error("aborted by the test"));
  await settles(() => deliver(opened.handler, template, controller), `an aborted ${template} delivery`);
  await succeeds(() => opened.close(), "close");
}

async function honoursAbort(
  options: ConformanceOptions,
  template: ReportTemplate,
  config: () => unknown,
): Promise<void> {
  const opened = await openForTest(options.adapter, await config(), { metrics: sampleMetrics() });
  const controller = new AbortController();
  // Once the delivery is under way.
  setImmediate(() => controller.abort(new Error("aborted by the test")));
  const result = await settles(() => deliver(opened.handler, template, controller), `an aborted ${template} delivery`);
  assert.equal(result.status, "rejected", "a delivery that was never answered was reported as delivered");
  await succeeds(() => opened.close(), "close");
}

/** Through a promise, so that a throw is a rejection, as Weir takes it. */
async function deliver(
  handler: Handler<TemplateName>,
  template: ReportTemplate,
  controller: AbortController,
): Promise<void> {
  const call: Call = { signal: controller.signal };
  switch (template) {
    case "metric":
      return handler.metric(samplePoints(), call);
    case "logentry":
      return handler.logentry(sampleEntries(), call);
    case "tracespan":
      return handler.tracespan(sampleSpans(), call);
  }
}
