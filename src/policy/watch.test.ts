import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DirectoryStore } from "./store.ts";

/** Longer than any test: what is seen then was seen by an event. */
const AN_HOUR_MS = 3_600_000;
/** Only the poll: as if the file system made no events at all. */
const OFTEN_MS = 20;

let base: string;
let folder: string;
let end: AbortController;
let watching: Promise<void> | undefined;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "weir-watch-")));
  folder = join(base, "policies");
  mkdirSync(folder);
  end = new AbortController();
});

afterEach(async () => {
  end.abort();
  await watching;
  watching = undefined;
  rmSync(base, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
}

/** What the folder holds: path and text of each file, as one line. */
type State = string;

/**
 * Watches like the engine does: a change, then a whole reading. Resolves once the watch waits, and so does the promise of the reading that
 * shows a state: what a test changes next is not seen by a look that was on its way already.
 */
async function watchStates(pollMs: number): Promise<(state: State) => Promise<readonly State[]>> {
  const store = new DirectoryStore(folder, { pollMs });
  const seen: State[] = [];
  let waiting = false;
  let look: () => void = () => undefined;
  const read = async () => {
    waiting = false;
    const { files } = await store.read();
    seen.push(files.map((file) => `${file.path}=${file.text}`).join(" "));
  };
  const onWaiting = () => {
    waiting = true;
    look();
  };
  await read();
  watching = store.watch({ onChange: read, onWaiting, signal: end.signal });
  const shows = (state: State) =>
    new Promise<readonly State[]>((resolve) => {
      look = () => {
        if (waiting && seen.at(-1) === state) resolve(seen);
      };
      look();
    });
  await shows(seen.at(-1) ?? "");
  return shows;
}

function git(...args: string[]): void {
  const env = { PATH: process.env["PATH"] ?? "", HOME: base, GIT_CONFIG_NOSYSTEM: "1" };
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
  execFileSync("git", [...who, ...args], { cwd: folder, env, stdio: "ignore" });
}

describe.each([
  ["by events, the poll being an hour away", AN_HOUR_MS],
  ["with a quick poll", OFTEN_MS],
])("a change is seen %s", (_, pollMs) => {
  test("a file written in place, added, removed", async () => {
    write("a.yaml", "1");
    const shows = await watchStates(pollMs);
    write("a.yaml", "2");
    await shows("a.yaml=2");
    write("b.yaml", "1");
    await shows("a.yaml=2 b.yaml=1");
    rmSync(join(folder, "a.yaml"));
    await shows("b.yaml=1");
  });

  test("editors that write beside the file and rename over it", async () => {
    write("team/a.yaml", "1");
    const shows = await watchStates(pollMs);
    for (const text of ["2", "3", "4"]) {
      write("team/.a.yaml.swp", text);
      renameSync(join(folder, "team/.a.yaml.swp"), join(folder, "team/a.yaml"));
      await shows(`team/a.yaml=${text}`);
    }
  });

  test("editors that move the file away and write it anew", async () => {
    write("a.yaml", "1");
    const shows = await watchStates(pollMs);
    renameSync(join(folder, "a.yaml"), join(folder, "a.yaml~"));
    write("a.yaml", "2");
    await shows("a.yaml=2");
    rmSync(join(folder, "a.yaml"));
    write("a.yaml", "3");
    await shows("a.yaml=3");
  });

  test("a new subfolder, what is written into it later, and its removal", async () => {
    write("a.yaml", "1");
    const shows = await watchStates(pollMs);
    write("new/deep/b.yaml", "1");
    await shows("a.yaml=1 new/deep/b.yaml=1");
    write("new/deep/b.yaml", "2");
    await shows("a.yaml=1 new/deep/b.yaml=2");
    rmSync(join(folder, "new"), { recursive: true });
    await shows("a.yaml=1");
    write("new/deep/b.yaml", "3");
    await shows("a.yaml=1 new/deep/b.yaml=3");
    write("new/deep/b.yaml", "4");
    await shows("a.yaml=1 new/deep/b.yaml=4");
  });

  test("git checks out another branch and comes back; no half of it is ever read", async () => {
    const state = (version: string) =>
      Array.from({ length: 30 }, (_unused, index) => `${dirOf(index)}/${index}.yaml=${version}`);
    const dirOf = (index: number) => `team-${index % 3}`;
    const all = (version: string) => state(version).sort().join(" ");
    git("init", "-q");
    for (let index = 0; index < 30; index++) write(`${dirOf(index)}/${index}.yaml`, "main");
    git("add", ".");
    git("commit", "-q", "-m", "main");
    git("checkout", "-q", "-b", "side");
    for (let index = 0; index < 30; index++) write(`${dirOf(index)}/${index}.yaml`, "side");
    git("commit", "-q", "-am", "side");
    git("checkout", "-q", "-b", "empty");
    git("rm", "-q", "-r", ".");
    git("commit", "-q", "-m", "empty", "--allow-empty");
    git("checkout", "-q", "main");
    const shows = await watchStates(pollMs);
    git("checkout", "-q", "side");
    await shows(all("side"));
    git("checkout", "-q", "empty");
    await shows("");
    git("checkout", "-q", "main");
    const seen = await shows(all("main"));
    expect([...new Set(seen)].sort()).toEqual(["", all("main"), all("side")].sort());
  });

  test("a ConfigMap's `..data` swapped three times in a row", async () => {
    const publish = (version: string) => {
      write(`..${version}/a.yaml`, version);
      write(`..${version}/b.yaml`, version);
      symlinkSync(`..${version}`, join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    publish("v0");
    symlinkSync("..data/a.yaml", join(folder, "a.yaml"));
    symlinkSync("..data/b.yaml", join(folder, "b.yaml"));
    const shows = await watchStates(pollMs);
    for (const version of ["v1", "v2", "v3"]) {
      publish(version);
      rmSync(join(folder, `..v${Number(version.slice(1)) - 1}`), { recursive: true });
      const seen = await shows(`a.yaml=${version} b.yaml=${version}`);
      expect(seen.filter((state) => new Set(state.match(/v\d/g)).size > 1)).toEqual([]);
    }
    for (const version of ["v4", "v5", "v6"]) publish(version);
    await shows("a.yaml=v6 b.yaml=v6");
  });

  test("a symlink to a subfolder that is turned to another", async () => {
    write(".one/a.yaml", "1");
    write(".two/a.yaml", "2");
    symlinkSync(".one", join(folder, "current"));
    const shows = await watchStates(pollMs);
    symlinkSync(".two", join(folder, ".next"));
    renameSync(join(folder, ".next"), join(folder, "current"));
    await shows("current/a.yaml=2");
    write(".two/a.yaml", "3");
    await shows("current/a.yaml=3");
  });

  test("the folder itself moved away and another put in its place", async () => {
    write("a.yaml", "1");
    const shows = await watchStates(pollMs);
    renameSync(folder, join(base, "old"));
    await shows("");
    mkdirSync(folder);
    write("a.yaml", "2");
    await shows("a.yaml=2");
    write("a.yaml", "3");
    await shows("a.yaml=3");
  });
});

describe("watching", () => {
  test("sees what changed between the first reading and its own beginning", async () => {
    write("a.yaml", "1");
    const store = new DirectoryStore(folder, { pollMs: AN_HOUR_MS });
    await store.read();
    write("a.yaml", "22");
    const changed = new Promise<void>((resolve) => {
      watching = store.watch({ onChange: resolve, signal: end.signal });
    });
    await changed;
    expect(readFileSync(join(folder, "a.yaml"), "utf8")).toBe("22");
  });

  test("calls nobody for files that are no policies", async () => {
    write("a.yaml", "1");
    const shows = await watchStates(OFTEN_MS);
    write("notes.md", "x");
    write("a.test.yaml", "x");
    write(".hidden.yaml", "x");
    write("a.yaml", "2");
    expect(await shows("a.yaml=2")).toEqual(["a.yaml=1", "a.yaml=2"]);
  });

  test("ends when it is told to, also while waiting", async () => {
    const store = new DirectoryStore(folder, { pollMs: AN_HOUR_MS });
    await store.read();
    const watch = store.watch({ onChange: () => undefined, signal: end.signal });
    end.abort();
    await expect(watch).resolves.toBeUndefined();
  });
});
