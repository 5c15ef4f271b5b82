import { describe, expect, test } from "vitest";
import { type Attributes, checkInput, engineFor, mapOf, NotingHandlers, snapshotOf } from "../../test/engine/folder.ts";
import type { QuotaAnswer } from "../adapter/templates.ts";
import type { Decision } from "./decision.ts";
import type { CheckInput } from "./engine.ts";

/** The enforced verdict is `request.method`'s to say; each shadow rule is ruled by a header of its own. */
const FILES = {
  "weir.yaml": "doors: { weir: { requires: [request.method, request.headers] } }\n",
  "handlers.yaml": `handlers:
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
  - { handler: q, adapter: memory-quota }
`,
  "p.yaml": `policy: p
scope: all
check:
  - { deny: no, when: request.method == "DENIED" }
  - { deny: unsure, when: 'request.method == "ERROR" && int(request.method) == 1' }
  - { allow: yes, when: request.method == "ALLOWED" || request.method == "LIMITED" }
  - { deny: shadow-deny, shadow: true, when: request.headers.deny == "1" }
  - { allow: shadow-allow, shadow: true, when: request.headers.allow == "1" }
  - ask: shadow-ask
    shadow: true
    handler: list
    when: request.headers.get("ask", "") != ""
    value: request.headers.ask
    on-unavailable: deny
  - { change: shadow-change, shadow: true, request: { set: { x-shadow: "1" } } }
quota:
  - { limit: enforced, handler: q, max: 5, every: 1m, when: request.method == "LIMITED" }
  - { limit: shadow-limit, shadow: true, handler: q, max: 5, every: 1m, cost: 'int(request.headers.get("cost", "0"))' }
  - { limit: shadow-named, shadow: true, on-request: true, handler: q, max: 5, every: 1m }
`,
};

const TABLE: readonly (readonly [method: string, headers: Readonly<Record<string, string>>, shadows: string])[] = [
  ["ALLOWED", { deny: "0" }, ""],
  ["ALLOWED", { deny: "1" }, "shadow-deny denied"],
  ["ALLOWED", {}, "shadow-deny undecided"],
  ["DENIED", {}, "shadow-deny denied"],
  ["DENIED", { deny: "0", allow: "1" }, "shadow-allow denied"],
  ["NOBODY", { deny: "0", allow: "1" }, "shadow-allow allowed"],
  ["NOBODY", { deny: "0", allow: "0" }, ""],
  ["NOBODY", { deny: "0" }, ""],
  ["ERROR", { deny: "1" }, "shadow-deny denied"],
  ["ERROR", {}, "shadow-deny undecided"],
  ["ALLOWED", { deny: "0", allow: "1" }, "shadow-allow allowed"],
  ["ALLOWED", { deny: "0", ask: "fine" }, "shadow-ask allowed"],
  ["ALLOWED", { deny: "0", ask: "listed" }, "shadow-ask denied"],
  ["ALLOWED", { deny: "0", ask: "down" }, "shadow-ask undecided"],
  ["DENIED", { deny: "0", ask: "listed" }, ""],
  ["ALLOWED", { deny: "0", cost: "5" }, "shadow-limit allowed"],
  ["ALLOWED", { deny: "0", cost: "3" }, "shadow-limit limited"],
  ["ALLOWED", { deny: "0", cost: "6" }, "shadow-limit limited"],
  ["ALLOWED", { deny: "0", cost: "2" }, "shadow-limit undecided"],
  ["ALLOWED", { deny: "0", cost: "-1" }, "shadow-limit undecided"],
  ["LIMITED", { deny: "0", ask: "listed", cost: "5" }, ""],
];

describe("a shadow rule is counted with what it would have made of a request, and enforces nothing", () => {
  test.each(TABLE)("%s %j: %s", async (method, headers, shadows) => {
    const { decision, counted } = await check({ "request.method": method, "request.headers": mapOf(headers) });
    const enforced = ENFORCED[method];
    expect(decision.verdict).toBe(enforced);
    // A cost of 0 is nothing to refuse: said of each request that gets there.
    const ours = counted.filter((line) => line !== "p/shadow-limit allowed allowed" || "cost" in headers);
    expect(ours).toEqual(shadows === "" ? [] : [`p/${shadows} ${enforced}`]);
    expect(decision.changes.requestSet).toEqual([]);
    expect(decision.changes.requestRemove).toEqual([]);
  });
});

const LOUD: Attributes = {
  "request.method": "ALLOWED",
  "request.headers": mapOf({ deny: "1", allow: "1", ask: "listed", cost: "5" }),
};

test("what only charges limits asks no shadow rule and no adapter", async () => {
  const quotas = [{ name: "p/shadow-named", amount: 3n, bestEffort: false }];
  const { counted } = await check(LOUD, { quotaOnly: true, quotas });
  expect(counted).toEqual(["p/shadow-limit allowed allowed", "p/shadow-named limited allowed"]);
});

test("what no rule has judged is not judged by shadow rules either", async () => {
  const refused = { reason: "undecodable", detail: "no message" } as const;
  expect((await check(LOUD, { refused })).counted).toEqual([]);
  const { decision, counted } = await check({ ...LOUD, "request.method": undefined });
  expect(decision.reason).toBe("incomplete");
  expect(counted).toEqual([]);
});

const ENFORCED: Readonly<Record<string, string>> = {
  ALLOWED: "allowed",
  DENIED: "denied",
  NOBODY: "denied",
  ERROR: "undecided",
  LIMITED: "limited",
};

test("what a shadow charges is answered even where the call is over before", async () => {
  const handlers = new NotingHandlers();
  const snapshot = snapshotOf(FILES, handlers);
  const { engine } = engineFor({});
  const over = new AbortController();
  const input = checkInput(snapshot, { "request.method": "ALLOWED", "request.headers": mapOf({ cost: "1" }) });
  await engine.check(snapshot, { ...input, call: { ...input.call, signal: over.signal } });
  over.abort();
  expect(handlers.charges.map(({ charges }) => charges[0]?.limit)).toEqual(["p/shadow-limit"]);
  expect(handlers.signals.map(({ aborted }) => aborted)).toEqual([false]);
});

async function check(
  attributes: Readonly<Record<string, Attributes[string] | undefined>>,
  changed: Partial<CheckInput> = {},
): Promise<{ readonly decision: Decision; readonly counted: readonly string[] }> {
  const handlers = new NotingHandlers();
  handlers.answer = (value) => {
    if (value === "down") return { kind: "unavailable", reason: "down" };
    return value === "listed" ? { kind: "objection", message: "listed" } : { kind: "no-objection" };
  };
  handlers.charge = async ({ charges }) => answerTo(charges[0]?.limit, charges[0]?.amount);
  const snapshot = snapshotOf(FILES, handlers);
  const counted: string[] = [];
  const { engine } = engineFor({ counters: { shadow: (...said) => void counted.push(said.join(" ")) } });
  const there = Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
  const decision = await engine.check(snapshot, checkInput(snapshot, there, changed));
  // Shadows are not waited for: their promises settle before this one does.
  await Promise.resolve();
  return { decision, counted };
}

/** Refuses 3, has no room for 2, grants everything else. */
function answerTo(limit: string | undefined, amount: bigint | undefined): QuotaAnswer {
  if (limit === "p/enforced" || amount === 3n)
    return { kind: "refused", refusals: [{ charge: 0, remaining: 0n, retryAfterMs: 1 }] };
  if (amount === 2n) return { kind: "unavailable", cause: "full", reason: "no room" };
  return { kind: "granted", grants: [{ granted: amount ?? 0n, remaining: 0n, resetAfterMs: 1 }] };
}
