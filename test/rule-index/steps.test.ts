import { expect, test } from "vitest";
import type { CheckInput } from "../../src/engine/engine.ts";
import { checkInput, engineFor, type Files, mapOf, NotingHandlers, snapshotOf } from "../engine/folder.ts";

/** More than are evaluated without being told apart. */
const TENANTS = Array.from({ length: 20 }, (_, number) => `t${number}`);
const OWN = 'request.headers["x-tenant"]';

/** Each tenant has rules of every kind of its own, and a policy with a condition. */
const FILES: Files = {
  "weir.yaml": "doors: { weir: { requires: [request.headers] }, ext-authz: {} }\n",
  "handlers.yaml": `handlers:
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
  - { handler: q, adapter: memory-quota }
`,
  "0.yaml": "policy: all\nscope: all\ncheck:\n  - { allow: everybody }\n",
  "rules.yaml": `policy: rules
check:
${TENANTS.map((tenant) => ruleLines(tenant, `when: '${OWN} == "${tenant}"'`)).join("")}
quota:
${TENANTS.map((tenant) => limitLines(tenant, `when: '${OWN} == "${tenant}"'`)).join("")}`,
  ...Object.fromEntries(
    TENANTS.map((tenant) => [
      `policy-${tenant}.yaml`,
      `policy: of-${tenant}
when: request.headers.get("x-tenant", "") == "${tenant}"
check:
  - { change: mark, request: { set: { x-${tenant}: yes, x-any: "${tenant}" } } }
`,
    ]),
  ),
};

function ruleLines(tenant: string, when: string): string {
  return `  - { ask: ask-${tenant}, handler: list, value: '"${tenant}"', on-unavailable: deny, ${when} }
  - { ask: try-${tenant}, shadow: true, handler: list, value: '"${tenant}"', on-unavailable: deny, ${when} }
  - { deny: deny-${tenant}, shadow: true, ${when} }
  - { allow: allow-${tenant}, shadow: true, ${when} }
`;
}

function limitLines(tenant: string, when: string): string {
  return `  - { limit: limit-${tenant}, handler: q, max: 5, every: 1m, ${when} }
  - { limit: try-${tenant}, shadow: true, handler: q, max: 5, every: 1m, ${when} }
  - { limit: named-${tenant}, on-request: true, handler: q, max: 5, every: 1m, ${when} }
`;
}

const handlers = new NotingHandlers();
const snapshot = snapshotOf(FILES, handlers);

async function decided(headers: Readonly<Record<string, string>>, changed: Partial<CheckInput> = {}) {
  const shadows: string[] = [];
  handlers.charges.length = 0;
  const shadow = (rule: string, verdict: string): void => {
    shadows.push(`${rule} ${verdict}`);
  };
  const { engine } = engineFor({ counters: { shadow } });
  const input = checkInput(snapshot, { "request.headers": mapOf(headers) }, changed);
  const decision = await engine.check(snapshot, input);
  return { decision, shadows, charged: handlers.charges.flatMap(({ charges }) => charges.map(({ limit }) => limit)) };
}

test("a request meets the rules of its own tenant, of every kind", async () => {
  const { decision, shadows, charged } = await decided({ "x-tenant": "t7" });
  expect(decision).toMatchObject({ verdict: "allowed", rule: { rule: "all/everybody" } });
  expect(shadows).toEqual([
    "rules/deny-t7 denied",
    "rules/allow-t7 allowed",
    "rules/try-t7 allowed",
    "rules/try-t7 allowed",
  ]);
  expect(charged).toEqual(["rules/limit-t7", "rules/try-t7"]);
  expect(decision.changes.requestSet).toEqual([
    ["x-t7", "yes"],
    ["x-any", "t7"],
  ]);
  // Only of the policy that applies are headers ours.
  expect(decision.changes.requestRemove).toEqual([]);
});

test("asks and limits that cannot be told refuse, by the first of them", async () => {
  const { decision } = await decided({});
  expect(decision).toMatchObject({ verdict: "undecided", reason: "ask-error", rule: { rule: "rules/ask-t0" } });
});

test("a limit that is named and does not apply is granted", async () => {
  const quotas = [
    { name: "rules/named-t3", amount: 2n, bestEffort: false },
    { name: "rules/named-t4", amount: 2n, bestEffort: false },
  ];
  const { decision, charged } = await decided({ "x-tenant": "t4" }, { quotas });
  expect(charged).toEqual(["rules/limit-t4", "rules/named-t4", "rules/try-t4"]);
  const granted = decision.limits.map(({ reference, granted: amount }) => `${reference.rule} ${amount}`);
  expect(granted).toEqual(["rules/named-t3 2", "rules/limit-t4 1", "rules/named-t4 2"]);
});

test("each door finds the rules of its own policies; doors of the same policies share what finds them", () => {
  const files = {
    "weir.yaml": "doors: { weir: { requires: [] }, ext-authz: {}, ext-authz-tcp: {} }\n",
    "a.yaml": 'policy: a\ndoors: [weir, ext-authz]\ncheck:\n  - { deny: d, when: request.host == "a" }\n',
    "b.yaml": 'policy: b\ndoors: [ext-authz-tcp]\ncheck:\n  - { deny: d, when: source.principal == "b" }\n',
  };
  const { checks } = snapshotOf(files);
  expect(checks.weir.indexes).toBe(checks["ext-authz"].indexes);
  expect(checks.weir.indexes.denies.items.map(({ reference }) => reference.rule)).toEqual(["a/d"]);
  expect(checks["ext-authz-tcp"].indexes.denies.items.map(({ reference }) => reference.rule)).toEqual(["b/d"]);
});
