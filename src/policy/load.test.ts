import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadFolder } from "../../test/policy/load-folder.ts";
import { renderText } from "../diagnostics/render-text.ts";
import type { AuthoredFolder } from "./authored.ts";
import type { SourceFile } from "./load.ts";

const EXAMPLE = join(import.meta.dirname, "../../test/compile/files/every-key-of-every-file");
const NAMES = ["weir.yaml", "handlers.yaml", "attributes.yaml", "shop/checkout.yaml"];
const example: readonly SourceFile[] = NAMES.map((path) => ({ path, text: readFileSync(join(EXAMPLE, path), "utf8") }));

function load(files: Readonly<Record<string, string>>): AuthoredFolder {
  const loaded = loadFolder(Object.entries({ "weir.yaml": "", ...files }).map(([path, text]) => ({ path, text })));
  if (!loaded.ok) throw new Error(renderText(loaded.diagnostics, loaded.folder.sources));
  return loaded.folder;
}

/** An expression inside a text. */
function dollar(expression: string): string {
  return `$\u007b${expression}}`;
}

describe("the authored form of every key", () => {
  const { settings, handlers, attributes, derivations, policies } = load(
    Object.fromEntries(example.map(({ path, text }) => [path, text])),
  );
  const [policy] = policies;
  const [allow, deny, ask, change] = policy?.check ?? [];

  test("weir.yaml", () => {
    expect(settings).toMatchObject({
      unmatched: "deny",
      cache: { forMs: 0, uses: 0 },
      allowEmpty: false,
      pathParams: "refuse",
      mask: [{ value: "request.headers.authorization" }, { value: "request.headers.cookie" }],
      doors: {
        weir: {
          requires: ["request.method", "request.path", "request.headers", "source.address"].map((value) => ({ value })),
        },
        "ext-authz": { jwt: { value: "envoy.filters.http.jwt_authn/jwt" } },
      },
    });
    expect(Object.keys(settings.doors)).toEqual(["weir", "ext-authz", "ext-authz-tcp", "access-log"]);
  });

  test("handlers.yaml and attributes.yaml", () => {
    expect(handlers).toMatchObject([
      {
        name: { value: "audit-log" },
        adapter: { value: "log" },
        config: { stream: "stdout" },
        queue: { records: 10000, onFull: "drop-oldest" },
      },
    ]);
    expect(attributes).toMatchObject([
      {
        name: { value: "order.total" },
        type: "double",
        description: "Value of the basket.",
        doors: [{ value: "weir" }],
      },
    ]);
    expect(derivations).toMatchObject([
      { name: { value: "destination.service" }, expression: { text: 'context.get("service", "")' } },
    ]);
  });

  test("a policy and its check rules", () => {
    expect(policy).toMatchObject({
      name: { value: "checkout" },
      description: "Who may place orders.",
      doors: [{ value: "ext-authz" }, { value: "weir" }],
      when: { text: 'destination.service == "checkout.shop"' },
      scopeAll: true,
      rawPath: true,
      cache: { forMs: 30_000, uses: 1000 },
      define: [
        {
          kind: "expression",
          name: { value: "is_admin" },
          expression: { text: '"admins" in request.auth.claims.groups' },
        },
        { kind: "constant", name: { value: "storefronts" }, value: ["spiffe://shop/ns/web/sa/storefront"] },
      ],
    });
    expect(allow).toMatchObject({
      kind: "allow",
      name: { value: "storefront" },
      when: { text: "source.principal in storefronts" },
      shadow: false,
    });
    expect(deny).toMatchObject({
      kind: "deny",
      respond: {
        status: { value: 403 },
        headers: [{ name: { value: "x-reason" }, text: { text: "frozen" } }],
        body: { text: "This account is frozen." },
      },
    });
    expect(ask).toMatchObject({
      kind: "ask",
      handler: { value: "blocklist" },
      fields: [{ name: { value: "value" }, expression: { text: "source.address" } }],
      onUnavailable: "deny",
    });
    expect(change).toMatchObject({
      kind: "change",
      request: {
        set: [{ name: { value: "x-version" }, text: { text: "v2" } }],
        add: [{ name: { value: "x-seen-by" }, text: { text: `weir ${dollar("request.method")}` } }],
        remove: [{ value: "x-debug" }],
        query: { set: [{ name: { value: "v" }, text: { text: "2" } }], remove: [{ value: "debug" }] },
      },
      response: { set: [{ name: { value: "x-served-by" }, text: { text: "v2" } }], add: [], remove: [] },
      keepClientValue: false,
      allowReserved: false,
    });
  });

  test("quota and report rules", () => {
    expect(policy?.quota).toMatchObject([
      {
        name: { value: "orders-per-customer" },
        handler: { value: "memory-quota" },
        max: { value: 20n },
        everyMs: 60_000,
        algorithm: "rolling-window",
        by: [{ name: { value: "customer" }, expression: { text: "request.auth.subject" } }],
        when: { text: 'request.method == "POST"' },
        cost: { text: "1" },
        onRequest: false,
        onUnavailable: { value: "deny" },
        shadow: false,
        respond: { status: { value: 429 }, body: { text: "Slow down." } },
      },
    ]);
    expect(policy?.report).toMatchObject([
      {
        kind: "metric",
        of: "request",
        metricKind: "counter",
        buckets: [5, 10, 50, 100, 500],
        unit: "ms",
        value: { text: "1" },
        dimensions: [
          { name: { value: "method" }, expression: { text: "request.method" } },
          { name: { value: "code" }, expression: { text: "string(response.code)" } },
        ],
      },
      {
        kind: "logentry",
        of: "decision",
        severity: { text: '"warning"' },
        message: { text: `refused ${dollar('source.principal.orDefault("anonymous")')}` },
        variables: [{ name: { value: "caller" } }, { name: { value: "rule" } }],
      },
      {
        kind: "tracespan",
        spanName: { text: `${dollar("request.method")} ${dollar("request.url_path")}` },
        attributes: [{ name: { value: "version" } }],
      },
    ]);
  });
});

describe("what people may rely on", () => {
  test("an empty weir.yaml takes every default: three doors, refusing what no rule applies to", () => {
    const { settings } = load({ "p.yaml": "policy: p\n" });
    expect(Object.keys(settings.doors)).toEqual(["weir", "ext-authz", "access-log"]);
    expect(settings).toMatchObject({ unmatched: "deny", pathParams: "refuse", cache: { forMs: 0, uses: 0 } });
    expect(settings.mask.map(({ value }) => value)).toEqual([
      "request.headers.authorization",
      "request.headers.cookie",
    ]);
  });

  test("doors that are named alone take their defaults", () => {
    const { settings } = load({ "weir.yaml": "doors:\n  weir:\n  ext-authz: {}\n", "p.yaml": "policy: p\n" });
    expect(settings.doors).toMatchObject({
      weir: { requires: { length: 4 } },
      "ext-authz": { jwt: { value: "envoy.filters.http.jwt_authn/jwt" } },
    });
    expect(settings.doors["access-log"]).toBeUndefined();
  });

  test("an expression is the scalar's source text, whatever YAML makes of it", () => {
    const values = ["1.0", "0x1F", "true", "~", "1e3", "'1'", '"a\\tb"', "|\n      a &&\n      b"];
    const lines = values.map((value, index) => `  - metric: m${index}\n    handlers: [h]\n    value: ${value}\n`);
    const { policies } = load({ "p.yaml": `policy: p\nreport:\n${lines.join("")}` });
    const texts = policies[0]?.report.map((report) => (report.kind === "metric" ? report.value?.text : undefined));
    expect(texts).toEqual(["1.0", "0x1F", "true", "~", "1e3", "1", "a\tb", "a &&\nb\n"]);
  });

  test("constants keep their types; names that objects know by themselves are names like any other", () => {
    const text =
      "policy: p\ndefine:\n  a: [1, 1.5, x, true, null, 9007199254740993]\n  b: { __proto__: 1, constructor: 2 }\n";
    const [a, b] = load({ "p.yaml": text }).policies[0]?.define ?? [];
    expect(a).toMatchObject({ value: [1n, 1.5, "x", true, null, 9007199254740993n] });
    expect(b?.kind === "constant" ? Object.entries(b.value ?? {}) : []).toEqual([
      ["__proto__", 1n],
      ["constructor", 2n],
    ]);
    const { policies } = load({
      "p.yaml": "policy: p\ncheck:\n  - deny: d\n    respond: { headers: { __proto__: x, constructor: y } }\n",
    });
    const [rule] = policies[0]?.check ?? [];
    expect(rule?.kind === "deny" ? rule.respond?.headers.map(({ name }) => name.value) : []).toEqual([
      "__proto__",
      "constructor",
    ]);
  });

  test("the order of names is the order in the file, numbers among them too", () => {
    const text = 'policy: p\nreport:\n  - logentry: l\n    handlers: [h]\n    variables: { z: a, "2": b, "1": c }\n';
    const [report] = load({ "p.yaml": text }).policies[0]?.report ?? [];
    expect(report?.kind === "logentry" ? report.variables.map(({ name }) => name.value) : []).toEqual(["z", "2", "1"]);
  });

  test("policies come in the order of their paths, however they were listed", () => {
    const folder = load({
      "b.yaml": "policy: b\n",
      "B.yaml": "policy: upper\n",
      "a/z.yaml": "policy: z\n",
      "a.yaml": "policy: a\n",
    });
    expect(folder.policies.map(({ name }) => name.value)).toEqual(["upper", "a", "z", "b"]);
  });

  test("a place in an adapter's config: of a value, of its key, of what lacks a key", () => {
    const text =
      "handlers:\n  - handler: l\n    adapter: list\n    config:\n      mode: block\n      values: [a, { b: 9007199254740993 }]\n";
    const [handler] = load({ "handlers.yaml": text, "p.yaml": "policy: p\n" }).handlers;
    const at = (path: readonly PropertyKey[], part?: "key" | "value") => {
      const span = handler?.locateConfig(path, part);
      return text.slice(span?.start, span?.end);
    };
    expect(handler?.config).toEqual({ mode: "block", values: ["a", { b: 9007199254740993n }] });
    expect(at(["mode"])).toBe("block");
    expect(at(["mode"], "key")).toBe("mode");
    expect(at(["values", 0])).toBe("a");
    expect(at(["values", 1, "b"])).toBe("9007199254740993");
    expect(at(["values", 1, "c"])).toBe("values");
    expect(at([])).toBe("config");
    expect(at(["missing"])).toBe("config");
  });

  test("a handler without config gets an empty one, and its problems point at its name", () => {
    const text = "handlers:\n  - handler: memory\n    adapter: memory-quota\n";
    const [handler] = load({ "handlers.yaml": text, "p.yaml": "policy: p\n" }).handlers;
    const span = handler?.locateConfig(["keys"]);
    expect(handler?.config).toEqual({});
    expect(text.slice(span?.start, span?.end)).toBe("memory");
  });
});

describe("whatever a file holds", () => {
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "|",
    ">",
    "&a ",
    "*a",
    "!x",
    ": ",
    "- ",
    " #",
    "\t",
    "\n",
    "? ",
    "%",
    "@",
    "---\n",
    "\\",
    "\0",
    "é",
    "👩",
    "<<: ",
    "\r\n",
    "  ",
  ];
  const edit = fc.record({
    file: fc.integer({ min: 0, max: example.length - 1 }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 12 }),
    insert: fc.oneof(fc.constantFrom(...pieces), fc.constant("")),
  });

  test("loading answers, with places inside the files and words for each", () => {
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const files = example.map((file, index) => ({
          ...file,
          text: edits
            .filter((each) => each.file === index)
            .reduce((text, { at, cut, insert }) => splice(text, at, cut, insert), file.text),
        }));
        const { diagnostics, folder } = loadFolder(files);
        for (const { span, message } of diagnostics) {
          expect(message).not.toBe("");
          const length = folder.sources.get(span?.file ?? "")?.length ?? 0;
          expect(span?.start).toBeLessThanOrEqual(span?.end ?? 0);
          expect(span?.end).toBeLessThanOrEqual(length);
        }
        expect(renderText(diagnostics, folder.sources)).not.toContain("undefined");
      }),
      { numRuns: 400 },
    );
  });
});

function splice(text: string, at: number, cut: number, insert: string): string {
  const start = Math.floor(at * text.length);
  return text.slice(0, start) + insert + text.slice(start + cut);
}
