import { AttributeValue } from "#proto/weir/v1/attribute";
import { CheckRequest, type CheckResponse, connectWeir, Verdict } from "../../src/wire/client.ts";
import { encodeReport, type ReportBag } from "../../src/wire/report-encoder.ts";
import { grpcUnary } from "../clients/grpc.ts";
import { rawRequest } from "../clients/http.ts";
import { type ClientAnswer, ROUTES, type ServicePorts, type Sidecar } from "./sidecar.ts";
import type { DemoRequest } from "./traffic.ts";

const CHECK_LIMIT_MS = 2_000;
const GREETING = Uint8Array.of(0x0a, 0x05, ...Buffer.from("Hello"));
const HTTP_FORBIDDEN = 403;

interface Options {
  readonly weirPort: number;
  readonly services: ServicePorts;
}

/**
 * Stands in where Envoy cannot be had: a sidecar of the smallest kind, over the native API. It believes the demo's tokens without
 * verifying them, tidies no paths and forwards no bodies: enough to see Weir decide, and nothing to put in front of a service.
 */
export function startStandIn({ weirPort, services }: Options): Sidecar {
  const weir = connectWeir({ kind: "tcp", host: "127.0.0.1", port: weirPort });
  return {
    name: "the built-in stand-in",
    async send(request, headers) {
      const started = Date.now();
      const attributes = attributesOf(request, headers, started);
      const asked = CheckRequest.create({ attributes: [...attributes].map(([name, value]) => ({ name, value })) });
      const called = await weir.check(asked, CHECK_LIMIT_MS);
      if (called.kind !== "answered") throw new Error(`Weir did not answer: ${called.message}`);
      const { message: decision } = called;
      const answer =
        decision.verdict === Verdict.ALLOWED ? await forward(request, headers, decision, services) : refused(decision);
      await weir.report(encodeReport([afterwards(attributes, decision, answer, started)], ""), CHECK_LIMIT_MS);
      return answer;
    },
    counters: async () => new Map(),
    async [Symbol.asyncDispose]() {
      weir.close();
    },
  };
}

function attributesOf(request: DemoRequest, headers: Readonly<Record<string, string>>, now: number): ReportBag {
  const all = new Map(Object.entries(headers));
  for (const [name, value] of request.headers ?? []) all.set(name, Buffer.from(value).toString("utf8"));
  const route = ROUTES.find(({ prefix }) => request.path.startsWith(prefix));
  const subject = subjectOf(headers["authorization"]);
  return new Map([
    ["request.method", text(request.method)],
    ["request.path", text(request.path)],
    ["request.headers", stringMap(all)],
    ["request.time", AttributeValue.create({ kind: { oneofKind: "timestamp", timestamp: timestampOf(now) } })],
    ["source.address", text("127.0.0.1")],
    ["destination.service", text(route?.context.service ?? "")],
    ...subject,
  ]);
}

/** What the token says, believed. */
function subjectOf(authorization: string | undefined): readonly (readonly [string, AttributeValue])[] {
  const payload = authorization?.split(".")[1];
  if (payload === undefined) return [];
  const claims: Readonly<Record<string, unknown>> = Object(
    JSON.parse(Buffer.from(payload, "base64url").toString("utf8")),
  );
  const groups = Array.isArray(claims["groups"]) ? claims["groups"].map(String) : [];
  const listed = {
    kind: {
      oneofKind: "list" as const,
      list: { items: groups.map((group) => ({ kind: { oneofKind: "string" as const, string: group } })) },
    },
  };
  const entries = [{ key: "groups", value: listed }];
  const nested = { kind: { oneofKind: "map" as const, map: { entries } } };
  return [
    ["request.auth.subject", text(String(claims["sub"]))],
    ["request.auth.claims", AttributeValue.create({ kind: { oneofKind: "nested", nested } })],
  ];
}

async function forward(
  request: DemoRequest,
  headers: Readonly<Record<string, string>>,
  decision: CheckResponse,
  services: ServicePorts,
): Promise<ClientAnswer> {
  const changed = new Map(Object.entries(headers));
  for (const name of decision.requestHeaders?.remove ?? []) changed.delete(name);
  for (const { name, value } of decision.requestHeaders?.set ?? []) changed.set(name, value);
  if (request.kind === "grpc") {
    const answer = await grpcUnary({
      port: services.greeter,
      path: request.path,
      message: GREETING,
      headers: [...changed],
    });
    return { status: `${answer.httpStatus} grpc ${answer.status ?? "-"}`, said: "echoed" };
  }
  try {
    const { method, path } = request;
    const response = await rawRequest({ port: services.orders, method, path, headers: [...changed] });
    return { status: String(response.status), said: "" };
  } catch (error) {
    return { status: "503", said: error instanceof Error ? error.message : String(error) };
  }
}

function refused({ directResponse, quotas }: CheckResponse): ClientAnswer {
  const wait = quotas.find((quota) => quota.retryAfter)?.retryAfter?.seconds;
  const body = directResponse?.body ?? "";
  return {
    status: String(directResponse?.status ?? HTTP_FORBIDDEN),
    said: wait === undefined ? body : `${body} (retry after ${wait} s)`,
  };
}

/** The request with what became of it. */
function afterwards(before: ReportBag, decision: CheckResponse, answer: ClientAnswer, started: number): ReportBag {
  const took = BigInt(Date.now() - started) * 1_000_000n;
  const duration = { seconds: took / 1_000_000_000n, nanos: Number(took % 1_000_000_000n) };
  return new Map([
    ...before,
    [
      "response.code",
      AttributeValue.create({ kind: { oneofKind: "int64", int64: BigInt(answer.status.split(" ", 1)[0] ?? "0") } }),
    ],
    ["request.duration", AttributeValue.create({ kind: { oneofKind: "duration", duration } })],
    ["check.verdict", text(Verdict[decision.verdict].toLowerCase())],
    ["check.decision_id", text(decision.decisionId)],
    ...(decision.rule ? [["check.rule", text(decision.rule.name)] as const] : []),
  ]);
}

function text(string: string): AttributeValue {
  return AttributeValue.create({ kind: { oneofKind: "string", string } });
}

function stringMap(entries: ReadonlyMap<string, string>): AttributeValue {
  const stringMap = { entries: [...entries].map(([key, value]) => ({ key, value })) };
  return AttributeValue.create({ kind: { oneofKind: "stringMap", stringMap } });
}

function timestampOf(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
