/**
 * `node bench/overload/main.ts --port PORT [--connections 16] [--capacity CALLS_PER_SECOND] [--times 5] [--seconds 20]`: what a Weir that serves the
 * bench's ten rules still answers in time when it is asked several times as much as it can answer, and how soon it is well again. Run it once
 * more with `weir serve --limit overload-delay-ms=0` to see what would be without.
 */
import { parseArgs } from "node:util";
import { authzMessage, requestsAbout } from "../check/requests.ts";
import { Callers, type Stretch } from "./load.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    connections: { type: "string", default: "16" },
    capacity: { type: "string" },
    times: { type: "string", default: "5" },
    seconds: { type: "string", default: "20" },
  },
});

const RULES = 10;
const REQUESTS = 2_000;
const HEADERS = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/envoy.service.auth.v3.Authorization/Check"],
  [":authority", "weir"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ["grpc-timeout", "200m"],
] as const;
/** What is looked for when the capacity is not given: the most that is answered in time, of these rates. */
const RATES = [500, 1_000, 2_000, 4_000, 6_000, 8_000, 10_000, 15_000, 20_000, 30_000];
const ANSWERED_PART = 0.95;
const STRETCH_MS = 500;

const callers = new Callers({
  port: Number(values.port),
  connections: Number(values.connections),
  messages: requestsAbout(RULES, REQUESTS).map(authzMessage),
  headers: HEADERS,
});
await phase("warm up", 500, 3);
const capacity = values.capacity === undefined ? await findCapacity() : Number(values.capacity);
console.log(`capacity: ${capacity} calls/s`);
const overloaded = await phase("overload", capacity * Number(values.times), Number(values.seconds));
console.log(`goodput: ${percent(overloaded / capacity)} of capacity`);
await phase("afterwards", capacity / 2, 5);
callers.close();

async function findCapacity(): Promise<number> {
  let best = 0;
  for (const rate of RATES) {
    const answered = await phase("capacity", rate, 2);
    best = Math.max(best, answered);
    if (answered < rate * ANSWERED_PART) break;
  }
  return Math.round(best);
}

/** @returns what was answered in time per second. */
async function phase(name: string, rate: number, seconds: number): Promise<number> {
  let [answered, passed] = [0, 0];
  await callers.run({ rate, seconds }, STRETCH_MS, (stretch) => {
    answered += stretch.answered;
    passed += stretch.seconds;
    console.log(line(name, rate, stretch));
  });
  return answered / passed;
}

function line(name: string, rate: number, { seconds, answered, refused, late, p50, p99 }: Stretch): string {
  const perSecond = (count: number): string => String(Math.round(count / seconds)).padStart(6);
  const figures = `answered ${perSecond(answered)}/s refused ${perSecond(refused)}/s late ${perSecond(late)}/s`;
  return `${name.padEnd(10)} ${Math.round(rate)}/s: ${figures} p50 ${p50.toFixed(1)} ms p99 ${p99.toFixed(1)} ms`;
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}
