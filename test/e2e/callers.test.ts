/** Who asks and what they send along: client certificates, tokens and bodies, as a real Envoy hands them on. */
import type { ConnectionOptions } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeMint } from "../../deploy/demo/tokens.ts";
import { makeAuthority } from "../wire/certificates.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { CASE_HEADER, edge, type Mesh, type Sent, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH } from "./support/policies.ts";

const STOREFRONT = "spiffe://shop/ns/web/sa/storefront";
const MAX_BODY = 64;

const POLICY = `policy: callers
define:
  storefronts: ["${STOREFRONT}"]
check:
  - allow: storefront
    when: source.principal in storefronts && request.canonical_path.startsWith("/orders/")
  - allow: own
    when: request.canonical_path.startsWith("/customers/" + request.auth.subject + "/")
  - allow: support
    when: '"support" in request.auth.claims.get("groups", []) && request.auth.claims.profile.level >= 3.0'
  - allow: bodies
    when: request.canonical_path == "/bodies" && context.get("service", "") == "bodies.test"
  - deny: attacks
    when: request.canonical_path == "/bodies" && request.body.orDefault("").contains("attack")
    respond: { status: 422 }
`;

const authority = makeAuthority("a test", Date.now());
const stranger = makeAuthority("somebody else", Date.now());
const mint = makeMint(Date.now());

describe.skipIf(WITHOUT_ENVOY)("callers of a real Envoy", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    const server = authority.issue("gateway", { dns: ["localhost"] });
    const jwt = { issuer: mint.issuer, audiences: ["shop"], jwks: mint.jwks };
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile),
        "callers.yaml": POLICY,
        "watch.yaml": WATCH,
      }),
      listeners: [
        edge({ jwt }),
        edge({ name: "tls", tls: { ...server, clientCa: authority.certificate, clientRequired: false } }),
        edge({ name: "bodies", routes: bodies(), authz: { body: { maxBytes: MAX_BODY, partial: true } } }),
        edge({ name: "whole-bodies", routes: bodies(), authz: { body: { maxBytes: MAX_BODY } } }),
        edge({ name: "no-bodies", routes: bodies() }),
      ],
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  describe("with certificates", () => {
    test("whom a rule names passes", async () => {
      const name = { uris: [STOREFRONT], dns: ["storefront.test"] };
      expect(await verdict(mesh, { listener: "tls", path: "/orders/1", tls: client(name) })).toEqual([
        200,
        "allowed rule",
      ]);
    });

    test("whom no rule names does not", async () => {
      const name = { uris: [`${STOREFRONT}/not-quite`] };
      expect(await verdict(mesh, { listener: "tls", path: "/orders/1", tls: client(name) })).toEqual([
        403,
        "denied unmatched",
      ]);
    });

    test("who has none gets a plain no, not a refusal to guess", async () => {
      const tls = { ca: authority.certificate, servername: "localhost" };
      expect(await verdict(mesh, { listener: "tls", path: "/orders/1", tls })).toEqual([403, "denied unmatched"]);
    });

    test("one that somebody else signed opens no connection", async () => {
      const { certificate: cert, key } = stranger.issue("storefront", { uris: [STOREFRONT] });
      const tls = { ca: authority.certificate, servername: "localhost", cert, key };
      await expect(mesh.send({ listener: "tls", path: "/orders/1", tls })).rejects.toThrow();
    });
  });

  describe("with tokens", () => {
    const bearer = (claims: Readonly<Record<string, unknown>>) =>
      [["authorization", `Bearer ${mint.token({ aud: "shop", ...claims })}`]] as const;

    test.each([
      ["the subject is who may see it", "/customers/ann/orders", { sub: "ann" }, [200, "allowed rule"]],
      ["the subject is another", "/customers/ann/orders", { sub: "bob" }, [403, "denied unmatched"]],
      ["there is no subject", "/customers//orders", {}, [403, "denied unmatched"]],
      [
        "a nested claim is enough",
        "/customers/ann/orders",
        { sub: "sue", groups: ["support"], profile: { level: 3 } },
        [200, "allowed rule"],
      ],
      [
        "a nested claim is not enough",
        "/customers/ann/orders",
        { sub: "sue", groups: ["support"], profile: { level: 2.5 } },
        [403, "denied unmatched"],
      ],
      [
        "a claim has another type",
        "/customers/ann/orders",
        { sub: "sue", groups: "support", profile: { level: 3 } },
        [403, "undecided allow-error"],
      ],
      [
        "a claim is called like what objects inherit",
        "/customers/ann/orders",
        { sub: "eve", groups: ["support"], __proto__x: 1, constructor: { level: 9 } },
        [403, "denied unmatched"],
      ],
    ] as const)("%s", async (_, path, claims, expected) => {
      expect(await verdict(mesh, { path, headers: bearer(claims) })).toEqual(expected);
    });

    test("without one there is no subject, which is a plain no", async () => {
      expect(await verdict(mesh, { path: "/customers//orders" })).toEqual([403, "denied unmatched"]);
    });
  });

  describe("with bodies", () => {
    const send = (listener: string, body: string | Uint8Array) =>
      verdict(mesh, { listener, method: "POST", path: "/bodies", body });

    test("a rule may read one", async () => {
      expect(await send("bodies", "a plain one")).toEqual([200, "allowed rule"]);
      expect(await send("bodies", "an attack")).toEqual([422, "denied rule"]);
      expect(mesh.orders.requests.all.at(-1)?.body).toBe("a plain one");
    });

    test("one that is cut is undecided, since the rest may be anything", async () => {
      expect(await send("bodies", `${"x".repeat(MAX_BODY)} an attack`)).toEqual([403, "undecided deny-error"]);
    });

    test("one that is no text is undecided", async () => {
      expect(await send("bodies", Uint8Array.of(0x61, 0xff))).toEqual([403, "undecided deny-error"]);
    });

    test("an empty one is none", async () => {
      expect(await send("bodies", "")).toEqual([200, "allowed rule"]);
    });

    test("one that is longer than Envoy may send along whole is refused by Envoy", async () => {
      expect(
        (await mesh.send({ listener: "whole-bodies", method: "POST", path: "/bodies", body: "x".repeat(MAX_BODY + 1) }))
          .status,
      ).toBe(413);
    });

    test("where Envoy sends none along there is none, whatever it holds", async () => {
      expect(await send("no-bodies", "an attack")).toEqual([200, "allowed rule"]);
    });
  });

  test("nothing of this was an error to anybody", async () => {
    const { sum } = await mesh.metrics();
    expect([sum("weir_bugs_total"), sum("weir_not_admitted_total"), sum("weir_undecodable_total")]).toEqual([0, 0, 0]);
  });
});

function bodies() {
  return [{ name: "bodies", prefix: "/", upstream: "orders", context: { service: "bodies.test" } }];
}

function client(names: Parameters<typeof authority.issue>[1]): ConnectionOptions {
  const { certificate: cert, key } = authority.issue("client", names);
  return { ca: authority.certificate, servername: "localhost", cert, key };
}

let cases = 0;

/** @returns the status that the client got, and how that was decided. */
async function verdict(mesh: Mesh, request: Sent): Promise<readonly [status: number, decided: string]> {
  cases += 1;
  const name = `case-${cases}`;
  const { status } = await mesh.send({ ...request, headers: [...(request.headers ?? []), [CASE_HEADER, name]] });
  const { variables } = await mesh.line("watch/decisions", name);
  return [status, `${variables["verdict"]} ${variables["reason"]}`];
}
