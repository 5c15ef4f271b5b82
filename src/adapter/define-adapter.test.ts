import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type CheckAnswer,
  defineAdapter,
  listentry,
  logentry,
  type MetricPoint,
  metric,
  type QuotaAnswer,
  quota,
  tracespan,
} from "weir-mesh/adapter";
import * as z from "zod";
import { ADAPTER, API_VERSION } from "./define-adapter.ts";

const config = z.strictObject({ host: z.string(), port: z.int().default(8125) });

test("an adapter carries its API version under a symbol that every copy of the SDK shares", () => {
  const adapter = defineAdapter({ name: "a", templates: [metric], config, open: () => ({ metric: () => undefined }) });
  expect(ADAPTER).toBe(Symbol.for("weir-mesh/adapter"));
  expect(adapter[ADAPTER]).toBe(API_VERSION);
  expect(adapter.templates).toEqual(["metric"]);
  expect(Object.isFrozen(adapter)).toBe(true);
});

describe("types", () => {
  test("the config that `open` gets is what the schema returns, whatever library wrote it", () => {
    defineAdapter({
      name: "zod",
      templates: [metric],
      config,
      open(env) {
        expectTypeOf(env.config).toEqualTypeOf<{ host: string; port: number }>();
        return { metric: () => undefined };
      },
    });
    // Any Standard Schema: valibot's and arktype's look like this to us.
    const byHand: StandardSchemaV1<string, { readonly size: bigint }> = {
      "~standard": { version: 1, vendor: "by hand", validate: (value) => ({ value: { size: BigInt(String(value)) } }) },
    };
    defineAdapter({
      name: "by hand",
      templates: [logentry],
      config: byHand,
      async open(env) {
        expectTypeOf(env.config).toEqualTypeOf<{ readonly size: bigint }>();
        return { logentry: async () => undefined, close: () => undefined };
      },
    });
  });

  test("the methods and what goes into them follow from the templates", () => {
    const adapter = defineAdapter({
      name: "several",
      templates: [metric, listentry, quota],
      config,
      open: () => ({
        metric(points, { signal }) {
          expectTypeOf(points).toEqualTypeOf<readonly MetricPoint[]>();
          expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
        },
        listentry: (entry): CheckAnswer => ({ kind: "objection", message: entry.rule }),
        quota: async (): Promise<QuotaAnswer> => ({ kind: "granted", grants: [] }),
      }),
    });
    expectTypeOf(adapter.templates).toEqualTypeOf<readonly ("metric" | "listentry" | "quota")[]>();
    expectTypeOf<Awaited<ReturnType<typeof adapter.open>>>().toHaveProperty("listentry");
    expectTypeOf<Awaited<ReturnType<typeof adapter.open>>>().not.toHaveProperty("tracespan");
  });

  test("what does not fit does not compile", () => {
    // @ts-expect-error: the method `metric` was forgotten
    defineAdapter({ name: "a", templates: [metric, logentry], config, open: () => ({ logentry: () => undefined }) });
    // @ts-expect-error: no template at all
    defineAdapter({ name: "a", templates: [], config, open: () => ({}) });
    // @ts-expect-error: a name is no template
    defineAdapter({ name: "a", templates: ["metric"], config, open: () => ({ metric: () => undefined }) });
    // @ts-expect-error: a question needs an answer
    defineAdapter({ name: "a", templates: [listentry], config, open: () => ({ listentry: () => undefined }) });
    // @ts-expect-error: not a schema
    defineAdapter({ name: "a", templates: [metric], config: {}, open: () => ({ metric: () => undefined }) });
    defineAdapter({
      name: "a",
      templates: [tracespan],
      config,
      open: () => ({
        tracespan(spans) {
          // @ts-expect-error: instances are read-only
          for (const span of spans) span.name = "mine";
        },
      }),
    });
  });
});
