/** What `change:` rules do to requests and answers (docs/policy-reference.md, "Changing headers"), as the service and the client see it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { HttpResponse } from "../../deploy/clients/http-response.ts";
import { type HeaderPairs, valuesOf } from "../../deploy/headers.ts";
import type { OrdersRequest } from "../../deploy/services/orders.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { type Mesh, type Sent, startMesh } from "./support/mesh.ts";

const POLICY = `policy: changes
scope: all
define:
  long: '"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"'
check:
  - allow: everybody
    when: request.method != "TRACE"

  - change: always
    request:
      set: { x-set: "by \${request.method}", x-version: v1, x-empty: "", x-number: "\${2.0 * 3.0}", x-service: "\${context.service}" }
      add: { x-added: first, x-Also: second }
      remove: [x-removed, X-Debug]
    response:
      set: { x-served-by: weir, content-type: text/plain }
      add: { x-note: one, date: never }

  - change: for-signed-in
    when: request.headers["x-who"] != ""
    request:
      set: { x-customer: "\${request.headers['x-who']}" }
      add: { x-joined: "\${request.headers['x-who']}" }
    response:
      set: { x-welcome: "\${request.headers['x-who']}" }

  - change: later-wins
    when: request.headers.get("x-later", "") == "yes"
    request:
      set: { x-version: v2, x-removed: kept by set }

  - change: failing
    when: int(request.headers.get("x-count", "0")) > 0
    request:
      set: { x-counted: "yes" }

  - change: rendered-badly
    when: request.headers.get("x-render", "") != ""
    request:
      set: { x-rendered: "\${request.headers['x-render']}", x-converted: "\${int(request.headers['x-render'])}", x-absent: "\${request.headers['x-nobody']}" }
      add: { x-add-absent: "\${request.headers['x-nobody']}" }
    response:
      set: { x-told: "\${request.headers['x-render']}", x-told-absent: "\${request.headers['x-nobody']}" }

  - change: from-the-path
    when: request.canonical_path.startsWith("/text/")
    request:
      set: { x-text: "\${request.canonical_path}" }

  - change: softly
    when: request.headers.get("x-soft", "") == "yes"
    keep-client-value: true
    request:
      set: { x-tenant: ours }

  - change: reserved
    allow-reserved: true
    when: request.headers.get("x-reserved", "") == "yes"
    request:
      set: { x-forwarded-prefix: /shop }

  - change: query
    when: request.canonical_path == "/query"
    request:
      query:
        set: { who: "\${request.headers.get('x-q', 'nobody')}", "odd name&": "a=b" }
        remove: [debug, token]

  - change: tried-out
    shadow: true
    request:
      set: { x-shadow: "yes" }
      remove: [x-kept]
`;

/** A policy that speaks about other requests owns nothing here. */
const ELSEWHERE = `policy: elsewhere
when: context.get("service", "") == "elsewhere.test"
check:
  - change: elsewhere
    request: { set: { x-elsewhere: "yes" } }
`;

describe.skipIf(WITHOUT_ENVOY)("changes through a real Envoy", () => {
  let mesh: Mesh;

  beforeAll(async () => {
    mesh = await startMesh({
      policies: () => ({ "weir.yaml": "", "changes.yaml": POLICY, "elsewhere.yaml": ELSEWHERE }),
    });
  });

  afterAll(() => mesh?.[Symbol.asyncDispose]());

  describe("of the request", () => {
    test("set writes a header, and overwrites what the client sent under its name in any case", async () => {
      const { request } = await through(mesh, {
        headers: [
          ["x-set", "mine"],
          ["X-Set", "mine too"],
        ],
      });
      expect(values(request, "x-set")).toEqual(["by GET"]);
      expect(values(request, "x-service")).toEqual(["orders.test"]);
    });

    test("a whole double is shown without a point", async () => {
      expect(values((await through(mesh)).request, "x-number")).toEqual(["6"]);
    });

    test("an empty text is an empty header", async () => {
      const { request } = await through(mesh, { headers: [["x-empty", "full"]] });
      expect(values(request, "x-empty")).toEqual([""]);
    });

    test("add gives a header that the client did not send", async () => {
      const { request } = await through(mesh);
      expect([values(request, "x-added"), values(request, "x-also")]).toEqual([["first"], ["second"]]);
    });

    test("add stands beside what the client sent, which stays, duplicates too", async () => {
      const { request } = await through(mesh, {
        headers: [
          ["x-added", "a"],
          ["x-added", "b"],
        ],
      });
      // Envoy puts it beside the first one.
      expect(listOf(request, "x-added").toSorted()).toEqual(["a", "b", "first"]);
    });

    test("remove takes a header away, in whatever case it came and however often", async () => {
      const { request } = await through(mesh, {
        headers: [
          ["x-removed", "1"],
          ["X-Removed", "2"],
          ["x-debug", "on"],
          ["x-kept", "yes"],
        ],
      });
      expect([values(request, "x-removed"), values(request, "x-debug")]).toEqual([[], []]);
      expect(values(request, "x-kept")).toEqual(["yes"]);
    });

    test("of two rules that set one header the later one wins, and set wins over remove", async () => {
      const { request } = await through(mesh, { headers: [["x-later", "yes"]] });
      expect(values(request, "x-version")).toEqual(["v2"]);
      expect(values(request, "x-removed")).toEqual(["kept by set"]);
    });

    test("a rule in shadow changes nothing", async () => {
      const { request } = await through(mesh, { headers: [["x-kept", "yes"]] });
      expect(values(request, "x-shadow")).toEqual([]);
      expect(values(request, "x-kept")).toEqual(["yes"]);
    });

    test("reserved headers are changed where the rule says so", async () => {
      const { request } = await through(mesh, { headers: [["x-reserved", "yes"]] });
      expect(values(request, "x-forwarded-prefix")).toEqual(["/shop"]);
    });
  });

  describe("headers that are ours", () => {
    test("are overwritten where something sets them", async () => {
      const { request } = await through(mesh, {
        headers: [
          ["x-who", "ann"],
          ["x-customer", "mallory"],
        ],
      });
      expect(values(request, "x-customer")).toEqual(["ann"]);
    });

    test.each([
      ["the condition is absent", [["x-customer", "mallory"]], "x-customer"],
      [
        "the condition is false",
        [
          ["x-who", ""],
          ["x-customer", "mallory"],
        ],
        "x-customer",
      ],
      [
        "the condition is an error",
        [
          ["x-count", "many"],
          ["x-counted", "mallory"],
        ],
        "x-counted",
      ],
      [
        "the text is absent",
        [
          ["x-render", "1"],
          ["x-absent", "mallory"],
        ],
        "x-absent",
      ],
      [
        "the text is an error",
        [
          ["x-render", "one"],
          ["x-converted", "mallory"],
        ],
        "x-converted",
      ],
      [
        "the text is not UTF-8",
        [
          ["x-render", Uint8Array.of(0x61, 0xff)],
          ["x-rendered", "mallory"],
        ],
        "x-rendered",
      ],
      [
        "the text is longer than 8 KiB",
        [
          ["x-render", "a".repeat(8_193)],
          ["x-rendered", "mallory"],
        ],
        "x-rendered",
      ],
      [
        "the client writes them twice",
        [
          ["x-customer", "mallory"],
          ["X-CUSTOMER", "trudy"],
        ],
        "x-customer",
      ],
      [
        "a shadow rule aside, somebody else's spoof",
        [
          ["x-soft", "no"],
          ["x-customer", "a, b"],
        ],
        "x-customer",
      ],
    ] as const)("are removed from the client's request where %s", async (_, headers, ours) => {
      const { request } = await through(mesh, { headers });
      expect(values(request, ours)).toEqual([]);
    });

    test("stay the client's where the rule keeps them and nothing sets them", async () => {
      const kept = await through(mesh, { headers: [["x-tenant", "theirs"]] });
      expect(values(kept.request, "x-tenant")).toEqual(["theirs"]);
      const set = await through(mesh, {
        headers: [
          ["x-tenant", "theirs"],
          ["x-soft", "yes"],
        ],
      });
      expect(values(set.request, "x-tenant")).toEqual(["ours"]);
    });

    test("are the client's where the policy speaks about other requests", async () => {
      const { request } = await through(mesh, { headers: [["x-elsewhere", "theirs"]] });
      expect(values(request, "x-elsewhere")).toEqual(["theirs"]);
    });
  });

  describe("invalid values", () => {
    test("8 KiB is the longest", async () => {
      const longest = "a".repeat(8_192);
      const { request, response } = await through(mesh, { headers: [["x-render", longest]] });
      expect(values(request, "x-rendered")).toEqual([longest]);
      expect(valuesOf(response.headers, "x-told")).toEqual([longest]);
    });

    test("beyond are left out, of the answer too, and the request passes", async () => {
      const { response } = await through(mesh, { headers: [["x-render", "a".repeat(8_193)]] });
      expect(response.status).toBe(200);
      expect(valuesOf(response.headers, "x-told")).toEqual([]);
    });

    test("what an add cannot render is not added", async () => {
      const { request } = await through(mesh, { headers: [["x-render", "1"]] });
      expect(values(request, "x-add-absent")).toEqual([]);
    });

    test("text beyond ASCII arrives as UTF-8", async () => {
      const { request } = await through(mesh, { path: "/text/gr%C3%BC%C3%9Fe" });
      expect(values(request, "x-text").map((text) => Buffer.from(text, "latin1").toString())).toEqual(["/text/grüße"]);
    });

    test("a line end that was decoded from a path splits no header", async () => {
      const { response, request } = await through(mesh, {
        path: "/text/a%0d%0ax-evil:%20yes",
        headers: [["x-text", "theirs"]],
      });
      expect(response.status).toBe(200);
      expect(values(request, "x-evil")).toEqual([]);
      expect(values(request, "x-text")).toEqual([]);
    });
  });

  describe("of the answer", () => {
    test("set overwrites what the service said, add stands beside it", async () => {
      const { response } = await through(mesh);
      expect(valuesOf(response.headers, "x-served-by")).toEqual(["weir"]);
      expect(valuesOf(response.headers, "content-type")).toEqual(["text/plain"]);
      expect(valuesOf(response.headers, "x-note")).toEqual(["one"]);
      // The service's own stays, whether Envoy writes one line or two.
      expect(valuesOf(response.headers, "date").join()).toMatch(/ GMT, ?never$/);
    });

    test("a rule that does not hold says nothing", async () => {
      expect(valuesOf((await through(mesh)).response.headers, "x-welcome")).toEqual([]);
      const { response } = await through(mesh, { headers: [["x-who", "ann"]] });
      expect(valuesOf(response.headers, "x-welcome")).toEqual(["ann"]);
    });

    test("an error of the service gets them too", async () => {
      const { response } = await through(mesh, { path: "/503" });
      expect([response.status, ...valuesOf(response.headers, "x-served-by")]).toEqual([503, "weir"]);
    });
  });

  describe("of the query", () => {
    test("parameters are set and removed, in any spelling of their names", async () => {
      const { request } = await through(mesh, { path: "/query?debug=1&a=2&who=mallory&%64ebug=3&tok%65n=x&b=%20" });
      const query = queryOf(request);
      expect(query.getAll("who")).toEqual(["nobody"]);
      expect(query.getAll("odd name&")).toEqual(["a=b"]);
      expect([query.has("debug"), query.has("token")]).toEqual([false, false]);
      expect([query.get("a"), query.get("b")]).toEqual(["2", " "]);
    });

    test.each(["a b&c=d#e", "100% +1", "grün", "?/;:@", "\"'<>"])("the value %s arrives whole", async (value) => {
      const { request } = await through(mesh, { path: "/query", headers: [["x-q", Buffer.from(value)]] });
      expect(queryOf(request).getAll("who")).toEqual([value]);
      expect(queryOf(request).size).toBe(2);
    });

    test("a request that the rule does not speak about keeps its query as it was", async () => {
      const { request } = await through(mesh, { path: "/other?debug=1&%64ebug=2&a=%20&a=+" });
      expect(request.path).toBe("/other?debug=1&%64ebug=2&a=%20&a=+");
    });
  });
});

interface Through {
  /** What the service received. */
  readonly request: OrdersRequest;
  /** What the client received. */
  readonly response: HttpResponse;
}

async function through(mesh: Mesh, request: Sent = {}): Promise<Through> {
  mesh.orders.requests.clear();
  const response = await mesh.send({ path: "/orders", ...request });
  return { response, request: await mesh.orders.requests.first() };
}

function values({ headers }: { readonly headers: HeaderPairs }, name: string): readonly string[] {
  return valuesOf(headers, name);
}

/** However the parts of a list are spread over headers. */
function listOf(request: OrdersRequest, name: string): readonly string[] {
  return values(request, name).flatMap((value) => value.split(",").map((part) => part.trim()));
}

function queryOf({ path }: OrdersRequest): URLSearchParams {
  return new URL(path, "http://orders.test").searchParams;
}
