/** Where Envoy is told to let requests pass that it could not ask about, nobody gets past a refusal by making Envoy unable to ask. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeMint } from "../../deploy/demo/tokens.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { CASE_HEADER, edge, type Mesh, startMesh } from "./support/mesh.ts";
import { usualHandlers } from "./support/policies.ts";

const POLICY = `policy: gate
check:
  - allow: members
    when: request.auth.claims.role == "member"
  - deny: guests
    when: request.auth.claims.get("role", "guest") == "guest"
report:
  - logentry: requests
    handlers: [log]
    variables:
      case: request.headers.get("x-case", "")
      subject: request.auth.subject
      claims: request.auth.claims
`;

/** More than Envoy sends on one connection to most servers, and fewer than its circuit breaker lets through. */
const CROWD = 600;
/** More messages inside each other than Envoy reads. */
const DEEP = 60;

describe.skipIf(WITHOUT_ENVOY)("with failure_mode_allow", () => {
  const mint = makeMint(Date.now());
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile),
        "gate.yaml": POLICY,
      }),
      listeners: [edge({ authz: { failureModeAllow: true }, jwt: { issuer: mint.issuer, jwks: mint.jwks } })],
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  test("a crowd that comes at once, when Envoy has no connection yet, is refused to the last", async () => {
    const answers = await Promise.all(Array.from({ length: CROWD }, () => mesh.send({ path: "/" })));
    expect(answers.filter(({ status }) => status !== 403)).toEqual([]);
    expect(await failures(mesh)).toEqual([0, 0]);
  });

  test("claims too deep for Envoy to read in an answer refuse as others do, and are left out of the record", async () => {
    const claims = Array.from({ length: DEEP }).reduce<object>((inner) => ({ a: inner }), {});
    const ask = (name: string, role: string) => {
      const token = mint.token({ sub: "ana", role, claims });
      return mesh.send({
        path: "/",
        headers: [
          [CASE_HEADER, name],
          ["authorization", `Bearer ${token}`],
        ],
      });
    };
    expect((await ask("guest", "guest")).status).toBe(403);
    expect((await ask("member", "member")).status).toBe(200);
    expect(await failures(mesh)).toEqual([0, 0]);
    expect((await mesh.line("gate/requests", "guest")).variables).toEqual({ case: "guest", subject: "ana" });
  });
});

/** What Envoy could not ask about, and what it let pass for that. */
async function failures({ envoy }: Mesh): Promise<readonly unknown[]> {
  const stats = await envoy.stats();
  return ["error", "failure_mode_allowed"].map((name) => stats.get(`http.edge.ext_authz.${name}`));
}
