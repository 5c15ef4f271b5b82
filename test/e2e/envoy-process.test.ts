/** Starting and ending a real Envoy, and the example configuration that people copy. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { envoyBootstrap } from "../../deploy/envoy/bootstrap.ts";
import { startEnvoy } from "../../deploy/envoy/run.ts";
import { pollUntil } from "../../deploy/poll.ts";
import { envoyBinary, WITHOUT_ENVOY } from "./support/envoy.ts";

const EXAMPLE = new URL("../../deploy/envoy/envoy.yaml", import.meta.url).pathname;
const RUN_MODULE = new URL("../../deploy/envoy/run.ts", import.meta.url).href;
const GONE_WITHIN_MS = 5_000;

/** Enough to start. */
const smallest = envoyBootstrap({
  weirPort: 9,
  upstreams: { orders: { port: 9 } },
  listeners: [{ kind: "tcp", name: "tcp", upstream: "orders" }],
});

test("the example configuration is what the code makes", () => {
  const made = envoyBootstrap({
    node: { id: "gateway-1", cluster: "gateway" },
    adminPort: 9901,
    weirPort: 9091,
    upstreams: { orders: { port: 8081 }, greeter: { port: 8082, protocol: "h2" } },
    listeners: [
      {
        kind: "http",
        name: "edge",
        port: 8080,
        authz: { timeoutMs: 200, statusOnError: 503 },
        log: { flushMs: 1_000, requestHeaders: ["x-tenant"] },
        routes: [
          { name: "greeter", prefix: "/greeter.v1.Greeter/", upstream: "greeter" },
          { name: "orders", prefix: "/", upstream: "orders", context: { team: "shop" } },
        ],
      },
    ],
  });
  expect(parse(readFileSync(EXAMPLE, "utf8"))).toEqual(JSON.parse(JSON.stringify(made)));
});

test("an upstream cannot take Weir's own name", () => {
  expect(() => envoyBootstrap({ weirPort: 9, upstreams: { weir: { port: 9 } }, listeners: [] })).toThrow("`weir`");
});

describe.skipIf(WITHOUT_ENVOY)("a real Envoy", () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "weir-envoy-"));
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("accepts the example configuration", async () => {
    const validated = await promisify(execFile)(await envoyBinary(), ["--mode", "validate", "-c", EXAMPLE]);
    expect(validated.stdout).toContain("OK");
  });

  test("is gone once it was stopped, and stopping it twice is stopping it once", async () => {
    const envoy = await startEnvoy({ binary: await envoyBinary(), bootstrap: smallest, dir });
    expect(lives(envoy.pid)).toBe(true);
    expect(envoy.lastWords()).toBe("");
    expect(() => envoy.port("http")).toThrow("no listener `http`; there are tcp");
    await Promise.all([envoy.stop(), envoy.stop()]);
    await envoy.stop();
    expect(lives(envoy.pid)).toBe(false);
  });

  test("that refuses its configuration is an error with its own words", async () => {
    const bootstrap = { ...smallest, static_resources: { listeners: [{ name: "no address" }] } };
    const starting = startEnvoy({ binary: await envoyBinary(), bootstrap, dir });
    await expect(starting).rejects.toThrow(/Envoy did not start: it ended with exit code 1\n.*no address/s);
  });

  test("that is not there is an error", async () => {
    await expect(startEnvoy({ binary: "/nowhere/envoy", bootstrap: smallest, dir })).rejects.toThrow("did not start");
  });

  test.skipIf(process.platform !== "linux")(
    "goes with the process that started it, even one that was killed",
    async () => {
      const { parent, pid } = await startedByAnother(process.env);
      expect(lives(pid)).toBe(true);
      parent.kill("SIGKILL");
      await gone(pid);
    },
  );

  test("goes with the process that started it, where no setpriv is, when that ends by itself", async () => {
    const { parent, pid } = await startedByAnother({ PATH: "" });
    expect(lives(pid)).toBe(true);
    parent.stdin.end();
    await gone(pid);
  });

  /** @returns another process, which ends with its input, and the number of the Envoy it started. */
  async function startedByAnother(env: NodeJS.ProcessEnv) {
    const program = `
      const { startEnvoy } = await import(${JSON.stringify(RUN_MODULE)});
      process.stdin.once("end", () => process.exit()).resume();
      console.log((await startEnvoy(${JSON.stringify({ binary: await envoyBinary(), bootstrap: smallest, dir })})).pid);`;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["pipe", "pipe", "inherit"],
      env,
    });
    const [line] = await once(createInterface(parent.stdout), "line");
    return { parent, pid: Number(line) };
  }
});

async function gone(pid: number): Promise<void> {
  await pollUntil(() => !lives(pid), { what: "Envoy gone with its parent", withinMs: GONE_WITHIN_MS });
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that has ended keeps its number until somebody asks how; where nobody does, it is a zombie for ever.
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // Both fail for one reason: there is no such process.
    return false;
  }
}
