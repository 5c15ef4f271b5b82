import { describe, expect, test } from "vitest";
import {
  type Attributes,
  checkInput,
  engineFor,
  type Files,
  mapOf,
  planOf,
  snapshotOf,
} from "../../test/engine/folder.ts";
import { bagSource } from "../attribute/bag.ts";
import type { AttributeSource } from "../attribute/source.ts";
import { ABSENT, Invalid, type Outcome } from "../attribute/value.ts";
import { Reporter } from "../report/reporter.ts";

describe("slots", () => {
  test("are numbered for what some expression of any place reads, and for nothing else", () => {
    const plan = planOf({
      ...SETTINGS,
      "handlers.yaml": `handlers:
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
  - { handler: q, adapter: memory-quota }
  - { handler: h, adapter: log }
  - { handler: p, adapter: prometheus }
  - { handler: t, adapter: otlp, config: { endpoint: "http://127.0.0.1:4318/v1/traces" } }
`,
      "p.yaml": `policy: p
scope: all
when: has(request.id)
define: { defined: request.referer.orDefault("") }
check:
  - { allow: a, when: request.method == "GET" && defined != "x" }
  - deny: d
    when: request.host == "x"
    respond: { headers: { x-a: "\${request.useragent}" }, body: "\${request.query}" }
  - ask: k
    handler: list
    when: request.protocol != ""
    value: source.address
    on-unavailable: deny
    respond: { body: "\${request.scheme}" }
  - change: c
    when: has(source.port)
    request: { set: { x-a: "\${source.principal}" }, query: { set: { q: "\${string(request.size)}" } } }
    response: { add: { x-b: "\${destination.address}" } }
quota:
  - limit: l
    handler: q
    max: 5
    every: 1m
    when: has(request.auth.subject)
    cost: int(context.cost)
    by: { who: request.auth.principal }
    respond: { body: "\${request.canonical_path}" }
report:
  - { metric: m, handlers: [p], when: has(response.size), value: response.total_size, dimensions: { c: response.code } }
  - { logentry: e, handlers: [h], severity: response.code_details, message: "\${log.name}", variables: { f: response.flags } }
  - { tracespan: s, handlers: [t], name: "\${request.reason}", attributes: { r: destination.port } }
  - { logentry: d, of: decision, handlers: [h], message: "\${check.verdict}" }
`,
    });
    expect(plan.slots.map(({ name }) => name).sort()).toEqual(
      [
        ...["request.id", "request.referer", "request.method", "request.host", "request.useragent", "request.query"],
        ...["request.protocol", "source.address", "request.scheme", "source.port", "source.principal", "request.size"],
        ...[
          "destination.address",
          "request.auth.subject",
          "context",
          "request.auth.principal",
          "request.canonical_path",
        ],
        ...["response.size", "response.total_size", "response.code", "response.code_details", "log.name"],
        ...["response.flags", "request.reason", "destination.port", "check.verdict"],
      ].sort(),
    );
  });

  test("hold what a native Check must have, and the claims where an answer may be reused, though nothing reads them", () => {
    const files = {
      ...SETTINGS,
      "weir.yaml": "doors: { weir: { requires: [request.method] } }\ncache: { for: 1s, uses: 1 }\n",
    };
    const plan = planOf({ ...files, "p.yaml": "policy: p\nscope: all\ncheck: [{ allow: a }]\n" });
    expect(plan.slots.map(({ name }) => name)).toEqual(["request.method", "request.auth.claims"]);
  });

  test("bring along what a derived attribute needs; its own raw value has a slot of its own", () => {
    const plan = planOf({
      ...SETTINGS,
      "attributes.yaml": `derive:
  a.outer: a.inner + "!"
  a.inner: source.principal.orDefault("nobody")
  a.unread: request.host
  request.method: 'request.method == "get" ? "GET" : request.method'
`,
      "p.yaml": 'policy: p\ncheck: [{ allow: a, when: \'a.outer == "x!" && request.method == "GET"\' }]\n',
    });
    expect(plan.slots.map(({ name, derived, raw }) => [name, derived ? "derived" : raw ? "raw" : "plain"])).toEqual([
      ["a.outer", "derived"],
      ["a.inner", "derived"],
      ["source.principal", "plain"],
      ["request.method", "derived"],
      ["request.method", "raw"],
    ]);
  });

  test("of maps say which keys are named, through what is derived too, so that a door need not look at the others", () => {
    const plan = planOf({
      ...SETTINGS,
      "attributes.yaml": 'derive:\n  a.tenant: request.headers.get("x-tenant", "")\n',
      "p.yaml": `policy: p
check:
  - { allow: a, when: 'a.tenant == "x" && request.headers["x-user"] == context.user' }
  - { deny: d, when: 'request.headers.exists(name, name == "x-a") || has(request.headers.trace)' }
`,
    });
    const keys = new Map(plan.slots.map((slot) => [slot.name, [...(slot.keys ?? [])].sort()]));
    expect(keys.get("request.headers")).toEqual(["trace", "x-tenant", "x-user"]);
    expect(keys.get("context")).toEqual(["user"]);
    expect(keys.get("a.tenant")).toEqual([]);
  });

  test("are all that a door is asked for", async () => {
    const { asked, decide } = watched({
      ...SETTINGS,
      "p.yaml": 'policy: p\ncheck: [{ allow: a, when: \'request.method == "GET" || request.host == "a"\' }]\n',
    });
    await decide({ "request.method": "GET", "request.host": "a", "request.path": "/" });
    expect(asked()).toEqual(["request.method"]);
    await decide({ "request.method": "PUT", "request.host": "a", "request.path": "/" });
    expect(asked()).toEqual(["request.host", "request.method"]);
  });

  test("of reports are not asked for to decide, and the other way round", async () => {
    const { asked, decide, report } = watched({
      ...SETTINGS,
      "handlers.yaml": "handlers: [{ handler: h, adapter: log }]\n",
      "p.yaml": `policy: p
check: [{ allow: a, when: request.method == "GET" }]
report: [{ logentry: l, handlers: [h], message: "\${request.host}" }]
`,
    });
    const attributes = { "request.method": "GET", "request.host": "a" };
    await decide(attributes);
    expect(asked()).toEqual(["request.method"]);
    report(attributes);
    expect(asked()).toEqual(["request.host"]);
  });
});

describe("what a decision carries to the access log", () => {
  test("is what reports of requests read and the log cannot supply, or may know otherwise", () => {
    const plan = planOf({
      ...SETTINGS,
      "weir.yaml": "mask: [request.headers.authorization]\n",
      "handlers.yaml": "handlers: [{ handler: h, adapter: log }]\n",
      "attributes.yaml": `derive:
  a.shown: request.headers.get("x-a", "")
  a.hidden: a.inner
  a.inner: request.headers.get("authorization", "")
  a.whole: string(size(request.headers))
  a.checked: request.host
`,
      "p.yaml": `policy: p
when: has(request.auth.subject)
check: [{ allow: a, when: a.checked == "x" && has(source.principal) }]
report:
  - logentry: l
    handlers: [h]
    message: "\${a.shown} \${a.hidden} \${a.whole} \${request.path} \${source.address}"
    variables: { context: context, rule: check.rule, door: check.door, code: response.code }
  - { logentry: d, of: decision, handlers: [h], message: "\${check.verdict} \${request.auth.principal}" }
`,
    });
    const carried = plan.slots.filter((slot) => slot.carried);
    expect(carried.map(({ name, masked }) => `${name}${masked ? " masked" : ""}`).sort()).toEqual([
      "a.hidden masked",
      "a.shown",
      "a.whole masked",
      "context",
      "request.auth.subject",
      "request.path",
    ]);
  });
});

describe("a derived attribute", () => {
  test("has exactly the value of its expression, the empty text, absence and errors too", () => {
    const values = derivedValues("source.principal");
    expect(values({ "source.principal": "ann" })).toBe("ann");
    expect(values({ "source.principal": "" })).toBe("");
    expect(values({})).toBe(ABSENT);
    const broken = new Invalid("broken");
    expect(values({ "source.principal": broken })).toBe(broken);
  });

  test("that reads its own name reads what the door said", () => {
    const values = derivedValues(
      'a.b.orDefault("none") + "!"',
      "attributes: [{ attribute: a.b, type: string, description: d., doors: [weir] }]\n",
    );
    expect(values({ "a.b": "x" })).toBe("x!");
    expect(values({})).toBe("none!");
  });

  test("overrides what the door says of it otherwise", () => {
    const values = derivedValues('context.get("service", "none")', "", "destination.service");
    expect(values({ "destination.service": "theirs", context: mapOf({ service: "ours" }) })).toBe("ours");
    expect(values({ "destination.service": "theirs" })).toBe("none");
  });

  /** @returns what a frame reads of the attribute `name`, derived so. */
  function derivedValues(expression: string, declared = "", name = "a.b"): (attributes: Attributes) => Outcome {
    const snapshot = snapshotOf({
      ...SETTINGS,
      "attributes.yaml": `${declared}derive:\n  ${name}: >-\n    ${expression}\n`,
      "p.yaml": `policy: p\ndoors: [weir]\ncheck: [{ allow: a, when: '${name} == "x"' }]\n`,
    });
    const slot = snapshot.slots.find((one) => one.name === name)?.slot;
    if (slot === undefined) throw new Error("the derived attribute has no slot");
    return (attributes) =>
      snapshot
        .frame(bagSource(new Map(Object.entries(attributes)), snapshot.slots), { derive: true, record: false })
        .read(slot);
  }
});

const SETTINGS: Files = {
  "weir.yaml": "doors: { weir: { requires: [] }, ext-authz: {}, access-log: {} }\nmask: []\n",
};

interface Watched {
  /** The attributes that the source was asked for since the last time. */
  asked(): readonly string[];
  decide(attributes: Attributes): Promise<void>;
  report(attributes: Attributes): void;
}

function watched(files: Files): Watched {
  const snapshot = snapshotOf(files);
  const seen = new Set<string>();
  const watch = (inner: AttributeSource): AttributeSource => {
    const note = (slot: number): number => {
      seen.add(snapshot.slots[slot]?.name ?? `slot ${slot}`);
      return slot;
    };
    return {
      read: (slot) => inner.read(note(slot)),
      readKey: (slot, key) => inner.readKey(note(slot), key),
      entries: (slot) => inner.entries(note(slot)),
    };
  };
  const { engine } = engineFor();
  return {
    asked() {
      const names = [...seen].sort();
      seen.clear();
      return names;
    },
    async decide(attributes) {
      const input = checkInput(snapshot, attributes);
      await engine.check(snapshot, { ...input, source: watch(input.source) });
    },
    report(attributes) {
      const record = {
        ...({ door: "weir", derive: true, timeNanos: 0n, startNanos: undefined, endNanos: undefined } as const),
        ...{ traceparent: undefined, error: false, source: watch(checkInput(snapshot, attributes).source) },
      };
      new Reporter({ report: () => undefined }).report(snapshot, [record], "request");
    },
  };
}
