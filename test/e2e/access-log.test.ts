/** One policy means the same before a request and after it: what a decision knew comes back in the access log, and each request counts once. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { openWebSocket } from "../../deploy/clients/websocket.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../../deploy/demo/otlp-receiver.ts";
import { makeMint } from "../../deploy/demo/tokens.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { CASE_HEADER, edge, type Mesh, type Sent, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH, writePolicies } from "./support/policies.ts";

const mint = makeMint(Date.now());
const RECORDING = "recording.ndjson";
const CANARY = "canary-7c1f";
/** Longer than what travels with one decision. */
const TOO_LONG = 5_000;

const SETTINGS = `doors:
  weir: {}
  ext-authz: {}
  ext-authz-tcp: {}
  access-log: {}
mask: [request.headers.authorization, request.headers.cookie, request.headers.x-secret, request.auth.claims.email]
`;

const ATTRIBUTES = `derive:
  destination.service: context.get("service", "")
  request.tenant: request.headers.get("x-tenant", "public")
  request.secret: request.headers.get("x-secret", "none")
  request.first_group: request.auth.claims.groups[0]
`;

/** The same variables before and after, none of which Envoy's log has by itself. */
const VARIABLES = `
      case: request.headers.get("x-case", "")
      service: destination.service
      tenant: request.tenant
      group: request.first_group
      team: context.team
      subject: request.auth.subject
      principal: request.auth.principal
      audiences: request.auth.audiences
      presenter: request.auth.presenter
      role: request.auth.claims.role
      level: request.auth.claims.level
      canonical: request.canonical_path
      decision: check.decision_id
      verdict: check.verdict
      reason: check.reason
      rule: check.rule
      snapshot: check.snapshot
`;
const DIMENSIONS = `
      service: destination.service
      tenant: request.tenant
      subject: request.auth.subject
      verdict: check.verdict
`;

const POLICY = `policy: orders
when: destination.service == "orders.test"
check:
  - allow: everybody
    when: request.canonical_path.startsWith("/open/")
  - deny: closed
    when: request.canonical_path.startsWith("/closed/")
    respond: { status: 418 }
report:
  - logentry: before
    of: decision
    handlers: [log]
    variables:${VARIABLES}
  - logentry: after
    handlers: [log]
    variables:${VARIABLES}
  - metric: before_total
    of: decision
    handlers: [prometheus]
    dimensions:${DIMENSIONS}
  - metric: after_total
    handlers: [prometheus]
    dimensions:${DIMENSIONS}
  - tracespan: spans
    handlers: [traces]
    name: \${request.method} \${request.url_path}
    attributes:
      case: request.headers.get("x-case", "")
      decision: check.decision_id
      tenant: request.tenant
`;

/** Everything in which what is masked could come out. */
const SECRETS = `policy: secrets
report:
  - logentry: before
    of: decision
    handlers: [log]
    message: \${request.headers["x-secret"]} \${request.secret} \${request.auth.claims.email}
    variables: &all
      case: request.headers.get("x-case", "")
      headers: request.headers
      claims: request.auth.claims
      one: request.headers["x-secret"]
      derived: request.secret
      token: request.headers.get("authorization", "")
      values: request.headers.values("x-secret")
      email: request.auth.claims.email
  - logentry: after
    handlers: [log]
    message: \${request.headers["x-secret"]} \${request.secret} \${request.auth.claims.email}
    variables: *all
  - tracespan: spans
    handlers: [traces]
    name: \${request.secret}
    attributes:
      headers: request.headers
      claims: request.auth.claims
      derived: request.secret
`;

const EVERYTHING = `policy: everything
report:
  - metric: ended_total
    handlers: [prometheus]
    dimensions: { log: log.name }
`;

const TCP = (port: number): string => `policy: tcp
doors: [ext-authz-tcp]
check:
  - allow: this-port
    when: destination.port == ${port}
report:
  - logentry: connections
    handlers: [log]
    when: connection.duration >= duration("0s")
    message: \${log.name}
    variables:
      case: log.name
      verdict: check.verdict
      rule: check.rule
      decision: check.decision_id
      received: connection.received_bytes
      sent: connection.sent_bytes
`;

const message = z.looseObject({ door: z.string(), bytes: z.base64() });

describe.skipIf(WITHOUT_ENVOY)("the access log of a real Envoy", () => {
  let mesh: Mesh;
  let tracing: OtlpReceiver;

  beforeAll(async () => {
    tracing = await startOtlpReceiver();
    const jwt = { issuer: mint.issuer, jwks: mint.jwks };
    const often = { atStart: true, everyMs: 50 };
    mesh = await startMesh({
      args: ({ dir }) => ["--record", join(dir, RECORDING)],
      policies: ({ logFile }) => ({
        "weir.yaml": SETTINGS,
        "attributes.yaml": ATTRIBUTES,
        "handlers.yaml": `${usualHandlers(logFile)}  - handler: traces\n    adapter: otlp\n    config: { endpoint: "${tracing.endpoint}" }\n`,
        "orders.yaml": POLICY,
        "secrets.yaml": SECRETS,
        "everything.yaml": EVERYTHING,
        "watch.yaml": WATCH,
      }),
      listeners: [
        edge({
          jwt,
          routes: [
            { name: "unasked", prefix: "/unasked/", upstream: "orders", authz: "off" },
            { name: "orders", prefix: "/", upstream: "orders", context: { service: "orders.test", team: "shop" } },
          ],
          log: { requestHeaders: ["x-secret", "authorization", "cookie"] },
        }),
        edge({ name: "often", log: often }),
        { kind: "tcp", name: "tcp-open", upstream: "orders", log: often },
        { kind: "tcp", name: "tcp-closed", upstream: "orders", log: often },
      ],
    });
  });

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    await tracing?.stop();
  });

  describe("knows what the decision knew", () => {
    test("of a signed in caller: derived attributes, the route's context, the token's claims", async () => {
      const before = await exchange(mesh, "signed-in", "/open/a", [
        [
          "authorization",
          `Bearer ${mint.token({ sub: "ann", aud: ["shop", "bank"], azp: "web", role: "clerk", level: 3, groups: ["support", "night"] })}`,
        ],
        ["x-tenant", "grün & co"],
      ]);
      expect(before).toMatchObject({
        service: "orders.test",
        tenant: "grün & co",
        group: "support",
        team: "shop",
        subject: "ann",
        principal: `${mint.issuer}/ann`,
        audiences: ["shop", "bank"],
        presenter: "web",
        role: "clerk",
        level: 3,
        canonical: "/open/a",
        verdict: "allowed",
        reason: "rule",
        rule: "orders/everybody",
        snapshot: mesh.weir.serving.snapshot,
      });
      expect((await mesh.line("orders/after", "signed-in")).variables).toEqual(before);
    });

    test("of a caller nobody knows: what was absent before is absent after", async () => {
      const before = await exchange(mesh, "anonymous", "/open/a", []);
      expect(Object.keys(before)).not.toContain("subject");
      expect(before).toMatchObject({ tenant: "public", service: "orders.test", team: "shop" });
      expect((await mesh.line("orders/after", "anonymous")).variables).toEqual(before);
    });

    test("of a refusal", async () => {
      const before = await exchange(mesh, "refused", "/closed/a", [["x-tenant", "t"]]);
      expect(before).toMatchObject({ verdict: "denied", rule: "orders/closed", tenant: "t" });
      expect((await mesh.line("orders/after", "refused")).variables).toEqual(before);
    });

    test("of a derived attribute that is empty: empty, not absent", async () => {
      const before = await exchange(mesh, "empty", "/open/a", [["x-tenant", ""]]);
      expect(before["tenant"]).toBe("");
      expect((await mesh.line("orders/after", "empty")).variables["tenant"]).toBe("");
    });

    test("in metrics, once each, by the same dimensions", async () => {
      const labels = { service: "orders.test", tenant: "once", subject: "unknown", verdict: "allowed" };
      for (let at = 0; at < 3; at += 1) await exchange(mesh, `once-${at}`, "/open/a", [["x-tenant", "once"]]);
      await mesh.line("orders/after", "once-2");
      const { sum } = await mesh.metrics();
      expect([sum("before_total", labels), sum("after_total", labels)]).toEqual([3, 3]);
    });

    test("but no more than 4 KiB of it: what is left out is absent and counted", async () => {
      const leftOut = (await mesh.metrics()).sum("weir_carried_left_out_total");
      const before = await exchange(mesh, "long", "/open/a", [["x-tenant", "x".repeat(TOO_LONG)]]);
      expect(before["tenant"]).toBe("x".repeat(TOO_LONG));
      const after = (await mesh.line("orders/after", "long")).variables;
      expect([after["tenant"], after["service"]]).toEqual([undefined, "orders.test"]);
      expect((await mesh.metrics()).sum("weir_carried_left_out_total")).toBe(leftOut + 1);
    });
  });

  test("one decision has one id in the decision log, the access log and the span, which continues the caller's trace", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const before = await exchange(mesh, "traced", "/open/traced", [["traceparent", traceparent]]);
    const after = (await mesh.line("orders/after", "traced")).variables;
    const span = await eventually("the span", () =>
      tracing.spans.find(({ attributes }) => attributes["case"] === "traced"),
    );
    expect(before["decision"]).toEqual(expect.stringMatching(/^[0-9a-f]+-[0-9a-z]+$/));
    expect([after["decision"], span.attributes["decision"]]).toEqual([before["decision"], before["decision"]]);
    expect(span).toMatchObject({
      name: "GET /open/traced",
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentSpanId: "00f067aa0ba902b7",
    });
  });

  test("an entry without a decision has nothing of one, and the rules that needed it are counted as skipped", async () => {
    const skipped = async () =>
      (await mesh.metrics()).sum("weir_report_rules_total", { rule: "orders/after", state: "skipped" });
    const before = await skipped();
    await send(mesh, "undecided", "/unasked/a");
    const { variables } = await mesh.line("watch/requests", "undecided");
    expect(variables).toMatchObject({ code: 200 });
    expect(["verdict", "reason", "rule", "decision", "snapshot"].filter((name) => name in variables)).toEqual([]);
    expect(await skipped()).toBe(before + 1);
  });

  test("what is masked comes out nowhere", async () => {
    const token = mint.token({ sub: CANARY.replace("canary", "subject"), email: `${CANARY}@shop.test` });
    await exchange(mesh, "masked", "/open/masked", [
      ["x-secret", CANARY],
      ["X-Secret", `${CANARY}-again`],
      ["cookie", `session=${CANARY}`],
      ["authorization", `Bearer ${token}`],
    ]);
    const after = await mesh.line("secrets/after", "masked");
    expect(after.variables["one"]).toBe("(masked)");
    await eventually("the span", () =>
      tracing.spans.find(({ attributes }) => attributes["claims"]?.includes("subject-7c1f")),
    );
    const recorded = await eventually("its Check and its log entry in the recording", async () => {
      const messages = await readRecording(join(mesh.dir, RECORDING));
      return messages.filter((message) => message.includes("/open/masked")).length >= 2 && messages;
    });
    const log = await readFile(mesh.logFile, "utf8");
    const seen = [log, JSON.stringify(tracing.spans), ...mesh.weir.log, ...recorded].join("\n");
    expect(seen).toContain("subject-7c1f");
    expect(linesWith(seen, CANARY)).toEqual([]);
    expect(linesWith(seen, token)).toEqual([]);
  });

  describe("counts what has ended, once", () => {
    test("a WebSocket, however often Envoy tells of it while it lasts", async () => {
      const labels = { log: "often" };
      const before = (await mesh.metrics()).sum("ended_total", labels);
      const handshake = await openWebSocket({
        port: mesh.envoy.port("often"),
        path: "/open/ws",
        headers: [[CASE_HEADER, "ws"]],
      });
      if (handshake.kind !== "open") throw new Error(`refused with ${handshake.response.status}`);
      expect(await handshake.link.exchange("hello")).toBe("hello");
      await eventually(
        "two entries while it lasts",
        async () => (await skippedEntries(mesh, "DownstreamPeriodic")) >= 2,
      );
      expect((await mesh.metrics()).sum("ended_total", labels)).toBe(before);
      handshake.link.close();
      const { variables } = await mesh.line("watch/requests", "ws");
      expect(variables).toMatchObject({ code: 101, verdict: "allowed" });
      expect((await mesh.metrics()).sum("ended_total", labels)).toBe(before + 1);
      expect(await skippedEntries(mesh, "DownstreamStart")).toBeGreaterThanOrEqual(1);
    });

    test("a TCP connection, allowed or refused, with its decision", async () => {
      await writePolicies(mesh.policies, { "tcp.yaml": TCP(mesh.envoy.port("tcp-open")) });
      const { snapshot } = mesh.weir.serving;
      await eventually("the policy for TCP", async () => (await mesh.status()).snapshot !== snapshot);

      expect((await mesh.send({ listener: "tcp-open", path: "/anything" })).status).toBe(200);
      const open = (await mesh.line("tcp/connections", "tcp-open")).variables;
      expect(open).toMatchObject({ verdict: "allowed", rule: "tcp/this-port" });
      expect([Number(open["received"]), Number(open["sent"])]).toEqual([
        expect.toSatisfy(isPositive),
        expect.toSatisfy(isPositive),
      ]);

      await expect(mesh.send({ listener: "tcp-closed", path: "/anything" })).rejects.toThrow();
      const closed = (await mesh.line("tcp/connections", "tcp-closed")).variables;
      expect([closed["verdict"], closed["rule"]]).toEqual(["denied", undefined]);
      expect(closed["decision"]).not.toBe(open["decision"]);

      const { sum } = await mesh.metrics();
      expect([sum("ended_total", { log: "tcp-open" }), sum("ended_total", { log: "tcp-closed" })]).toEqual([1, 1]);
      const decisions = (verdict: string) => sum("weir_decisions_total", { door: "ext-authz-tcp", verdict });
      expect([decisions("allowed"), decisions("denied")]).toEqual([1, 1]);
    });
  });
});

function send(mesh: Mesh, name: string, path: string, headers: Sent["headers"] = []) {
  return mesh.send({ path, headers: [[CASE_HEADER, name], ...headers] });
}

/** One request. @returns what the decision log says of it. */
async function exchange(
  mesh: Mesh,
  name: string,
  path: string,
  headers: NonNullable<Sent["headers"]>,
): Promise<Readonly<Record<string, unknown>>> {
  await send(mesh, name, path, headers);
  return (await mesh.line("orders/before", name)).variables;
}

/** @returns the messages of a recording, one character per byte. */
async function readRecording(file: string): Promise<readonly string[]> {
  const [, ...lines] = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => Buffer.from(message.parse(JSON.parse(line)).bytes, "base64").toString("latin1"));
}

async function skippedEntries(mesh: Mesh, type: string): Promise<number> {
  return (await mesh.metrics()).sum("weir_access_log_entries_skipped_total", { type });
}

function linesWith(text: string, canary: string): readonly string[] {
  return text.split("\n").filter((line) => line.includes(canary));
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && value > 0;
}
