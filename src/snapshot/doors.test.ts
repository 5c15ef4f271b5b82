import { describe, expect, test } from "vitest";
import { examined, type Files, planOf } from "../../test/engine/folder.ts";

const CHECK_DOORS = ["weir", "ext-authz", "ext-authz-tcp"] as const;
type CheckDoor = (typeof CHECK_DOORS)[number];

const SETTINGS: Files = {
  "weir.yaml":
    "doors: { weir: { requires: [request.method, request.headers] }, ext-authz: {}, ext-authz-tcp: {}, access-log: {} }\n",
  "handlers.yaml": `handlers:
  - { handler: list, adapter: list, config: { mode: block, values: [] } }
  - { handler: q, adapter: memory-quota }
  - { handler: h, adapter: log }
`,
  "attributes.yaml": `attributes:
  - { attribute: order.total, type: double, description: The basket., doors: [weir] }
  - { attribute: order.labels, type: "map(string, string)", description: Labels., doors: [weir] }
derive:
  derived.total: request.host.orDefault("none")
  derived.plain: request.host
  derived.optional: request.?host.orValue("none")
  derived.labelled: '"a" in order.labels'
  derived.key: request.headers["x-a"]
  derived.always: source.address + "!"
`,
};

describe("without `doors:` a policy is evaluated on the enabled doors that can supply what it reads", () => {
  test.each<readonly [string, readonly CheckDoor[]]>([
    ['source.principal == "a"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['request.method == "GET"', ["weir", "ext-authz"]],
    ['destination.service == "shop"', ["weir", "ext-authz-tcp"]],
    ['source.service == "web"', ["weir"]],
    ["order.total > 1.0", ["weir"]],
    ['connection.peer_certificate != ""', ["weir", "ext-authz", "ext-authz-tcp"]],
    // One read that a door cannot supply is enough, wherever it stands.
    ['source.principal == "a" || order.total > 1.0', ["weir"]],
    ['request.method == "GET" && destination.service == "shop"', ["weir"]],
    // These have an answer for what is never there …
    ['order.total.orDefault(2.0) > 1.0 && source.principal == "a"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['has(order.total) && source.principal == "a"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['order.labels.get("a", "") == "b" && source.principal == "a"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['request.headers.values("a").exists(v, v == "b")', ["weir", "ext-authz", "ext-authz-tcp"]],
    // … and these have not.
    ['"a" in order.labels', ["weir"]],
    ['order.labels[?"a"].orValue("") == "b"', ["weir"]],
    ['order.labels["a"] == "b"', ["weir"]],
    // A derived attribute is as good as what it is derived from.
    ['derived.total == "shop"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['derived.optional == "shop"', ["weir", "ext-authz", "ext-authz-tcp"]],
    ['derived.plain == "shop"', ["weir", "ext-authz"]],
    ["derived.labelled", ["weir"]],
  ])("%s", (when, doors) => {
    expect(doorsOf(check(when))).toEqual(doors);
  });

  test("in any place of its check and quota rules", () => {
    const places = [
      "check: [{ allow: a, when: order.total > 1.0 }]",
      "check: [{ deny: d, when: order.total > 1.0 }]",
      'check: [{ deny: d, when: has(source.principal), respond: { headers: { x-a: "TOTAL" } } }]',
      'check: [{ deny: d, when: has(source.principal), respond: { body: "TOTAL" } }]',
      "check: [{ ask: k, handler: list, value: order.total, on-unavailable: deny }]",
      "check: [{ ask: k, handler: list, when: order.total > 1.0, value: '\"a\"', on-unavailable: deny }]",
      'check: [{ ask: k, handler: list, value: \'"a"\', on-unavailable: deny, respond: { body: "TOTAL" } }]',
      "check: [{ change: c, when: order.total > 1.0, request: { set: { x-a: b } } }]",
      'check: [{ change: c, request: { set: { x-a: "TOTAL" } } }]',
      'check: [{ change: c, request: { add: { x-a: "TOTAL" } } }]',
      'check: [{ change: c, request: { query: { set: { x-a: "TOTAL" } } } }]',
      'check: [{ change: c, response: { set: { x-a: "TOTAL" } } }]',
      'check: [{ change: c, response: { add: { x-a: "TOTAL" } } }]',
      "quota: [{ limit: l, handler: q, max: 1, every: 1m, when: order.total > 1.0 }]",
      "quota: [{ limit: l, handler: q, max: 1, every: 1m, cost: int(order.total) }]",
      "quota: [{ limit: l, handler: q, max: 1, every: 1m, by: { b: order.total } }]",
      'quota: [{ limit: l, handler: q, max: 1, every: 1m, respond: { body: "TOTAL" } }]',
      "define: { big: order.total > 1.0 }\ncheck: [{ allow: a, when: big }]",
    ];
    for (const place of places) expect(doorsOf(`policy: p\n${withTotal(place)}\n`), place).toEqual(["weir"]);
  });

  test("what its reports read narrows nothing", () => {
    const report = 'report: [{ logentry: l, handlers: [h], when: order.total > 1.0, message: "TOTAL" }]\n';
    expect(doorsOf(`${check("has(source.principal)")}${withTotal(report)}`)).toEqual(CHECK_DOORS);
  });

  test("a door that is off evaluates nothing", () => {
    const files = {
      ...SETTINGS,
      "weir.yaml": "doors: { ext-authz: {} }\n",
      "p.yaml": check('source.principal == "a"'),
    };
    expect(planOf(files).policies[0]?.doors).toEqual(["ext-authz"]);
  });
});

describe("a policy that names its doors", () => {
  test.each(CHECK_DOORS)("is evaluated there and nowhere else: %s", (door) => {
    expect(doorsOf(check("has(source.principal)", `doors: [${door}]\n`))).toEqual([door]);
  });

  test.each<readonly [CheckDoor, string, string]>([
    ["weir", "response.code == 200", "response.code"],
    ["ext-authz", "order.total > 1.0", "order.total"],
    ["ext-authz", '"a" in order.labels', "order.labels"],
    ["ext-authz", "derived.labelled", "derived.labelled"],
    ["ext-authz-tcp", 'request.method == "GET"', "request.method"],
    ["ext-authz-tcp", 'derived.plain == "a"', "derived.plain"],
  ])("is refused on %s for %s", (door, when, attribute) => {
    const { diagnostics } = examined({ ...SETTINGS, "p.yaml": check(when, `doors: [${door}]\n`) });
    expect(diagnostics.filter(({ code }) => code === "P1311").map(({ message }) => message)).toEqual([
      `door \`${door}\` never supplies \`${attribute}\``,
    ]);
  });

  test.each<readonly [CheckDoor, string]>([
    ["weir", "response.code.orDefault(0) == 200"],
    ["ext-authz", "has(order.total)"],
    ["ext-authz", 'order.labels.get("a", "b") == "b"'],
    ["ext-authz-tcp", 'request.headers.values("a").size() == 0'],
    ["ext-authz-tcp", 'derived.total == "none"'],
  ])("is accepted on %s for %s", (door, when) => {
    expect(doorsOf(check(when, `doors: [${door}]\n`))).toEqual([door]);
  });
});

describe("a policy's own `when`", () => {
  test.each<readonly [CheckDoor, string, string | undefined]>([
    ["weir", 'request.method == "GET"', undefined],
    ["weir", 'request.host == "a"', "request.host"],
    ["weir", 'request.headers["a"] == "b"', 'request.headers["a"]'],
    ["weir", '"a" in request.headers', undefined],
    ["weir", 'request.headers.get("a", "") == "b"', undefined],
    ["weir", 'request.headers.values("a").size() == 1', undefined],
    ["weir", 'request.headers[?"a"].orValue("") == "b"', undefined],
    ["weir", 'request.host.orDefault("") == "a"', undefined],
    ["weir", "has(request.host)", undefined],
    ["ext-authz", 'request.host == "a"', undefined],
    ["ext-authz", 'source.principal == "a"', "source.principal"],
    ["ext-authz", 'context["a"] == "b"', 'context["a"]'],
    ["ext-authz", 'derived.plain == "a"', undefined],
    ["ext-authz", 'derived.key == "a"', "derived.key"],
    ["ext-authz-tcp", 'source.address == "a"', undefined],
    ["ext-authz-tcp", 'derived.always == "a"', undefined],
    ["ext-authz-tcp", 'derived.total == "a"', undefined],
    ["ext-authz-tcp", 'destination.service == "a"', "destination.service"],
  ])("on %s: %s", (door, when, refused) => {
    const text = check("has(source.principal)", `doors: [${door}]\nwhen: >-\n  ${when}\n`);
    const { diagnostics } = examined({ ...SETTINGS, "p.yaml": text });
    const messages = diagnostics.filter(({ code }) => code === "P1310").map(({ message }) => message);
    expect(messages).toEqual(
      refused === undefined
        ? []
        : [`a policy's \`when\` reads \`${refused}\`, which a request on door \`${door}\` may not have`],
    );
  });
});

/** `TOTAL` stands for a text that reads `order.total`. */
function withTotal(text: string): string {
  return text.replaceAll("TOTAL", "$${string(order.total)}");
}

function check(when: string, more = ""): string {
  return `policy: p\n${more}check:\n  - allow: a\n    when: >-\n      ${when}\n`;
}

function doorsOf(policy: string): readonly string[] | undefined {
  return planOf({ ...SETTINGS, "p.yaml": policy }).policies[0]?.doors;
}
