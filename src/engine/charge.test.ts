import { describe, expect, test } from "vitest";
import type { CheckAnswer, QuotaAnswer, QuotaRequest } from "../adapter/templates.ts";
import { bagSource } from "../attribute/bag.ts";
import { Reporter } from "../report/reporter.ts";
import type { HandlerSet } from "../snapshot/handler-set.ts";
import { link } from "../snapshot/link.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { UNCOUNTED } from "../telemetry/index.ts";
import { createEngine } from "./create-engine.ts";
import type { Decision } from "./decision.ts";
import { examine } from "./examine.ts";
import { Live } from "./live.ts";

const FOLDER = {
  "weir.yaml": "doors: { weir: { requires: [request.method] } }\n",
  "handlers.yaml": `handlers:
  - { handler: first, adapter: memory-quota }
  - { handler: second, adapter: memory-quota }
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
`,
  "p.yaml": `policy: p
scope: all
check:
  - allow: everybody
  - ask: listed
    handler: list
    value: request.method
    on-unavailable: allow
  - ask: tried-out
    shadow: true
    handler: list
    value: request.method
    on-unavailable: deny
quota:
  - { limit: a, handler: first, max: 10, every: 1m, on-unavailable: allow }
  - { limit: b, handler: second, max: 10, every: 1m, on-unavailable: deny }
  - { limit: c, handler: first, max: 10, every: 1m, on-unavailable: allow }
  - { limit: tried-out, shadow: true, handler: second, max: 10, every: 1m }
`,
};

const GRANTED: Fake = (request) => ({
  kind: "granted",
  grants: request.charges.map(({ amount }) => ({ granted: amount, remaining: 9n, resetAfterMs: 1 })),
});
const REFUSED: Fake = () => ({ kind: "refused", refusals: [{ charge: 0, remaining: 0n, retryAfterMs: 1500 }] });
const FULL: Fake = () => ({ kind: "unavailable", cause: "full", reason: "no room" });
const DOWN: Fake = () => ({ kind: "unavailable", cause: "down", reason: "no answer" });
const later =
  (fake: Fake): Fake =>
  async (request) =>
    fake(request);

describe.each([["at once", (fake: Fake) => fake] as const, ["later", later] as const])(
  "stores that answer %s",
  (_, when) => {
    test("the limits of one handler are charged in one request, handlers in the order in which they first come", async () => {
      const { decision, calls } = await check({ first: when(GRANTED), second: when(GRANTED) });
      expect(decision.verdict).toBe("allowed");
      expect(calls.filter(enforced)).toEqual(["first charge p/a 1 p/c 1", "second charge p/b 1"]);
    });

    test("what one handler granted is given back when the next refuses", async () => {
      const { decision, calls } = await check({ first: when(GRANTED), second: when(REFUSED) });
      expect(decision).toMatchObject({ verdict: "limited", reason: "limit", rule: { rule: "p/b" } });
      expect(decision.response).toMatchObject({ status: 429, headers: [["retry-after", "2"]] });
      expect(calls).toEqual(["first charge p/a 1 p/c 1", "second charge p/b 1", "first give-back p/a 1 p/c 1"]);
      expect(decision.limits.filter((limit) => limit.verdict === "allowed").map((limit) => limit.granted)).toEqual([
        0n,
        0n,
      ]);
    });

    test("a store that is down refuses or not by each limit's choice", async () => {
      expect((await check({ first: when(DOWN), second: when(GRANTED) })).decision.verdict).toBe("allowed");
      const refused = await check({ first: when(GRANTED), second: when(DOWN) });
      expect(refused.decision).toMatchObject({
        verdict: "undecided",
        reason: "limit-unavailable",
        rule: { rule: "p/b" },
      });
      expect(refused.calls.at(-1)).toBe("first give-back p/a 1 p/c 1");
    });

    test("a full table refuses, whatever the limit says of unavailability", async () => {
      const { decision } = await check({ first: when(FULL), second: when(GRANTED) });
      expect(decision).toMatchObject({ verdict: "undecided", reason: "limit-error", rule: { rule: "p/a" } });
    });

    test("a shadow limit is charged beside the others and refuses nobody", async () => {
      const second: Fake = (request) =>
        request.charges[0]?.limit === "p/tried-out" ? REFUSED(request) : GRANTED(request);
      const { decision, shadows } = await check({ first: when(GRANTED), second: when(second) });
      expect(decision.verdict).toBe("allowed");
      expect(shadows).toContain("p/tried-out limited allowed");
    });
  },
);

describe.each([
  ["at once", (answer: CheckAnswer) => answer] as const,
  ["later", async (answer: CheckAnswer) => answer] as const,
])("check adapters that answer %s", (_, when) => {
  test("an objection refuses, and nothing is charged", async () => {
    const { decision, calls } = await check({ ask: () => when({ kind: "objection", message: "listed" }) });
    expect(decision).toMatchObject({
      verdict: "denied",
      reason: "adapter",
      rule: { rule: "p/listed" },
      detail: "listed",
    });
    expect(calls).toEqual([]);
  });

  test("an adapter that cannot tell refuses or not by the rule's choice, and a shadow ask never does", async () => {
    const { decision, shadows } = await check({ ask: () => when({ kind: "unavailable", reason: "down" }) });
    expect(decision.verdict).toBe("allowed");
    expect(shadows).toContain("p/tried-out undecided allowed");
  });
});

test("the same id means the same caller: a reconnected one too, another principal not", async () => {
  const ids = await Promise.all(
    [
      { address: "10.0.0.1:1000", principal: undefined },
      { address: "10.0.0.1:2000", principal: undefined },
      { address: "10.0.0.1:1000", principal: "spiffe://a" },
      { address: "10.0.0.1:1000", principal: "spiffe://b" },
    ].map(async (peer) => (await check({}, { peer, deduplicationId: "id" })).ids[0]),
  );
  expect(ids[0]).toBe(ids[1]);
  expect(new Set(ids).size).toBe(3);
  const { ids: unnamed } = await check({}, { deduplicationId: "" });
  // Two handlers: what may be given back has an id of its own, the shadow limit beside it needs none.
  expect(unnamed).toEqual(["decision|t-1", "decision|t-1", ""]);
});

type Fake = (request: QuotaRequest) => QuotaAnswer | Promise<QuotaAnswer>;

interface Fakes {
  readonly first?: Fake;
  readonly second?: Fake;
  readonly ask?: () => CheckAnswer | Promise<CheckAnswer>;
}

interface Asked {
  readonly peer?: { readonly address: string; readonly principal: string | undefined };
  readonly deduplicationId?: string;
}

interface Seen {
  readonly decision: Decision;
  readonly calls: readonly string[];
  readonly ids: readonly string[];
  readonly shadows: readonly string[];
}

const NO_OBJECTION: CheckAnswer = { kind: "no-objection" };

async function check(
  { first = GRANTED, second = GRANTED, ask = () => NO_OBJECTION }: Fakes,
  asked: Asked = {},
): Promise<Seen> {
  const files = Object.entries(FOLDER).map(([path, text]) => ({ path, text }));
  const { plan, diagnostics } = examine({ files, id: "test", diagnostics: [], signature: "" });
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics));
  const calls: string[] = [];
  const ids: string[] = [];
  const shadows: string[] = [];
  const handlers: HandlerSet = {
    deliver: () => undefined,
    ask,
    quota: (handler) => ({
      charge(request) {
        calls.push(
          [handler, request.operation, ...request.charges.flatMap((one) => [one.limit, one.amount])].join(" "),
        );
        ids.push(request.deduplicationId);
        return (handler === "first" ? first : second)(request);
      },
    }),
    exposition: async () => "",
    retire: async () => undefined,
  };
  const live = new Live<Snapshot>();
  const snapshot = link(plan, handlers);
  await live.swap(snapshot);
  const counters = { ...UNCOUNTED, shadow: (...said: string[]) => void shadows.push(said.join(" ")) };
  const clock = { monotonicMs: () => 0, epochNanos: () => 0n };
  const engine = createEngine({
    live,
    reporter: new Reporter(UNCOUNTED),
    counters,
    clock,
    maxInFlight: 1,
    idPrefix: "t",
  });
  const { peer = { address: "127.0.0.1:1", principal: undefined }, deduplicationId = "" } = asked;
  const decision = await engine.check(snapshot, {
    door: "weir",
    source: bagSource(new Map([["request.method", "GET"]]), snapshot.slots),
    call: { peer, signal: new AbortController().signal, arrivedMs: 0 },
    quotas: [],
    quotaOnly: false,
    deduplicationId,
  });
  // Shadows are not waited for: their promises settle before this one does.
  await Promise.resolve();
  return { decision, calls, ids, shadows };
}

function enforced(call: string): boolean {
  return !call.includes("p/tried-out");
}
