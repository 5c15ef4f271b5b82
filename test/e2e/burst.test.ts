/** A new Envoy sends what has piled up at once, before it has heard how many calls Weir takes on a connection: none of them may be refused. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { edge, type Mesh, startMesh } from "./support/mesh.ts";
import { usualHandlers } from "./support/policies.ts";

const OPEN = `policy: open
check:
  - allow: open
    when: request.canonical_path.startsWith("/open/")
`;

/** Several times what one connection takes, and less than Envoy's circuit breaker lets through. */
const BURST = 600;
const PATIENT_MS = 15_000;

describe.skipIf(WITHOUT_ENVOY)("a burst over a cold connection", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      policies: ({ logFile }) => ({ "weir.yaml": "", "handlers.yaml": usualHandlers(logFile), "open.yaml": OPEN }),
      // What is measured is the connection: a small machine is slow with so many at once.
      args: () => ["--limit", "overload-delay-ms=0"],
      listeners: [edge({ authz: { timeoutMs: PATIENT_MS } })],
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });

  test("has each of its Checks decided", async () => {
    const { pid } = mesh.weir;
    const paths = Array.from({ length: BURST }, (_, n) => (n % 2 === 0 ? "/open/" : "/closed/"));
    // A Weir that stands still says nothing, while Envoy sends what it has.
    process.kill(pid, "SIGSTOP");
    const asked = paths.map((path) => mesh.send({ path, withinMs: PATIENT_MS }));
    await eventually("Envoy asks all at once", async () => {
      const active = (await mesh.envoy.stats()).get("cluster.weir.upstream_rq_active");
      return active === BURST;
    }).finally(() => process.kill(pid, "SIGCONT"));
    const answers = await Promise.all(asked);
    expect(answers.filter(({ status }, n) => status !== (n % 2 === 0 ? 200 : 403))).toEqual([]);
    const stats = await mesh.envoy.stats();
    expect(stats.get("http.edge.ext_authz.error")).toBe(0);
    // This Envoy asks again when a call was refused; older ones do not.
    expect(stats.get("cluster.weir.upstream_rq_retry")).toBe(0);
    expect((await mesh.metrics()).sum("weir_decisions_total")).toBe(BURST);
  });
});
