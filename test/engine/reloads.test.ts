/** A thousand loads, one in three of them broken, while requests are decided all the time. */
import { expect, test } from "vitest";
import type { Decision } from "../../src/engine/decision.ts";
import { InlineCompiler } from "../../src/engine/folder-compiler.ts";
import { Loader } from "../../src/engine/loader.ts";
import { LivePublisher } from "../../src/engine/publisher.ts";
import type { FolderReading } from "../../src/policy/folder.ts";
import type { PolicyStore } from "../../src/policy/store.ts";
import { checkInput, engineFor, NotingHandlers } from "./folder.ts";

const LOADS = 1_000;
const POLICIES = 8;

/** What the folder held at each load; the id says which it is. */
interface Edition {
  readonly id: string;
  /** By policy: which method it allows. */
  readonly methods: readonly string[];
  readonly broken: boolean;
}

test("a thousand loads under requests: each answer is that of exactly one good edition, and none goes back", async () => {
  const { engine, live, reporter } = engineFor();
  const retired: string[] = [];
  const publisher = new LivePublisher({ live, reporter, retired: (id) => void retired.push(id) });
  const store = new EditedStore();
  const handlers = { validate: async () => [], open: async () => new NotingHandlers() };
  const loader = new Loader({
    compiler: new InlineCompiler(store),
    host: handlers,
    publisher,
    events: NO_EVENTS,
    now: () => 0,
  });
  await loader.load();
  let decided = 0;
  let latest = 0;
  const ask = async (): Promise<void> => {
    const admission = engine.admit();
    if (!admission.ok) throw new Error(admission.why);
    const { snapshot } = admission;
    const edition = store.editions.get(snapshot.id);
    if (edition === undefined || edition.broken) throw new Error(`nobody published ${snapshot.id}`);
    for (const [policy, method] of edition.methods.entries()) {
      const attributes = { "request.method": method, "request.host": `h${policy}` };
      const decision: Decision = await engine.check(snapshot, checkInput(snapshot, attributes));
      expect([decision.verdict, decision.rule?.rule]).toEqual(["allowed", `p${policy}/a`]);
      const other = { ...attributes, "request.method": `${method}-of-no-edition` };
      expect((await engine.check(snapshot, checkInput(snapshot, other))).verdict).toBe("denied");
    }
    admission.release();
    const number = Number(snapshot.id);
    expect(number).toBeGreaterThanOrEqual(latest);
    latest = number;
    decided += 1;
  };
  for (let load = 1; load <= LOADS; load += 1) {
    store.edit(load);
    const loading = loader.load();
    await ask();
    await loading;
    expect(loader.lastError === undefined).toBe(!store.current.broken);
    await ask();
  }
  expect(decided).toBe(2 * LOADS);
  expect(Number(live.peek()?.id)).toBe(LOADS - (LOADS % 3 === 0 ? 1 : 0));
  await publisher.settled();
  const good = [...store.editions.values()].filter(({ broken }) => !broken);
  expect(retired).toHaveLength(good.length - 1);
});

/** A folder in which one policy changes from load to load; each third edition is broken. */
class EditedStore implements PolicyStore {
  readonly name = "edited";
  readonly editions = new Map<string, Edition>();
  current: Edition = { id: "0", methods: Array.from({ length: POLICIES }, () => "M0"), broken: false };

  constructor() {
    this.editions.set("0", this.current);
  }

  edit(load: number): void {
    const methods = this.current.methods.map((method, policy) => (policy === load % POLICIES ? `M${load}` : method));
    this.current = { id: String(load), methods, broken: load % 3 === 0 };
    this.editions.set(this.current.id, this.current);
  }

  async read(): Promise<FolderReading> {
    const { id, methods, broken } = this.current;
    const policies = methods.map((method, policy) => ({ path: `p${policy}.yaml`, text: policyText(policy, method) }));
    const last = { path: "z.yaml", text: broken ? "policy: z\ncheck: [\n" : "policy: z\n" };
    const files = [
      ...policies,
      { path: "weir.yaml", text: "doors: { weir: { requires: [] } }\n" },
      ...(broken ? [last] : []),
    ];
    return { files, id, diagnostics: [], signature: "" };
  }

  async watch(): Promise<void> {
    throw new Error("nobody watches here");
  }
}

function policyText(policy: number, method: string): string {
  const when = `request.host == "h${policy}" && request.method == "${method}" && has(source.principal) == false`;
  return `policy: p${policy}\ncheck:\n  - { allow: a, when: '${when}' }\n`;
}

const NO_EVENTS = { loaded: () => undefined, failed: () => undefined };
