/** When the engine cannot work, the call fails: that is an error to Envoy, whose failure mode decides, and never a verdict. */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpResponse } from "../../deploy/clients/http-response.ts";
import { LOOPBACK } from "../../deploy/loopback.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { type Gate, HOLD_HEADER, holdFiles, holdHandlers, startGate } from "./support/gate.ts";
import { CASE_HEADER, edge, type Mesh, type MeshOptions, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH } from "./support/policies.ts";

/** Longer than any request is held here. */
const PATIENT_MS = 15_000;
const OPEN = `policy: open
check:
  - allow: open
    when: request.canonical_path.startsWith("/open/")
`;

describe.skipIf(WITHOUT_ENVOY)("an engine that cannot work", () => {
  let gate: Gate;
  let mesh: Mesh | undefined;

  beforeEach(async () => {
    gate = await startGate();
  });

  afterEach(async () => {
    gate.open();
    await mesh?.[Symbol.asyncDispose]();
    mesh = undefined;
    await gate.stop();
  });

  test("one request more than it may have in flight is an error, a refused one is not, and the one in flight is answered", async () => {
    mesh = await startMesh(await heldOptions(gate, ["--max-in-flight", "1"]));
    const held = await hold(mesh, gate);

    const closed = await send(mesh, "/open/second");
    const lenient = await send(mesh, "/open/third", "lenient");
    expect([closed.status, lenient.status]).toEqual([503, 200]);

    gate.open();
    expect((await held.answer).status).toBe(200);
    // Beneath the limit again; and what is refused stays refused where errors are let through.
    expect((await send(mesh, "/closed/", "lenient")).status).toBe(403);
    expect((await send(mesh, "/open/fourth")).status).toBe(200);

    const metrics = await mesh.metrics();
    expect(metrics.sum("weir_not_admitted_total", { why: "overload" })).toBeGreaterThanOrEqual(2);
    expect(metrics.sum("weir_decisions_total", { verdict: "allowed" })).toBe(2);
    expect(metrics.sum("weir_decisions_total", { verdict: "denied" })).toBe(1);
    expect(await counted(mesh)).toEqual({
      edge: { ok: 2, denied: 0, error: 1, failure_mode_allowed: 0 },
      lenient: { ok: 0, denied: 1, error: 1, failure_mode_allowed: 1 },
    });
  });

  test("a client that goes away leaves no request in flight behind, and a Check that takes too long is refused before Envoy gives up", async () => {
    mesh = await startMesh(await heldOptions(gate, ["--max-in-flight", "1"]));
    const { envoy, status } = mesh;
    gate.shut();
    const client = connect({ host: LOOPBACK, port: envoy.port("edge") });
    client.write(`GET /open/a HTTP/1.1\r\nhost: localhost\r\n${HOLD_HEADER.join(": ")}\r\n\r\n`);
    await gate.arrived.first();
    expect((await status()).inFlight).toBe(1);
    client.destroy();
    await eventually("the client's place is free", async () => (await status()).inFlight === 0);

    gate.arrived.clear();
    const late = await mesh.send({ listener: "impatient", path: "/open/b", headers: [HOLD_HEADER] });
    // An error of Envoy's would be 503.
    expect(late.status).toBe(403);
    expect((await mesh.metrics()).sum("weir_decisions_total", { reason: "deadline" })).toBe(1);
    await eventually("the late Check's place is free", async () => (await status()).inFlight === 0);

    expect((await send(mesh, "/open/c")).status).toBe(200);
    expect((await mesh.metrics()).sum("weir_bugs_total")).toBe(0);
  });

  test("asked to end, it answers the request in flight, takes no other, and ends with exit code 0", async () => {
    mesh = await startMesh(await heldOptions(gate, []));
    const { weir } = mesh;
    const held = await hold(mesh, gate);

    const exit = weir.stop();
    await eventually("the listener closed", () => refusesConnections(weir.grpcPort));
    expect(await mesh.status()).toMatchObject({ state: "draining", inFlight: 1 });
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(503);
    expect((await fetch(`${weir.adminUrl}/healthz`)).status).toBe(200);

    const closed = await send(mesh, "/open/second");
    const lenient = await send(mesh, "/open/third", "lenient");
    expect([closed.status, lenient.status]).toEqual([503, 200]);

    gate.open();
    expect((await held.answer).status).toBe(200);
    expect(await exit).toBe(0);
    // What was decided while it went down is written down: queues are delivered before the end.
    expect((await mesh.lines()).filter(({ rule }) => rule === "watch/decisions")).toHaveLength(1);
    expect(await counted(mesh)).toEqual({
      edge: { ok: 1, denied: 0, error: 1, failure_mode_allowed: 0 },
      lenient: { ok: 0, denied: 0, error: 1, failure_mode_allowed: 1 },
    });
  });
});

async function heldOptions(gate: Gate, args: readonly string[]): Promise<MeshOptions> {
  const hold = await holdFiles();
  return {
    policies: ({ logFile }) => ({
      "weir.yaml": "",
      "handlers.yaml": usualHandlers(logFile) + holdHandlers(gate),
      "open.yaml": OPEN,
      "watch.yaml": WATCH,
      ...hold,
    }),
    args: () => ["--limit", `ext-authz-deadline-ms=${PATIENT_MS}`, ...args],
    listeners: [
      edge({ authz: { timeoutMs: PATIENT_MS } }),
      edge({ name: "lenient", authz: { timeoutMs: PATIENT_MS, failureModeAllow: true } }),
      edge({ name: "impatient", authz: { timeoutMs: 300 } }),
    ],
  };
}

interface Held {
  readonly answer: Promise<HttpResponse>;
}

/** Resolves once a request is known to wait within Weir. */
async function hold(mesh: Mesh, gate: Gate): Promise<Held> {
  gate.shut();
  const answer = mesh.send({ path: "/open/held", headers: [HOLD_HEADER, [CASE_HEADER, "held"]], withinMs: PATIENT_MS });
  await gate.arrived.first();
  return { answer };
}

function send(mesh: Mesh, path: string, listener = "edge"): Promise<HttpResponse> {
  return mesh.send({ path, listener });
}

const OUTCOMES = ["ok", "denied", "error", "failure_mode_allowed"] as const;

/** What Envoy itself counted, by listener. */
async function counted(mesh: Mesh): Promise<Record<string, Record<string, number>>> {
  const stats = await mesh.envoy.stats();
  const of = (listener: string) =>
    Object.fromEntries(OUTCOMES.map((outcome) => [outcome, stats.get(`http.${listener}.ext_authz.${outcome}`) ?? -1]));
  return { edge: of("edge"), lenient: of("lenient") };
}

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port });
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", () => resolve(true));
  });
}
