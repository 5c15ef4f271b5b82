import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { StoreWatchOptions } from "../policy/store.ts";
import { unpackFrame, unpackPolicy } from "../snapshot/packed-plan.ts";
import { type CompilerPort, spawnCompiler, ThreadCompiler } from "./compiler.ts";
import type { CompilerData, FromCompiler, ToCompiler } from "./compiler-protocol.ts";

const GOOD = { "weir.yaml": "doors: { weir: {} }\n", "p.yaml": policy("source.principal == 'GET'") };

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("a folder compiled in a thread of its own", () => {
  test("gives the plan, its policies and the handlers to judge", async () => {
    const compiler = await compilerOf(GOOD);
    expect(await compiler.read()).toEqual({ id: expect.stringMatching(/^[0-9a-f]{12}$/u) });
    const compiled = await compiler.compile();
    if ("gaveUp" in compiled || compiled.plan === undefined) throw new Error(JSON.stringify(compiled));
    const { packed, policies, settings } = compiled.plan;
    expect(policies).toEqual([{ policy: "p", file: "p.yaml", doors: ["weir"] }]);
    expect(settings.unmatched).toBe("deny");
    expect(unpackFrame(packed).id).toBe(packed.id);
    expect(packed.policies.map((one) => unpackPolicy(one).head.name)).toEqual(["p"]);
  });

  test("says what is wrong with it, with the text it points into and no other", async () => {
    const compiler = await compilerOf({ ...GOOD, "q.yaml": policy("source.principl == 'GET'").replace("p\n", "q\n") });
    await compiler.read();
    const compiled = await compiler.compile();
    if ("gaveUp" in compiled || compiled.plan !== undefined) throw new Error(JSON.stringify(compiled));
    expect(compiled.diagnostics.map(({ code, span }) => `${code} ${span?.file}`)).toEqual(["P1201 q.yaml"]);
    expect([...compiled.sources.keys()]).toEqual(["q.yaml"]);
  });

  test("says of warnings how many, and of what is wrong only that", async () => {
    const handlers = "handlers:\n  - { handler: h, adapter: prometheus }\n";
    const compiler = await compilerOf({
      ...GOOD,
      "p.yaml": policy("request.method == 'GET'"),
      "handlers.yaml": handlers,
    });
    await compiler.read();
    const compiled = await compiler.compile();
    expect(compiled).toMatchObject({ plan: {}, warnings: 1 });
    expect(compiled).not.toHaveProperty("diagnostics");
    const refused = await compiler.place([
      { handler: "h", part: "adapter", path: [], message: "not so", code: "P1401" },
    ]);
    expect(refused).toMatchObject({ diagnostics: [{ code: "P1401" }] });
  });

  test("finds the place of what an adapter says", async () => {
    const handlers = "handlers:\n  - { handler: h, adapter: prometheus, config: { a: 1 } }\n";
    const compiler = await compilerOf({ ...GOOD, "handlers.yaml": handlers });
    await compiler.read();
    await compiler.compile();
    const found = await compiler.place([
      { handler: "h", part: "config", path: ["a"], message: "not so", code: "P1403" },
    ]);
    if ("gaveUp" in found) throw new Error(JSON.stringify(found));
    const start = handlers.indexOf("1 }");
    expect(found.diagnostics).toMatchObject([
      { code: "P1403", span: { file: "handlers.yaml", start, end: start + 1 } },
    ]);
    expect([...found.sources.keys()]).toEqual(["handlers.yaml"]);
  });

  test("tells of each change, and of the next when that was looked at", async () => {
    const compiler = await compilerOf(GOOD);
    const first = await compiler.read();
    await compiler.compile();
    const changes = watched(compiler);
    await writeFile(join(compiler.name, "p.yaml"), policy("source.principal == 'PUT'"));
    await changes.next();
    const second = await compiler.read();
    expect(second).not.toEqual(first);
    await compiler.compile();
    await writeFile(join(compiler.name, "p.yaml"), policy("source.principal == 'GET'"));
    await changes.next();
    expect(await compiler.read()).toEqual(first);
  });
});

describe("a compiler thread that is lost", () => {
  test("costs the load it was at, in words, and another one does the next", async () => {
    const threads: CompilerPort[] = [];
    const compiler = await compilerOf(GOOD, {
      spawn: (data) => {
        const port = spawnCompiler(data);
        threads.push(port);
        return port;
      },
    });
    const reading = compiler.read();
    await threads[0]?.terminate();
    expect(await reading).toMatchObject({ gaveUp: { code: "P1018", message: expect.stringContaining("ended") } });
    const version = await compiler.read();
    expect(version).toMatchObject({ id: expect.any(String) });
    expect(await compiler.compile()).toMatchObject({ plan: {}, warnings: 0 });
    expect(threads).toHaveLength(2);
  });

  test("is replaced by one that looks at the folder and watches it", async () => {
    const scripts = [silent, answering, answering];
    const compiler = faked(scripts);
    const changes = watched(compiler);
    expect(await compiler.read()).toMatchObject({ gaveUp: { message: expect.stringContaining("longer than") } });
    await changes.next();
    expect(await compiler.read()).toEqual({ id: "answered" });
    await changes.next();
    expect(scripts).toHaveLength(1);
  });

  test("for want of memory says how much there is", async () => {
    const compiler = faked([outOfMemory]);
    expect(await compiler.read()).toMatchObject({ gaveUp: { message: expect.stringContaining("1024 MiB") } });
  });

  test("by a bug of ours is an exception, and the thread goes on", async () => {
    const compiler = faked([failing]);
    await expect(compiler.read()).rejects.toThrow("a bug of ours");
    await expect(compiler.read()).rejects.toThrow("a bug of ours");
  });

  test("that ends because Weir does leaves nobody waiting", async () => {
    const compiler = faked([silent]);
    const reading = compiler.read();
    await compiler.close();
    expect(await reading).toHaveProperty("gaveUp");
  });
});

function policy(when: string): string {
  return `policy: p\ncheck:\n  - { allow: a, when: "${when}" }\n`;
}

interface Choices {
  readonly spawn?: (data: CompilerData) => CompilerPort;
}

async function compilerOf(files: Readonly<Record<string, string>>, { spawn = spawnCompiler }: Choices = {}) {
  const folder = await mkdtemp(join(tmpdir(), "weir-compiler-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return kept(new ThreadCompiler({ data: { folder, pollMs: 50 }, spawn }));
}

function kept(compiler: ThreadCompiler): ThreadCompiler {
  cleanups.push(() => compiler.close());
  return compiler;
}

/** Each change that is told of waits here until it is asked for. */
function watched(compiler: ThreadCompiler): { next(): Promise<void> } {
  const ended = new AbortController();
  let arrived = Promise.withResolvers<void>();
  let looked: () => void = () => undefined;
  const options: StoreWatchOptions = {
    onChange: () =>
      new Promise<void>((resolve) => {
        looked = resolve;
        arrived.resolve();
      }),
    signal: ended.signal,
  };
  const watching = compiler.watch(options);
  cleanups.push(async () => {
    ended.abort();
    looked();
    await watching;
  });
  return {
    async next() {
      looked();
      await arrived.promise;
      arrived = Promise.withResolvers();
    },
  };
}

/** What a thread does with what it is sent. */
type Script = (say: (message: FromCompiler) => void, end: (error: Error) => void) => (message: ToCompiler) => void;

const silent: Script = () => () => undefined;

const answering: Script = (say) => (message) => {
  if (message.kind === "ask") say({ kind: "answer", number: message.number, answer: { id: "answered" } });
  if (message.kind === "watch") say({ kind: "changed" });
};

const failing: Script = (say) => (message) => {
  if (message.kind === "ask") say({ kind: "failed", number: message.number, error: "a bug of ours" });
};

const outOfMemory: Script = (_, end) => () =>
  end(Object.assign(new Error("heap limit"), { code: "ERR_WORKER_OUT_OF_MEMORY" }));

/** Threads that follow scripts, one after the other; time is short. */
function faked(scripts: Script[]): ThreadCompiler {
  const spawn = (): CompilerPort => {
    const script = scripts.shift();
    if (script === undefined) throw new Error("no further thread was expected");
    const taken: ((message: FromCompiler) => void)[] = [];
    const gone: ((error: Error | undefined) => void)[] = [];
    const take = script(
      (message) => queueMicrotask(() => taken.forEach((each) => void each(message))),
      (error) => queueMicrotask(() => gone.forEach((each) => void each(error))),
    );
    return {
      post: take,
      onMessage: (each) => void taken.push(each),
      onExit: (each) => void gone.push(each),
      terminate: async () => undefined,
    };
  };
  return kept(new ThreadCompiler({ data: { folder: "/nowhere" }, spawn, limitMs: 20, replaceAfterMs: 1 }));
}
