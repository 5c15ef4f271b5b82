import { describe, expect, test } from "vitest";
import type { Files } from "../../test/engine/folder.ts";
import type { FolderReading } from "../policy/folder.ts";
import type { SlotPlan } from "../snapshot/plan.ts";
import { Examiner, examine } from "./examine.ts";

describe("a folder examined again after each of many edits", () => {
  test.each(Array.from({ length: 8 }, (_, seed) => seed + 1))("is what it would be at first sight (%i)", (seed) => {
    const random = randomFrom(seed);
    const examiner = new Examiner((plan) => plan);
    let files: Files = START;
    let wrong: ReadonlySet<string> = new Set();
    let good = 0;
    for (let edit = 0; edit < 50; edit++) {
      files = random(2) === 0 ? mended(files, wrong) : edited(files, random);
      // What was prepared for may turn out to be half-way, or to be it.
      if (random(2) === 0) examiner.prepare(readingOf(random(2) === 0 ? edited(files, random) : files));
      const { frame, policies, diagnostics, handlers, place } = examiner.examine(readingOf(files));
      const fresh = examine(readingOf(files));
      expect(diagnostics).toEqual(fresh.diagnostics);
      wrong = new Set(diagnostics.flatMap(({ severity, span }) => (span && severity === "error" ? span.file : [])));
      expect(handlers).toEqual(fresh.handlers);
      expect(place(ISSUES)).toEqual(fresh.place(ISSUES));
      expect(frame === undefined).toBe(fresh.plan === undefined);
      if (frame === undefined || fresh.plan === undefined) continue;
      good += 1;
      const { slots, policies: freshPolicies, ...rest } = fresh.plan;
      expect({ ...frame, slots: bySpelling(frame.slots) }).toEqual({ ...rest, slots: bySpelling(slots) });
      expect(policies).toEqual(freshPolicies);
    }
    // Otherwise nothing was compared but errors.
    expect(good).toBeGreaterThan(5);
  });

  test("compiles what changed and nothing else", () => {
    const compiled: string[] = [];
    const examiner = new Examiner(({ name }) => {
      compiled.push(name);
      return name;
    });
    const compiledAfter = (files: Files): readonly string[] => {
      compiled.length = 0;
      examiner.examine(readingOf(files));
      return compiled;
    };
    const files = { ...START, "b.yaml": plain("b", "GET"), "c.yaml": plain("c", "GET") };
    expect(compiledAfter(files)).toEqual(["a", "b", "c"]);
    expect(compiledAfter(files)).toEqual([]);
    expect(compiledAfter({ ...files, "b.yaml": plain("b", "PUT") })).toEqual(["b"]);
    const { "c.yaml": _, ...without } = files;
    expect(compiledAfter(without)).toEqual(["b"]);
    expect(compiledAfter({ ...files, "d.yaml": plain("d", "PUT") })).toEqual(["c", "d"]);
    const prepared = { ...without, "b.yaml": plain("b", "POST") };
    examiner.prepare(readingOf(prepared));
    expect(compiledAfter(prepared)).toEqual([]);
    expect(compiledAfter(without)).toEqual(["b"]);
    expect(compiledAfter({ ...without, "weir.yaml": `${START["weir.yaml"]}unmatched: allow\n` })).toEqual(["a", "b"]);
  });
});

const ISSUES = [
  { handler: "h", part: "config", path: ["x"], message: "refused on purpose", code: "P1401" },
  { handler: "m", part: "adapter", path: [], message: "refused on purpose", code: "P1401" },
  { handler: "h", part: "adapter", path: [], template: "metric", message: "cannot do that", code: "P1402" },
] as const;

const SETTINGS = [
  "doors: { weir: { requires: [request.method] }, ext-authz: {} }\n",
  "doors: { weir: { requires: [request.method, request.host] } }\nmask: [request.headers.cookie]\n",
  "doors: { weir: {}, ext-authz: {}, access-log: {} }\ncache: { for: 5s, uses: 3 }\n",
  "doors: { weir: { requires: [nowhere] } }\n",
  "doors: [\n",
];
const ATTRIBUTES = [
  "attributes:\n  - { attribute: shop.tier, type: string }\nderive:\n  tenant: request.host\n",
  "attributes:\n  - { attribute: shop.tier, type: int }\n",
  "derive:\n  tenant: source.principal.orDefault('')\n  request.host: request.host.lowerAscii()\n",
  "attributes: {\n",
];
const HANDLERS = [
  "handlers:\n  - { handler: h, adapter: prometheus }\n  - { handler: m, adapter: memory-quota }\n",
  "handlers:\n  - { handler: h, adapter: log }\n  - { handler: m, adapter: somewhere-else }\n",
  "handlers:\n  - { handler: m, adapter: memory-quota }\n",
  "handlers:\n  - { handlr: m }\n",
];
const START: Files = { "weir.yaml": SETTINGS[0] ?? "", "a.yaml": plain("a", "GET") };

function plain(name: string, method: string): string {
  return `policy: ${name}\ncheck:\n  - { allow: a, when: 'request.method == "${method}"' }\n`;
}

type Random = (below: number) => number;

/** One file added, edited, broken, mended, renamed or removed. */
function edited(files: Files, random: Random): Files {
  const roll = random(20);
  if (roll === 0) return replaced(files, "weir.yaml", pick(SETTINGS, random));
  if (roll === 1) return replaced(files, "attributes.yaml", pick(ATTRIBUTES, random));
  if (roll === 2) return replaced(files, "handlers.yaml", pick(HANDLERS, random));
  const names = Object.keys(files).filter((name) => /^p/u.test(name));
  const file = names.length < 3 || random(3) === 0 ? `p${random(8)}.yaml` : pick(names, random);
  const { [file]: text, ...others } = files;
  if (roll < 8) return others;
  if (roll < 10 && text !== undefined) return { ...others, [`p${random(8)}x.yaml`]: text };
  return { ...files, [file]: random(8) === 0 ? pick(BROKEN, random) : policyText(file, random) };
}

/** Without what is wrong, and with files at the root that are right. */
function mended(files: Files, wrong: ReadonlySet<string>): Files {
  const right = Object.entries(files).filter(([path]) => !wrong.has(path));
  const root = [
    ["weir.yaml", SETTINGS],
    ["attributes.yaml", ATTRIBUTES],
    ["handlers.yaml", HANDLERS],
  ] as const;
  const back = root.flatMap(([path, [good = ""]]) => (wrong.has(path) ? [[path, good]] : []));
  return { "handlers.yaml": HANDLERS[0] ?? "", ...Object.fromEntries([...right, ...back]) };
}

function replaced(files: Files, name: string, text: string): Files {
  return { ...files, [name]: text };
}

const BROKEN = [
  "",
  "policy: [",
  "check: []\n",
  "policy: p\nchek: []\n",
  "policy: p0\ncheck:\n  - { allow: a, whn: 'true' }\n",
];

/** A policy of some rules, right or wrong; now and then one by the name of another. */
function policyText(file: string, random: Random): string {
  const name = random(12) === 0 ? "a" : file.replace(".yaml", "");
  const rules = Array.from({ length: 1 + random(3) }, (_, rule) => ruleText(rule, random));
  const define = random(3) === 0 ? [`define: { wanted: 'request.method == "M${random(3)}"' }`] : [];
  const parts = [`policy: ${name}`, ...define, "check:", ...rules];
  if (random(3) === 0) parts.push("quota:", `  - { limit: l, handler: m, max: ${1 + random(5)}, every: 1m }`);
  if (random(2) === 0)
    parts.push("report:", `  - { metric: requests, handlers: [h], dimensions: { ${dimension(random)} } }`);
  if (random(3) === 0) parts.push("cache: { for: 1s, uses: 2 }");
  return `${parts.join("\n")}\n`;
}

function ruleText(rule: number, random: Random): string {
  const name = random(15) === 0 ? "same" : `r${rule}`;
  switch (random(5)) {
    case 0:
      return `  - { change: ${name}, request: { set: { x-${random(2)}: '\${request.host}' }, add: { x-${random(9)}: v } } }`;
    case 1:
      return `  - { deny: ${name}, when: '${condition(random)}', respond: { status: 401, body: "no" } }`;
    default:
      return `  - { allow: ${name}, when: '${condition(random)}' }`;
  }
}

function condition(random: Random): string {
  return pick(
    [
      `request.method == "M${random(9)}"`,
      'has(source.principal) && source.principal.startsWith("x")',
      "wanted",
      'tenant == "t"',
      'shop.tier == "gold"',
      'request.headers.get("x-a", "") == "1"',
      "request.metod == 1",
      'request.host == "h"',
    ],
    random,
  );
}

function dimension(random: Random): string {
  return pick(["method: request.method", "host: request.host, method: request.method", "tenant: tenant"], random);
}

function pick<T>(all: readonly T[], random: Random): T {
  const one = all[random(all.length)];
  if (one === undefined) throw new Error("nothing to pick from");
  return one;
}

function bySpelling(slots: readonly SlotPlan[]): readonly SlotPlan[] {
  const spelled = (slot: SlotPlan): string => `${slot.name} ${slot.raw ?? false}`;
  return slots.filter(({ name }) => name !== "").sort((a, b) => (spelled(a) < spelled(b) ? -1 : 1));
}

function readingOf(files: Files): FolderReading {
  const paths = Object.keys(files).sort();
  return {
    files: paths.map((path) => ({ path, text: files[path] ?? "" })),
    id: "test",
    diagnostics: [],
    signature: "",
  };
}

/** The same numbers for the same seed. */
function randomFrom(seed: number): Random {
  let state = seed * 2_654_435_761;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) % below;
  };
}
