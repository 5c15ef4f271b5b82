/** Limits through a real Envoy: however many ask at once, no more pass than may. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { type Mesh, type Sent, startMesh } from "./support/mesh.ts";
import { usualHandlers } from "./support/policies.ts";

/** So long that no test sees a counter come free again. */
const POLICY = `policy: limits
scope: all
check:
  - allow: everybody
    when: request.method != "TRACE"
quota:
  - limit: crowd
    handler: counters
    max: 25
    every: 1h
    when: request.canonical_path == "/crowd"
  - limit: per-customer
    handler: counters
    max: 3
    every: 1h
    by:
      customer: request.headers["x-customer"]
      kind: request.headers.get("x-kind", "")
    when: request.canonical_path == "/customers"
  - limit: weighed
    handler: counters
    max: 10
    every: 1h
    cost: int(request.headers.get("x-weight", "1"))
    when: request.canonical_path == "/weighed"
  - limit: both-wide
    handler: counters
    max: 5
    every: 1h
    when: request.canonical_path == "/both"
  - limit: both-narrow
    handler: counters
    max: 2
    every: 1h
    by:
      customer: request.headers.get("x-customer", "")
    when: request.canonical_path == "/both"
  - limit: tried-out
    handler: counters
    max: 1
    every: 1h
    shadow: true
    when: request.canonical_path == "/shadow"
  - limit: few-keys
    handler: few
    max: 1
    every: 1h
    by:
      key: request.headers.get("x-key", "")
    when: request.canonical_path == "/few"
  - limit: steady
    handler: counters
    max: 10
    every: 1s
    when: request.canonical_path == "/steady"
  - limit: soon-again
    handler: counters
    max: 1
    every: 1s
    when: request.canonical_path == "/soon"
`;

const WATCH_ALLOWED = `policy: watch
report:
  - logentry: allowed
    of: decision
    handlers: [log]
    when: check.verdict == "allowed"
    variables: { path: request.canonical_path }
`;

describe.skipIf(WITHOUT_ENVOY)("limits behind a real Envoy", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": `${usualHandlers(logFile)}  - handler: few\n    adapter: memory-quota\n    config: { keys: 2 }\n`,
        "limits.yaml": POLICY,
        "watch.yaml": WATCH_ALLOWED,
      }),
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  test("of a hundred requests at once exactly as many pass as may, and the service sees no other", async () => {
    mesh.orders.requests.clear();
    expect(await statuses(mesh, 100, "/crowd")).toEqual({ 200: 25, 429: 75 });
    expect(mesh.orders.requests.all).toHaveLength(25);
    const { sum } = await mesh.metrics();
    const decisions = (verdict: string, reason: string) =>
      sum("weir_decisions_total", { door: "ext-authz", verdict, reason });
    expect([decisions("allowed", "rule"), decisions("limited", "limit")]).toEqual([25, 75]);
  });

  test("each combination of values has a counter of its own, absent and empty told apart", async () => {
    const customers: readonly Sent["headers"][] = [
      [["x-customer", "ann"]],
      [["x-customer", "bob"]],
      [["x-customer", ""]],
      [],
      // The same letters, cut elsewhere.
      [
        ["x-customer", "a"],
        ["x-kind", "bc"],
      ],
      [
        ["x-customer", "ab"],
        ["x-kind", "c"],
      ],
    ];
    const outcomes = await Promise.all(customers.map((headers) => statuses(mesh, 5, "/customers", headers)));
    expect(outcomes).toEqual(customers.map(() => ({ 200: 3, 429: 2 })));
  });

  test("a request takes what it costs; what is refused takes nothing", async () => {
    const weigh = (weight: string) => mesh.send({ path: "/weighed", headers: [["x-weight", weight]] });
    expect((await weigh("7")).status).toBe(200);
    expect((await weigh("4")).status).toBe(429);
    expect((await weigh("11")).status).toBe(429);
    expect((await weigh("0")).status).toBe(200);
    expect((await weigh("3")).status).toBe(200);
    expect((await weigh("1")).status).toBe(429);
    expect((await weigh("0")).status).toBe(200);
  });

  test("of two limits both are charged or none", async () => {
    const customer = (name: string): Sent["headers"] => [["x-customer", name]];
    expect(await statuses(mesh, 10, "/both", customer("ann"))).toEqual({ 200: 2, 429: 8 });
    // What ann was refused has not been taken from the others.
    expect(await statuses(mesh, 10, "/both", customer("bob"))).toEqual({ 200: 2, 429: 8 });
    expect(await statuses(mesh, 10, "/both", customer("eve"))).toEqual({ 200: 1, 429: 9 });
  });

  test("requests that claim to be one request are charged one by one", async () => {
    const headers = [
      ["x-request-id", "11111111-1111-4111-8111-111111111111"],
      ["x-customer", "same-id"],
    ] as const;
    expect(await statuses(mesh, 6, "/customers", headers)).toEqual({ 200: 3, 429: 3 });
  });

  test("a limit in shadow refuses nobody and counts whom it would have", async () => {
    expect(await statuses(mesh, 4, "/shadow")).toEqual({ 200: 4 });
    const labels = { rule: "limits/tried-out", verdict: "limited", enforced: "allowed" };
    // Nobody waits for what a shadow says: it may come after the answer.
    await eventually("three that would have been refused", async () => {
      return (await mesh.metrics()).sum("weir_shadow_total", labels) === 3;
    });
  });

  test("a full table refuses rather than lets through what it cannot count", async () => {
    const at = (key: string) => mesh.send({ path: "/few", headers: [["x-key", key]] });
    expect([(await at("a")).status, (await at("b")).status]).toEqual([200, 200]);
    expect((await at("c")).status).toBe(403);
    expect((await at("a")).status).toBe(429);
    const labels = { verdict: "undecided", reason: "limit-error" };
    expect((await mesh.metrics()).sum("weir_decisions_total", labels)).toBe(1);
  });

  test("there is no span of the limit's length in which more pass, however long the crowd stays", async () => {
    let passed = 0;
    while (passed < 30) passed += (await statuses(mesh, 10, "/steady"))[200] ?? 0;
    const lines = await eventually("all decisions written", async () => {
      const steady = (await mesh.lines()).filter(({ variables }) => variables["path"] === "/steady");
      return steady.length >= passed && steady;
    });
    const times = lines.map(({ time }) => Date.parse(time)).toSorted((a, b) => a - b);
    // Nine tenths of the length: the lines are written a moment after the charge.
    const crowded = times.filter((time, at) => (times[at + 10] ?? Number.POSITIVE_INFINITY) - time < 900);
    expect(crowded).toEqual([]);
  });

  test("what a client is told to wait is enough, and then it passes", async () => {
    expect((await mesh.send({ path: "/soon" })).status).toBe(200);
    expect((await mesh.send({ path: "/soon" })).status).toBe(429);
    await eventually("a second has passed", async () => (await mesh.send({ path: "/soon" })).status === 200);
  });
});

/** Sends requests at once. @returns how often each status came. */
async function statuses(
  mesh: Mesh,
  count: number,
  path: string,
  headers: Sent["headers"] = [],
): Promise<Readonly<Record<number, number>>> {
  const answers = await Promise.all(Array.from({ length: count }, () => mesh.send({ path, headers })));
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
