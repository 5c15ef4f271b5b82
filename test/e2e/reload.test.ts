/** Policies change while a real Envoy asks: good edits are live, broken ones change nothing, and nobody is lost in between. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startWeir, WeirDidNotServe } from "../../deploy/weir-process.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { type Gate, HOLD_HEADER, holdFiles, holdHandlers, startGate } from "./support/gate.ts";
import { CASE_HEADER, edge, type Mesh, startMesh } from "./support/mesh.ts";
import type { Status } from "./support/observed.ts";
import { type PolicyFiles, replaceByRename, usualHandlers, WATCH, writePolicies } from "./support/policies.ts";

const git = promisify(execFile);
/** Only events can tell of a change in time. */
const NO_POLL = ["--poll-ms", "3600000"];
const PATIENT_MS = 15_000;

/** A policy that refuses with the status it is given. */
function answering(status: number): string {
  return `policy: answering
check:
  - deny: everybody
    when: request.canonical_path == "/"
    respond: { status: ${status} }
  - allow: once
    when: request.canonical_path.startsWith("/open/")
quota:
  - limit: once
    handler: counters
    max: 1
    every: 1h
    when: request.canonical_path == "/open/once"
`;
}

const BROKEN = `policy: answering
check:
  - deny: everybody
    when: request.canonical_pth == "/"
`;

describe.skipIf(WITHOUT_ENVOY)("a folder that changes", () => {
  let gate: Gate;
  let mesh: Mesh;

  beforeAll(async () => {
    gate = await startGate();
    const hold = await holdFiles();
    mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile) + holdHandlers(gate),
        "shop/answering.yaml": answering(410),
        "watch.yaml": WATCH,
        ...hold,
      }),
      args: () => ["--limit", `ext-authz-deadline-ms=${PATIENT_MS}`],
      listeners: [edge({ authz: { timeoutMs: PATIENT_MS } })],
    });
  });

  afterEach(() => gate?.open());

  afterAll(async () => {
    await mesh?.[Symbol.asyncDispose]();
    await gate?.stop();
  });

  test("an edit is live once the status page says so, and every answer names what it was made by", async () => {
    expect(await ask(mesh, "before")).toBe(410);
    const { snapshot } = await changed(mesh, () => edit(mesh, answering(411)));
    expect(await ask(mesh, "after")).toBe(411);
    const snapshots = [await snapshotOf(mesh, "before"), await snapshotOf(mesh, "after")];
    expect(snapshots).toEqual([mesh.weir.serving.snapshot, snapshot]);
  });

  test("an editor that writes beside the file and renames is seen", async () => {
    await changed(mesh, () => replaceByRename(mesh.policies, "shop/answering.yaml", answering(412)));
    expect(await ask(mesh, "renamed")).toBe(412);
  });

  test("a policy in a new folder is seen, and its end too", async () => {
    const added = `policy: added\ncheck:\n  - deny: added\n    when: request.canonical_path == "/open/added"\n`;
    await changed(mesh, () => writePolicies(mesh.policies, { "new/deep/added.yaml": added }));
    expect((await mesh.send({ path: "/open/added" })).status).toBe(403);
    await changed(mesh, () => rm(join(mesh.policies, "new"), { recursive: true }));
    expect((await mesh.send({ path: "/open/added" })).status).toBe(200);
  });

  test("a broken edit changes nothing but what is said of it", async () => {
    await changed(mesh, () => edit(mesh, answering(413)));
    const before = await mesh.status();
    const loads = async () => {
      const { sum } = await mesh.metrics();
      return {
        ok: sum("weir_snapshot_loads_total", { result: "ok" }),
        error: sum("weir_snapshot_loads_total", { result: "error" }),
      };
    };
    const loaded = await loads();

    await edit(mesh, BROKEN);
    const { snapshot, lastError } = await eventually("the error on the status page", async () => {
      const status = await mesh.status();
      return status.lastError !== null && status;
    });
    expect(snapshot).toBe(before.snapshot);
    expect(lastError?.diagnostics).toMatchObject([
      { severity: "error", code: "P1201", file: "shop/answering.yaml", line: 4, column: 11 },
    ]);
    expect(await ask(mesh, "broken")).toBe(413);
    expect(await snapshotOf(mesh, "broken")).toBe(before.snapshot);
    expect(await loads()).toEqual({ ok: loaded.ok, error: loaded.error + 1 });
    expect(await reported(mesh)).toBe(
      [
        "shop/answering.yaml:4:11 error P1201: unknown attribute `request.canonical_pth`",
        "  |",
        '4 |     when: request.canonical_pth == "/"',
        "  |           ^^^^^^^^^^^^^^^^^^^^^",
        "  = help: did you mean `request.canonical_path`?",
      ].join("\n"),
    );

    await edit(mesh, answering(413));
    await eventually("no error on the status page", async () => (await mesh.status()).lastError === null);
    expect((await mesh.status()).snapshot).toBe(before.snapshot);
    await changed(mesh, () => edit(mesh, answering(414)));
    expect(await ask(mesh, "mended")).toBe(414);
  });

  test("a handler that cannot open is an error at its place, and the old one goes on", async () => {
    const handlers = await readFile(join(mesh.policies, "handlers.yaml"), "utf8");
    const wrong = handlers.replace(mesh.logFile, "/nowhere/at/all/log.jsonl");
    await writePolicies(mesh.policies, { "handlers.yaml": wrong });
    const { lastError } = await eventually("the error on the status page", async () => {
      const status = await mesh.status();
      return status.lastError !== null && status;
    });
    expect(lastError?.diagnostics).toMatchObject([{ severity: "error", file: "handlers.yaml" }]);
    await ask(mesh, "still-logged");
    expect((await mesh.line("watch/decisions", "still-logged")).variables["verdict"]).toBe("denied");
    await writePolicies(mesh.policies, { "handlers.yaml": handlers });
    await eventually("no error on the status page", async () => (await mesh.status()).lastError === null);
  });

  test("what kept a handler from opening may lie elsewhere: a touch is enough to try again", async () => {
    const path = join(mesh.policies, "handlers.yaml");
    const handlers = await readFile(path, "utf8");
    const elsewhere = join(mesh.policies, "..", "not-yet");
    await writeFile(path, handlers.replace(mesh.logFile, join(elsewhere, "log.jsonl")));
    await eventually("the error on the status page", async () => (await mesh.status()).lastError !== null);
    await changed(mesh, async () => {
      await mkdir(elsewhere);
      await utimes(path, new Date(), new Date());
    });
    expect((await mesh.status()).lastError).toBeNull();
    await changed(mesh, () => writeFile(path, handlers));
  });

  test("a request in flight is decided by the policies it began with", async () => {
    gate.shut();
    const before = (await mesh.status()).snapshot;
    const held = mesh.send({ path: "/open/held", headers: [HOLD_HEADER, [CASE_HEADER, "held"]], withinMs: PATIENT_MS });
    await gate.arrived.first();
    const { snapshot } = await changed(mesh, () => edit(mesh, answering(416)));
    expect(await ask(mesh, "meanwhile")).toBe(416);
    gate.open();
    expect((await held).status).toBe(200);
    expect([await snapshotOf(mesh, "held"), await snapshotOf(mesh, "meanwhile")]).toEqual([before, snapshot]);
  });

  test("counters outlive an edit of something else", async () => {
    expect((await mesh.send({ path: "/open/once" })).status).toBe(200);
    await changed(mesh, () => edit(mesh, answering(417)));
    expect((await mesh.send({ path: "/open/once" })).status).toBe(429);
  });

  test("traffic during edits is answered, each request by one version or another, and every decision is written down", async () => {
    const asked: Promise<number>[] = [];
    for (const status of [420, 421, 422, 423, 424]) {
      const edited = changed(mesh, () => edit(mesh, answering(status)));
      let done = false;
      void edited.then(() => {
        done = true;
      });
      while (!done) {
        asked.push(ask(mesh, "during"));
        await asked.at(-1);
      }
    }
    const statuses = new Set(await Promise.all(asked));
    expect([...statuses].every((status) => status >= 417 && status <= 424)).toBe(true);
    expect(await ask(mesh, "last")).toBe(424);
    await eventually("every decision in the log", async () => {
      const lines = (await mesh.lines()).filter(
        ({ rule, variables }) => rule === "watch/decisions" && variables["case"] === "during",
      );
      return lines.length === asked.length;
    });
  });
});

describe.skipIf(WITHOUT_ENVOY)("a folder that is swapped whole, without a poll", () => {
  let mesh: Mesh | undefined;

  afterEach(async () => {
    await mesh?.[Symbol.asyncDispose]();
    mesh = undefined;
  });

  test("as Kubernetes does with a ConfigMap, three times in a row", async () => {
    const files = folder(410);
    const started = await startMesh({ policies: () => files, install: installConfigMap, args: () => NO_POLL });
    mesh = started;
    for (const status of [411, 412, 413]) {
      await changed(started, () => swapConfigMap(started.policies, folder(status)));
      expect(await ask(started, "swapped")).toBe(status);
    }
  });

  test("by a git checkout, whose commit the status page names", async () => {
    const install = async (repository: string, files: PolicyFiles): Promise<void> => {
      await commitAll(repository, files, "one");
      await commitAll(repository, folder(411), "two");
    };
    const started = await startMesh({ policies: () => folder(410), install, args: () => NO_POLL });
    mesh = started;
    expect(await ask(started, "two")).toBe(411);
    const { commit } = await started.status();
    expect(commit).toBe(await head(started.policies));

    const after = await changed(started, () => inGit(started.policies, "checkout", "--quiet", "one"));
    expect(await ask(started, "one")).toBe(410);
    expect(after.commit).toBe(await head(started.policies));
    expect(after.commit).not.toBe(commit);
  });
});

describe("a folder that cannot be served at the start", () => {
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "weir-cold-"));
  });

  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("is refused with exit code 3 and every error of every file", async () => {
    await writePolicies(dir, {
      "weir.yaml": "unmatchd: deny\n",
      "a.yaml": BROKEN,
      "b/c.yaml": `policy: c\ncheck:\n  - allow: nobody\n    when: request.method = "GET"\n`,
    });
    const refused = await startWeir({ policies: dir }).catch((error: unknown) => error);
    if (!(refused instanceof WeirDidNotServe)) throw new Error("it serves", { cause: refused });
    expect(refused.code).toBe(3);
    // Once, for people: nothing serves yet that could go on.
    expect(refused.log).not.toContain("go on serving");
    for (const said of ["weir.yaml:1:1 error", "a.yaml:4:11 error P1201", "b/c.yaml:4:26 error", "^^^", "did you mean"])
      expect(refused.log).toContain(said);
  });

  test.each([
    ["an empty folder", {}, "weir.yaml"],
    ["a folder without policies", { "weir.yaml": "" }, "allow-empty"],
  ])("%s is refused with what is missing", async (name, files, said) => {
    const empty = join(dir, name);
    await mkdir(empty);
    await writePolicies(empty, files);
    const refused = await startWeir({ policies: empty }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 3, log: expect.stringContaining(said) });
  });

  test("a folder that is not there is refused", async () => {
    const refused = await startWeir({ policies: join(dir, "nowhere") }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 3, log: expect.stringContaining("nowhere") });
  });
});

async function ask(mesh: Mesh, name: string): Promise<number> {
  return (await mesh.send({ path: "/", headers: [[CASE_HEADER, name]] })).status;
}

async function edit(mesh: Mesh, text: string): Promise<void> {
  await writeFile(join(mesh.policies, "shop/answering.yaml"), text);
}

/** Does something to the folder. @returns the status page once it names another snapshot. */
async function changed(mesh: Mesh, change: () => Promise<unknown>): Promise<Status> {
  const { snapshot } = await mesh.status();
  await change();
  return eventually("another snapshot", async () => {
    const status = await mesh.status();
    return status.snapshot !== snapshot && status;
  });
}

async function snapshotOf(mesh: Mesh, name: string): Promise<unknown> {
  return (await mesh.line("watch/decisions", name)).variables["snapshot"];
}

/** What the log says of the newest broken edit, as `weir validate` would. */
async function reported(mesh: Mesh): Promise<string> {
  const line = await eventually("the report in the log", () =>
    mesh.weir.log.findLast((text) => text.includes('"report"')),
  );
  return z.looseObject({ report: z.string() }).parse(JSON.parse(line)).report.trimEnd();
}

/** The whole folder, without a log. */
function folder(status: number): PolicyFiles {
  const handlers = "handlers:\n  - handler: counters\n    adapter: memory-quota\n";
  return { "weir.yaml": "", "handlers.yaml": handlers, "answering.yaml": answering(status) };
}

/** `..data` is a link to a folder with a version; each file is a link through it. */
async function installConfigMap(mount: string, files: PolicyFiles): Promise<void> {
  await mkdir(mount);
  await swapConfigMap(mount, files);
  for (const path of Object.keys(files)) await symlink(join("..data", path), join(mount, path));
}

let versions = 0;

async function swapConfigMap(mount: string, files: PolicyFiles): Promise<void> {
  versions += 1;
  const version = `..2026_11_21_${versions}`;
  await writePolicies(join(mount, version), files);
  await symlink(version, join(mount, "..data_tmp"));
  const before = await currentVersion(mount);
  await rename(join(mount, "..data_tmp"), join(mount, "..data"));
  if (before !== undefined) await rm(join(mount, before), { recursive: true });
}

async function currentVersion(mount: string): Promise<string | undefined> {
  return (await readdir(mount)).includes("..data") ? readlink(join(mount, "..data")) : undefined;
}

/** Commits the files as they are, with a tag. */
async function commitAll(repository: string, files: PolicyFiles, tag: string): Promise<void> {
  await writePolicies(repository, files);
  await inGit(repository, "init", "--quiet");
  await inGit(repository, "add", "--all");
  const who = ["-c", "user.name=test", "-c", "user.email=test@weir.test", "-c", "commit.gpgsign=false"];
  await inGit(repository, ...who, "commit", "--quiet", "--message", tag);
  await inGit(repository, "tag", tag);
}

async function head(repository: string): Promise<string> {
  return (await inGit(repository, "rev-parse", "HEAD")).trim();
}

async function inGit(repository: string, ...args: readonly string[]): Promise<string> {
  return (await git("git", ["-C", repository, ...args])).stdout;
}
