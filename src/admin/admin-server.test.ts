import { type IncomingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { parseExposition } from "../../test/exposition/parse.ts";
import { createMetrics, SILENT } from "../telemetry/index.ts";
import { type AdminOptions, type RunningAdmin, startAdmin } from "./admin-server.ts";
import { metricsPage } from "./exposition.ts";
import type { AdminView, Status } from "./view.ts";

const STATUS: Status = {
  version: "1.2.3",
  state: "serving",
  startedAt: "2026-11-21T12:00:00.000Z",
  grpc: "127.0.0.1:9091",
  snapshot: "abc",
  commit: null,
  loadedAt: "2026-11-21T12:00:01.000Z",
  lastError: null,
  inFlight: 0,
  workers: [],
  doors: ["weir"],
  policies: [{ policy: "checkout", file: "checkout.yaml", doors: ["weir"] }],
  handlers: [],
};

const VIEW: AdminView = {
  readiness: () => ({ ready: true }),
  status: () => STATUS,
  metrics: () => Promise.resolve("# HELP a A.\n# TYPE a gauge\na 1\n"),
};

const running: RunningAdmin[] = [];
afterEach(async () => {
  for (const admin of running.splice(0)) await admin.close();
});

async function start(view: Partial<AdminView> = {}, options: Partial<AdminOptions> = {}): Promise<RunningAdmin> {
  const all = {
    host: "127.0.0.1",
    port: 0,
    audience: "admin",
    log: SILENT,
    view: { ...VIEW, ...view },
    ...options,
  } as const;
  const admin = await startAdmin(all);
  if ("problem" in admin) throw new Error(admin.problem);
  running.push(admin);
  return admin;
}

interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function get(admin: RunningAdmin, path: string, options: { method?: string; host?: string } = {}): Promise<Got> {
  const { method = "GET", host } = options;
  const headers = host === undefined ? {} : { host };
  return new Promise((resolve, reject) => {
    const sent = request(`http://${admin.address}`, { path, method, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    sent.on("error", reject).end();
  });
}

describe("the admin pages", () => {
  test("say whether the process lives, and whether it can decide", async () => {
    let why: string | undefined = "no policies are loaded";
    const admin = await start({ readiness: () => (why === undefined ? { ready: true } : { ready: false, why }) });
    expect(await get(admin, "/healthz")).toMatchObject({ status: 200, body: "ok\n" });
    expect(await get(admin, "/readyz")).toMatchObject({ status: 503, body: "not ready: no policies are loaded\n" });
    why = undefined;
    expect(await get(admin, "/readyz?verbose")).toMatchObject({ status: 200, body: "ready\n" });
  });

  test("show the status as JSON", async () => {
    const got = await get(await start(), "/status");
    expect(got.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(JSON.parse(got.body)).toEqual(STATUS);
  });

  test("show all metrics in the exposition format", async () => {
    const metrics = createMetrics({ log: SILENT, now: () => 0, version: "1", process: true });
    metrics.decision("weir", "allowed", "rule", 10);
    const adapters = "# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total 3\n";
    const admin = await start({
      metrics: async () => metricsPage(await metrics.exposition(), adapters, () => undefined),
    });
    const got = await get(admin, "/metrics");
    expect(got.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const parsed = parseExposition(got.body);
    expect(parsed.get("orders_total")?.samples).toEqual([{ name: "orders_total", labels: {}, value: 3 }]);
    for (const name of [
      "weir_decisions_total",
      "weir_check_duration_seconds",
      "process_cpu_seconds_total",
      "nodejs_eventloop_lag_seconds",
    ])
      expect(parsed.has(name), name).toBe(true);
  });

  test("that do not exist are answered by those that do", async () => {
    const got = await get(await start(), "/statusz");
    expect(got.status).toBe(404);
    expect(got.body).toBe("there is no such page; there are:\n  /healthz\n  /readyz\n  /metrics\n  /status\n");
  });

  test("are read and nothing else", async () => {
    const admin = await start();
    const head = await get(admin, "/healthz", { method: "HEAD" });
    expect([head.status, head.headers["content-length"], head.body]).toEqual([200, "3", ""]);
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const got = await get(admin, "/healthz", { method });
      expect([got.status, got.headers["allow"]]).toEqual([405, "GET, HEAD"]);
    }
  });

  test.each([
    "evil.example",
    "evil.example:9093",
    "127.0.0.1.evil.example",
    "10.0.0.1",
    "localhost.evil.example",
    "[::2]",
  ])("are refused to a browser that was sent to us by the name %s", async (host) => {
    expect((await get(await start(), "/status", { host })).status).toBe(403);
  });

  test.each(["localhost", "LOCALHOST:1", "127.0.0.1:9093", "127.1.2.3", "[::1]:9093"])(
    "are shown to %s",
    async (host) => {
      expect((await get(await start(), "/status", { host })).status).toBe(200);
    },
  );

  test("survive a page that cannot be made", async () => {
    const admin = await start({ metrics: () => Promise.reject(new Error("secret inside")) });
    expect(await get(admin, "/metrics")).toMatchObject({ status: 500, body: "internal error\n" });
    expect((await get(admin, "/healthz")).status).toBe(200);
  });

  test("are for this machine alone", async () => {
    const refused = await startAdmin({ host: "0.0.0.0", port: 0, audience: "admin", log: SILENT, view: VIEW });
    expect(refused).toEqual({ problem: expect.stringContaining("--metrics-address") });
  });
});

test("a request that never gets whole is ended, so that the connections are there for others", async () => {
  const admin = await start({}, { requestTimeoutMs: 20 });
  const socket = connect(Number(new URL(`http://${admin.address}`).port), "127.0.0.1");
  socket.write("GET /healthz HT");
  let answer = "";
  for await (const bytes of socket) answer += String(bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

test("the metrics address serves health and metrics, to whoever asks by whatever name", async () => {
  const admin = await start({}, { host: "0.0.0.0", audience: "metrics" });
  for (const path of ["/healthz", "/readyz", "/metrics"])
    expect((await get(admin, path, { host: "weir.monitoring:9094" })).status, path).toBe(200);
  expect(await get(admin, "/status")).toMatchObject({ status: 404, body: expect.not.stringContaining("/status") });
});

test("an address that is taken is said to be", async () => {
  const first = await start();
  const port = Number(first.address.split(":")[1]);
  const second = await startAdmin({ host: "127.0.0.1", port, audience: "admin", log: SILENT, view: VIEW });
  expect(second).toEqual({ problem: `cannot listen on 127.0.0.1:${port}: somebody else does already` });
});

test("of a metric that comes twice the first one is kept, and the other one is named", () => {
  const leftOut: string[] = [];
  const ours = '# HELP a A.\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n';
  const theirs =
    "# HELP b B.\n# TYPE b gauge\nb 1\n# HELP a Mine.\n# TYPE a counter\na 9\n# HELP c C.\n# TYPE c gauge\nc 1";
  const joined = metricsPage(ours, theirs, (name) => leftOut.push(name));
  const parsed = parseExposition(joined);
  expect([...parsed.keys()]).toEqual(["a", "b", "c"]);
  expect(parsed.get("a")?.help).toBe("A.");
  expect(leftOut).toEqual(["a"]);
});
