/**
 * A process of its own for one set of rules: what another set has taught the compiler must not be measured here. Started by `run.ts`
 * with `--expose-gc` and a young generation of one size.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { argv } from "node:process";
import { setImmediate } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { CheckResponse as AuthzResponse } from "#proto/envoy/service/auth/v3/external_auth";
import { CheckResponse as NativeResponse, Verdict } from "#proto/weir/v1/check";
import type { Call, UnaryDoor } from "../../../src/wire/door.ts";
import { writePolicies } from "../folder.ts";
import { type Asked, authzMessage, nativeMessage, requestsAbout } from "../requests.ts";
import { median } from "../statistics.ts";
import type { CheckFigures, DoorFigures, DoorJob, DoorKind } from "./figures.ts";
import { serveDoors } from "./serve.ts";

/** How many different requests there are: enough that no branch and no cache can learn them. */
const REQUESTS = 2_000;
const CHECKS_BETWEEN_LOOKS_AT_THE_CLOCK = 16;
/** How many checks at most are made while allocations are counted; fewer when a collection came in between. */
const COUNTED_CHECKS = 1_000;
const FEWEST_COUNTED_CHECKS = 1;
const COUNTED_ROUNDS = 9;
const YOUNG_SPACES: ReadonlySet<string> = new Set(["new_space", "new_large_object_space"]);

const PATHS: Readonly<Record<DoorKind, string>> = {
  "ext-authz": "/envoy.service.auth.v3.Authorization/Check",
  weir: "/weir.v1.Weir/Check",
};

/** One call for all: what a carrier makes of each is no part of what is measured here. */
const CALL: Call = {
  peer: { address: "127.0.0.1:53211", principal: undefined, local: true },
  deadlineMs: undefined,
  signal: new AbortController().signal,
  metadata: () => undefined,
  arrivedMs: performance.now(),
};

async function measureDoor(job: DoorJob): Promise<DoorFigures> {
  await using folder = await writePolicies(job);
  await using doors = await serveDoors(folder.path);
  const door = doors.unary(PATHS[job.door]);
  const encode = job.door === "ext-authz" ? authzMessage : nativeMessage;
  const asked = requestsAbout(job.rules, REQUESTS);
  const answerBytes = demandAnswers(door, job.door, asked);
  const messages = asked.map((request) => ({ expected: request.expected, bytes: asReceived(encode(request)) }));
  const kinds = {
    allow: messages.filter(({ expected }) => expected === "allowed").map(({ bytes }) => bytes),
    deny: messages.filter(({ expected }) => expected === "denied").map(({ bytes }) => bytes),
    mixed: messages.map(({ bytes }) => bytes),
  };
  run(door, kinds.mixed, job.warmUpMs);
  // The kinds take turns, so that whatever else the machine does falls on all of them alike.
  const times = { allow: [] as number[], deny: [] as number[], mixed: [] as number[] };
  for (let round = 0; round < job.rounds; round++) {
    for (const kind of ["allow", "deny", "mixed"] as const) times[kind].push(run(door, kinds[kind], job.roundMs));
  }
  const figures = async (kind: keyof typeof kinds): Promise<CheckFigures> => ({
    ns: median(times[kind]),
    allocatedBytes: await allocated(door, kinds[kind]),
  });
  return {
    job,
    checks: { allow: await figures("allow"), deny: await figures("deny"), mixed: await figures("mixed") },
    requestBytes: mean(messages.map(({ bytes }) => bytes.length)),
    answerBytes,
  };
}

/** As the wire hands it on: in a Buffer. */
function asReceived(message: Uint8Array): Uint8Array {
  return Buffer.from(message);
}

/** Who is fast and wrong does not count. @returns bytes of an answer on average */
function demandAnswers(door: UnaryDoor, kind: DoorKind, asked: readonly Asked[]): number {
  const sizes = asked.map((request) => {
    const message = kind === "ext-authz" ? authzMessage(request) : nativeMessage(request);
    const bytes = answerOf(door, message);
    const answered = kind === "ext-authz" ? authzVerdict(bytes) : nativeVerdict(bytes);
    if (answered !== request.expected)
      throw new Error(`${request.method} ${request.path}: ${answered}, not ${request.expected}`);
    return bytes.length;
  });
  return mean(sizes);
}

function answerOf(door: UnaryDoor, message: Uint8Array): Uint8Array {
  const reply = door.handle(message, CALL);
  if (reply instanceof Promise) throw new Error("a check had to wait");
  if (reply.kind !== "message") throw new Error(`a check failed: ${reply.message}`);
  return reply.bytes;
}

function authzVerdict(bytes: Uint8Array): string {
  return AuthzResponse.fromBinary(bytes).httpResponse.oneofKind === "okResponse" ? "allowed" : "denied";
}

function nativeVerdict(bytes: Uint8Array): string {
  return NativeResponse.fromBinary(bytes).verdict === Verdict.ALLOWED ? "allowed" : "denied";
}

/** @returns nanoseconds of this thread's CPU per check: what others do on the machine is not in it. */
function run(door: UnaryDoor, messages: readonly Uint8Array[], ms: number): number {
  let checks = 0;
  let answered = 0;
  const end = performance.now() + ms;
  const before = process.threadCpuUsage();
  while (checks % CHECKS_BETWEEN_LOOKS_AT_THE_CLOCK !== 0 || performance.now() < end) {
    const message = messages[checks % messages.length];
    if (message) answered += answerOf(door, message).length;
    checks++;
  }
  const { user, system } = process.threadCpuUsage(before);
  // Nothing is left out because nobody looks at it.
  if (answered === 0) throw new Error("no answer has a byte");
  return ((user + system) * 1_000) / checks;
}

/** @returns bytes allocated per check, told by how much fuller memory is after some of them with no collection in between. */
async function allocated(door: UnaryDoor, messages: readonly Uint8Array[]): Promise<number> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error("this needs --expose-gc");
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const counted: number[] = [];
  let checks = COUNTED_CHECKS;
  while (counted.length < COUNTED_ROUNDS) {
    collect();
    await collectionsTold();
    collections = 0;
    const bytes = bytesOf(door, messages, checks);
    await collectionsTold();
    if (collections === 0) counted.push(bytes / checks);
    else if (checks > FEWEST_COUNTED_CHECKS) checks >>= 1;
    else throw new Error(`${checks} checks are enough for a garbage collection`);
  }
  observer.disconnect();
  return median(counted);
}

/** Observers are told of a collection some turns of the event loop later. */
async function collectionsTold(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await setImmediate();
}

function bytesOf(door: UnaryDoor, messages: readonly Uint8Array[], checks: number): number {
  const before = allocatedYoung();
  let answered = 0;
  for (let check = 0; check < checks; check++) {
    const message = messages[check % messages.length];
    if (message) answered += answerOf(door, message).length;
  }
  const bytes = allocatedYoung() - before;
  if (answered === 0) throw new Error("no answer has a byte");
  return bytes;
}

/** Everything that a check allocates begins there, or is the memory of a buffer; what else is in the heap comes and goes by itself. */
function allocatedYoung(): number {
  const young = getHeapSpaceStatistics().filter(({ space_name }) => YOUNG_SPACES.has(space_name));
  return young.reduce((sum, space) => sum + space.space_used_size, process.memoryUsage().arrayBuffers);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// The job comes from the bench itself, which wrote it as JSON of this very type.
const job = JSON.parse(argv[2] ?? "") as DoorJob;
process.stdout.write(JSON.stringify(await measureDoor(job)));
