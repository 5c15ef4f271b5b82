import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Runs one command as a user would, to its end. */
export async function weir(args: readonly string[], { env = {}, cwd = ROOT, stdin }: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [join(ROOT, "bin/weir.js"), ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  child.stdin?.end(stdin);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const streams = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : Promise.resolve("")));
  const [out = "", err = ""] = await Promise.all(streams);
  return { code: await ended, out, err };
}

/** A folder of files that is gone at the end of its scope. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "weir-cli-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string): string {
    const file = join(this.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The smallest policies with a yes, a no, a limit and a report. */
export const POLICIES: Readonly<Record<string, string>> = {
  "weir.yaml": `doors:
  weir: { requires: [request.method] }
mask: [request.headers.authorization, request.query.token]
`,
  "handlers.yaml": `handlers:
  - handler: counters
    adapter: memory-quota
  - handler: metrics
    adapter: prometheus
`,
  "shop.yaml": `policy: shop
check:
  - allow: readers
    when: request.method == "GET" && peer.address != "nobody"
  - deny: frozen
    when: request.headers.values("x-state").exists(s, s == "frozen")
    respond: { status: 451, headers: { x-reason: frozen }, body: This account is frozen. }
  - change: version
    when: request.method == "GET"
    request: { set: { x-version: v2 } }
quota:
  - limit: reads
    handler: counters
    max: 2
    every: 1h
    on-request: true
report:
  - metric: requests_total
    handlers: [metrics]
    dimensions: { code: string(response.code) }
`,
};
