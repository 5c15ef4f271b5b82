import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The checkout that the bench is part of. */
export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Compiles what runs into `dist`, as `npm start` does. */
export async function compile(checkout: string): Promise<void> {
  await run(process.execPath, [join(CHECKOUT, "node_modules/typescript/bin/tsc"), "-b", "tsconfig.deploy.json"], {
    cwd: checkout,
  });
}

/** Another version, compiled, in a folder of its own. */
export interface OtherCheckout extends AsyncDisposable {
  readonly path: string;
  readonly commit: string;
  /** What makes the comparison less than fair; undefined when nothing does. */
  readonly caveat: string | undefined;
}

/** @param ref whatever git understands. @throws with git's own words when it does not */
export async function checkOut(ref: string): Promise<OtherCheckout> {
  const commit = await commitOf(ref);
  const root = await mkdtemp(join(tmpdir(), "weir-bench-ref-"));
  const path = join(root, "checkout");
  await git("worktree", "add", "--detach", path, commit);
  await symlink(join(CHECKOUT, "node_modules"), join(path, "node_modules"));
  await compile(path);
  const [here, there] = await Promise.all(
    [CHECKOUT, path].map((place) => readFile(join(place, "package-lock.json"), "utf8")),
  );
  return {
    path,
    commit: commit.slice(0, 12),
    caveat: here === there ? undefined : "its package-lock.json differs, and it ran with this checkout's packages",
    async [Symbol.asyncDispose]() {
      await git("worktree", "remove", "--force", path);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** @returns the whole hash. @throws when there is no such commit */
async function commitOf(ref: string): Promise<string> {
  const { stdout } = await git("rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`);
  return stdout.trim();
}

export async function isCommit(ref: string): Promise<boolean> {
  return await commitOf(ref).then(
    () => true,
    () => false,
  );
}

function git(...args: readonly string[]) {
  return run("git", ["-C", CHECKOUT, ...args]);
}

/** A program, or why there is none. */
export type Built = { readonly program: string } | { readonly missing: string };

/** Compiles the C++ echo where there is a compiler and the library; nothing is ever installed. */
export async function buildCppEcho(): Promise<Built> {
  const source = fileURLToPath(new URL("servers/echo-cpp/echo.cc", import.meta.url));
  const program = join(CHECKOUT, ".cache/bench/echo-cpp");
  try {
    if (await isNewer(program, source)) return { program };
    const { stdout } = await run("pkg-config", ["--cflags", "--libs", "grpc++"]);
    await mkdir(join(CHECKOUT, ".cache/bench"), { recursive: true });
    await run("g++", ["-O2", "-std=c++17", "-o", program, source, ...stdout.trim().split(/\s+/)]);
    return { program };
  } catch (error) {
    return { missing: whyNot(error) };
  }
}

async function isNewer(made: string, source: string): Promise<boolean> {
  const [there, from] = await Promise.all([stat(made).catch(() => undefined), stat(source)]);
  return there !== undefined && there.mtimeMs > from.mtimeMs;
}

function whyNot(error: unknown): string {
  const { code, path, cmd } = Object(error);
  if (code === "ENOENT") return `there is no \`${String(path)}\` here`;
  if (String(cmd).startsWith("pkg-config")) return "pkg-config does not know the library `grpc++`";
  return "it does not compile here";
}
