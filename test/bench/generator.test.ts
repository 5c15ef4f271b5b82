import { setTimeout } from "node:timers/promises";
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import {
  CheckRequest,
  CheckResponse,
  DeniedHttpResponse,
  OkHttpResponse,
} from "#proto/envoy/service/auth/v3/external_auth";
import { CheckResponse as NativeResponse, Verdict } from "#proto/weir/v1/check";
import { CheckBatchRequest, CheckBatchResponse } from "#proto/weir/v1/stream";
import { authzVerdict, nativeVerdict } from "../../bench/check/load/answers.ts";
import { Connection, LOST } from "../../bench/check/load/connection.ts";
import type { LoadJob } from "../../bench/check/load/job.ts";
import { callHeaders, messageSource, PATHS } from "../../bench/check/load/messages.ts";
import { runLoad } from "../../bench/check/load/run-load.ts";

/** The generator of load, in front of a server that is not its own: grpc-js. */

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

interface Handlers {
  readonly unary?: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => void;
  readonly stream?: (call: ServerDuplexStream<Buffer, Buffer>) => void;
}

const asItIs = (bytes: Buffer): Buffer => bytes;
const plain = {
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
};

/** @returns the port */
async function serve({ unary, stream }: Handlers): Promise<number> {
  const server = new Server();
  servers.push(server);
  const method = (path: string, streams: boolean) => ({
    path,
    requestStream: streams,
    responseStream: streams,
    ...plain,
  });
  if (unary) server.addService({ check: method(PATHS["ext-authz"], false) }, { check: unary });
  if (stream) server.addService({ check: method(PATHS["native-stream"], true) }, { check: stream });
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

interface Answer {
  readonly status: number;
  readonly messages: readonly Buffer[];
}

function callOnce(connection: Connection, message: Uint8Array): Promise<Answer> {
  const messages: Buffer[] = [];
  return new Promise((resolve) => {
    connection.call(message, {
      message: (bytes) => messages.push(Buffer.from(bytes)),
      ended: (status) => resolve({ status, messages }),
    });
    connection.flush();
  });
}

describe("a connection of the generator", () => {
  test("sends its headers so that every call has them, and gets the answer of each", async () => {
    const seen: Metadata[] = [];
    const port = await serve({
      unary(call, answer) {
        seen.push(call.metadata);
        answer(null, Buffer.concat([Buffer.from("re: "), call.request]));
      },
    });
    const connection = await Connection.open(port, callHeaders("ext-authz"));
    for (const text of ["one", "two", "three"]) {
      expect(await callOnce(connection, Buffer.from(text))).toEqual({
        status: 0,
        messages: [Buffer.from(`re: ${text}`)],
      });
    }
    connection.close();
    expect(seen).toHaveLength(3);
    for (const metadata of seen) expect(metadata.get("x-envoy-expected-rq-timeout-ms")).toEqual(["200"]);
  });

  test("puts an answer together that comes in many frames", async () => {
    const long = Buffer.alloc(300_000, "weir");
    const port = await serve({ unary: (_call, answer) => answer(null, long) });
    const connection = await Connection.open(port, callHeaders("ext-authz"));
    const { messages } = await callOnce(connection, Buffer.from("?"));
    connection.close();
    expect(messages[0]?.equals(long)).toBe(true);
  });

  test("tells the status of a call that failed", async () => {
    const port = await serve({
      unary: (_call, answer) => answer({ code: 14, details: "ask another, please: 100 % full" }),
    });
    const connection = await Connection.open(port, callHeaders("ext-authz"));
    expect(await callOnce(connection, Buffer.from("?"))).toEqual({ status: 14, messages: [] });
    expect(await callOnce(connection, Buffer.from("?"))).toEqual({ status: 14, messages: [] });
    connection.close();
  });

  test("says that a call is lost when the connection is", async () => {
    const port = await serve({ unary: () => servers[0]?.forceShutdown() });
    const connection = await Connection.open(port, callHeaders("ext-authz"));
    expect((await callOnce(connection, Buffer.from("?"))).status).toBe(LOST);
    expect(connection.over).toBe(true);
  });

  test("sends no more than a server that does not read has room for, and all of it in the end", async () => {
    const parts = 100;
    const size = 10_000;
    const read = Promise.withResolvers<number>();
    const port = await serve({
      stream(call) {
        let bytes = 0;
        // Longer than sending takes: the windows are full by then.
        void setTimeout(50).then(() =>
          call.on("data", (message: Buffer) => {
            bytes += message.length;
            if (bytes === parts * size) read.resolve(bytes);
          }),
        );
      },
    });
    const connection = await Connection.open(port, callHeaders("native-stream"));
    const send = connection.stream({ message: () => undefined, ended: () => undefined });
    for (let part = 0; part < parts; part++) send(Buffer.alloc(size));
    connection.flush();
    expect(await read.promise).toBe(parts * size);
    connection.close();
  });
});

const RULES = 200;

function job(port: number, changes: Partial<LoadJob>): LoadJob {
  return {
    kind: "load",
    port,
    pid: process.pid,
    api: "ext-authz",
    checksPerMessage: 1,
    connections: 2,
    inFlight: 5,
    rate: undefined,
    warmUpMs: 20,
    measureMs: 150,
    // A machine that is busy answers late, and that is not what is tested.
    deadlineMs: undefined,
    lastAnswersMs: 25_000,
    rules: RULES,
    demandVerdicts: true,
    seed: 1,
    ...changes,
  };
}

/** Decides as the rules of the bench do. */
function isAllowed(principal: string, path: string): boolean {
  return !principal.includes("stranger") && !path.includes("/internal/");
}

function authzAnswer(bytes: Buffer): Buffer {
  const attributes = CheckRequest.fromBinary(bytes).attributes;
  const allowed = isAllowed(attributes?.source?.principal ?? "", attributes?.request?.http?.path ?? "");
  const answer = CheckResponse.create({
    status: { code: allowed ? 0 : 7 },
    httpResponse: allowed
      ? { oneofKind: "okResponse", okResponse: OkHttpResponse.create() }
      : { oneofKind: "deniedResponse", deniedResponse: DeniedHttpResponse.create() },
  });
  return Buffer.from(CheckResponse.toBinary(answer));
}

describe("a load", () => {
  test("that comes at a rate is answered, judged and timed", async () => {
    const port = await serve({ unary: (call, answer) => answer(null, authzAnswer(call.request)) });
    const result = await runLoad(job(port, { rate: 400 }), messageSource());
    expect(result).toMatchObject({ failed: 0, wrong: 0 });
    expect(result.checks).toBeGreaterThan(0);
    expect(result.perSecond).toBeGreaterThan(0);
    expect(result.cpuUs).toBeGreaterThan(0);
    expect(result.latencyUs.p50).toBeLessThanOrEqual(result.latencyUs.p99);
    expect(result.latencyUs.p999).toBeLessThanOrEqual(result.latencyUs.max);
  });

  test("that is as much as can be answered has as many checks in flight as it should, and never more", async () => {
    let inFlight = 0;
    let most = 0;
    const port = await serve({
      unary(call, answer) {
        inFlight++;
        most = Math.max(most, inFlight);
        setImmediate(() => {
          inFlight--;
          answer(null, authzAnswer(call.request));
        });
      },
    });
    const { failed, wrong } = await runLoad(job(port, { connections: 2, inFlight: 5 }), messageSource());
    expect({ failed, wrong }).toEqual({ failed: 0, wrong: 0 });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(10);
  });

  test("counts who allows everything as wrong", async () => {
    const everything = Buffer.from(
      CheckResponse.toBinary(
        CheckResponse.create({ httpResponse: { oneofKind: "okResponse", okResponse: OkHttpResponse.create() } }),
      ),
    );
    const port = await serve({ unary: (_call, answer) => answer(null, everything) });
    const { checks, wrong, failed } = await runLoad(job(port, { rate: 400 }), messageSource());
    expect(failed).toBe(0);
    expect(wrong).toBeGreaterThan(0);
    expect(wrong).toBeLessThan(checks);
  });

  test("counts what fails, and gives it no latency", async () => {
    const port = await serve({ unary: (_call, answer) => answer({ code: 8, details: "no" }) });
    const { checks, failed, latencyUs } = await runLoad(job(port, { rate: 400 }), messageSource());
    expect(failed).toBe(checks);
    expect(latencyUs.p50).toBeNaN();
  });

  test.each([1, 8])(
    "of streamed checks, %d per message, matches answers to checks by their ids",
    async (checksPerMessage) => {
      const port = await serve({
        stream(call) {
          call.on("data", (bytes: Buffer) => {
            // The last one first: answers come in any order.
            const items = CheckBatchRequest.fromBinary(bytes).items.toReversed();
            for (const { id, check } of items) {
              const text = (name: string): string => {
                const kind = check?.attributes.find((attribute) => attribute.name === name)?.value?.kind;
                return kind?.oneofKind === "string" ? kind.string : "";
              };
              const allowed = isAllowed(text("source.principal"), text("request.path"));
              const decision = NativeResponse.create({ verdict: allowed ? Verdict.ALLOWED : Verdict.DENIED });
              const batch = CheckBatchResponse.create({ items: [{ id, answer: { oneofKind: "decision", decision } }] });
              call.write(Buffer.from(CheckBatchResponse.toBinary(batch)));
            }
          });
        },
      });
      const result = await runLoad(job(port, { api: "native-stream", checksPerMessage, rate: 2_000 }), messageSource());
      expect(result).toMatchObject({ failed: 0, wrong: 0 });
      expect(result.checks % checksPerMessage).toBe(0);
      expect(result.checks).toBeGreaterThan(0);
    },
  );
});

describe("an answer", () => {
  test("of ext_authz without a byte is none, although Envoy would take it for an allow", () => {
    expect(authzVerdict(Buffer.alloc(0))).toBe("unreadable");
  });

  test("of the native API without a verdict is none", () => {
    expect(nativeVerdict(Buffer.alloc(0))).toBe("unreadable");
    expect(
      nativeVerdict(Buffer.from(NativeResponse.toBinary(NativeResponse.create({ verdict: Verdict.LIMITED })))),
    ).toBe("denied");
  });
});
