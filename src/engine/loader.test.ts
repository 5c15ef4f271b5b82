import { describe, expect, test } from "vitest";
import { checkInput, type Files, NotingHandlers } from "../../test/engine/folder.ts";
import { bagSource } from "../attribute/bag.ts";
import type { FolderReading } from "../policy/folder.ts";
import type { PolicyStore } from "../policy/store.ts";
import { Reporter } from "../report/reporter.ts";
import type { HandlerIssue, HandlerSpec } from "../snapshot/handler-set.ts";
import type { Snapshot } from "../snapshot/snapshot.ts";
import { UNCOUNTED } from "../telemetry/index.ts";
import { InlineCompiler } from "./folder-compiler.ts";
import { Live } from "./live.ts";
import { type HandlerOpener, Loader } from "./loader.ts";
import { LivePublisher } from "./publisher.ts";

const GOOD = folder("GET");
const OTHER = folder("POST");
const BROKEN = { ...GOOD, "p.yaml": "policy: p\ncheck: [{ allow: a, when: request.metod == 'GET' }]\n" };

describe("a load", () => {
  test("of a good folder serves it", async () => {
    const { loader, live, said } = await loaded(GOOD);
    expect(live.peek()?.id).toBe(loader.loaded?.id);
    expect(loader.loaded).toMatchObject({
      commit: "c0ffee",
      loadedAt: 1,
      policies: [{ policy: "p", file: "p.yaml", doors: ["weir"] }],
    });
    expect(loader.lastError).toBeUndefined();
    expect(said).toEqual(["loaded GET"]);
  });

  test("of a broken one leaves the last good one serving, and says why until it is mended", async () => {
    const { loader, live, store, said, host, publisher } = await loaded(GOOD);
    const before = live.peek();
    store.files = BROKEN;
    await loader.load();
    expect(live.peek()).toBe(before);
    expect(loader.loaded?.id).toBe(before?.id);
    expect(loader.lastError?.diagnostics.map(({ code }) => code)).toContain("P1201");
    expect(loader.lastError?.sources.get("p.yaml")).toBe(BROKEN["p.yaml"]);
    expect(host.sets).toHaveLength(1);
    store.files = OTHER;
    await loader.load();
    expect(loader.lastError).toBeUndefined();
    expect(live.peek()?.id).toBe(loader.loaded?.id);
    expect(live.peek()).not.toBe(before);
    await publisher.settled();
    expect(said).toEqual(["loaded GET", "failed, GET serves", "loaded POST", "retired GET"]);
  });

  test("that finds what serves again clears the error and opens nothing", async () => {
    const { loader, live, store, said, host } = await loaded(GOOD);
    const before = live.peek();
    for (const files of [BROKEN, GOOD, BROKEN, GOOD]) {
      store.files = files;
      await loader.load();
      expect(loader.lastError === undefined).toBe(files === GOOD);
    }
    expect(live.peek()).toBe(before);
    expect(host.sets).toHaveLength(1);
    expect(said.filter((line) => line === "failed, GET serves")).toHaveLength(2);
    expect(said.at(-1)).toBe("loaded GET");
  });

  test("of what was judged already is none, good or bad", async () => {
    const { loader, store, said } = await loaded(GOOD);
    await loader.load();
    store.files = BROKEN;
    await loader.load();
    await loader.load();
    expect(said).toEqual(["loaded GET", "failed, GET serves"]);
    expect(loader.lastError).toBeDefined();
  });

  test("at the start with nothing good serves nothing", async () => {
    const { loader, live, said } = await loaded(BROKEN);
    expect(live.peek()).toBeUndefined();
    expect(loader.loaded).toBeUndefined();
    expect(loader.lastError).toBeDefined();
    expect(said).toEqual(["failed, nothing serves"]);
  });

  test("whose handlers are refused, or do not open, leaves the last good one serving", async () => {
    for (const when of ["validate", "open"] as const) {
      const { loader, live, store, host } = await loaded(GOOD);
      const before = live.peek();
      host.refuse = when;
      store.files = OTHER;
      await loader.load();
      expect(live.peek()).toBe(before);
      expect(before?.handlers).toMatchObject({ retired: 0 });
      expect(loader.lastError?.diagnostics).toMatchObject([{ code: "P1401", span: { file: "handlers.yaml" } }]);
    }
  });

  test("is tried again where the handlers did not open, since that need not be the folder's fault", async () => {
    const { loader, live, store, host } = await loaded(GOOD);
    host.refuse = "open";
    store.files = OTHER;
    await loader.load();
    host.refuse = undefined;
    await loader.load();
    expect(loader.lastError).toBeUndefined();
    expect(live.peek()?.id).toBe(loader.loaded?.id);
    expect(host.sets).toHaveLength(2);
  });

  test("that runs into a bug of ours says so, and the same files are tried again", async () => {
    const { loader, live, store, host } = await loaded(GOOD);
    store.files = OTHER;
    host.refuse = "by a bug";
    await expect(loader.load()).rejects.toThrow("a bug of ours");
    host.refuse = undefined;
    await loader.load();
    expect(live.peek()?.id).toBe("POST");
  });

  test("during another is not lost: what changed meanwhile is read afterwards", async () => {
    const { loader, live, store, said, publisher } = prepared(GOOD);
    const reading = store.hold();
    const first = loader.load();
    store.files = BROKEN;
    const second = loader.load();
    store.files = OTHER;
    const third = loader.load();
    reading.letGo();
    await Promise.all([first, second, third]);
    await publisher.settled();
    expect(said).toEqual(["loaded GET", "loaded POST", "retired GET"]);
    expect(store.readings).toBe(2);
    expect(live.peek()?.id).toBe(loader.loaded?.id);
  });

  test.each(Array.from({ length: 12 }, (_, turn) => turn))(
    "is read even where it is asked for as another ends, %i turns after it began to serve",
    async (turn) => {
      const { loader, live, store, said } = prepared(GOOD);
      const first = loader.load();
      while (!said.includes("loaded GET")) await Promise.resolve();
      for (let waited = 0; waited < turn; waited += 1) await Promise.resolve();
      store.files = OTHER;
      await loader.load();
      expect(live.peek()?.id).toBe("POST");
      await first;
    },
  );
});

describe("the handlers of a snapshot that was replaced", () => {
  test("are retired once, when the last request has let go of it, after what it reported was delivered", async () => {
    const { loader, live, store, host, reporter, said, publisher } = await loaded(GOOD);
    const [first, second] = [live.acquire(), live.acquire()];
    const [handlers] = host.sets;
    if (!first || !second || !handlers) throw new Error("nothing serves");
    store.files = OTHER;
    await loader.load();
    first.release();
    await turns();
    expect(handlers.retired).toBe(0);
    const source = bagSource(new Map(), second.value.slots);
    reporter.report(second.value, [{ ...RECORD, source }], "request");
    second.release();
    await publisher.settled();
    expect(handlers.retired).toBe(1);
    expect(handlers.deliveries).toHaveLength(1);
    expect(host.sets[1]?.retired).toBe(0);
    expect(said.at(-1)).toBe("retired GET");
  });

  test("are retired once each through many changes under requests of many ages", async () => {
    const { loader, live, store, host, publisher } = await loaded(folder("M0"));
    const held: { readonly value: Snapshot; release(): void }[] = [];
    for (let index = 1; index <= 30; index += 1) {
      const acquired = live.acquire();
      if (acquired) held.push(acquired);
      store.files = folder(`M${index}`);
      await loader.load();
      // Some let go early, some late, in no order of their own.
      if (index % 3 === 0) held.splice((index * 7) % held.length, 1)[0]?.release();
    }
    const kept = new Set(held.map(({ value }) => value.handlers));
    await turns();
    for (const set of host.sets.slice(0, -1)) expect(set.retired).toBe(kept.has(set) ? 0 : 1);
    for (const one of held) {
      // Whoever still holds one is served by it.
      const { value } = one;
      expect(value.frame(checkInput(value, {}).source, { derive: true, record: false })).toBeDefined();
      one.release();
    }
    await publisher.settled();
    expect(host.sets.map(({ retired }) => retired)).toEqual([...new Array<number>(30).fill(1), 0]);
  });

  test("that do not close are told of, and the next load is none the worse", async () => {
    const { loader, live, store, host, said, publisher } = await loaded(GOOD);
    const [handlers] = host.sets;
    if (!handlers) throw new Error("nothing serves");
    handlers.retire = async () => {
      throw new Error("stuck");
    };
    store.files = OTHER;
    await loader.load();
    await publisher.settled();
    expect(said.at(-1)).toBe("retired GET: stuck");
    expect(live.peek()?.id).toBe(loader.loaded?.id);
  });
});

const RECORD = {
  door: "weir",
  derive: true,
  timeNanos: 0n,
  startNanos: undefined,
  endNanos: undefined,
  traceparent: undefined,
  error: false,
} as const;

function folder(method: string): Files {
  return {
    "weir.yaml": "doors: { weir: { requires: [] } }\n",
    "handlers.yaml": "handlers: [{ handler: h, adapter: prometheus }]\n",
    "p.yaml": `policy: p
check:
  - { allow: a, when: 'request.method == "${method}" && has(source.principal)' }
report:
  - { metric: m, handlers: [h] }
`,
  };
}

/** A store whose files are whatever the test puts there. */
class MemoryStore implements PolicyStore {
  readonly name = "memory";
  files: Files;
  readings = 0;
  #held: Promise<void> | undefined;

  constructor(files: Files) {
    this.files = files;
  }

  /** The next reading has seen the files, and is not done before it is let go. */
  hold(): { letGo(): void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held = promise;
    return { letGo: resolve };
  }

  async read(): Promise<FolderReading> {
    this.readings += 1;
    const files = Object.entries(this.files).map(([path, text]) => ({ path, text }));
    const held = this.#held;
    this.#held = undefined;
    await held;
    return { files, id: methodOf(files), commit: "c0ffee", diagnostics: [], signature: "" };
  }

  async watch(): Promise<void> {
    throw new Error("nobody watches here");
  }
}

/** Equal folders have equal ids. */
function methodOf(files: readonly { readonly text: string }[]): string {
  const all = files.map(({ text }) => text).join();
  return all.includes("metod") ? "broken" : (/method == "(?<method>\w+)"/u.exec(all)?.groups?.["method"] ?? "");
}

/** Opens handlers that only note what they are given. */
class NotingHost implements HandlerOpener {
  readonly sets: NotingHandlers[] = [];
  refuse: "validate" | "open" | "by a bug" | undefined;

  async validate(specs: readonly HandlerSpec[]): Promise<readonly HandlerIssue[]> {
    return this.refuse === "validate" ? specs.map(issueOf) : [];
  }
  async open(specs: readonly HandlerSpec[]): ReturnType<HandlerOpener["open"]> {
    if (this.refuse === "by a bug") throw new Error("a bug of ours");
    if (this.refuse === "open") return { issues: specs.map(issueOf) };
    const set = new NotingHandlers();
    this.sets.push(set);
    return set;
  }
}

function issueOf({ name }: HandlerSpec): HandlerIssue {
  return { handler: name, part: "adapter", path: [], message: "refused on purpose", code: "P1401" };
}

interface Prepared {
  readonly store: MemoryStore;
  readonly host: NotingHost;
  readonly live: Live<Snapshot>;
  readonly reporter: Reporter;
  readonly publisher: LivePublisher;
  readonly loader: Loader;
  /** What became of each load, in a line. */
  readonly said: readonly string[];
}

function prepared(files: Files): Prepared {
  const store = new MemoryStore(files);
  const host = new NotingHost();
  const live = new Live<Snapshot>();
  const reporter = new Reporter(UNCOUNTED);
  const said: string[] = [];
  const events = {
    loaded: ({ id }: { readonly id: string }) => void said.push(`loaded ${id}`),
    failed: (_: unknown, serving: { readonly id: string } | undefined) =>
      void said.push(`failed, ${serving?.id ?? "nothing"} serves`),
  };
  const publisher = new LivePublisher({
    // These tests count turns of promises: a slow machine must not make others of them.
    turns: { now: () => 0, pause: () => Promise.resolve() },
    live,
    reporter,
    retired: (id, error) => void said.push(`retired ${id}${error instanceof Error ? `: ${error.message}` : ""}`),
  });
  const loader = new Loader({ compiler: new InlineCompiler(store), host, publisher, events, now: () => 1 });
  return { store, host, live, reporter, publisher, loader, said };
}

async function loaded(files: Files): Promise<Prepared> {
  const made = prepared(files);
  await made.loader.load();
  return made;
}

/** Lets everything that waits for nothing else come to its end. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
