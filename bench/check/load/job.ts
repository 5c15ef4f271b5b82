import type { ThreadTime } from "../process-usage.ts";

/** What is asked: Envoy's ext_authz, the native unary Check, or checks on a native stream. */
export type Api = "ext-authz" | "native" | "native-stream";

/** One load, from the moment a server is warm to the last answer. */
export interface LoadJob {
  readonly kind: "load";
  readonly port: number;
  /** The server, whose CPU time is read at the beginning and at the end. */
  readonly pid: number;
  readonly api: Api;
  /** Of `native-stream`; 1 otherwise. */
  readonly checksPerMessage: number;
  readonly connections: number;
  /** Messages without an answer, per connection: at most so many when they come by themselves, always so many when saturated. */
  readonly inFlight: number;
  /** Checks per second, of a Poisson process; undefined: the next one as soon as one is answered. */
  readonly rate: number | undefined;
  /** What each call says that it waits; undefined: it waits. */
  readonly deadlineMs: number | undefined;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** How long answers are waited for when everything has been sent; what has none by then has failed. */
  readonly lastAnswersMs: number;
  /** The requests are about so many rules. */
  readonly rules: number;
  /** Whether answers are held to what the rules say. An echo says the same to everyone. */
  readonly demandVerdicts: boolean;
  readonly seed: number;
}

export interface LoadResult {
  /** Checks that began while it was measured, and how they ended. */
  readonly checks: number;
  /** Not answered, or by a gRPC status. */
  readonly failed: number;
  /** Allowed what should be denied, or the other way round. */
  readonly wrong: number;
  /** Of how long: until the last of these checks was answered, milliseconds. */
  readonly measuredMs: number;
  /** Answered per second, with a gRPC status of 0. */
  readonly perSecond: number;
  /** CPU time of the server, all of its threads, for each of these: what failed costs those that did not. */
  readonly cpuUs: number;
  readonly threads: readonly ThreadTime[];
  /** From the time at which a check should have been sent to its answer, microseconds. */
  readonly latencyUs: Latency;
  /** How late the generator itself was at the 99th percentile, microseconds: what of the latency is not the server's. */
  readonly generatorLateUs: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Asks one server every millisecond while a file of its policies is replaced, and another one beside it. */
export interface ReloadJob {
  readonly kind: "reload";
  readonly port: number;
  /** An echo that is asked at the same times, for what the machine itself does. */
  readonly besidePort: number;
  readonly rules: number;
  /** What to rename to what, and which edition of the rules that is. */
  readonly from: string;
  readonly to: string;
  readonly edition: number;
  readonly limitMs: number;
}

export interface ReloadResult {
  /** From the rename to the first answer by the new rules; undefined when there was none in time. */
  readonly newAnswerMs: number | undefined;
  /** The longest that a check had to wait from the rename to a while after the first new answer, and at the echo beside it. */
  readonly stallMs: number;
  readonly besideStallMs: number;
  readonly checks: number;
  readonly failed: number;
  /** Answered neither as the rules before nor as those after say; or by those before after those after. */
  readonly wrong: number;
}

/** Asks once: for the time from a start to the first answer. */
export interface FirstAnswerJob {
  readonly kind: "first-answer";
  readonly port: number;
  readonly api: Api;
  readonly rules: number;
}

export type Job = LoadJob | ReloadJob | FirstAnswerJob;
