import { describe, expect, test } from "vitest";
import {
  type Attributes,
  type Delivery,
  type Files,
  mapOf,
  NotingHandlers,
  snapshotOf,
} from "../../test/engine/folder.ts";
import type { LogEntry, MetricPoint, TraceSpan } from "../adapter/templates.ts";
import { bagSource } from "../attribute/bag.ts";
import { MASKED } from "../attribute/mask.ts";
import type { AttributeSource } from "../attribute/source.ts";
import { type CelValue, Invalid } from "../attribute/value.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { ReportRecord } from "./record.ts";
import { Reporter } from "./reporter.ts";
import { MAX_PENDING_SERIES } from "./series.ts";

const BROKEN = new Invalid("broken on purpose");

describe("the condition of a report rule", () => {
  const files = policy(`
  - logentry: l
    handlers: [h]
    when: response.code < 500
    message: seen`);

  test.each([
    ["true", { "response.code": 200n }, 1, []],
    ["false", { "response.code": 503n }, 0, []],
    ["absent", {}, 0, ["p/l skipped"]],
    ["error", { "response.code": BROKEN }, 0, ["p/l failed"]],
  ] as const)("that is %s: an instance or not, counted", (_, attributes, instances, counted) => {
    const seen = reported(files, [attributes]);
    expect(seen.logs).toHaveLength(instances);
    expect(seen.counted).toEqual(counted);
  });

  test("holds together with the policy's own, which is evaluated once for each record", () => {
    const two = policy(
      `
  - { logentry: a, handlers: [h], when: response.code == 200, message: a }
  - { logentry: b, handlers: [h], message: b }`,
      'when: request.method == "GET"',
    );
    let reads = 0;
    const handlers = new NotingHandlers();
    const snapshot = snapshotOf(two, handlers);
    const method = snapshot.slots.find(({ name }) => name === "request.method")?.slot;
    const inner = source(snapshot, { "request.method": "GET", "response.code": 200n });
    const counting: AttributeSource = {
      ...inner,
      read(slot) {
        if (slot === method) reads += 1;
        return inner.read(slot);
      },
    };
    new Reporter({ report: () => undefined }).report(snapshot, [{ ...RECORD, source: counting }], "request");
    expect(logsOf(handlers.deliveries).map(({ message }) => message)).toEqual(["a", "b"]);
    expect(reads).toBe(1);
    expect(reported(two, [{ "request.method": "PUT", "response.code": 200n }]).logs).toEqual([]);
    expect(reported(two, [{ "response.code": 200n }]).counted).toEqual(["p/a skipped", "p/b skipped"]);
  });

  test("that turns out to be no bool is an error", () => {
    const files = policy(`
  - { logentry: l, handlers: [h], when: metadata.flag, message: m }`);
    const seen = reported(files, [{ metadata: mapOf({ flag: "true" }) }]);
    expect(seen.logs).toEqual([]);
    expect(seen.counted).toEqual(["p/l failed"]);
  });
});

describe("a metric", () => {
  const files = policy(`
  - metric: bytes
    handlers: [h]
    value: metadata.value
    dimensions: { who: source.principal, size: request.size }`);
  const point = (value: CelValue, more: Attributes = {}): Attributes[] => [{ metadata: mapOf({ value }), ...more }];

  test.each([
    ["an int", 3n, 3],
    ["a double", 0.5, 0.5],
    ["nothing", 0n, 0],
  ])("takes %s as its value", (_, value, observed) => {
    const { points, counted } = reported(files, point(value));
    expect(points).toMatchObject([{ name: "bytes", value: observed, count: 1 }]);
    expect(counted).toEqual([]);
  });

  test("whose value is an error has failed", () => {
    const { points, counted } = reported(files, [{ metadata: BROKEN }]);
    expect(points).toEqual([]);
    expect(counted).toEqual(["p/bytes failed"]);
  });

  test.each([
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["negative, for a counter", -1n],
    ["no number", "7"],
  ])("whose value is %s has failed", (_, value) => {
    const { points, counted } = reported(files, point(value));
    expect(points).toEqual([]);
    expect(counted).toEqual(["p/bytes failed"]);
  });

  test("whose value is absent is skipped, and counted as that", () => {
    const { points, counted } = reported(files, [{ metadata: mapOf({}) }]);
    expect(points).toEqual([]);
    expect(counted).toEqual(["p/bytes skipped"]);
  });

  test("may be negative where it is a gauge", () => {
    const gauge = policy("\n  - { metric: level, handlers: [h], kind: gauge, value: response.code }");
    expect(reported(gauge, [{ "response.code": -5n }]).points).toMatchObject([{ value: -5 }]);
  });

  test("has `unknown` where a dimension is absent, `(error)` where it is one, which is counted once", () => {
    expect(reported(files, point(1n)).points).toMatchObject([{ dimensions: ["unknown", "unknown"] }]);
    const { points, counted } = reported(files, point(1n, { "source.principal": BROKEN, "request.size": BROKEN }));
    expect(points).toMatchObject([{ dimensions: ["(error)", "(error)"], value: 1 }]);
    expect(counted).toEqual(["p/bytes failed"]);
  });

  test("counts 1 where it says no value", () => {
    const requests = policy("\n  - { metric: requests, handlers: [h] }");
    expect(reported(requests, [{}, {}, {}]).points).toMatchObject([{ value: 3, count: 3 }]);
  });

  test("goes to each handler it names, and with more series than may wait before the flush", () => {
    const two = policy("\n  - { metric: m, handlers: [h, g], dimensions: { who: source.principal } }");
    const records = Array.from({ length: MAX_PENDING_SERIES + 3 }, (_, index) => ({ "source.principal": `${index}` }));
    const { deliveries } = reported(two, records);
    for (const handler of ["h", "g"]) {
      const mine = deliveries.filter((delivery) => delivery.handler === handler);
      expect(mine).toHaveLength(2);
      expect(sum(pointsOf(mine).map(({ count }) => count))).toBe(records.length);
    }
  });
});

describe("a log entry", () => {
  const files = policy(`
  - logentry: l
    handlers: [h]
    severity: metadata.severity
    message: from \${source.principal}
    variables: { code: response.code, who: source.principal }`);

  test("has what its rule says, and when it happened", () => {
    const { logs } = reported(files, [
      { metadata: mapOf({ severity: "warning" }), "source.principal": "ann", "response.code": 200n },
    ]);
    expect(logs).toEqual([
      {
        rule: "p/l",
        timeNanos: RECORD.timeNanos,
        severity: "warning",
        message: "from ann",
        variables: { code: 200n, who: "ann" },
      },
    ]);
    expect(Object.isFrozen(logs[0])).toBe(true);
    expect(Object.getPrototypeOf(logs[0]?.variables)).toBe(null);
  });

  test("of an anonymous caller is not lost: what is absent is left out", () => {
    const { logs, counted } = reported(files, [{ metadata: mapOf({}) }]);
    expect(logs).toMatchObject([{ severity: "info", message: "", variables: {} }]);
    expect(Object.keys(logs[0]?.variables ?? {})).toEqual([]);
    expect(counted).toEqual([]);
  });

  test("has `(error)` for each part that is one, and is counted once", () => {
    const { logs, counted } = reported(files, [
      { metadata: BROKEN, "source.principal": BROKEN, "response.code": BROKEN },
    ]);
    expect(logs).toMatchObject([
      { severity: "(error)", message: "(error)", variables: { code: "(error)", who: "(error)" } },
    ]);
    expect(counted).toEqual(["p/l failed"]);
  });

  test("without a severity is of `info`", () => {
    const plain = policy("\n  - { logentry: l, handlers: [h], message: m }");
    expect(reported(plain, [{}]).logs).toMatchObject([{ severity: "info", message: "m" }]);
  });
});

describe("a span", () => {
  const files = policy(`
  - tracespan: t
    handlers: [h]
    name: \${request.method} shop
    attributes: { code: response.code }`);
  const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  test("joins the caller's trace, from its start to its end", () => {
    const { spans } = reported(files, [{ "request.method": "GET" }], {
      startNanos: 5n,
      endNanos: 7n,
      traceparent: TRACEPARENT,
      error: true,
    });
    expect(spans).toEqual([
      {
        rule: "p/t",
        name: "GET shop",
        startNanos: 5n,
        endNanos: 7n,
        parent: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true },
        error: true,
        attributes: {},
      },
    ]);
  });

  test.each([undefined, "", "nonsense"])("is a trace of its own where the caller's is %j", (traceparent) => {
    const { spans } = reported(files, [{ "request.method": "GET", "response.code": BROKEN }], { traceparent });
    expect(spans).toHaveLength(1);
    expect(spans[0]).not.toHaveProperty("parent");
    expect(spans[0]).toMatchObject({ startNanos: RECORD.timeNanos, endNanos: RECORD.timeNanos });
    expect(spans[0]?.attributes).toEqual({ code: "(error)" });
  });
});

describe("what is masked", () => {
  const files = {
    ...policy(`
  - metric: seen
    handlers: [h]
    when: request.headers.authorization == "secret" && request.auth.claims.person.mail == "secret"
    dimensions: { scheme: request.headers.authorization }
  - logentry: l
    handlers: [h]
    when: caller.token == "secret"
    message: \${request.headers.authorization} \${request.query} \${caller.token} \${caller.mail}
    variables:
      key: request.headers["authorization"]
      headers: request.headers
      claims: request.auth.claims
      mail: request.auth.claims.person.mail
      person: request.auth.claims.person
      query: request.query
      derived: caller.token
      named: caller.mail
  - tracespan: t
    handlers: [h]
    name: \${request.headers.authorization} \${caller.mail}
    attributes: { headers: request.headers, derived: caller.token, named: caller.mail }`),
    "weir.yaml": "mask: [request.headers.Authorization, request.query, request.auth.claims.person.mail, caller.mail]\n",
    "attributes.yaml": `derive:
  caller.token: request.headers.get("authorization", "none")
  caller.mail: context.get("mail", "none")
`,
  };
  const attributes = {
    "request.headers": mapOf({ authorization: "secret", "x-case": "shown" }),
    context: mapOf({ mail: "secret" }),
    "request.query": "secret",
    "request.auth.claims": mapOf({ person: mapOf({ mail: "secret", name: "shown" }) }),
  };

  test("is seen by conditions, and by no series, log entry or span", () => {
    const { logs, spans, points } = reported(files, [attributes]);
    expect(points).toMatchObject([{ value: 1, dimensions: [MASKED] }]);
    expect([logs.length, spans.length]).toEqual([1, 1]);
    expect(textOf([logs, spans])).not.toContain("secret");
    expect(logs).toMatchObject([
      {
        message: [MASKED, MASKED, MASKED, MASKED].join(" "),
        variables: { key: MASKED, mail: MASKED, query: MASKED, derived: MASKED, named: MASKED },
      },
    ]);
    expect(spans).toMatchObject([{ name: `${MASKED} ${MASKED}`, attributes: { derived: MASKED, named: MASKED } }]);
    // What stands beside a masked key is shown: this test is no proof by emptiness.
    expect(textOf(logs).match(/shown/gu)).toHaveLength(3);
  });

  test("by the name of a derived attribute stays so where the attribute is read from the record", () => {
    const carried = { ...attributes, "caller.token": "secret", "caller.mail": "secret" };
    const { logs } = reported(files, [carried], { derive: false });
    expect(logs).toMatchObject([{ variables: { named: MASKED } }]);
  });
});

test("a derived attribute is evaluated over the record, or read from it where the decision carried it", () => {
  const files = {
    ...policy("\n  - { logentry: l, handlers: [h], message: m, variables: { service: destination.service } }"),
    "attributes.yaml": 'derive: { destination.service: \'context.get("service", "none")\' }\n',
  };
  const attributes = { context: mapOf({ service: "derived" }), "destination.service": "carried" };
  expect(reported(files, [attributes], { derive: true }).logs).toMatchObject([{ variables: { service: "derived" } }]);
  expect(reported(files, [attributes], { derive: false }).logs).toMatchObject([{ variables: { service: "carried" } }]);
  expect(reported(files, [{}], { derive: false }).logs[0]?.variables).toEqual({});
});

test("a rule of requests sees requests, a rule of decisions sees decisions", () => {
  const files = policy(`
  - { logentry: r, handlers: [h], message: request }
  - { logentry: d, of: decision, handlers: [h], message: decision }`);
  expect(reported(files, [{}]).logs.map(({ message }) => message)).toEqual(["request"]);
  expect(reported(files, [{}], {}, "decision").logs.map(({ message }) => message)).toEqual(["decision"]);
});

test("the records of one call reach each handler as one batch of each kind, whole and in order", () => {
  const files = policy(`
  - { logentry: a, handlers: [h, g], message: "\${string(response.code)}" }
  - { logentry: b, handlers: [h], when: response.code == 2, message: two }
  - { tracespan: t, handlers: [h], name: span }`);
  const { deliveries } = reported(files, [{ "response.code": 1n }, { "response.code": 2n }, { "response.code": 3n }]);
  const shown = deliveries.map(({ handler, batch }) => [
    handler,
    batch.template,
    batch.template === "logentry" ? batch.instances.map(({ message }) => message).join() : batch.instances.length,
  ]);
  expect(shown).toEqual([
    ["h", "logentry", "1,2,two,3"],
    ["g", "logentry", "1,2,3"],
    ["h", "tracespan", 3],
  ]);
});

describe("series that have come together", () => {
  const files = policy("\n  - { metric: m, handlers: [h], dimensions: { who: source.principal } }");

  test("wait for the flush, and are delivered once", () => {
    const { reporter, handlers, report } = open(files);
    report({ "source.principal": "a" });
    report({ "source.principal": "a" });
    expect(handlers.deliveries).toEqual([]);
    reporter.flush();
    reporter.flush();
    expect(handlers.deliveries).toHaveLength(1);
    report({ "source.principal": "a" });
    reporter.flush();
    expect(pointsOf(handlers.deliveries).map(({ count }) => count)).toEqual([2, 1]);
  });

  test("go to the handlers of the snapshot that made them, when it retires at the latest", () => {
    const reporter = new Reporter({ report: () => undefined });
    const [before, after] = [open(files, reporter), open(files, reporter)];
    before.report({ "source.principal": "a" });
    after.report({ "source.principal": "b" });
    reporter.retire(before.snapshot);
    expect(pointsOf(before.handlers.deliveries)).toMatchObject([{ dimensions: ["a"], count: 1 }]);
    expect(after.handlers.deliveries).toEqual([]);
    before.handlers.retired = 1;
    reporter.flush();
    reporter.retire(before.snapshot);
    expect(pointsOf(after.handlers.deliveries)).toMatchObject([{ dimensions: ["b"], count: 1 }]);
    expect(before.handlers.deliveries).toHaveLength(1);
  });

  test("have every record in them, whenever they are flushed", () => {
    const { reporter, handlers, report } = open(files);
    for (let index = 0; index < 1000; index += 1) {
      report({ "source.principal": `who-${index % 7}` });
      if (index % 13 === 0) reporter.flush();
    }
    reporter.flush();
    expect(sum(pointsOf(handlers.deliveries).map(({ count }) => count))).toBe(1000);
  });
});

const RECORD: Omit<ReportRecord, "source"> = {
  door: "weir",
  derive: true,
  timeNanos: 1_000n,
  startNanos: undefined,
  endNanos: undefined,
  traceparent: undefined,
  error: false,
};

function policy(rules: string, when = ""): Files {
  return {
    "weir.yaml": "{}\n",
    "handlers.yaml": "handlers: [{ handler: h, adapter: log }, { handler: g, adapter: log }]\n",
    "p.yaml": `policy: p\n${when}\nreport:${rules}\n`,
  };
}

interface Open {
  readonly snapshot: Snapshot;
  readonly handlers: NotingHandlers;
  readonly reporter: Reporter;
  report(attributes: Attributes): void;
}

function open(files: Files, reporter = new Reporter({ report: () => undefined })): Open {
  const handlers = new NotingHandlers();
  const snapshot = snapshotOf(files, handlers);
  const report = (attributes: Attributes): void =>
    reporter.report(snapshot, [{ ...RECORD, source: source(snapshot, attributes) }], "request");
  return { snapshot, handlers, reporter, report };
}

interface Seen {
  readonly deliveries: readonly Delivery[];
  readonly points: readonly MetricPoint[];
  readonly logs: readonly LogEntry[];
  readonly spans: readonly TraceSpan[];
  readonly counted: readonly string[];
}

/** Reports records in one call and flushes. */
function reported(
  files: Files,
  records: readonly Attributes[],
  changed: Partial<ReportRecord> = {},
  of: "request" | "decision" = "request",
): Seen {
  const counted: string[] = [];
  const handlers = new NotingHandlers();
  const snapshot = snapshotOf(files, handlers);
  const reporter = new Reporter({ report: (rule, what) => void counted.push(`${rule} ${what}`) });
  reporter.report(
    snapshot,
    records.map((attributes) => ({ ...RECORD, source: source(snapshot, attributes), ...changed })),
    of,
  );
  reporter.flush();
  const { deliveries } = handlers;
  const spans = deliveries.flatMap(({ batch }) => (batch.template === "tracespan" ? batch.instances : []));
  return { deliveries, points: pointsOf(deliveries), logs: logsOf(deliveries), spans, counted };
}

function pointsOf(deliveries: readonly Delivery[]): readonly MetricPoint[] {
  return deliveries.flatMap(({ batch }) => (batch.template === "metric" ? batch.instances : []));
}

function logsOf(deliveries: readonly Delivery[]): readonly LogEntry[] {
  return deliveries.flatMap(({ batch }) => (batch.template === "logentry" ? batch.instances : []));
}

function source(snapshot: Snapshot, attributes: Attributes): AttributeSource {
  return bagSource(new Map(Object.entries(attributes)), snapshot.slots);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}` : inner));
}
