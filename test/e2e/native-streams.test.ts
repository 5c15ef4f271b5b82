/** Checks and reports on streams, from clients of somebody else's making against a server as it is installed. */
import { mkdirSync, symlinkSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { ReportRequest } from "#proto/weir/v1/report";
import { ReportStreamResponse } from "#proto/weir/v1/stream";
import { startWeir } from "../../deploy/weir-process.ts";
import { MAX_CHECKS_IN_FLIGHT } from "../../src/server/weir-check-stream.ts";
import { batchOf, CheckStreamClient, CODES } from "./support/check-stream.ts";
import { eventually } from "./support/eventually.ts";
import { type Gate, HOLD_HEADER, holdFiles, holdHandlers, startGate } from "./support/gate.ts";
import { readMetrics, readStatus } from "./support/observed.ts";
import { UnreadStream } from "./support/unread-stream.ts";
import { Folder, ROOT } from "./weir-command.ts";

/** As much as two or three answers of one body fill what a connection takes unread. */
const BODY = "refused ".repeat(1_000);
const DENY = { "request.method": "PUT" };
const ALLOW = { "request.method": "GET" };

const SHOP = (allowed: string): string => `policy: shop
check:
  - allow: readers
    when: request.method == "${allowed}"
  - deny: writers
    when: request.method == "PUT"
    respond: { status: 403, body: ${BODY} }
`;

const FILES = { "weir.yaml": "doors:\n  weir: { requires: [request.method] }\n", "shop.yaml": SHOP("GET") };

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function serve(files: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const folder = new Folder(
    Object.fromEntries(Object.entries(files).map(([name, content]) => [`policies/${name}`, content])),
  );
  // Adapters of the folder import `weir-mesh`.
  mkdirSync(join(folder.path, "node_modules"));
  symlinkSync(ROOT, join(folder.path, "node_modules", "weir-mesh"));
  symlinkSync(join(ROOT, "node_modules", "zod"), join(folder.path, "node_modules", "zod"));
  cleanup.push(() => folder[Symbol.dispose]());
  const server = await startWeir({ policies: join(folder.path, "policies"), args });
  cleanup.push(() => server.stop());
  const open = (): CheckStreamClient => {
    const client = new CheckStreamClient(server.serving.grpc);
    cleanup.push(() => client.close());
    return client;
  };
  const metric = async (name: string): Promise<number> => (await readMetrics(server.adminUrl)).sum(name);
  return { server, folder, open, metric };
}

test("ten thousand checks of a client that does not read wait with the client, and are all answered when it does", async () => {
  const { server, open, metric } = await serve(FILES);
  const client = new UnreadStream(server.serving.grpc);
  cleanup.push(() => client.close());
  const asked = 10_000;
  for (let id = 0; id < asked; id++) client.ask({ id, attributes: DENY });
  const decided = await eventually("the stream is read", async () => (await metric("weir_decisions_total")) || false);
  expect(decided).toBeGreaterThan(0);
  // Meanwhile others are served: were it reading on, it would long have read everything.
  const other = open();
  for (let id = 0; id < 200; id++) {
    const answered = new Promise((resolve) => {
      other.onAnswer = resolve;
    });
    other.ask({ id, attributes: ALLOW });
    await answered;
  }
  expect(await metric("weir_decisions_total")).toBeLessThan(2 * MAX_CHECKS_IN_FLIGHT);
  const { ids, status } = await client.readToEnd();
  expect(status).toBe("0");
  expect(ids.toSorted((one, other) => one - other)).toEqual([...Array(asked).keys()]);
});

test("across edits of the policies every answer is by those that were announced last", async () => {
  const { folder, open } = await serve(FILES);
  const client = open();
  const edits = 4;
  let next = 0;
  const ask = (): void => client.ask({ id: next++, attributes: ALLOW }, { id: next++, attributes: DENY });
  let told = 0;
  client.onAnswer = () => {
    if (client.notices.length > told) {
      told = client.notices.length;
      if (told <= edits) folder.write("policies/shop.yaml", SHOP(told % 2 === 0 ? "GET" : "HEAD"));
      else client.end();
    }
    if (told <= edits && next < client.answers.length + 64) ask();
  };
  ask();
  expect(await client.ended).toBe(CODES.OK);
  expect(client.answers).toHaveLength(next);
  expect(client.answers.filter(({ decision, noticed }) => decision?.snapshot !== noticed)).toEqual([]);
  expect(client.notices).toHaveLength(edits + 1);
  const allowed = client.answers.filter(({ id }) => id % 2 === 0);
  const verdicts = new Map(allowed.map(({ decision, noticed }) => [`${noticed} ${decision?.statusCode}`, noticed]));
  expect(verdicts.size).toBe(new Set(client.notices).size);
});

/** A server whose checks with a certain header wait for the gate. */
async function held() {
  const gate: Gate = await startGate();
  cleanup.push(() => gate.stop());
  cleanup.push(() => gate.open());
  const files = { ...FILES, "handlers.yaml": `handlers:\n${holdHandlers(gate)}`, ...(await holdFiles()) };
  const serving = await serve(files);
  gate.shut();
  const attributes = { ...ALLOW, "request.headers": { [HOLD_HEADER[0]]: HOLD_HEADER[1] } };
  return { ...serving, gate, attributes };
}

test("a client that cancels with checks in flight leaves nothing behind", async () => {
  const { server, open, gate, attributes } = await held();
  const client = open();
  for (let id = 0; id < 50; id++) client.ask({ id, attributes });
  await gate.arrived.first();
  client.cancel();
  expect(await client.ended).toBe(CODES.CANCELLED);
  await eventually("nothing is in flight", async () => (await readStatus(server.adminUrl)).inFlight === 0);
  const other = open();
  other.ask({ id: 1, attributes: ALLOW });
  other.end();
  expect(await other.ended).toBe(CODES.OK);
  expect(other.answers.map(({ decision }) => decision?.statusCode)).toEqual([0]);
});

test("a server that shuts down answers every check that it has read, and ends the stream", async () => {
  const { server, open, gate, attributes } = await held();
  const client = open();
  const asked = 200;
  for (let id = 0; id < asked; id++) client.ask({ id, attributes });
  await gate.arrived.first();
  const exit = server.stop();
  await eventually("it is shutting down", () => server.log.some((line) => line.includes("shutting down")));
  gate.open();
  expect(await client.ended).toBe(CODES.OK);
  expect(new Set(client.answers.map(({ id }) => id)).size).toBe(asked);
  expect(client.answers).toHaveLength(asked);
  expect(client.answers.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(await exit).toBe(0);
});

test("the client that the documents show asks and is answered", async () => {
  const page = await readFile(join(ROOT, "docs/native-api.md"), "utf8");
  const [, example = ""] = /```ts\n([\s\S]*?)```/u.exec(page) ?? [];
  // In the checkout, where it finds what it imports.
  const directory = join(ROOT, ".cache", "documents");
  await mkdir(directory, { recursive: true });
  const file = join(directory, `checks-${process.pid}.ts`);
  cleanup.push(() => rm(file));
  await writeFile(file, example);
  const { Checks } = await import(/* @vite-ignore */ file);
  const { server } = await serve(FILES);
  const checks = new Checks(server.serving.grpc);
  const answers = await Promise.all(
    [ALLOW, DENY, ALLOW].map((attributes, id) => checks.check(batchOf([{ id, attributes }]).items[0]?.check)),
  );
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([CODES.OK, CODES.PERMISSION_DENIED, CODES.OK]);
  expect(checks.snapshot).toBe(server.serving.snapshot);
  await server.stop();
  await expect(checks.check({})).rejects.toThrow();
});

test("reports on a stream are acknowledged in order, each by itself, and counted once", async () => {
  const metric = "report:\n  - metric: seen_total\n    handlers: [metrics]\n";
  const { server } = await serve({
    ...FILES,
    "handlers.yaml": "handlers:\n  - handler: metrics\n    adapter: prometheus\n",
    "seen.yaml": `policy: seen\n${metric}`,
  });
  const client = new Client(server.serving.grpc, credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
  cleanup.push(() => client.close());
  const stream = client.makeBidiStreamRequest(
    "/weir.v1.Weir/ReportStream",
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => ReportStreamResponse.fromBinary(bytes),
    new Metadata(),
  );
  const acknowledged: string[] = [];
  stream.on("data", ({ items }: ReportStreamResponse) => {
    for (const { index, reportId, answer } of items) acknowledged.push(`${index} ${reportId} ${answer.oneofKind}`);
  });
  const ended = new Promise((resolve) => stream.on("status", ({ code }) => resolve(code)));
  const report = (reportId: string): Buffer =>
    Buffer.from(ReportRequest.toBinary({ words: ["request.method", "GET"], records: [METHOD, METHOD], reportId }));
  for (const message of [report("a"), Buffer.from([0xff]), report("a"), report("")]) stream.write(message);
  stream.end();
  expect(await ended).toBe(CODES.OK);
  expect(acknowledged).toEqual(["0 a accepted", "1  failure", "2 a accepted", "3  accepted"]);
  expect((await readMetrics(server.adminUrl)).sum("seen_total")).toBe(4);
});

/** A record whose method is GET. */
const METHOD = { set: [{ name: 0, kind: { oneofKind: "string" as const, string: 1 } }], remove: [], fresh: false };
