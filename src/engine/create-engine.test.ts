import { describe, expect, test } from "vitest";
import {
  checkInput,
  engineFor,
  type Files,
  mapOf,
  NotingHandlers,
  snapshotOf,
  type TestEngine,
} from "../../test/engine/folder.ts";
import type { CheckAnswer, LogEntry } from "../adapter/templates.ts";
import { Invalid } from "../attribute/value.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import type { EngineCounters } from "./create-engine.ts";
import type { Admission } from "./engine.ts";

const FILES: Files = {
  "weir.yaml": "doors: { weir: { requires: [request.method] }, ext-authz: {}, ext-authz-tcp: {}, access-log: {} }\n",
  "handlers.yaml": `handlers:
  - { handler: h, adapter: log }
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
`,
  "p.yaml": `policy: p
scope: all
check:
  - allow: get
    when: request.method == "GET"
  - ask: slow
    handler: list
    when: request.headers.get("x-slow", "") == "1"
    value: request.method
    on-unavailable: deny
report:
  - logentry: decisions
    of: decision
    handlers: [h]
    message: \${check.verdict} \${request.method}
    variables:
      id: check.decision_id
      verdict: check.verdict
      reason: check.reason
      rule: check.rule
      location: check.location
      snapshot: check.snapshot
      door: check.door
      status: check.status
      took: check.took_us
      detail: check.detail
`,
};

describe("a Check that waits for an adapter", () => {
  const never = new Promise<CheckAnswer>(() => undefined);
  const slow = { ...GET, "request.headers": mapOf({ "x-slow": "1" }) };

  test.each([
    ["its door's time", { withinMs: 20, call: {} }],
    ["nine tenths of what its caller waits", { withinMs: 60_000, call: { deadlineMs: 20 } }],
  ])("is refused after %s: it could not be decided", async (_, { withinMs, call }) => {
    const { engine, snapshot, handlers, counted } = running();
    handlers.answer = () => never;
    const input = checkInput(snapshot, slow, { withinMs });
    const decision = await engine.check(snapshot, { ...input, call: { ...input.call, ...call } });
    expect(decision).toMatchObject({ verdict: "undecided", reason: "deadline" });
    expect(counted).toEqual([expect.stringMatching(/^weir undecided deadline /u)]);
  });

  test("and is answered in time is decided by the answer; what comes later changes nothing", async () => {
    const { engine, snapshot, handlers } = running();
    const answer = Promise.withResolvers<CheckAnswer>();
    handlers.answer = () => answer.promise;
    const first = engine.check(snapshot, checkInput(snapshot, slow, { withinMs: 60_000 }));
    const late = engine.check(snapshot, checkInput(snapshot, slow, { withinMs: 1 }));
    const refused = await late;
    answer.resolve({ kind: "objection", message: "listed" });
    expect(await first).toMatchObject({ verdict: "denied", reason: "adapter" });
    expect(refused).toMatchObject({ verdict: "undecided", reason: "deadline" });
  });

  test("has no deadline where nobody names one", async () => {
    const { engine, snapshot, handlers } = running();
    handlers.answer = async () => ({ kind: "no-objection" });
    expect(await engine.check(snapshot, checkInput(snapshot, slow))).toMatchObject({ verdict: "allowed" });
  });
});

describe("admission", () => {
  test("holds no more requests than it may; one is let in for each that is answered", () => {
    const { engine, turnedAway } = running({ maxInFlight: 2 });
    const [first, second] = [admitted(engine.admit()), admitted(engine.admit())];
    expect(engine.admit()).toEqual({ ok: false, why: "overload" });
    expect(engine.inFlight).toBe(2);
    first.release();
    expect(engine.inFlight).toBe(1);
    admitted(engine.admit()).release();
    second.release();
    expect(engine.inFlight).toBe(0);
    expect(turnedAway).toEqual(["overload"]);
  });

  test("needs policies to decide by", () => {
    const { engine } = engineFor();
    expect(engine.admit()).toEqual({ ok: false, why: "no-snapshot" });
    expect(engine.inFlight).toBe(0);
  });

  test("ends with draining, which waits for the last request", async () => {
    const { engine, turnedAway } = running();
    const [first, second] = [admitted(engine.admit()), admitted(engine.admit())];
    let drained = false;
    const draining = engine.drain().then(() => {
      drained = true;
    });
    expect(engine.admit()).toEqual({ ok: false, why: "draining" });
    first.release();
    await Promise.resolve();
    expect(drained).toBe(false);
    second.release();
    await draining;
    expect(drained).toBe(true);
    expect(turnedAway).toEqual(["draining"]);
  });

  test("drains at once when nothing is in flight, however often it is asked to", async () => {
    const { engine } = running();
    await engine.drain();
    await engine.drain();
    expect(engine.admit()).toEqual({ ok: false, why: "draining" });
  });

  test("keeps the snapshot it gave until the request lets go of it", async () => {
    const { engine, live, snapshot } = running();
    const held = admitted(engine.admit());
    const next = snapshotOf(FILES, new NotingHandlers(), "next");
    let retired: Snapshot | undefined;
    const swapped = live.swap(next).then((before) => {
      retired = before;
    });
    expect(held.snapshot).toBe(snapshot);
    expect(admitted(engine.admit()).snapshot).toBe(next);
    expect((await engine.check(held.snapshot, checkInput(held.snapshot, GET))).snapshot).toBe("test");
    expect(retired).toBeUndefined();
    held.release();
    await swapped;
    expect(retired).toBe(snapshot);
  });

  test("is named to whoever watches, as is each one after it", async () => {
    const { engine, live } = running();
    const named: string[] = [];
    engine.watchSnapshot((id) => named.push(id));
    expect(named).toEqual(["test"]);
    await live.swap(snapshotOf(FILES, new NotingHandlers(), "next"));
    expect(named).toEqual(["test", "next"]);
  });
});

describe("a decision", () => {
  test("has an id of its own that begins with the one of its process", async () => {
    const { engine, snapshot } = running();
    const decisions = await Promise.all(
      Array.from({ length: 100 }, () => engine.check(snapshot, checkInput(snapshot, GET))),
    );
    const ids = decisions.map(({ decisionId }) => decisionId);
    expect(new Set(ids).size).toBe(100);
    expect(ids.every((id) => id.startsWith("t-"))).toBe(true);
  });

  test.each(["", "1"])("is counted once and is a record, once (x-slow: %j)", async (slow) => {
    const { engine, snapshot, counted, handlers } = running();
    handlers.answer = async () => ({ kind: "no-objection" });
    const input = checkInput(snapshot, { ...GET, "request.headers": mapOf({ "x-slow": slow }) });
    const answer = engine.check(snapshot, { ...input, call: { ...input.call, arrivedMs: -0.25 } });
    expect(answer instanceof Promise).toBe(slow === "1");
    const { decisionId } = await answer;
    expect(counted).toEqual(["weir allowed rule 250"]);
    expect(records(handlers)).toEqual([
      {
        rule: "p/decisions",
        timeNanos: 0n,
        severity: "info",
        message: "allowed GET",
        variables: {
          id: decisionId,
          verdict: "allowed",
          reason: "rule",
          rule: "p/get",
          location: "p.yaml:4",
          snapshot: "test",
          door: "weir",
          took: 250n,
          detail: "",
        },
      },
    ]);
  });

  test("that no rule made names none, in the record too", async () => {
    const { engine, snapshot, handlers } = running();
    const { rule } = await engine.check(snapshot, checkInput(snapshot, { "request.method": "PUT" }));
    expect(rule).toBeUndefined();
    const [record] = records(handlers);
    expect(record).toMatchObject({ message: "denied PUT", variables: { reason: "unmatched", status: 403n } });
    expect(record?.variables).not.toHaveProperty("rule");
    expect(record?.variables).not.toHaveProperty("location");
  });

  test("of a message that a door could not read is undecided, and recorded all the same", async () => {
    const { engine, snapshot, counted, handlers } = running();
    const refused = { reason: "undecodable", detail: "no message" } as const;
    const decision = await engine.check(snapshot, checkInput(snapshot, GET, { refused }));
    expect(decision).toMatchObject({ verdict: "undecided", reason: "undecodable", response: { status: 403 } });
    expect(counted).toEqual(["weir undecided undecodable 0"]);
    expect(records(handlers)).toHaveLength(1);
  });

  test("is undecided without what a native Check must have; an error in it is not absence", async () => {
    const { engine, snapshot } = running();
    expect(await engine.check(snapshot, checkInput(snapshot, {}))).toMatchObject({
      verdict: "undecided",
      reason: "incomplete",
    });
    const broken = { "request.method": new Invalid("not UTF-8") };
    expect(await engine.check(snapshot, checkInput(snapshot, broken))).toMatchObject({
      verdict: "undecided",
      reason: "allow-error",
      rule: { rule: "p/get" },
    });
    expect(await engine.check(snapshot, checkInput(snapshot, {}, { door: "ext-authz" }))).toMatchObject({
      verdict: "denied",
      reason: "unmatched",
    });
  });

  test.each([
    ["deny", "denied"],
    ["allow", "allowed"],
  ])("where nothing applies is what `unmatched: %s` says", async (unmatched, verdict) => {
    const nothing = snapshotOf({ "weir.yaml": `unmatched: ${unmatched}\nallow-empty: true\n` });
    const { engine } = engineFor();
    expect(await engine.check(nothing, checkInput(nothing, GET, { door: "ext-authz" }))).toMatchObject({
      verdict,
      reason: "unmatched",
    });
  });
});

describe("what a decision carries to the access log", () => {
  const files = {
    "weir.yaml": "mask: [request.headers.authorization]\n",
    "handlers.yaml": "handlers: [{ handler: h, adapter: log }]\n",
    "attributes.yaml": `derive:
  caller.number: int(request.headers["x-number"])
  caller.token: request.headers.get("authorization", "none")
`,
    "p.yaml": `policy: p
report:
  - logentry: l
    handlers: [h]
    message: m
    variables: { number: caller.number, token: caller.token, code: response.code, tenant: context.tenant }
`,
  };
  const attributes = {
    "request.headers": mapOf({ authorization: "secret", "x-number": "7" }),
    context: mapOf({ tenant: "shop" }),
  };

  test("is what reports read and the log cannot supply, through Envoy alone", async () => {
    const carried = await carriedOf("ext-authz", attributes);
    expect(carried).toEqual({ "caller.number": 7n, "caller.token": "(masked)", context: mapOf({ tenant: "shop" }) });
    expect(await carriedOf("weir", attributes)).toEqual({});
  });

  test("holds errors, and not what is absent", async () => {
    const carried = await carriedOf("ext-authz", { "request.headers": mapOf({ "x-number": "many" }) });
    expect(carried).toEqual({ "caller.number": expect.any(Invalid), "caller.token": "none" });
    expect(await carriedOf("ext-authz", { "request.headers": mapOf({}) })).toEqual({ "caller.token": "none" });
  });

  async function carriedOf(door: "weir" | "ext-authz", there: typeof GET): Promise<Readonly<Record<string, unknown>>> {
    const snapshot = snapshotOf(files);
    const input = checkInput(snapshot, { ...GET, "request.path": "/", "source.address": "::1", ...there }, { door });
    const { carried } = await engineFor().engine.check(snapshot, input);
    return Object.fromEntries(carried.map(({ name, value }) => [name, value]));
  }
});

const GET: Parameters<typeof checkInput>[1] = { "request.method": "GET" };

interface Running extends TestEngine {
  readonly snapshot: Snapshot;
  readonly handlers: NotingHandlers;
  /** Decisions as they were counted. */
  readonly counted: readonly string[];
  readonly turnedAway: readonly string[];
}

function running(choices: { readonly maxInFlight?: number } = {}): Running {
  const handlers = new NotingHandlers();
  const snapshot = snapshotOf(FILES, handlers);
  const counted: string[] = [];
  const turnedAway: string[] = [];
  const counters: Partial<EngineCounters> = {
    decision: (...said) => void counted.push(said.join(" ")),
    notAdmitted: (why) => void turnedAway.push(why),
  };
  const engine = engineFor({ ...choices, counters });
  void engine.live.swap(snapshot);
  return { ...engine, snapshot, handlers, counted, turnedAway };
}

function admitted(admission: Admission): Extract<Admission, { ok: true }> {
  if (!admission.ok) throw new Error(`not admitted: ${admission.why}`);
  return admission;
}

function records({ deliveries }: NotingHandlers): readonly LogEntry[] {
  return deliveries.flatMap(({ batch }) => (batch.template === "logentry" ? batch.instances : []));
}
