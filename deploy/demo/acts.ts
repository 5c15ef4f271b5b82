import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { pollUntil } from "../poll.ts";
import { decisionsByNumber, type LoggedDecision, type LogLine, readLog, samplesOf } from "./observed.ts";
import type { ClientAnswer } from "./sidecar.ts";
import type { Stage } from "./stage.ts";
import { table } from "./table.ts";
import { type DemoRequest, TRAFFIC, tokenOf } from "./traffic.ts";

/** How long the demo waits for something to show up where it looks; the machine may be slow. */
const SEEN_LIMIT_MS = 15_000;
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";

type Say = (text: string) => void;

/** Requests are numbered across the acts, so that each is found in the log. */
export class Numbers {
  #last = 0;
  next(): string {
    this.#last += 1;
    return String(this.#last);
  }
}

/** One request with what the client saw and what the log says of its decision. */
interface Told {
  readonly number: string;
  readonly request: DemoRequest;
  readonly answer: ClientAnswer;
  readonly decision: LoggedDecision;
}

/** Drives the traffic and prints what each request was answered, by which rule. @returns how many requests were sent. */
export async function driveTraffic(stage: Stage, numbers: Numbers, say: Say): Promise<number> {
  const told: Told[] = [];
  for (const request of TRAFFIC) told.push(await tell(stage, request, numbers.next()));
  const rows = told.map(({ number, request, answer, decision }) => [
    number,
    request.about,
    `${request.method} ${request.path}`,
    answer.status,
    decision.verdict,
    decision.rule === "" ? decision.reason : decision.rule,
    decision.place,
  ]);
  say(table(["#", "what", "request", "answer", "verdict", "decided by", "at"], rows));
  const limited = told.filter(({ decision }) => decision.verdict === "limited");
  for (const { number, answer } of limited) say(`\n  limited: request ${number} was told “${answer.said}”`);
  return told.length;
}

/** How long the mix goes on after each request was shown once. */
const GOES_ON_MS = 2_000;

/** Sends the same mix again and again for a while, and prints what came of it. @returns how many requests were sent. */
export async function keepDriving(stage: Stage, say: Say): Promise<number> {
  const answers = new Map<string, number>();
  const until = performance.now() + GOES_ON_MS;
  let sent = 0;
  while (performance.now() < until) {
    for (const request of TRAFFIC) {
      const { status } = await stage.sidecar.send(request, signedIn(request, stage));
      answers.set(status, (answers.get(status) ?? 0) + 1);
      sent += 1;
    }
  }
  const counts = [...answers].sort(([a], [b]) => a.localeCompare(b)).map(([status, count]) => `${status} ×${count}`);
  say(`\n  The mix goes on for ${GOES_ON_MS / 1000} seconds: ${sent} requests, answered ${counts.join(", ")}`);
  return sent;
}

async function tell(stage: Stage, request: DemoRequest, number: string): Promise<Told> {
  const answer = await stage.sidecar.send(request, headersOf(request, number, stage));
  return { number, request, answer, decision: await decisionOf(stage, number) };
}

function headersOf(request: DemoRequest, number: string, stage: Stage): Readonly<Record<string, string>> {
  return {
    "x-demo": number,
    traceparent: `00-${TRACE_ID}-${number.padStart(16, "0")}-01`,
    ...signedIn(request, stage),
  };
}

function signedIn({ account }: DemoRequest, { mint }: Stage): Readonly<Record<string, string>> {
  return account ? { authorization: `Bearer ${tokenOf(account, mint)}` } : {};
}

/** Looked up in the log adapter's file, as an operator would. */
function decisionOf({ logFile }: Stage, number: string): Promise<LoggedDecision> {
  const look = async (): Promise<LoggedDecision | undefined> => decisionsByNumber(await readLog(logFile)).get(number);
  return pollUntil(look, { what: `request ${number} in the log`, withinMs: SEEN_LIMIT_MS });
}

const status = z.looseObject({ snapshot: z.string(), lastError: z.unknown() });
type Status = z.infer<typeof status>;

async function statusOf({ weir }: Stage): Promise<Status> {
  const response = await fetch(`${weir.adminUrl}/status`);
  return status.parse(await response.json());
}

const FROZEN: DemoRequest = {
  about: "a frozen account",
  kind: "http",
  method: "GET",
  path: "/customers/bob/orders",
  account: "bob",
  headers: [["x-account-state", "frozen"]],
};

/** Edits a policy while it serves; the next decision is another. */
export async function editPolicy(stage: Stage, numbers: Numbers, say: Say): Promise<void> {
  const before = await statusOf(stage);
  const first = await tell(stage, FROZEN, numbers.next());
  await replaceIn(stage, 's == "frozen"', 's == "closed"');
  const edited = performance.now();
  const look = async (): Promise<Status | false> => {
    const now = await statusOf(stage);
    return now.snapshot !== before.snapshot && now;
  };
  const after = await pollUntil(look, { what: "the edit live", withinMs: SEEN_LIMIT_MS });
  const seconds = ((performance.now() - edited) / 1000).toFixed(1);
  const second = await tell(stage, FROZEN, numbers.next());
  say(`  shop/orders.yaml: s == "frozen" becomes s == "closed"; live after ${seconds} s`);
  say(`  before (${before.snapshot}): ${sentence(first)}`);
  say(`  after  (${after.snapshot}): ${sentence(second)}`);
}

/** Breaks a policy; nothing changes but the error that is printed. */
export async function breakPolicy(stage: Stage, numbers: Numbers, say: Say): Promise<void> {
  const before = await statusOf(stage);
  await replaceIn(stage, 'request.method == "GET"', 'request.metod == "GET"');
  const look = async (): Promise<boolean> => (await statusOf(stage)).lastError !== null;
  await pollUntil(look, { what: "the error on the status page", withinMs: SEEN_LIMIT_MS });
  const line = await stage.weir.logLine((text) => text.includes('"report"'), SEEN_LIMIT_MS);
  const { report } = z.looseObject({ report: z.string() }).parse(JSON.parse(line));
  say(indent(report.trimEnd()));
  const still = await tell(stage, { ...FROZEN, about: "the same request" }, numbers.next());
  const { snapshot } = await statusOf(stage);
  say(`\n  still serving ${snapshot}${snapshot === before.snapshot ? ", the last good one" : ""}: ${sentence(still)}`);
}

function sentence({ answer, decision }: Told): string {
  const by = decision.rule === "" ? decision.reason : `${decision.rule} (${decision.place})`;
  return `${answer.status}, ${decision.verdict} by ${by}`;
}

async function replaceIn({ policies }: Stage, from: string, to: string): Promise<void> {
  const file = join(policies, "shop", "orders.yaml");
  const text = await readFile(file, "utf8");
  if (!text.includes(from)) throw new Error(`the demo's edit does not fit policies/shop/orders.yaml any more: ${from}`);
  await writeFile(file, text.replace(from, to));
}

/** Prints what came out: counters from /metrics, lines of the log file, spans as the tracing backend received them. */
export async function showTelemetry(stage: Stage, requests: number, say: Say): Promise<void> {
  await pollUntil(() => stage.tracing.spans.length >= requests, {
    what: `${requests} spans received`,
    withinMs: SEEN_LIMIT_MS,
  });
  const metrics = await (await fetch(`${stage.weir.adminUrl}/metrics`)).text();
  say("\nCounters, from /metrics\n");
  for (const name of ["requests_total", "request_duration_ms_count", "weir_decisions_total"]) {
    for (const { labels, value } of samplesOf(metrics, name)) say(`  ${name}{${labels}} ${value}`);
  }
  const own = [...(await stage.sidecar.counters())].filter(([name]) => /ext_authz\.(ok|denied|error)$/u.test(name));
  if (own.length > 0) say(`\nWhat ${stage.sidecar.name} counted itself\n`);
  for (const [name, value] of own) say(`  ${name} ${value}`);
  const lines = (await readLog(stage.logFile)).filter((line) => line.rule !== "demo/decisions");
  say(`\nLog lines, from the log adapter's file (${lines.length}, the last 6)\n`);
  for (const line of lines.slice(-6)) say(`  ${shortened(line)}`);
  const spans = stage.tracing.spans.map((span) => [
    span.name,
    `${span.durationMs.toFixed(1)} ms`,
    span.attributes["verdict"] ?? "",
    span.attributes["rule"] ?? "",
    span.traceId === TRACE_ID ? `…${span.parentSpanId.slice(-4)}` : "",
  ]);
  say(`\nSpans, from OTLP bodies received (${spans.length}, the first 8)\n`);
  say(table(["span", "took", "verdict", "rule", "caller's span"], spans.slice(0, 8)));
}

function shortened({ rule, message, variables }: LogLine): string {
  return `${rule}: ${message} ${JSON.stringify(variables)}`.slice(0, 160);
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
