import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gitCommit } from "./git-commit.ts";

let base: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "weir-git-"));
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

function git(directory: string, ...args: string[]): string {
  // A git that knows nothing of the machine's settings or of a repository around the test.
  const env = { PATH: process.env["PATH"] ?? "", HOME: base, GIT_CONFIG_NOSYSTEM: "1" };
  const who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
  return execFileSync("git", [...who, ...args], {
    cwd: directory,
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  }).trim();
}

function repository(): string {
  const directory = join(base, "repo");
  mkdirSync(join(directory, "policies"), { recursive: true });
  git(directory, "init", "-q");
  writeFileSync(join(directory, "policies/a.yaml"), "a");
  git(directory, "add", ".");
  git(directory, "commit", "-q", "-m", "one");
  return directory;
}

describe("the commit that is checked out", () => {
  test("is found from a folder inside the work tree", async () => {
    const directory = repository();
    expect(await gitCommit(join(directory, "policies"))).toBe(git(directory, "rev-parse", "HEAD"));
  });

  test("also when branches are packed, the head is detached, or the work tree is a linked one", async () => {
    const directory = repository();
    const commit = git(directory, "rev-parse", "HEAD");
    git(directory, "pack-refs", "--all");
    expect(await gitCommit(directory)).toBe(commit);
    git(directory, "checkout", "-q", "--detach");
    expect(await gitCommit(directory)).toBe(commit);
    git(directory, "worktree", "add", "-q", "-b", "side", join(base, "linked"));
    writeFileSync(join(base, "linked/policies/a.yaml"), "b");
    git(join(base, "linked"), "commit", "-q", "-am", "two");
    const linked = await gitCommit(join(base, "linked/policies"));
    expect(linked).toBe(git(join(base, "linked"), "rev-parse", "HEAD"));
    expect(linked).not.toBe(commit);
  });

  test("is unknown where nothing is checked out", async () => {
    mkdirSync(join(base, "empty"));
    git(join(base, "empty"), "init", "-q");
    expect(await gitCommit(join(base, "empty"))).toBeUndefined();
    expect(await gitCommit(join(base, "missing"))).toBeUndefined();
  });

  test("is unknown where `.git` is nonsense", async () => {
    writeFileSync(join(base, ".git"), "gitdir: /nowhere\n");
    expect(await gitCommit(base)).toBeUndefined();
    writeFileSync(join(base, ".git"), "what\n");
    expect(await gitCommit(base)).toBeUndefined();
  });
});
