import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { checkInput, engineFor, type Files, NotingHandlers, planOf } from "../../test/engine/folder.ts";
import type { Held } from "../attribute/entry-map.ts";
import { link, linkPacked, type Turns } from "./link.ts";
import { digestOf, type PackedPlan, packPlan, unpackFrame, unpackPolicy } from "./packed-plan.ts";
import type { Plan, PolicyPlan, PolicyRules } from "./plan.ts";
import { numberSlots, policyReads } from "./slots.ts";
import type { Snapshot } from "./snapshot.ts";

const EXAMPLES = join(import.meta.dirname, "../../policies");
const NO_PAUSE: Turns = { now: () => 0, pause: () => Promise.resolve() };
const SETTINGS = "doors: { weir: { requires: [request.method] } }\nmask: [request.headers.cookie]\n";

describe("a packed plan", () => {
  test("holds every policy whole, numbers beyond doubles and all", () => {
    const plan = planOf(exampleFolder());
    const packed = packPlan(plan);
    expect(packed.id).toBe(plan.id);
    const { policies, ...frame } = plan;
    expect(unpackFrame(packed)).toEqual(frame);
    expect(withoutPlaces(packed.policies.map(unpackWhole))).toEqual(withoutPlaces(policies));
    const bigints = policies.flatMap(({ limits }) => limits.map(({ max }) => typeof max));
    expect(new Set(bigints)).toEqual(new Set(["bigint"]));
  });

  test("has its rules in their order when there are more than one piece takes", () => {
    const plan = planOf({ "weir.yaml": SETTINGS, "many.yaml": manyRules(260) });
    const [packed] = packPlan(plan).policies;
    if (packed === undefined) throw new Error("no policy");
    expect(withoutPlaces(unpackWhole(packed))).toEqual(withoutPlaces(plan.policies[0]));
    expect([...unpackPolicy(packed).pieces].length).toBeGreaterThan(5);
  });

  test("crosses to another thread without a copy of its bytes", () => {
    const packed = packPlan(planOf(exampleFolder()));
    const received = throughAPort(packed);
    expect(received.policies.map(digestOf)).toEqual(packed.policies.map(digestOf));
    // One memory: what is written here is read there.
    const [here, there] = [packed.frame, received.frame].map((memory) => new Uint8Array(memory));
    if (!here || !there) throw new Error("no frame");
    here[0] = 7;
    expect(there[0]).toBe(7);
  });

  test("tells policies apart by everything in them, and nothing else", () => {
    const files = { "weir.yaml": SETTINGS, "a.yaml": policy("a", "GET"), "b.yaml": policy("b", "GET") };
    const digests = (changed: Files): readonly string[] =>
      packPlan(planOf({ ...files, ...changed }, "another id")).policies.map(digestOf);
    const before = digests({});
    expect(new Set(before).size).toBe(2);
    expect(digests({})).toEqual(before);
    const [same, edited] = digests({ "b.yaml": policy("b", "POST") });
    expect(same).toBe(before[0]);
    expect(edited).not.toBe(before[1]);
    expect(digests({ "weir.yaml": `${SETTINGS}unmatched: allow\n` })).toEqual(before);
    // One line further down is another place to point at.
    expect(digests({ "a.yaml": `# a comment\n${policy("a", "GET")}` })[0]).not.toBe(before[0]);
  });
});

describe("a snapshot linked from a packed plan", () => {
  test("decides as one that was linked from the plan itself", async () => {
    const plan = planOf(exampleFolder());
    const packed = await linkPacked(throughAPort(packPlan(plan)), new NotingHandlers(), NO_PAUSE);
    const whole = link(plan, new NotingHandlers());
    expect(packed.slots).toEqual(whole.slots);
    expect(packed.policies.map(({ policy }) => policy.plan)).toEqual(whole.policies.map(({ policy }) => policy.plan));
    const requests: Record<string, Held>[] = [
      {
        "destination.service": "catalogue.shop",
        "request.method": "GET",
        "request.canonical_path": "/catalogue/shoes",
      },
      { "destination.service": "catalogue.shop", "request.canonical_path": "/catalogue/drafts/x" },
      { "destination.service": "orders.shop", "request.method": "GET", "request.auth.subject": "ann" },
    ];
    const verdicts = await Promise.all(requests.map((request) => verdictOf(packed, request)));
    expect(verdicts).toEqual(await Promise.all(requests.map((request) => verdictOf(whole, request))));
    expect(new Set(verdicts).size).toBeGreaterThan(1);
  });

  test("keeps no tree of a policy", async () => {
    const packed = packPlan(planOf(exampleFolder()));
    const snapshot = await linkPacked(packed, new NotingHandlers(), NO_PAUSE);
    const keys = keysWithin([snapshot.policies, snapshot.checks, snapshot.reports]);
    expect(keys).toContain("reference");
    expect(keys).not.toContain("tree");
  });

  test("takes over what is the same, and answers with what is not", async () => {
    const edit = (method: string): Files => ({
      "weir.yaml": SETTINGS,
      "a.yaml": policy("a", "GET"),
      "b.yaml": policy("b", method),
      "c.yaml": policy("c", "PUT"),
    });
    const first = await linked(edit("POST"));
    const second = await linked(edit("PATCH"), first);
    const taken = second.snapshot.policies.map((program, index) => program === first.snapshot.policies[index]);
    expect(taken).toEqual([true, false, true]);
    for (const method of ["GET", "PUT", "PATCH"])
      expect(await verdictOf(second.snapshot, { "request.method": method })).toBe("allowed");
    expect(await verdictOf(second.snapshot, { "request.method": "POST" })).toBe("denied");
    expect(await verdictOf(first.snapshot, { "request.method": "POST" })).toBe("allowed");
  });

  test("gives each policy a number of its own, whatever came and went before it", async () => {
    let last = await linked(numbered([1, 2, 3, 4, 5]));
    for (const present of [[2, 4], [1, 2, 4, 6], [9], [9, 8, 7, 1, 2, 3], [0, 9, 3]]) {
      last = await linked(numbered(present), last);
      const numbers = last.snapshot.policies.map(({ policy }) => policy.index);
      expect(new Set(numbers).size).toBe(present.length);
      expect(Math.max(...numbers)).toBeLessThan(6);
      for (const one of present)
        expect(await verdictOf(last.snapshot, { "request.method": `M${one}` })).toBe("allowed");
      expect(await verdictOf(last.snapshot, { "request.method": "M5" })).toBe("denied");
    }
  });

  test("asks no policy that is gone for its condition in the name of another one", async () => {
    const others = {
      "weir.yaml": "doors: { weir: { requires: [request.method, request.host] } }\n",
      "many.yaml": manyRules(600, "deny"),
      "z.yaml": "policy: z\nscope: all\ncheck:\n  - { allow: all }\n",
    };
    const first = await linked({ ...others, "a.yaml": denies("a", "request.host.size() == 3") });
    const second = await linked({ ...others, "b.yaml": denies("b", "request.host.size() == 5") }, first);
    const verdict = (length: number): Promise<string> =>
      verdictOf(second.snapshot, { "request.method": "NONE", "request.host": "x".repeat(length) });
    expect([await verdict(3), await verdict(5)]).toEqual(["allowed", "denied"]);
  });

  test("whose attributes were numbered anew takes nothing over", async () => {
    const files = { "weir.yaml": SETTINGS, "a.yaml": policy("a", "GET"), "b.yaml": onHost("b", "x") };
    const first = await linked(files);
    const second = packPlan({ ...first.plan, slots: first.plan.slots.toReversed() });
    const snapshot = await linkPacked(second, new NotingHandlers(), NO_PAUSE, first.snapshot);
    for (const [index, program] of snapshot.policies.entries())
      expect(program).not.toBe(first.snapshot.policies[index]);
    expect(await verdictOf(snapshot, { "request.method": "GET" })).toBe("allowed");
  });
});

describe("the numbers of attributes", () => {
  test("stay what they were when policies come and go, and what is free is taken first", () => {
    const all = slotsOf({ "a.yaml": policy("a", "GET"), "b.yaml": onHost("b", "x"), "c.yaml": onPath("c") });
    expect(all).toEqual(["request.method", "request.host", "request.canonical_path"]);
    expect(slotsOf({ "b.yaml": onHost("b", "x"), "c.yaml": onPath("c") }, all)).toEqual(all);
    const without = slotsOf({ "a.yaml": policy("a", "GET"), "c.yaml": onPath("c") }, all);
    expect(without).toEqual(["request.method", "", "request.canonical_path"]);
    expect(slotsOf({ "c.yaml": onPath("c"), "d.yaml": onScheme("d") }, without)).toEqual([
      "request.method",
      "request.scheme",
      "request.canonical_path",
    ]);
    expect(slotsOf({ "a.yaml": policy("a", "GET") }, all)).toEqual(["request.method"]);
  });

  test("are given anew when most of them are vacant", () => {
    const before = ["request.scheme", "request.host", "request.canonical_path", "request.method", "source.principal"];
    expect(slotsOf({ "a.yaml": policy("a", "GET") }, [...before])).toEqual(["request.method"]);
  });
});

interface Linked {
  readonly plan: Plan;
  readonly snapshot: Snapshot;
}

/** As the loader does it: slots keep their numbers. */
async function linked(files: Files, before?: Linked): Promise<Linked> {
  const plan = planOf(files);
  const snapshot = await linkPacked(throughAPort(packPlan(plan)), new NotingHandlers(), NO_PAUSE, before?.snapshot);
  return { plan, snapshot };
}

/** The names by number; `request.method` is always needed, being required. */
function slotsOf(files: Files, before: readonly string[] = []): readonly string[] {
  const { policies, slots } = planOf({ "weir.yaml": SETTINGS, ...files });
  const attributes = {
    types: new Map(),
    derived: new Map(),
    supply: () => "always" as const,
    trust: () => "proxy" as const,
    mayBring: () => true,
    behind: () => [],
  };
  const numbered = before.map((name) => ({ name, carried: false }));
  expect(slots.every(({ name }) => name !== "")).toBe(true);
  return numberSlots(policies.map(policyReads), ["request.method"], attributes, [], numbered).map(({ name }) => name);
}

/** Rules that nothing tells apart but the condition of their policy. */
function denies(name: string, when: string): string {
  const rules = Array.from({ length: 10 }, (_, n) => `  - { deny: d${n} }\n`).join("");
  return `policy: ${name}\nscope: all\nwhen: ${when}\ncheck:\n${rules}`;
}

function numbered(present: readonly number[]): Files {
  return {
    "weir.yaml": SETTINGS,
    ...Object.fromEntries(present.map((one) => [`p${one}.yaml`, policy(`p${one}`, `M${one}`)])),
  };
}

function policy(name: string, method: string): string {
  return `policy: ${name}\ncheck:\n  - { allow: a, when: 'request.method == "${method}"' }\n`;
}

function onHost(name: string, host: string): string {
  return `policy: ${name}\ncheck:\n  - { allow: a, when: 'request.host == "${host}"' }\n`;
}

function onPath(name: string): string {
  return `policy: ${name}\ncheck:\n  - { allow: a, when: 'request.canonical_path == "/"' }\n`;
}

function onScheme(name: string): string {
  return `policy: ${name}\ncheck:\n  - { allow: a, when: 'request.scheme == "https"' }\n`;
}

function manyRules(count: number, effect: "allow" | "deny" = "allow"): string {
  const rules = Array.from(
    { length: count },
    (_, rule) => `  - { ${effect}: r${rule}, when: 'request.method == "M${rule}"' }`,
  );
  return ["policy: many", "check:", ...rules].join("\n");
}

function exampleFolder(): Files {
  const names = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" }).filter(isPolicyFile).sort();
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(EXAMPLES, name), "utf8")]));
}

function isPolicyFile(name: string): boolean {
  return name.endsWith(".yaml") && !name.endsWith(".test.yaml");
}

function unpackWhole(packed: SharedArrayBuffer): PolicyPlan {
  const { head, pieces } = unpackPolicy(packed);
  const all = [...pieces];
  const of = <K extends keyof PolicyRules>(kind: K) =>
    all.flatMap((piece): PolicyRules[K][number][] => [...piece[kind]]);
  return {
    ...head,
    verdictRules: of("verdictRules"),
    asks: of("asks"),
    changes: of("changes"),
    limits: of("limits"),
    reports: of("reports"),
  };
}

/** What linking does not look at: texts of expressions, what they read, the places of their parts. */
function withoutPlaces(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const isPlan = "tree" in value || "parts" in value;
  const kept = Object.entries(value).filter(
    ([key]) => key !== "at" && !(isPlan && ["text", "reads", "constant"].includes(key)),
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutPlaces(inner)]));
}

function throughAPort(packed: PackedPlan): PackedPlan {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(packed);
  const { message } = receiveMessageOnPort(port2) ?? {};
  port1.close();
  return message;
}

async function verdictOf(snapshot: Snapshot, attributes: Readonly<Record<string, Held>>): Promise<string> {
  const door = snapshot.door("ext-authz") === undefined ? "weir" : "ext-authz";
  const input = checkInput(snapshot, { "request.method": "NONE", ...attributes }, { door });
  const { verdict } = await engineFor().engine.check(snapshot, input);
  return verdict;
}

/** Every key of every object that can be reached. */
function keysWithin(value: unknown, keys = new Set<string>(), seen = new Set<unknown>()): ReadonlySet<string> {
  if (typeof value !== "object" || value === null || seen.has(value)) return keys;
  seen.add(value);
  for (const [key, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) keys.add(key);
    keysWithin(inner, keys, seen);
  }
  return keys;
}
