import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { startWeir } from "../../deploy/weir-process.ts";
import { parseExposition } from "../exposition/parse.ts";
import { Folder, POLICIES, ROOT, weir } from "./weir-command.ts";

const GOOD_ANSWER = ["check", "-a", "request.method=GET", "-o", "json"];

describe("weir serve", () => {
  test("says that it serves in one line, and nothing else on standard output", async () => {
    using folder = new Folder(POLICIES);
    const server = await startWeir({ policies: folder.path, args: ["--metrics-address", "127.0.0.1:0"] });
    const answer = await weir([...GOOD_ANSWER, "--server", server.serving.grpc]);
    expect(JSON.parse(answer.out)).toMatchObject({ verdict: "allowed", snapshot: server.serving.snapshot });
    expect(await server.stop()).toBe(0);
    expect(server.output).toHaveLength(1);
    expect(JSON.parse(server.output[0] ?? "")).toEqual({
      weir: "serving",
      grpc: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      admin: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      metrics: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      snapshot: expect.stringMatching(/^[0-9a-f]+$/),
    });
    for (const line of server.log)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(String), time: expect.any(String) });
  });

  test("shows on the admin port where it stands", async () => {
    using folder = new Folder(POLICIES);
    const server = await startWeir({ policies: folder.path });
    const { adminUrl, serving } = server;
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    const status = await (await fetch(`${adminUrl}/status`)).json();
    expect(status).toMatchObject({
      state: "serving",
      snapshot: serving.snapshot,
      lastError: null,
      grpc: serving.grpc,
      doors: ["weir"],
      policies: [{ policy: "shop", file: "shop.yaml", doors: ["weir"] }],
    });
    const page = parseExposition(await (await fetch(`${adminUrl}/metrics`)).text());
    for (const name of [
      "weir_snapshot_loads_total",
      "weir_snapshot_age_seconds",
      "weir_records_total",
      "weir_records_queued",
      "weir_decisions_total",
      "weir_shadow_total",
      "nodejs_eventloop_lag_seconds",
    ])
      expect(page.has(name), name).toBe(true);
    await server.stop();
  });

  test("goes on with the last good policies when an edit breaks them, and says so", async () => {
    using folder = new Folder(POLICIES);
    const server = await startWeir({ policies: folder.path });
    const good = server.serving.snapshot;
    folder.write("shop.yaml", "policy: shop\ncheck:\n  - allow: x\n    when: request.metod == 1\n");
    const failed = await server.logLine((line) => line.includes("policies not loaded"), 5_000);
    expect(JSON.parse(failed)).toMatchObject({ level: "error", report: expect.stringContaining("shop.yaml:4:11") });
    const status = await (await fetch(`${server.adminUrl}/status`)).json();
    expect(status).toMatchObject({ snapshot: good, lastError: { diagnostics: [{ file: "shop.yaml", line: 4 }] } });
    const answer = await weir([...GOOD_ANSWER, "--server", server.serving.grpc]);
    expect(JSON.parse(answer.out)).toMatchObject({ verdict: "allowed", snapshot: good });
    await server.stop();
  });

  test("does not start with broken policies: every error, exit code 3, nothing on standard output", async () => {
    using folder = new Folder({ ...POLICIES, "bad.yaml": "policy: bad\ncheck: 7\n", "worse.yaml": "polcy: x\n" });
    const ran = await weir(["serve", "--policies", folder.path, "--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    expect([ran.code, ran.out]).toEqual([3, ""]);
    expect(ran.err).toContain(`${folder.path}/bad.yaml:2:8 error`);
    expect(ran.err).toContain(`${folder.path}/worse.yaml:1:1 error`);
    expect(ran.err).toContain("not serving: 2 errors");
  });

  test.each([
    [["--workers", "2", "--grpc", "unix:/tmp/weir-never.sock"], 2, "one thread"],
    [["--grpc", "0.0.0.0:0"], 2, "--insecure"],
    [["--admin", "0.0.0.0:0"], 2, "--metrics-address"],
    [["--max-in-flight", "0"], 2, "whole number"],
    [["--nonsense"], 2, "unknown option"],
    [["--tls-cert", "tls.crt"], 2, "--tls-cert needs --tls-key"],
    [["--tls-client-ca", "ca.crt"], 2, "--tls-client-ca needs --tls-cert"],
    [["--tls-cert", "a", "--tls-key", "b", "--tls-clients", "optional"], 2, "--tls-clients needs --tls-client-ca"],
    [["--tls-cert", "a", "--tls-key", "b", "--grpc", "unix:/tmp/weir-never.sock"], 2, "takes no TLS"],
    [["--tls-cert", "/nowhere/tls.crt", "--tls-key", "/nowhere/tls.key"], 2, "/nowhere/tls.crt cannot be read"],
    [["--tls-cert", "package.json", "--tls-key", "package.json"], 2, "package.json has no certificate in PEM"],
  ])("%j is refused with exit code %i and a reason", async (args, code, why) => {
    using folder = new Folder(POLICIES);
    const ran = await weir([
      "serve",
      "--policies",
      folder.path,
      "--grpc",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      ...args,
    ]);
    expect(ran.code).toBe(code);
    expect(ran.err).toContain(why);
    expect(ran.out).toBe("");
  });

  test("says whose port it cannot have, and closes what it had opened", async () => {
    using folder = new Folder(POLICIES);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    for (const flag of ["--grpc", "--admin", "--metrics-address"]) {
      const free = ["--grpc", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--metrics-address", "127.0.0.1:0"];
      const ran = await weir(["serve", "--policies", folder.path, ...free, flag, `127.0.0.1:${port}`]);
      expect([ran.code, ran.out]).toEqual([1, ""]);
      expect(ran.err).toContain(`cannot listen on 127.0.0.1:${port}: somebody else does already`);
    }
    taken.close();
  });

  test("takes its settings from the environment, and flags before them", async () => {
    using folder = new Folder(POLICIES);
    const socket = join(folder.path, ".weir.sock");
    const env = { WEIR_GRPC: `unix:${socket}`, WEIR_ADMIN: "nonsense", WEIR_INSECURE: "no", WEIR_LOG_LEVEL: "error" };
    const server = await startWeir({ policies: folder.path, env, args: ["--grpc", `unix:${socket}`] });
    expect(server.serving.grpc).toBe(`unix:${socket}`);
    const answer = await weir(GOOD_ANSWER, { env: { WEIR_SERVER: `unix:${socket}` } });
    expect(JSON.parse(answer.out)).toMatchObject({ verdict: "allowed" });
    expect(await server.stop()).toBe(0);
    expect(server.log).toEqual([]);
    expect(existsSync(socket)).toBe(false);
  });

  test("records what comes in, without what is masked", async () => {
    using folder = new Folder(POLICIES);
    const file = join(folder.path, ".traffic.ndjson");
    const server = await startWeir({ policies: folder.path, args: ["--record", file] });
    const canary = "CANARY-4d1f";
    const secrets = [
      "-a",
      `request.headers.authorization=Bearer ${canary}`,
      "-a",
      `request.path=/a?token=${canary}&x=kept`,
    ];
    for (const verb of ["check", "report"]) {
      const ran = await weir([verb, "-a", "request.method=GET", ...secrets, "--server", server.serving.grpc]);
      expect(ran.code).toBe(0);
    }
    expect(await server.stop()).toBe(0);
    const [header, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(header).toBe('{"weir": "recording", "version": 1}');
    const messages = lines.map((line) => JSON.parse(line));
    expect(messages.map(({ door, path }) => [door, path])).toEqual([
      ["weir", "/weir.v1.Weir/Check"],
      ["weir", "/weir.v1.Weir/Report"],
    ]);
    for (const { t, bytes } of messages) {
      expect(t).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      const text = Buffer.from(bytes, "base64").toString("latin1");
      expect(text).toContain("x=kept");
      expect(text).toContain("*".repeat(canary.length));
      expect(text).not.toContain(canary);
    }
  });

  test("ends with 0 through npm run, on the signal that npm passes on", async () => {
    using folder = new Folder(POLICIES);
    const args = [
      "run",
      "-s",
      "weir",
      "--",
      "serve",
      "--policies",
      folder.path,
      "--grpc",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
    ];
    const npm = spawn("npm", args, { cwd: ROOT, stdio: ["ignore", "pipe", "ignore"] });
    const [line] = await once(createInterface({ input: npm.stdout }), "line");
    expect(JSON.parse(String(line))).toMatchObject({ weir: "serving" });
    npm.kill("SIGTERM");
    const [code] = await once(npm, "exit");
    expect(code).toBe(0);
  });
});
