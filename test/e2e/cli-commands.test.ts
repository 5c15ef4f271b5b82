import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeir, type WeirProcess } from "../../deploy/weir-process.ts";
import { Folder, POLICIES, weir } from "./weir-command.ts";

describe("weir validate", () => {
  test("prints where good policies are evaluated and ends with 0", async () => {
    using folder = new Folder(POLICIES);
    const ran = await weir(["validate", folder.path]);
    expect(ran).toEqual({
      code: 0,
      out: `check and quota rules are evaluated on:\n  shop  weir\n\n${folder.path} is valid\n`,
      err: "",
    });
  });

  test("prints every error with its place and ends with 3, the same in both formats", async () => {
    using folder = new Folder({
      ...POLICIES,
      "a.yaml": 'policy: a\ncheck:\n  - allow: x\n    when: request.metod == "GET"\n',
    });
    const text = await weir(["validate", folder.path]);
    expect(text.code).toBe(3);
    expect(text.out).toContain(`${folder.path}/a.yaml:4:11 error P1201: unknown attribute \`request.metod\``);
    expect(text.out).toMatch(/\n1 error in .*\n$/);
    const json = await weir(["validate", folder.path, "-o", "json"]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.out)).toEqual({
      version: 1,
      diagnostics: [expect.objectContaining({ severity: "error", code: "P1201", file: "a.yaml", line: 4, column: 11 })],
    });
  });

  test("judges the config of handlers, too", async () => {
    using folder = new Folder({
      ...POLICIES,
      "handlers.yaml": `${POLICIES["handlers.yaml"]}    config: { max-serie: 5 }\n`,
    });
    const ran = await weir(["validate", folder.path, "-o", "json"]);
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.out).diagnostics).toEqual([
      expect.objectContaining({
        file: "handlers.yaml",
        line: 6,
        column: 15,
        help: expect.stringContaining("max-series"),
      }),
    ]);
  });

  test("says all it has to say through a pipe, which takes 64 KiB at a time", async () => {
    const rules = Array.from({ length: 400 }, (_, rule) => `  - allow: r${rule}\n    when: request.metod == "GET"\n`);
    using folder = new Folder({ ...POLICIES, "a.yaml": `policy: a\ncheck:\n${rules.join("")}` });
    const { out } = await weir(["validate", folder.path, "-o", "json"]);
    expect(out.length).toBeGreaterThan(2 ** 16);
    expect(JSON.parse(out).diagnostics).toHaveLength(400);
  });

  test("of a folder that is not there ends with 3", async () => {
    using folder = new Folder();
    const ran = await weir(["validate", `${folder.path}/none`]);
    expect(ran.code).toBe(3);
    expect(ran.out).toContain("none");
  });
});

describe("weir check and weir report", () => {
  let folder: Folder;
  let server: WeirProcess;
  beforeAll(async () => {
    folder = new Folder(POLICIES);
    server = await startWeir({ policies: folder.path });
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
    folder[Symbol.dispose]();
  });

  const call = (...args: string[]) => weir([...args, "--server", server.serving.grpc]);

  test("show a decision to people, with the rule and its place", async () => {
    const ran = await call("check", "-a", "request.method=GET");
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(ran.out).toMatch(
      /^allowed by shop\/readers \(shop\.yaml:3\)\n {2}reason +rule\n {2}request set +x-version: v2\n/,
    );
    expect(ran.out).toContain(server.serving.snapshot);
  });

  test("show a decision to programs; the verdict is an exit code only where that is asked for", async () => {
    const frozen = ["check", "-a", "request.method=GET", "-a", "request.headers.x-state=frozen", "-o", "json"];
    const ran = await call(...frozen);
    expect(ran.code).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({
      verdict: "denied",
      reason: "rule",
      rule: { name: "shop/frozen", location: "shop.yaml:5" },
      status_code: 7,
      snapshot: server.serving.snapshot,
      direct_response: {
        status: 451,
        headers: [{ name: "x-reason", value: "frozen" }],
        body: "This account is frozen.",
      },
    });
    expect((await call(...frozen, "--exit-code")).code).toBe(7);
    expect((await call("check", "-a", "request.method=GET", "--exit-code")).code).toBe(0);
  });

  test("tell undecided from denied", async () => {
    const ran = await call("check", "-a", "request.headers.x-state=ok", "-o", "json");
    expect(JSON.parse(ran.out)).toMatchObject({ verdict: "undecided", reason: "incomplete", status_code: 9 });
  });

  test("charge what is asked for, out of a file or the command line", async () => {
    const file = folder.write(
      ".request.yaml",
      "attributes:\n  request.method: GET\nquotas:\n  - { name: shop/reads, amount: 1 }\n",
    );
    const first = JSON.parse((await call("check", file, "-o", "json")).out);
    expect(first.quotas).toEqual([
      expect.objectContaining({ name: "shop/reads", verdict: "allowed", granted: 1, remaining: 1 }),
    ]);
    const second = await call("check", "-a", "request.method=GET", "--quota", "shop/reads=2");
    expect(second.out).toMatch(/^limited/);
    expect(second.out).toMatch(/quota +shop\/reads limited \(limit\): 0 granted/);
    const third = await call(
      "check",
      "-a",
      "request.method=GET",
      "--quota",
      "shop/reads=2",
      "--best-effort",
      "-o",
      "json",
    );
    expect(JSON.parse(third.out).quotas).toEqual([
      expect.objectContaining({ verdict: "allowed", granted: 1, remaining: 0 }),
    ]);
  });

  test("deliver records that come out as metrics", async () => {
    const file = folder.write(
      ".records.json",
      JSON.stringify({ records: [{ "response.code": 200 }, { "response.code": 503 }] }),
    );
    const ran = await call("report", file, "-a", "request.method=GET");
    expect(ran).toEqual({ code: 0, out: "2 records accepted\n", err: "" });
    const again = await call("report", "-a", "response.code=200", "-o", "json");
    expect(JSON.parse(again.out)).toEqual({ accepted: 1, already_accepted: false });
    const page = await (await fetch(`${server.adminUrl}/metrics`)).text();
    expect(page).toContain('requests_total{code="200"} 2\n');
    expect(page).toContain('requests_total{code="503"} 1\n');
  });

  test("take a request from standard input", async () => {
    const ran = await weir(["check", "-", "--server", server.serving.grpc], {
      stdin: '{"attributes": {"request.method": "GET"}}',
    });
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(ran.out).toMatch(/^allowed/);
  });

  test.each([
    [["check", "-a", "response.code=abc"], "`response.code` is int, and `abc` is none"],
    [["check", "-a", "request.method"], "write NAME=VALUE"],
    [["check", "/nowhere/request.yaml"], "/nowhere/request.yaml"],
    [["check", "--quota", "shop/none"], "no limit on this door is called `shop/none`"],
    [["check", "--server", "nonsense"], "write HOST:PORT"],
    [["check", "--timeout-ms", "0"], "write a whole number from 1"],
    [["check", "-o", "xml"], "Allowed choices are text, json"],
    [["chek"], "Did you mean check?"],
  ])("%j makes no sense: exit code 2, and why", async (args, why) => {
    const ran = args.includes("--server") ? await weir(args) : await call(...args);
    expect(ran.code).toBe(2);
    expect(ran.err).toContain(why);
    expect(ran.out).toBe("");
  });

  test("end with 6 and a sentence when nobody answers", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => free.once("listening", resolve));
    const address = free.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    await new Promise((resolve) => free.close(resolve));
    for (const verb of ["check", "report"]) {
      const ran = await weir([verb, "-a", "request.method=GET", "--server", `127.0.0.1:${port}`]);
      expect([ran.code, ran.out]).toEqual([6, ""]);
      expect(ran.err).toMatch(new RegExp(`^weir: no server at 127\\.0\\.0\\.1:${port}: .*ECONNREFUSED.*\\n$`));
    }
  });

  test("end with 6 when who answers takes too long", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const address = silent.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const ran = await weir([
      "check",
      "-a",
      "request.method=GET",
      "--server",
      `127.0.0.1:${port}`,
      "--timeout-ms",
      "300",
    ]);
    silent.close();
    expect([ran.code, ran.out]).toEqual([6, ""]);
    expect(ran.err).toContain("no answer within 0.3 s");
  });
});

test("weir adapters shows what comes with Weir and what its config takes", async () => {
  const text = await weir(["adapters"]);
  expect([text.code, text.err]).toEqual([0, ""]);
  for (const name of ["list", "log", "memory-quota", "otlp", "prometheus"])
    expect(text.out).toMatch(new RegExp(`^${name} {2}\\(`, "m"));
  const json = JSON.parse((await weir(["adapters", "memory-quota", "-o", "json"])).out);
  expect(json).toMatchObject({
    version: 1,
    adapters: [{ adapter: "memory-quota", templates: ["quota"], config: { properties: { keys: {} } } }],
  });
  const unknown = await weir(["adapters", "promethius"]);
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain("promethius");
});

test("every command explains itself with examples", async () => {
  for (const verb of ["serve", "validate", "check", "report", "eval", "adapters"]) {
    const ran = await weir([verb, "--help"]);
    expect([ran.code, ran.err]).toEqual([0, ""]);
    expect(ran.out).toContain(`Examples:\n  weir ${verb}`);
  }
});
