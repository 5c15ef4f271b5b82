import { setImmediate } from "node:timers/promises";
import { bagSource } from "../../src/attribute/bag.ts";
import type { CelValue } from "../../src/attribute/value.ts";
import { judge } from "../../src/engine/decide.ts";
import { buildIndexes } from "../../src/snapshot/check-indexes.ts";
import { Conditions } from "../../src/snapshot/conditions.ts";
import type { Snapshot } from "../../src/snapshot/snapshot.ts";
import { snapshotOf } from "../../test/engine/folder.ts";
import { median } from "../cel/measure.ts";

/**
 * What deciding by rules costs, alone: no door, no answer. For kinds of rule sets and of requests, with few rules and with many; and what
 * making the index takes. `node --conditions=weir-source bench/rules/main.ts [rules]`
 */
const MANY = Number(process.argv[2] ?? 10_000);
const FEW = 10;
const ROUNDS = 7;
const CHECKS = 20_000;

type Attributes = Readonly<Record<string, CelValue>>;

interface RuleSet {
  readonly name: string;
  readonly rule: (index: number) => string;
  /** What a request is that only the rule with this number is about. */
  readonly matching: (index: number) => Attributes;
  readonly others: Readonly<Record<string, (matching: Attributes) => Attributes>>;
}

const SETS: readonly RuleSet[] = [
  {
    name: "principal, host, method and path prefix",
    rule: (i) =>
      `allow-when source.principal == "spiffe://mesh.test/ns/n${i % 50}/sa/s${i}" && request.host == "h${i % 100}.test" && request.method == "${METHODS[i % 4]}" && request.canonical_path.startsWith("/svc-${i}/")`,
    matching: (i) => request(i),
    others: { "no principal": without("source.principal"), "other path": changed("request.canonical_path", "/none") },
  },
  {
    name: "path prefix",
    rule: (i) => `allow-when request.canonical_path.startsWith("/svc-${i}/")`,
    matching: (i) => request(i),
    others: {
      "other path": changed("request.canonical_path", "/none"),
      "ambiguous path": changed("request.canonical_path", "/a%2fb"),
    },
  },
  {
    name: "header, allow",
    rule: (i) => `allow-when request.headers["x-tenant"] == "t${i}"`,
    matching: (i) => request(i),
    others: { "no header": changed("request.headers", new Map()) },
  },
  {
    name: "header, deny",
    rule: (i) =>
      `deny-when "x-tenant" in request.headers && request.headers["x-tenant"] == "t${i}" && request.size > 5`,
    matching: (i) => request(i),
    others: { "no header": changed("request.headers", new Map()) },
  },
  {
    name: "one host, then path suffix",
    rule: (i) => `allow-when request.host == "h1.test" && request.canonical_path.endsWith("/x${i}")`,
    matching: (i) => ({ ...request(1), "request.canonical_path": `/a/x${i}` }),
    others: { "other host": changed("request.host", "nowhere.test") },
  },
  {
    name: "shadow denies by method, path and pattern",
    rule: (i) => `shadow-when request.method == "GET" && request.canonical_path.matches("^/svc-${i}/[a-z]+$")`,
    matching: (i) => request(i),
    others: {},
  },
];

const METHODS = ["GET", "PUT", "POST", "DELETE"];

function request(i: number): Attributes {
  return {
    "source.principal": `spiffe://mesh.test/ns/n${i % 50}/sa/s${i}`,
    "request.host": `h${i % 100}.test`,
    "request.method": METHODS[i % 4] ?? "",
    "request.canonical_path": `/svc-${i}/users`,
    "request.headers": new Map([["x-tenant", `t${i}`]]),
    "request.size": 17n,
  };
}

function without(name: string) {
  return ({ [name]: _, ...rest }: Attributes): Attributes => rest;
}

function changed(name: string, value: CelValue) {
  return (attributes: Attributes): Attributes => ({ ...attributes, [name]: value });
}

function policyOf({ rule }: RuleSet, rules: number): string {
  const lines = Array.from({ length: rules }, (_, i) => {
    const [kind = "", ...condition] = rule(i).split(" ");
    const when = `when: '${condition.join(" ")}'`;
    if (kind === "shadow-when") return `  - deny: r${i}\n    shadow: true\n    ${when}`;
    return `  - ${kind === "deny-when" ? "deny" : "allow"}: r${i}\n    ${when}`;
  });
  return `policy: p\ncheck:\n${lines.join("\n")}\n`;
}

function snapshotWith(set: RuleSet, rules: number): Snapshot {
  return snapshotOf({ "weir.yaml": "doors: { weir: {} }\n", "p.yaml": policyOf(set, rules) });
}

/** @returns nanoseconds of one decision, shadow rules included, and how many rules it evaluated. */
function nanosOf(snapshot: Snapshot, attributes: Attributes): { nanos: number; evaluated: number } {
  const { indexes } = snapshot.checks.weir;
  const source = bagSource(new Map(Object.entries(attributes)), snapshot.slots);
  let evaluated = 0;
  const decide = (count: boolean): void => {
    const frame = snapshot.frame(source, { derive: true, record: false });
    const conditions = new Conditions(frame);
    judge(indexes, conditions, "deny");
    const found = indexes.shadow.denies.find(conditions);
    for (let rule = found.next(); rule !== undefined; rule = found.next()) conditions.of(rule.policy, rule.when);
    if (!count) return;
    for (const index of [indexes.denies, indexes.allows, indexes.shadow.denies]) {
      const again = index.find(conditions);
      while (again.next() !== undefined) evaluated += 1;
    }
  };
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    for (let i = 0; i < CHECKS; i += 1) {
      decide(false);
      if (i === 100 && performance.now() - start > 100) return ((performance.now() - start) * 1e6) / 101;
    }
    return ((performance.now() - start) * 1e6) / CHECKS;
  });
  decide(true);
  return { nanos: median(times), evaluated };
}

for (const set of SETS) {
  const few = snapshotWith(set, FEW);
  const many = snapshotWith(set, MANY);
  await setImmediate();
  globalThis.gc?.();
  const heap = process.memoryUsage().heapUsed;
  const start = performance.now();
  const steps = buildIndexes(many.checks.weir);
  let step = steps.next();
  let longest = 0;
  let before = start;
  while (!step.done) {
    step = steps.next();
    longest = Math.max(longest, performance.now() - before);
    before = performance.now();
  }
  const built = performance.now() - start;
  globalThis.gc?.();
  const bytes = process.memoryUsage().heapUsed - heap;
  console.log(
    `\n${set.name}: index of ${MANY} made in ${built.toFixed(1)} ms (longest step ${longest.toFixed(1)} ms), ${(bytes / 2 ** 20).toFixed(1)} MiB`,
  );
  void step.value;
  const show = (name: string, of: (i: number) => Attributes): void => {
    const small = nanosOf(few, of(FEW - 3));
    const large = nanosOf(many, of(MANY - 3));
    console.log(
      `  ${name.padEnd(16)} ${FEW}: ${small.nanos.toFixed(0).padStart(6)} ns   ${MANY}: ${large.nanos.toFixed(0).padStart(6)} ns, found ${large.evaluated}`,
    );
  };
  show("matching", set.matching);
  for (const [name, change] of Object.entries(set.others)) show(name, (i) => change(set.matching(i)));
}
