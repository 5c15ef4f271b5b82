/** Nothing is lost that is not counted: what a real Envoy counted, what Weir counted, and what came out are the same numbers. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OtlpReceiver, startOtlpReceiver } from "../../deploy/demo/otlp-receiver.ts";
import { inCheckout } from "../../deploy/root.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { type Mesh, startMesh } from "./support/mesh.ts";
import type { Status } from "./support/observed.ts";
import { usualHandlers } from "./support/policies.ts";

const POLICY = `policy: mixed
check:
  - allow: open
    when: request.canonical_path.startsWith("/open/")
  - deny: closed
    when: request.canonical_path.startsWith("/closed/")
  - deny: numbers
    when: int(request.headers.get("x-number", "0")) > 1
quota:
  - limit: some
    handler: counters
    max: 20
    every: 1h
    when: request.canonical_path == "/open/limited"
`;

const REPORTS = `policy: reports
report:
  - metric: requests_total
    handlers: [prometheus]
    dimensions:
      code: string(response.code)
      verdict: check.verdict
  - metric: request_bytes
    handlers: [prometheus]
    kind: histogram
    buckets: [0, 10, 100]
    value: request.size
  - logentry: requests
    handlers: [log]
    variables: { verdict: check.verdict, code: response.code }
  - logentry: decisions
    of: decision
    handlers: [log, throws, rejects, hangs]
    variables: { verdict: check.verdict }
  - tracespan: requests
    handlers: [traces]
    name: \${request.url_path}
`;

/** So few that a handler that never takes any fills its queue. */
const SMALL_QUEUE = 10;
const TROUBLES = ["throws", "rejects", "hangs"] as const;

/** How many of each kind, and what the client gets. */
const TRAFFIC = [
  { path: "/open/a", count: 60, status: 200 },
  { path: "/open/503", count: 10, status: 503 },
  { path: "/open/reset", count: 5, status: 503 },
  { path: "/closed/a", count: 30, status: 403 },
  { path: "/nowhere", count: 15, status: 403 },
  { path: "/open/a", number: "many", count: 20, status: 403 },
] as const;
const LIMITED = { path: "/open/limited", count: 50, passing: 20 } as const;

const ALLOWED = 60 + 10 + 5 + LIMITED.passing;
const REFUSED = 30 + 15 + 20 + (LIMITED.count - LIMITED.passing);
const ALL = ALLOWED + REFUSED;

describe.skipIf(WITHOUT_ENVOY)("after much mixed traffic through a real Envoy", () => {
  let mesh: Mesh;
  let tracing: OtlpReceiver;

  beforeAll(async () => {
    tracing = await startOtlpReceiver();
    const troubled = await readFile(inCheckout("test/adapter-fixtures/troubled.ts"), "utf8");
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile) + otherHandlers(tracing.endpoint),
        "mixed.yaml": POLICY,
        "reports.yaml": REPORTS,
        "adapters/troubled.ts": troubled,
      }),
    });
    await Promise.all(TRAFFIC.map((kind) => drive(mesh, kind)));
    await driveLimited(mesh);
    await eventually(
      "the last access log entry counted",
      async () => (await mesh.metrics()).sum("requests_total") === ALL,
    );
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    await tracing?.stop();
  });

  test("Envoy's counters are Weir's decisions", async () => {
    const stats = await mesh.envoy.stats();
    const envoy = (outcome: string) => stats.get(`http.edge.ext_authz.${outcome}`);
    const { sum } = await mesh.metrics();
    const weir = (verdict: string, reason?: string) =>
      sum("weir_decisions_total", { door: "ext-authz", verdict, ...(reason === undefined ? {} : { reason }) });
    expect([envoy("ok"), envoy("denied"), envoy("error")]).toEqual([ALLOWED, REFUSED, 0]);
    expect(weir("allowed")).toBe(ALLOWED);
    expect([weir("denied", "rule"), weir("denied", "unmatched")]).toEqual([30, 15]);
    expect([weir("undecided", "deny-error"), weir("limited", "limit")]).toEqual([20, LIMITED.count - LIMITED.passing]);
    expect(sum("weir_decisions_total")).toBe(ALL);
    expect(sum("weir_check_duration_seconds_count", { door: "ext-authz" })).toBe(ALL);
  });

  test("the service saw what was allowed, and nothing else", () => {
    expect(mesh.orders.requests.all).toHaveLength(ALLOWED);
  });

  test("a metric counts each request once, by what became of it", async () => {
    const { sum } = await mesh.metrics();
    const requests = (code: string, verdict: string) => sum("requests_total", { code, verdict });
    expect([requests("200", "allowed"), requests("503", "allowed")]).toEqual([60 + LIMITED.passing, 15]);
    expect([requests("403", "denied"), requests("403", "undecided")]).toEqual([45, 20]);
    expect(requests("429", "limited")).toBe(LIMITED.count - LIMITED.passing);
    expect([sum("request_bytes_count"), sum("request_bytes_sum")]).toEqual([ALL, 0]);
  });

  test("the log has a line for each decision and each request", async () => {
    const lines = await eventually("every line", async () => {
      const all = await mesh.lines();
      return all.length >= 2 * ALL && all;
    });
    const of = (rule: string) => lines.filter((line) => line.rule === rule).length;
    expect([of("reports/decisions"), of("reports/requests")]).toEqual([ALL, ALL]);
  });

  test("the tracing backend has a span for each request", async () => {
    await eventually("every span", () => tracing.spans.length >= ALL);
    expect(tracing.spans).toHaveLength(ALL);
  });

  test("for every handler accepted is delivered, dropped and queued, and trouble stays at home", async () => {
    const settled = (all: Status["handlers"]) =>
      all.every(({ handler, queued }) => handler === "hangs" || queued === 0);
    const { handlers } = await eventually("everything that can be delivered delivered", async () => {
      const status = await mesh.status();
      return settled(status.handlers) && status;
    });
    const metrics = await mesh.metrics();
    for (const { handler, accepted, delivered, dropped, queued } of handlers) {
      expect({ handler, accepted }).toEqual({ handler, accepted: delivered + dropped + queued });
      const counted = (state: string) => metrics.sum("weir_records_total", { handler, state });
      expect([counted("accepted"), counted("dropped")]).toEqual([accepted, dropped]);
    }
    const of = (name: string) => handlers.find(({ handler }) => handler === name);
    expect(of("log")).toMatchObject({ accepted: 2 * ALL, delivered: 2 * ALL, dropped: 0, queued: 0 });
    expect(of("traces")).toMatchObject({ accepted: ALL, delivered: ALL, dropped: 0 });
    for (const name of TROUBLES) expect(of(name)).toMatchObject({ accepted: ALL, delivered: 0 });
    expect(of("throws")).toMatchObject({ dropped: ALL, queued: 0 });
    expect(of("rejects")).toMatchObject({ dropped: ALL, queued: 0 });
    expect(of("hangs")?.dropped).toBeGreaterThan(0);
  });

  test("nothing was a bug, turned away, undecodable or lost at the door", async () => {
    const { sum } = await mesh.metrics();
    const bad = [
      "weir_bugs_total",
      "weir_not_admitted_total",
      "weir_undecodable_total",
      "weir_door_records_dropped_total",
    ];
    expect(bad.map((name) => [name, sum(name)])).toEqual(bad.map((name) => [name, 0]));
    expect(sum("weir_report_rules_total", { state: "failed" })).toBe(0);
    expect((await mesh.envoy.stats()).get("access_logs.grpc_access_log.logs_dropped") ?? 0).toBe(0);
  });

  test("it ends with exit code 0, with a handler that never lets go", async () => {
    expect(await mesh.weir.stop()).toBe(0);
  });
});

function otherHandlers(endpoint: string): string {
  const troubled = TROUBLES.map(
    (trouble) =>
      `  - handler: ${trouble}\n    adapter: ./adapters/troubled.ts\n    config: { trouble: ${trouble} }\n    queue: { records: ${SMALL_QUEUE} }\n`,
  );
  return `  - handler: traces\n    adapter: otlp\n    config: { endpoint: "${endpoint}" }\n${troubled.join("")}`;
}

interface Kind {
  readonly path: string;
  readonly number?: string;
  readonly count: number;
  readonly status: number;
}

async function drive(mesh: Mesh, { path, number, count, status }: Kind): Promise<void> {
  const headers = number === undefined ? [] : [["x-number", number] as const];
  const answers = await Promise.all(Array.from({ length: count }, () => mesh.send({ path, headers })));
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => status));
}

async function driveLimited(mesh: Mesh): Promise<void> {
  const { path, count, passing } = LIMITED;
  const answers = await Promise.all(Array.from({ length: count }, () => mesh.send({ path })));
  const passed = answers.filter(({ status }) => status === 200).length;
  expect([passed, answers.filter(({ status }) => status === 429).length]).toEqual([passing, count - passing]);
}
