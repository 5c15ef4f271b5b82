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
  const source = fileURLToPath(new URL("servers/echo-cpp", import.meta.url));
  const folder = join(CHECKOUT, ".cache/bench");
  const program = join(folder, "echo-cpp");
  try {
    if (await isNewer(program, [join(source, "echo.cc"), join(source, "echo.proto")])) return { program };
    const [libraries, prefix] = await Promise.all([
      run("pkg-config", ["--cflags", "--libs", "grpc++", "protobuf"]),
      run("pkg-config", ["--variable=prefix", "protobuf"]),
    ]);
    await mkdir(folder, { recursive: true });
    // The one that belongs to the library: others may come first in the path.
    await run(join(prefix.stdout.trim(), "bin/protoc"), [
      `--proto_path=${source}`,
      `--cpp_out=${folder}`,
      "echo.proto",
    ]);
    const sources = [join(source, "echo.cc"), join(folder, "echo.pb.cc")];
    const flags = libraries.stdout.trim().split(/\s+/);
    await run("g++", ["-O2", "-std=c++17", `-I${folder}`, "-o", program, ...sources, ...flags]);
    return { program };
  } catch (error) {
    return { missing: whyNot(error) };
  }
}

async function isNewer(made: string, sources: readonly string[]): Promise<boolean> {
  const there = await stat(made).catch(() => undefined);
  const from = await Promise.all(sources.map((source) => stat(source)));
  return there !== undefined && from.every(({ mtimeMs }) => there.mtimeMs > mtimeMs);
}

function whyNot(error: unknown): string {
  const { code, path, cmd } = Object(error);
  if (code === "ENOENT") return `there is no \`${String(path)}\` here`;
  if (String(cmd).startsWith("pkg-config")) return "pkg-config does not know the libraries `grpc++` and `protobuf`";
  return "it does not compile here";
}
