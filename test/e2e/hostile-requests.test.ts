/** Requests that nobody sends by accident: each gets the right verdict, nothing crashes, and each is in the access log. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { grpcUnary } from "../../deploy/clients/grpc.ts";
import { rawRequest } from "../../deploy/clients/http.ts";
import type { HttpResponse } from "../../deploy/clients/http-response.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { CASE_HEADER, edge, type Mesh, type Sent, startMesh } from "./support/mesh.ts";
import { usualHandlers, WATCH } from "./support/policies.ts";

const KIB = 1024;

const POLICY = `policy: hostile
check:
  - allow: public
    when: request.canonical_path.startsWith("/public/")
  - allow: administrators
    when: request.canonical_path.startsWith("/admin/") && request.headers.get("x-role", "") == "admin"
  - allow: greeter
    when: request.canonical_path.startsWith("/greeter.v1.Greeter/")
  - allow: headers
    when: request.url_path == "/headers" && request.headers.get("x-expect", "none") == "none"
    raw-path: true

  - deny: guests
    when: request.headers.values("x-role").exists(role, role == "guest")
    respond: { status: 418 }
  - deny: prototypes
    when: request.headers.get("x-expect", "") == "inherited" && ("constructor" in request.headers || "__proto__" in request.headers || "tostring" in request.headers || "hasownproperty" in request.headers)
    respond: { status: 409 }
  - deny: sent-prototypes
    when: request.headers.get("__proto__", "") == "sent" || request.headers.get("constructor", "") == "sent" || request.headers.get("tostring", "") == "sent"
    respond: { status: 410 }
  - deny: large
    when: request.headers.get("x-large", "").endsWith("the end")
    respond: { status: 411 }
  - deny: many
    when: request.headers.get("x-many-499", "") == "499"
    respond: { status: 412 }
  - deny: cookies
    when: request.headers.get("cookie", "") == "a=1; b=2; c=3"
    respond: { status: 413 }
  - deny: doubled
    when: request.headers.get("x-doubled", "") == "one, two, three"
    respond: { status: 414 }
  - deny: quoted
    when: request.headers.values("x-quoted").exists(v, v == '"a, b"') && size(request.headers.values("x-quoted")) == 3
    respond: { status: 415 }
  - deny: host
    when: request.host == "evil.example"
    respond: { status: 416 }
  - deny: old
    when: request.protocol == "HTTP/1.0"
    respond: { status: 417 }
`;

describe.skipIf(WITHOUT_ENVOY)("hostile requests", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    const log = { requestHeaders: ["x-large", "constructor", "__proto__", "cookie"] };
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile),
        "hostile.yaml": POLICY,
        "watch.yaml": WATCH,
      }),
      listeners: [
        // Envoy tidies paths here, as it should, …
        edge({ log }),
        // … and nothing at all here: Weir has to stand alone.
        edge({
          name: "raw",
          log,
          paths: { normalize: false, escapedSlashes: "keep" },
          maxHeaders: 1_000,
          http10: true,
        }),
      ],
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  describe("paths, where Envoy tidies nothing", () => {
    test.each([
      ["/public/a", 200],
      ["/public//a", 200],
      ["//public/a", 200],
      ["/public/./a", 200],
      ["/%70ublic/a", 200],
      ["/public/a?x=/../../admin/", 200],
      ["/public/a%20b", 200],
      ["/public/gr%C3%BCn", 200],
      ["/admin/../public/a", 200],
      // No rule is true of what these really are.
      ["/public/../admin/", 403],
      ["/public/..", 403],
      ["/public/%2e%2e/admin/", 403],
      ["/public/.%2E/admin/", 403],
      ["/PUBLIC/a", 403],
      ["/public", 403],
    ])("%s is answered %i", async (path, status) => {
      const name = fresh();
      expect((await raw(mesh, path, name)).status).toBe(status);
      expect(await decided(mesh, name)).toBe(status === 200 ? "allowed rule" : "denied unmatched");
      expect((await logged(mesh, name))["path"]).toBe(path);
    });

    test.each([
      "/public/%2f..%2fadmin/",
      "/public/%2F",
      "/public%2fa",
      "/public/%5c..%5cadmin/",
      "/public/\\..\\admin/",
      "/public/..;/admin/",
      "/public/a;b=c",
      "/public/.;x/a",
      "/public/%3b",
      "/public/%252e%252e/admin/",
      "/public/%00",
      "/public/%0d%0aset-cookie:%20a=b",
      "/public/%zz",
      "/public/%",
      "/public/%c0%ae%c0%ae/",
      "/public/%ff",
      "/public/%3fa",
      "/public/%23",
      "/../public/a",
      "/public/../../admin/",
    ])("%s means several things, and is undecided", async (path) => {
      const name = fresh();
      expect((await raw(mesh, path, name)).status).toBe(403);
      expect(await decided(mesh, name)).toBe("undecided allow-error");
      expect((await logged(mesh, name))["verdict"]).toBe("undecided");
    });

    test("a deny that is true of other things is not lost over such a path", async () => {
      const name = fresh();
      expect((await raw(mesh, "/public/%2f", name, [["x-role", "guest"]])).status).toBe(418);
      expect(await decided(mesh, name)).toBe("denied rule");
    });
  });

  test("no path gets past: what is let through is public to whoever reads it, however carelessly", async () => {
    const piece = fc.constantFrom(...PIECES);
    const path = fc.array(piece, { maxLength: 8 }).map((pieces) => `/public/${pieces.join("")}`);
    let passed = 0;
    await fc.assert(
      fc.asyncProperty(path, async (written) => {
        const { status } = await mesh.send({ listener: "raw", path: written });
        if (status === 200) passed += 1;
        if (status === 200) expect(carelessly(written)).toMatch(/^\/public(\/|$)/);
        else expect([400, 403]).toContain(status);
      }),
      { numRuns: 400 },
    );
    expect(passed).toBeGreaterThan(0);
  });

  describe("paths, where Envoy tidies them first", () => {
    test.each([
      ["/public//a", 200],
      ["/public/../admin/", 403],
      ["/public/%2e%2e/admin/", 403],
      ["/%70ublic/a", 200],
      ["/public/a;b=c", 403],
      ["/public/%2f", 400],
      ["/public\\..\\admin/", 403],
    ])("%s is answered %i", async (path, status) => {
      expect((await mesh.send({ path })).status).toBe(status);
    });
  });

  describe("headers", () => {
    test.each([
      [
        "twice, the second one worse",
        [
          ["x-role", "admin"],
          ["x-role", "guest"],
        ],
        418,
      ],
      [
        "twice, the first one worse",
        [
          ["x-role", "guest"],
          ["x-role", "admin"],
        ],
        418,
      ],
      ["in other letters", [["X-ROLE", "guest"]], 418],
      ["in one, after a comma", [["x-role", "admin,guest"]], 418],
      ["in one, among spaces", [["x-role", "  admin ,\t guest  "]], 418],
      [
        "three times",
        [
          ["x-doubled", "one"],
          ["x-doubled", "two"],
          ["X-Doubled", "three"],
        ],
        414,
      ],
      [
        "with commas in quotes",
        [
          ["x-quoted", '"a, b", c'],
          ["x-quoted", "d"],
        ],
        415,
      ],
      [
        "cookies in several headers",
        [
          ["cookie", "a=1"],
          ["cookie", "b=2; c=3"],
        ],
        413,
      ],
      ["with the name __proto__", [["__proto__", "sent"]], 410],
      ["with the name constructor", [["constructor", "sent"]], 410],
      ["with the name toString", [["toString", "sent"]], 410],
      ["of 64 KiB", [["x-large", `${"x".repeat(64 * KIB)}the end`]], 411],
    ] as const)("%s", async (_, headers, status) => {
      const name = fresh();
      expect((await raw(mesh, "/headers", name, headers)).status).toBe(status);
      expect(await decided(mesh, name)).toBe("denied rule");
      expect((await logged(mesh, name))["code"]).toBe(status);
    });

    test("with what objects inherit there is none of them", async () => {
      const name = fresh();
      const headers = [["x-expect", "inherited"]] as const;
      expect((await raw(mesh, "/headers", name, headers)).status).toBe(403);
      expect(await decided(mesh, name)).toBe("denied unmatched");
    });

    test("with the names of what objects inherit pass like any others", async () => {
      mesh.orders.requests.clear();
      const headers = ["constructor", "__proto__", "toString", "hasOwnProperty"].map((name) => [name, "1"] as const);
      expect((await raw(mesh, "/headers", fresh(), headers)).status).toBe(200);
      const received = new Map((await mesh.orders.requests.first()).headers);
      expect(["constructor", "__proto__", "tostring", "hasownproperty"].map((name) => received.get(name))).toEqual([
        "1",
        "1",
        "1",
        "1",
      ]);
    });

    test("not in UTF-8 are undecided where a deny reads them, and nobody's business elsewhere", async () => {
      const odd = Uint8Array.of(0x61, 0xff, 0xfe);
      const read = fresh();
      expect((await raw(mesh, "/headers", read, [["x-role", odd]])).status).toBe(403);
      expect(await decided(mesh, read)).toBe("undecided deny-error");
      expect((await raw(mesh, "/headers", fresh(), [["x-other", odd]])).status).toBe(200);
    });

    test("not in UTF-8 are undecided also where the other of two is fine", async () => {
      const name = fresh();
      const headers = [
        ["x-role", "admin"],
        ["x-role", Uint8Array.of(0xc3)],
      ] as const;
      expect((await raw(mesh, "/headers", name, headers)).status).toBe(403);
      expect(await decided(mesh, name)).toBe("undecided deny-error");
    });

    test("with bytes that are not UTF-8 come out of the access log with a mark in their place", async () => {
      const name = fresh();
      await raw(mesh, "/headers", name, [["x-large", Uint8Array.of(0x61, 0xff)]]);
      expect((await logged(mesh, name))["code"]).toBe(403);
    });

    test("very many of them, and the last one counts", async () => {
      const headers = Array.from({ length: 500 }, (_, at) => [`x-many-${at}`, String(at)] as const);
      const name = fresh();
      expect((await raw(mesh, "/headers", name, headers)).status).toBe(412);
      expect(await decided(mesh, name)).toBe("denied rule");
    });
  });

  describe("other ways of asking", () => {
    test("OPTIONS * is for Envoy itself, which asks nobody and logs it without a decision", async () => {
      const name = fresh();
      expect((await raw(mesh, "*", name, [], "OPTIONS")).status).toBe(404);
      const entry = await logged(mesh, name);
      expect([entry["path"], entry["verdict"]]).toEqual(["*", undefined]);
    });

    test("a request for a whole URL is about its host and path", async () => {
      const host = fresh();
      expect((await raw(mesh, "http://evil.example/public/a", host)).status).toBe(416);
      const path = fresh();
      expect((await raw(mesh, "http://localhost/public/../admin/", path)).status).toBe(403);
      expect(await decided(mesh, path)).toBe("denied unmatched");
    });

    test("over HTTP/2 cookies come in crumbs, and are one header", async () => {
      const path = "/greeter.v1.Greeter/Greet";
      const headers = [
        ["cookie", "a=1"],
        ["cookie", "b=2"],
        ["cookie", "c=3"],
      ] as const;
      const answer = await grpcUnary({ port: mesh.envoy.port("raw"), path, message: Buffer.from("hello"), headers });
      expect(answer.status).toBe(7);
    });

    test("HTTP/1.0 is known as what it is", async () => {
      const name = fresh();
      const bytes = `GET /public/a HTTP/1.0\r\nhost: localhost\r\n${CASE_HEADER}: ${name}\r\n\r\n`;
      const answer = await rawRequest({ port: mesh.envoy.port("raw"), bytes });
      expect(answer.status).toBe(417);
      expect((await logged(mesh, name))["protocol"]).toBe("HTTP/1.0");
    });

    test("a method that Envoy has no number for is what the client wrote, and known in its log for as much as that says", async () => {
      const name = fresh();
      expect((await raw(mesh, "/public/a", name, [], "PROPFIND")).status).toBe(200);
      expect((await mesh.line("watch/decisions", name)).variables).toMatchObject({
        method: "PROPFIND",
        verdict: "allowed",
      });
      expect(await logged(mesh, name)).not.toHaveProperty("method");
    });
  });

  test("after all of this Weir is well", async () => {
    expect((await mesh.send({ path: "/public/a" })).status).toBe(200);
    const { sum } = await mesh.metrics();
    expect([sum("weir_bugs_total"), sum("weir_not_admitted_total"), sum("weir_undecodable_total")]).toEqual([0, 0, 0]);
    expect(sum("weir_door_records_dropped_total")).toBe(0);
    const errors = [...(await mesh.envoy.stats())].filter(([name]) => name.endsWith("ext_authz.error"));
    expect(errors.every(([, count]) => count === 0)).toBe(true);
    expect(mesh.weir.log.filter((line) => line.includes('"level":"error"') || line.includes("    at "))).toEqual([]);
  });
});

/** What paths are made of that servers read differently. */
const PIECES = [
  ...["/", "//", "\\", "..", ".", "...", "a", "admin", "public", ";", ";a=b", "?", "?a=/../", "#", "%", "%2", "~"],
  ...[
    "%2f",
    "%2F",
    "%5c",
    "%2e",
    "%2E%2e",
    "%252e",
    "%25",
    "%00",
    "%0a",
    "%3b",
    "%3f",
    "%23",
    "%c0%ae",
    "%c3%bc",
    "%61",
  ],
];

/** The worst reading: what follows `?` or `#` is gone, everything decoded until nothing changes, all slashes are slashes, parameters dropped. */
function carelessly(written: string): string {
  const plain = decoded(written.split(/[?#]/, 1)[0] ?? "");
  const segments: string[] = [];
  for (const segment of plain.split(/[/\\]+/).map((one) => one.replace(/;.*$/s, ""))) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

/** Percent-decoding again and again; what is no escape stays. */
function decoded(text: string): string {
  const once = text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return once === text ? text : decoded(once);
}

let names = 0;

function fresh(): string {
  names += 1;
  return `case-${names}`;
}

function raw(
  mesh: Mesh,
  path: string,
  name: string,
  headers: Sent["headers"] = [],
  method = "GET",
): Promise<HttpResponse> {
  return mesh.send({ listener: "raw", method, path, headers: [[CASE_HEADER, name], ...headers] });
}

async function decided(mesh: Mesh, name: string): Promise<string> {
  return (await mesh.line("watch/decisions", name)).message.replace(/[()]/g, "");
}

async function logged(mesh: Mesh, name: string): Promise<Readonly<Record<string, unknown>>> {
  return (await mesh.line("watch/requests", name)).variables;
}
