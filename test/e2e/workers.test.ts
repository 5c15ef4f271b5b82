/** Several request threads in one process: one port, one truth. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { startWeir, type WeirProcess } from "../../deploy/weir-process.ts";
import { type Answered, Caller } from "../workers/service.ts";
import { WITHOUT_ENVOY } from "./support/envoy.ts";
import { eventually } from "./support/eventually.ts";
import { edge, startMesh } from "./support/mesh.ts";
import { readMetrics, readStatus } from "./support/observed.ts";
import { replaceByRename, usualHandlers, writePolicies } from "./support/policies.ts";

const worker = z.object({ thread: z.number(), state: z.string(), connections: z.number(), moving: z.number() });
const workers = z.looseObject({ workers: z.array(worker) });

async function threadsOf({ adminUrl }: WeirProcess) {
  return workers.parse(await readStatus(adminUrl)).workers;
}

/** A version of the policies: every answer by it names its rule. */
function version(number: number): string {
  return `policy: p
check:
  - allow: v${number}
    when: request.method == "GET"
quota:
  - limit: twenty
    handler: counters
    max: 20
    every: 1h
    when: request.headers.get("x-charge", "") != ""
`;
}

describe("weir serve --workers 2", () => {
  const dir = mkdtempSync(join(tmpdir(), "weir-workers-"));
  const policies = join(dir, "policies");
  let weir: WeirProcess;
  let callers: readonly Caller[];

  beforeAll(async () => {
    await writePolicies(policies, {
      "weir.yaml": "doors:\n  weir: { requires: [request.method] }\n",
      "handlers.yaml": usualHandlers(join(dir, "log.jsonl")),
      "p.yaml": version(1),
    });
    weir = await startWeir({ policies, args: ["--workers", "2", "--poll-ms", "100"] });
    callers = Array.from({ length: 10 }, () => new Caller(weir.serving.grpc));
    await Promise.all(callers.map((caller) => caller.check()));
  });

  afterAll(async () => {
    for (const caller of callers) caller.close();
    await weir.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test("spreads connections over both threads", async () => {
    await eventually("about five connections each", async () => {
      // A connection moves with its next call.
      await Promise.all(callers.map((caller) => caller.check()));
      return (await threadsOf(weir)).every(({ connections }) => connections >= 4);
    });
  });

  test("grants a limit of twenty twenty times, whichever thread is asked", async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => call(callers, n, { charge: true })));
    const reasons = answers.map((answer) => (answer.kind === "answered" ? answer.message.reason : answer.details));
    expect(reasons.filter((reason) => reason === "rule")).toHaveLength(20);
    expect(reasons.filter((reason) => reason === "limit")).toHaveLength(40);
  });

  test("counts every call once", async () => {
    const before = (await readMetrics(weir.adminUrl)).sum("weir_decisions_total");
    await Promise.all(Array.from({ length: 500 }, (_, n) => call(callers, n)));
    const metrics = await readMetrics(weir.adminUrl);
    expect(metrics.sum("weir_decisions_total") - before).toBe(500);
    expect(metrics.sum("weir_check_duration_seconds_count")).toBe(metrics.sum("weir_decisions_total"));
    expect(metrics.sum("weir_worker_lost_total")).toBe(0);
  });

  test.each(["1", "2"])("keeps its port from a second process with --workers %s", async (count) => {
    const second = startWeir({ policies, args: ["--grpc", weir.serving.grpc, "--workers", count] });
    await expect(second).rejects.toThrow("somebody else does already");
  });

  test("answers by one version or the next, never by both, and never goes back, through edits of which some are broken", async () => {
    let editing = true;
    const answers: Answered[][] = callers.map(() => []);
    const running = callers.map(async (caller, index) => {
      while (editing) answers[index]?.push(await caller.check());
    });
    for (let number = 2; number <= 16; number += 1) {
      const broken = number % 3 === 0;
      const text = version(number);
      await replaceByRename(policies, "p.yaml", broken ? text.replace("request.method", "request.metod") : text);
      await eventually(`version ${number} was judged`, async () => {
        const { lastError } = await readStatus(weir.adminUrl);
        if (broken) return lastError !== null;
        const answer = await call(callers, number);
        return answer.kind === "answered" && answer.message.rule?.name === `p/v${number}`;
      });
    }
    editing = false;
    await Promise.all(running);
    const seen = new Map<string, Set<string>>();
    for (const each of answers) {
      let newest = 0;
      let life = "";
      for (const answer of each) {
        if (answer.kind === "failed") {
          // A busy machine may be overloaded by calls without end, and connections that go on are closed; no edit makes a call fail.
          expect(answer.details).toMatch(/overloaded|Stream refused/);
          continue;
        }
        const { snapshot, rule } = answer.message;
        const rules = seen.get(snapshot) ?? new Set();
        seen.set(snapshot, rules.add(rule?.name ?? ""));
        const number = Number(rule?.name.slice("p/v".length));
        if (answer.life === life) expect(number).toBeGreaterThanOrEqual(newest);
        [newest, life] = [number, answer.life];
      }
    }
    for (const rules of seen.values()) expect(rules.size).toBe(1);
  });
});

test("a process that is asked to end answers what is in flight in both threads, and ends with exit code 0", async () => {
  const dir = mkdtempSync(join(tmpdir(), "weir-workers-"));
  const policies = join(dir, "policies");
  await writePolicies(policies, {
    "weir.yaml": "doors:\n  weir: {}\n",
    "handlers.yaml": "handlers: []\n",
    "p.yaml": OPEN,
  });
  const weir = await startWeir({ policies, args: ["--workers", "2"] });
  const callers = Array.from({ length: 6 }, () => new Caller(weir.serving.grpc));
  await Promise.all(callers.map((caller) => caller.check()));
  let ended = false;
  const failures: Answered[] = [];
  const running = callers.map(async (caller) => {
    while (!ended) {
      const answer = await caller.check();
      // Who asks when the listener is closed is told to ask another; a call that was taken is answered.
      if (answer.kind === "failed" && answer.code !== UNAVAILABLE) failures.push(answer);
    }
  });
  const code = await weir.stop();
  ended = true;
  await Promise.all(running);
  for (const caller of callers) caller.close();
  rmSync(dir, { recursive: true, force: true });
  expect(code).toBe(0);
  expect(failures).toEqual([]);
});

const UNAVAILABLE = 14;
const OPEN = `policy: open
check:
  - allow: reading
    when: has(request.method) && request.method == "GET"
`;

test.skipIf(WITHOUT_ENVOY)(
  "two connections of a real Envoy end at two threads, without the loss of a request",
  async () => {
    await using mesh = await startMesh({
      policies: ({ logFile }) => ({
        "weir.yaml": "",
        "handlers.yaml": usualHandlers(logFile),
        "p.yaml": "policy: p\ncheck:\n  - allow: all-of-it\n    when: request.canonical_path.startsWith('/')\n",
      }),
      args: () => ["--workers", "2"],
      listeners: [edge()],
      envoyThreads: 2,
    });
    let asking = true;
    const statuses = new Map<number, number>();
    const running = Array.from({ length: 8 }, async () => {
      while (asking) {
        const { status } = await mesh.send({ path: "/" });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    });
    await eventually("one connection at each thread", async () => {
      const threads = await threadsOf(mesh.weir);
      return threads.length === 2 && threads.every(({ connections, moving }) => connections - moving === 1);
    });
    asking = false;
    await Promise.all(running);
    expect(statuses.get(STATUS_ON_ERROR)).toBeUndefined();
  },
);

const STATUS_ON_ERROR = 503;

function call(callers: readonly Caller[], n: number, options: Parameters<Caller["check"]>[0] = {}): Promise<Answered> {
  const caller = callers[n % callers.length];
  if (caller === undefined) throw new Error("no callers");
  return caller.check(options);
}
