import { join } from "node:path";
import { expect, test } from "vitest";
import { createHandlerHost, createModuleSource } from "../adapter-host/index.ts";
import { bagSource } from "../attribute/bag.ts";
import type { CelValue } from "../attribute/value.ts";
import { examine } from "../engine/examine.ts";
import { readFolder } from "../policy/folder.ts";
import { SILENT } from "../telemetry/index.ts";
import { Conditions } from "./conditions.ts";
import { link } from "./link.ts";
import type { Plan } from "./plan.ts";

const POLICIES = join(import.meta.dirname, "../../policies");

test("a plan is data: what crosses to another thread decides as the original does", async () => {
  const { plan } = examine(await readFolder(POLICIES, { wait: () => Promise.resolve() }));
  if (plan === undefined) throw new Error("the example policies do not compile");
  const copy = structuredClone(plan);
  expect(copy).toEqual(plan);
  const requests: Record<string, CelValue>[] = [
    { "destination.service": "catalogue.shop", "request.method": "GET", "request.canonical_path": "/catalogue/shoes" },
    {
      "destination.service": "catalogue.shop",
      "request.method": "GET",
      "request.canonical_path": "/catalogue/drafts/x",
    },
    { "destination.service": "orders.shop", "request.method": "GET", "request.auth.subject": "ann" },
  ];
  for (const request of requests) expect(await conditionsOf(copy, request)).toEqual(await conditionsOf(plan, request));
  // A plan that never decides anything would pass what stands above.
  const all = await Promise.all(requests.map((request) => conditionsOf(plan, request)));
  expect(new Set(all.map((outcomes) => outcomes.map(String).join(" "))).size).toBe(3);
});

test("the same folder gives the same plan", async () => {
  const wait = (): Promise<void> => Promise.resolve();
  const [first, second] = [
    examine(await readFolder(POLICIES, { wait })),
    examine(await readFolder(POLICIES, { wait })),
  ];
  expect(second.plan).toEqual(first.plan);
});

async function conditionsOf(plan: Plan, request: Readonly<Record<string, CelValue>>): Promise<readonly unknown[]> {
  const host = createHandlerHost({ resolve: createModuleSource({ folder: POLICIES }), log: SILENT });
  const handlers = await host.open(plan.handlers.filter((handler) => handler.adapter !== "log"));
  if ("issues" in handlers) throw new Error(JSON.stringify(handlers.issues));
  const snapshot = link(plan, handlers);
  const bag = new Map<string, CelValue>([
    ["request.headers", new Map()],
    ["context", new Map()],
    ...Object.entries(request),
  ]);
  const conditions = new Conditions(snapshot.frame(bagSource(bag, snapshot.slots), { derive: true, record: false }));
  const outcomes = snapshot.checks["ext-authz"].rules.map((rule) => conditions.of(rule.policy, rule.when));
  await host.close(0);
  return outcomes;
}
