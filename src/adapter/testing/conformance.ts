import assert from "node:assert/strict";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkConfig } from "../config.ts";
import { ADAPTER, API_VERSION } from "../define-adapter.ts";
import type { TemplateName } from "../templates.ts";
import { checkCases } from "./check-cases.ts";
import { nothingMoreThan, running, succeeds } from "./expect.ts";
import { openForTest } from "./open-for-test.ts";
import type { ConformanceCase, ConformanceOptions } from "./options.ts";
import { quotaCases } from "./quota-cases.ts";
import { reportCases } from "./report-cases.ts";
import { sampleMetrics } from "./samples.ts";

/**
 * The cases for one adapter; those of the templates it has, and those for which the options say enough.
 *
 * ```ts
 * for (const { name, run } of conformanceCases({ adapter, config: () => ({ host: "127.0.0.1" }) })) test(name, run);
 * ```
 */
export function conformanceCases<Name extends TemplateName, Schema extends StandardSchemaV1>(
  options: ConformanceOptions<Name, Schema>,
): readonly ConformanceCase[] {
  // The cases ask for the templates by name before they call a method.
  const plain = options as unknown as ConformanceOptions;
  return [
    ...definitionCases(plain),
    ...lifecycleCases(plain),
    ...reportCases(plain),
    ...checkCases(plain),
    ...quotaCases(plain),
  ];
}

function definitionCases({ adapter, config, refused = [] }: ConformanceOptions): readonly ConformanceCase[] {
  return [
    {
      name: "carries the API version of this SDK",
      run: async () => assert.equal(adapter[ADAPTER], API_VERSION, "made with `defineAdapter` of this SDK"),
    },
    {
      name: "accepts its config",
      run: async () => {
        const checked = await checkConfig(adapter.config, await config());
        assert.deepEqual(checked.ok ? [] : checked.issues, []);
      },
    },
    ...refused.map((one) => ({
      name: `refuses ${JSON.stringify(one.config)} at ${JSON.stringify(one.path)}`,
      run: async () => {
        const checked = await checkConfig(adapter.config, one.config);
        const paths = checked.ok ? [] : checked.issues.map(({ path }) => path);
        assert.ok(
          paths.some((path) => equalPaths(path, one.path)),
          `it is refused at ${JSON.stringify(paths)}`,
        );
      },
    })),
  ];
}

function equalPaths(a: readonly PropertyKey[], b: readonly PropertyKey[]): boolean {
  return a.length === b.length && a.every((step, index) => step === b[index]);
}

function lifecycleCases({ adapter, config }: ConformanceOptions): readonly ConformanceCase[] {
  return [
    {
      name: "opens and closes without work, leaving nothing running",
      run: async () => {
        const written = await config();
        const before = running();
        const opened = await openForTest(adapter, written, { metrics: sampleMetrics() });
        await succeeds(() => opened.close(), "close");
        assert.equal(opened.clock.waiting, 0, "timers that were begun after close");
        await nothingMoreThan(before);
      },
    },
    {
      name: "is opened anew while it is still open, as when its config is edited",
      run: async () => {
        const first = await openForTest(adapter, await config(), { metrics: sampleMetrics() });
        const second = await openForTest(adapter, await config(), { metrics: sampleMetrics(), memory: first.memory });
        await succeeds(() => first.close(), "closing the first");
        await succeeds(() => second.close(), "closing the second");
      },
    },
    {
      name: "has an exposition that Prometheus can read, or none",
      run: async () => {
        const opened = await openForTest(adapter, await config(), { metrics: sampleMetrics() });
        const text = await succeeds(() => opened.handler.exposition?.() ?? "", "exposition");
        assert.equal(typeof text, "string");
        for (const line of String(text).split("\n")) assert.match(line, EXPOSITION_LINE);
        await opened.close();
      },
    },
  ];
}

const EXPOSITION_LINE =
  /^$|^# (?:HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .*$|^[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})? (?:[+-]?Inf|NaN|[-+0-9.eE]+)(?: -?\d+)?$/;
