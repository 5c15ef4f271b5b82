/** Every row of what Weir answers on the wire (docs/policy-reference.md, "What the caller gets"), as a client behind a real Envoy sees it. */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GrpcAnswer, grpcUnary } from "../../deploy/clients/grpc.ts";
import type { HttpResponse } from "../../deploy/clients/http-response.ts";
import { openWebSocket } from "../../deploy/clients/websocket.ts";
import { type HeaderPairs, valuesOf } from "../../deploy/headers.ts";
import { LOOPBACK } from "../../deploy/loopback.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { CASE_HEADER, edge, type Mesh, type Sent, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH } from "./support/policies.ts";

const NOT_UTF8 = Uint8Array.of(0x66, 0xff, 0xfe);

const VERDICTS = `policy: verdicts
check:
  - allow: open
    when: request.canonical_path.startsWith("/open/")
  - allow: greeter
    when: request.canonical_path.glob("/greeter.v1.Greeter/*")
  - allow: large-numbers
    when: request.canonical_path.startsWith("/number/") && int(request.headers.get("x-number", "0")) > 10

  - deny: plain
    when: request.canonical_path == "/denied/plain"
  - deny: teapot
    when: request.canonical_path == "/denied/teapot"
    respond:
      status: 418
      headers: { x-reason: "teapot by \${request.method}", x-second: two }
      body: "I am a teapot at \${request.canonical_path}."
  - deny: sign-in
    when: request.canonical_path == "/denied/sign-in" || request.headers.get("x-grpc", "") == "sign-in"
    respond: { status: 401, headers: { www-authenticate: Bearer, x-reason: sign-in }, body: Sign in. }
  - deny: moved
    when: request.canonical_path == "/denied/moved"
    respond: { status: 307, headers: { location: "https://elsewhere.test/", x-reason: moved } }
  - deny: unspeakable
    when: request.canonical_path == "/denied/unspeakable"
    respond:
      headers: { x-absent: "\${request.headers['x-nobody']}", x-failed: "\${int(request.method)}", x-reason: unspeakable }
      body: "\${request.headers['x-nobody']}"
  - deny: not-over-grpc
    when: request.headers.get("x-grpc", "") == "denied"
    respond: { headers: { x-reason: not-over-grpc } }
  - deny: frozen
    when: request.headers.values("x-state").exists(s, s == "frozen")
    respond: { headers: { x-reason: frozen }, body: This account is frozen. }
  - deny: too-large
    when: int(request.headers.get("x-size", "0")) > 10
    respond: { headers: { x-reason: too-large }, body: Too large. }
  - deny: wrong-region
    when: request.canonical_path.startsWith("/open/region/") && request.headers["x-region"] != "eu"
    respond: { headers: { x-reason: wrong-region }, body: Only from there. }

  - ask: blocked-accounts
    handler: blocklist
    when: request.canonical_path.startsWith("/open/accounts/")
    value: request.headers["x-account"]
    on-unavailable: deny
    respond: { status: 451, headers: { x-reason: blocked }, body: This account is blocked. }
  - ask: blocked-addresses
    handler: address-list
    when: request.canonical_path.startsWith("/open/addresses/")
    value: request.headers["x-address"]
    on-unavailable: deny
    respond: { headers: { x-reason: blocked-address } }
  - ask: lenient-addresses
    handler: address-list
    when: request.canonical_path.startsWith("/open/lenient-addresses/")
    value: request.headers["x-address"]
    on-unavailable: allow

quota:
  - limit: once
    handler: counters
    max: 1
    every: 1m
    when: request.canonical_path.startsWith("/open/once/")
  - limit: once-in-own-words
    handler: counters
    max: 1
    every: 1h
    when: request.canonical_path.startsWith("/open/own-words/")
    respond: { status: 420, headers: { x-reason: calm }, body: Enhance your calm. }
  - limit: greetings
    handler: counters
    max: 1
    every: 1h
    when: request.headers.get("x-grpc", "") == "limited"
  - limit: by-weight
    handler: counters
    max: 10
    every: 1m
    cost: int(request.headers.get("x-weight", "0"))
    respond: { headers: { x-reason: by-weight } }
`;

const HANDLERS = `  - handler: blocklist
    adapter: list
    config: { mode: block, values: [mallory] }
  - handler: address-list
    adapter: list
    config: { mode: block, type: ip, values: [192.0.2.0/24] }
`;

interface Row {
  readonly about: string;
  readonly path: string;
  readonly headers?: Sent["headers"];
  readonly status: number;
  /** Headers of the answer; `undefined`: it must not have this one. */
  readonly has?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  /** As the decision log has it: verdict, reason, rule. */
  readonly decided: readonly [verdict: string, reason: string, rule?: string];
}

/** What no undecided answer says: any word of a rule. */
const NO_WORDS = { has: { "x-reason": undefined, "retry-after": undefined }, body: "" } as const;

const ALLOWED_AND_DENIED: readonly Row[] = [
  { about: "a true allow lets pass", path: "/open/a", status: 200, decided: ["allowed", "rule", "verdicts/open"] },
  {
    about: "a request that no rule allows is refused with 403 and nothing else",
    path: "/closed/a",
    status: 403,
    ...NO_WORDS,
    decided: ["denied", "unmatched"],
  },
  {
    about: "a deny without words is 403 without a body",
    path: "/denied/plain",
    status: 403,
    ...NO_WORDS,
    decided: ["denied", "rule", "verdicts/plain"],
  },
  {
    about: "a deny answers with its own status, headers and body",
    path: "/denied/teapot",
    status: 418,
    has: { "x-reason": "teapot by GET", "x-second": "two" },
    body: "I am a teapot at /denied/teapot.",
    decided: ["denied", "rule", "verdicts/teapot"],
  },
  {
    about: "a deny may ask to sign in",
    path: "/denied/sign-in",
    status: 401,
    has: { "www-authenticate": "Bearer" },
    body: "Sign in.",
    decided: ["denied", "rule", "verdicts/sign-in"],
  },
  {
    about: "a deny may send elsewhere",
    path: "/denied/moved",
    status: 307,
    has: { location: "https://elsewhere.test/", "x-reason": "moved" },
    decided: ["denied", "rule", "verdicts/moved"],
  },
  {
    about: "words that cannot be said are left out of a denial, which stays",
    path: "/denied/unspeakable",
    status: 403,
    has: { "x-absent": undefined, "x-failed": undefined, "x-reason": "unspeakable" },
    body: "",
    decided: ["denied", "rule", "verdicts/unspeakable"],
  },
  {
    about: "a true deny beats a true allow",
    path: "/open/a",
    headers: [["x-state", "gold, frozen"]],
    status: 403,
    has: { "x-reason": "frozen" },
    body: "This account is frozen.",
    decided: ["denied", "rule", "verdicts/frozen"],
  },
  {
    about: "an adapter's objection is answered in the rule's words",
    path: "/open/accounts/a",
    headers: [["x-account", "mallory"]],
    status: 451,
    has: { "x-reason": "blocked" },
    body: "This account is blocked.",
    decided: ["denied", "adapter", "verdicts/blocked-accounts"],
  },
  {
    about: "an adapter without an objection lets pass",
    path: "/open/accounts/a",
    headers: [["x-account", "ann"]],
    status: 200,
    decided: ["allowed", "rule", "verdicts/open"],
  },
  {
    about: "where a rule says so an adapter that cannot tell lets pass",
    path: "/open/lenient-addresses/a",
    headers: [["x-address", "nowhere"]],
    status: 200,
    decided: ["allowed", "rule", "verdicts/open"],
  },
];

const UNDECIDED: readonly Row[] = [
  {
    about: "a deny over bytes that are not UTF-8",
    path: "/open/a",
    headers: [["x-state", NOT_UTF8]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "deny-error", "verdicts/frozen"],
  },
  {
    about: "a deny whose conversion fails",
    path: "/open/a",
    headers: [["x-size", "many"]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "deny-error", "verdicts/too-large"],
  },
  {
    about: "a deny that reads what is absent",
    path: "/open/region/a",
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "deny-error", "verdicts/wrong-region"],
  },
  {
    about: "an allow that fails where no other allows",
    path: "/number/a",
    headers: [["x-number", "eleven"]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "allow-error", "verdicts/large-numbers"],
  },
  {
    about: "an ask without its value",
    path: "/open/accounts/a",
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "ask-error", "verdicts/blocked-accounts"],
  },
  {
    about: "an ask whose adapter cannot tell",
    path: "/open/addresses/a",
    headers: [["x-address", "nowhere"]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "adapter-unavailable", "verdicts/blocked-addresses"],
  },
  {
    about: "a limit whose cost fails",
    path: "/open/a",
    headers: [["x-weight", "heavy"]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "limit-error", "verdicts/by-weight"],
  },
  {
    about: "a limit whose cost is negative",
    path: "/open/a",
    headers: [["x-weight", "-1"]],
    status: 403,
    ...NO_WORDS,
    decided: ["undecided", "limit-error", "verdicts/by-weight"],
  },
];

describe.skipIf(WITHOUT_ENVOY)("behind a real Envoy", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "unmatched: deny\n",
        "handlers.yaml": usualHandlers(logFile) + HANDLERS,
        "verdicts.yaml": VERDICTS,
        "watch.yaml": WATCH,
      }),
      listeners: [
        edge(),
        // Whoever lets requests through when Weir cannot be asked does not let its refusals through.
        edge({ name: "lenient", authz: { failureModeAllow: true } }),
        { kind: "tcp", name: "tcp", upstream: "orders" },
      ],
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  describe.each(["edge", "lenient"])("on the listener %s", (listener) => {
    test.each(ALLOWED_AND_DENIED)("$about", (row) => holds(mesh, row, listener));

    describe("undecided, and so refused without a word", () => {
      test.each(UNDECIDED)("$about", (row) => holds(mesh, row, listener));
    });
  });

  describe("limits", () => {
    test("a used up limit is 429 with the seconds to wait", async () => {
      expect((await send(mesh, "/open/once/a", "once-1")).status).toBe(200);
      const refused = await send(mesh, "/open/once/a", "once-2");
      expect(refused).toMatchObject({ status: 429, body: Buffer.alloc(0) });
      expect(Number(one(refused.headers, "retry-after"))).toSatisfy((seconds) => seconds >= 1 && seconds <= 60);
      expect(await decided(mesh, "once-2")).toEqual(["limited", "limit", "verdicts/once"]);
    });

    test("a used up limit answers in its own words", async () => {
      expect((await send(mesh, "/open/own-words/a", "own-words-1")).status).toBe(200);
      const refused = await send(mesh, "/open/own-words/a", "own-words-2");
      expect(refused.status).toBe(420);
      expect(refused.body.toString()).toBe("Enhance your calm.");
      expect(one(refused.headers, "x-reason")).toBe("calm");
      expect(Number(one(refused.headers, "retry-after"))).toBeGreaterThan(0);
    });

    test("a request that costs more than can ever be had is limited, and not told to wait", async () => {
      await holds(mesh, {
        about: "heavy",
        path: "/open/a",
        headers: [["x-weight", "11"]],
        status: 429,
        has: { "retry-after": undefined, "x-reason": "by-weight" },
        decided: ["limited", "limit", "verdicts/by-weight"],
      });
    });
  });

  describe("gRPC", () => {
    test("an allowed call arrives and is answered", async () => {
      const answer = await greet(mesh, "allowed");
      expect(answer.status).toBe(0);
      expect(answer.messages.map(String)).toEqual(["hello"]);
    });

    test("a service's own failure is not touched", async () => {
      const answer = await greet(mesh, "allowed", [], "Fail");
      expect([answer.status, decodeURIComponent(answer.statusMessage)]).toEqual([9, "asked to fail"]);
    });

    test.each([
      ["denied is PERMISSION_DENIED", "denied", [], 7],
      ["denied with 401 is UNAUTHENTICATED", "sign-in", [], 16],
      ["undecided is FAILED_PRECONDITION", "undecided", [["x-state", "\u00ff"]], 9],
    ] as const)("%s", async (_, kind, headers, code) => {
      const answer = await greet(mesh, kind, headers);
      expect(answer.status).toBe(code);
      expect(answer.messages).toEqual([]);
    });

    test("limited is RESOURCE_EXHAUSTED, which clients do not simply try again", async () => {
      expect((await greet(mesh, "limited")).status).toBe(0);
      const refused = await greet(mesh, "limited");
      expect(refused.status).toBe(8);
      expect(Number(one(refused.headers, "retry-after"))).toBeGreaterThan(0);
    });
  });

  describe("WebSockets", () => {
    test("an allowed upgrade is a working connection", async () => {
      const handshake = await openWebSocket({ port: mesh.envoy.port("edge"), path: "/open/ws" });
      if (handshake.kind !== "open") throw new Error(`refused with ${handshake.response.status}`);
      expect(await handshake.link.exchange("hello")).toBe("hello");
      handshake.link.close();
    });

    test("a refused upgrade is a plain refusal, and the service never hears of it", async () => {
      mesh.orders.requests.clear();
      const handshake = await openWebSocket({
        port: mesh.envoy.port("edge"),
        path: "/open/ws",
        headers: [["x-state", "frozen"]],
      });
      expect(handshake.kind).toBe("refused");
      expect(handshake.response.status).toBe(403);
      expect(handshake.response.body.toString()).toBe("This account is frozen.");
      expect(mesh.orders.requests.all).toEqual([]);
    });
  });

  test("a service that breaks the connection was allowed, and the access log says what became of it", async () => {
    const answer = await send(mesh, "/open/reset", "reset");
    expect(answer.status).toBe(503);
    const { variables } = await mesh.line("watch/requests", "reset");
    expect(variables).toMatchObject({ verdict: "allowed", rule: "verdicts/open", code: 503 });
    expect(variables["details"]).toContain("upstream_reset_before_response_started");
  });

  test("a TCP connection is refused while its door is not enabled", async () => {
    const { sum } = await mesh.metrics();
    const labels = { door: "ext-authz-tcp", verdict: "undecided", reason: "door-off" };
    const socket = connect({ host: LOOPBACK, port: mesh.envoy.port("tcp") });
    socket.write("GET /open/a HTTP/1.1\r\nhost: x\r\n\r\n");
    expect(await text(socket)).toBe("");
    expect((await mesh.metrics()).sum("weir_decisions_total", labels)).toBe(sum("weir_decisions_total", labels) + 1);
  });

  test("nothing of all this was an error to Envoy or a bug to Weir", async () => {
    const stats = await mesh.envoy.stats();
    const errors = [...stats].filter(([name]) => /ext_authz\.(.*\.)?(error|failure_mode_allowed)$/.test(name));
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.filter(([, count]) => count !== 0)).toEqual([]);
    const { sum } = await mesh.metrics();
    expect(sum("weir_bugs_total")).toBe(0);
    expect(sum("weir_not_admitted_total")).toBe(0);
  });
});

let cases = 0;

async function holds(mesh: Mesh, row: Row, listener = "edge"): Promise<void> {
  cases += 1;
  const name = `case-${cases}`;
  mesh.orders.requests.clear();
  const answer = await send(mesh, row.path, name, row.headers, listener);
  expect(answer.status).toBe(row.status);
  for (const [header, value] of Object.entries(row.has ?? {}))
    expect([header, one(answer.headers, header)]).toEqual([header, value]);
  if (row.body !== undefined) expect(answer.body.toString()).toBe(row.body);
  expect(await decided(mesh, name)).toEqual(row.decided);
  expect(mesh.orders.requests.all).toHaveLength(row.decided[0] === "allowed" ? 1 : 0);
}

function send(
  mesh: Mesh,
  path: string,
  name: string,
  headers: Sent["headers"] = [],
  listener = "edge",
): Promise<HttpResponse> {
  return mesh.send({ listener, path, headers: [[CASE_HEADER, name], ...headers] });
}

function greet(mesh: Mesh, kind: string, headers: HeaderPairs = [], method = "Greet"): Promise<GrpcAnswer> {
  return grpcUnary({
    port: mesh.envoy.port("edge"),
    path: `/greeter.v1.Greeter/${method}`,
    message: Buffer.from("hello"),
    headers: [["x-grpc", kind], ...headers],
  });
}

/** Verdict, reason and rule, without the rule where none decided. */
async function decided(mesh: Mesh, name: string): Promise<readonly unknown[]> {
  const { verdict, reason, rule } = (await mesh.line("watch/decisions", name)).variables;
  return rule === undefined ? [verdict, reason] : [verdict, reason, rule];
}

function one(headers: HeaderPairs, name: string): string | undefined {
  const values = valuesOf(headers, name);
  expect(values.length).toBeLessThanOrEqual(1);
  return values[0];
}
