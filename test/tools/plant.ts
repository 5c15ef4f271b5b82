import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

export const ROOT: string = new URL("../../", import.meta.url).pathname;

/** A small project with this one's settings and the given files; disposing removes it. */
export interface Plot extends Disposable {
  readonly folder: string;
  run(tool: string, ...args: string[]): Promise<Finished>;
}

export interface Finished {
  readonly code: number | null;
  /** Both streams, as a person at a terminal would see them. */
  readonly output: string;
}

const SETTINGS =
  /^(package\.json|tsconfig.*\.json|biome\.json|knip\.json|\.oxlintrc\.json|\.dependency-cruiser\.js|\.gitignore)$/;

export function plant(files: Readonly<Record<string, string>>): Plot {
  const folder = mkdtempSync(join(tmpdir(), "weir-canary-"));
  for (const name of readdirSync(ROOT).filter((name) => SETTINGS.test(name))) {
    cpSync(join(ROOT, name), join(folder, name));
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return {
    folder,
    run: (tool, ...args) => run(folder, tool, ...args),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a tool of node_modules, or failing that of the machine. */
export function run(cwd: string, tool: string, ...args: readonly string[]): Promise<Finished> {
  const bin = join(ROOT, "node_modules/.bin");
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}`, NO_COLOR: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk: string) => {
      output += chunk;
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
